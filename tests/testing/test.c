/* SPDX-License-Identifier: MIT */
#include "testing/test.h"

#include <string.h>

static void *test_alloc(void *self, size_t size)
{
    struct test_env *t = self;
    if (t->fail_after == 0)
        return NULL;
    if (t->fail_after > 0)
        t->fail_after--;
    void *memory = calloc(1, size);
    if (memory != NULL)
        t->outstanding += size;
    return memory;
}

static void test_release(void *self, void *memory, size_t size)
{
    struct test_env *t = self;
    if (memory == NULL)
        return;
    memset(memory, 0xdd, size);
    free(memory);
    t->outstanding -= size;
}

/* splitmix64: every seed, zero included, starts a different sequence. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void test_random(void *self, uint8_t *bytes, size_t size)
{
    struct test_env *t = self;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(next_random(&t->state) >> 32);
}

void test_env_init(struct test_env *t, uint64_t seed)
{
    *t = (struct test_env){.state = seed, .fail_after = -1};
    t->env = (struct vel_env){
        .alloc = test_alloc, .release = test_release, .random = test_random, .self = t};
}

void test_env_done(struct test_env *t)
{
    if (t->outstanding != 0)
        fail_msg("%zu bytes leaked", t->outstanding);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t test_unhex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t digits = 0;
    for (; *hex != '\0'; hex++) {
        if (*hex == ' ' || *hex == '\n')
            continue;
        int value = hex_digit(*hex);
        if (value < 0 || digits / 2 >= capacity)
            fail_msg("bad hex text at '%s'", hex);
        if (digits % 2 == 0)
            out[digits / 2] = (uint8_t)(value << 4);
        else
            out[digits / 2] |= (uint8_t)value;
        digits++;
    }
    if (digits % 2 != 0)
        fail_msg("odd number of hex digits");
    return digits / 2;
}
