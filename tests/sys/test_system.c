/* SPDX-License-Identifier: MIT */
#include "velocity/system.h"

#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "testing/test.h"

static void gives_zeroed_memory(void **state)
{
    (void)state;
    struct vel_env env = vel_env_system();
    static const uint8_t zero[64];
    uint8_t *memory = vel_alloc(&env, sizeof zero);
    assert_non_null(memory);
    assert_memory_equal(memory, zero, sizeof zero);
    vel_release(&env, memory, sizeof zero);
    vel_release(&env, NULL, 10);
}

static void gives_different_random_bytes(void **state)
{
    (void)state;
    struct vel_env env = vel_env_system();
    uint8_t a[600] = {0}, b[600] = {0};
    vel_random(&env, a, sizeof a);
    vel_random(&env, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a + 500, b + 500, 100);
    vel_random(&env, a, 0);
}

static void clocks_agree(void **state)
{
    (void)state;
    vel_time before = vel_clock_now();
    assert_true(vel_clock_now() >= before);
    int64_t there = vel_clock_unix_offset() + vel_clock_now() / SECOND;
    int64_t apart = vel_clock_unix() - there;
    assert_true(apart >= -5 && apart <= 5);
}

static void stamps_have_a_fixed_form(void **state)
{
    (void)state;
    char text[VEL_STAMP_SIZE];
    vel_clock_stamp(text);
    assert_int_equal(strlen(text), VEL_STAMP_SIZE - 1);
    const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    for (size_t i = 0; i < sizeof form - 1; i++)
        CHECK(text, form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i]);
}

#ifndef __has_feature /* clang's */
#define __has_feature(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { ANOTHER_HEAP = 1 };
#else
enum { ANOTHER_HEAP = 0 };
#endif

static size_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* As connections leave it: much is free, but not in one piece. */
static void released_memory_goes_back(void **state)
{
    (void)state;
    enum { BLOCK = 8000, COUNT = 4000, KEPT_EACH = 20 };
    struct vel_env env = vel_env_system();
    static void *blocks[COUNT];
    if (ANOTHER_HEAP)
        skip();
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = vel_alloc(&env, BLOCK);
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, BLOCK);
    }
    for (size_t i = 0; i < COUNT; i++)
        if (i % KEPT_EACH != 0)
            vel_release(&env, blocks[i], BLOCK);
    size_t before = resident();
    vel_memory_give_back();
    assert_true(resident() + (size_t)BLOCK * COUNT / 2 < before);
    for (size_t i = 0; i < COUNT; i += KEPT_EACH)
        vel_release(&env, blocks[i], BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_memory),
        cmocka_unit_test(gives_different_random_bytes),
        cmocka_unit_test(clocks_agree),
        cmocka_unit_test(stamps_have_a_fixed_form),
        cmocka_unit_test(released_memory_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
