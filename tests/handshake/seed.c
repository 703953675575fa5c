/* SPDX-License-Identifier: MIT */
#include "handshake/seed.h"

#include "base/writer.h"
#include "crypto/hash.h"

enum { BLOCK = 32 };

static void *seed_alloc(void *self, size_t size)
{
    struct seed_env *s = self;
    return vel_alloc(&s->memory.env, size);
}

static void seed_release(void *self, void *memory, size_t size)
{
    struct seed_env *s = self;
    vel_release(&s->memory.env, memory, size);
}

static void note_draw(struct seed_env *s, const uint8_t *bytes, size_t size)
{
    uint8_t count[4];
    vel_store_uint(count, size, sizeof count);
    ASSERT_OK(vel_buf_append(s->draws, vel_slice(count, sizeof count)));
    ASSERT_OK(vel_buf_append(s->draws, vel_slice(bytes, size)));
}

static void seed_random(void *self, uint8_t *bytes, size_t size)
{
    struct seed_env *s = self;
    for (size_t i = 0; i < size; i++, s->position++) {
        uint8_t number[8];
        uint8_t block[BLOCK];
        vel_store_uint(number, s->position / BLOCK, sizeof number);
        ASSERT_OK(vel_hmac(s->crypto, VEL_SHA256, vel_slice_text(s->seed),
                           vel_slice(number, sizeof number), block));
        bytes[i] = block[s->position % BLOCK];
    }
    if (s->draws != NULL)
        note_draw(s, bytes, size);
}

void seed_env_init(struct seed_env *s, const struct vel_crypto *crypto, const char *seed)
{
    *s = (struct seed_env){.crypto = crypto, .seed = seed};
    test_env_init(&s->memory, 0);
    s->env = (struct vel_env){
        .alloc = seed_alloc, .release = seed_release, .random = seed_random, .self = s};
}

void seed_env_done(struct seed_env *s)
{
    test_env_done(&s->memory);
}
