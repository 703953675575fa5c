/* SPDX-License-Identifier: MIT */
#include "base/steering.h"

#include "base/reader.h"

struct state {
    uint32_t v0, v1, v2, v3;
};

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static void mix(struct state *s, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 5) ^ s->v0;
        s->v3 = rotate(s->v3, 8) ^ s->v2;
        s->v0 = rotate(s->v0, 16);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v2;
        s->v3 = rotate(s->v3, 7) ^ s->v0;
        s->v2 = rotate(s->v2, 16);
    }
}

static void absorb(struct state *s, uint32_t word)
{
    s->v3 ^= word;
    mix(s, VEL_STEERING_ROUNDS_WORD);
    s->v0 ^= word;
}

uint32_t vel_steering_hash(const uint32_t key[2], uint32_t first, uint32_t second)
{
    struct state s = {
        .v0 = key[0], .v1 = key[1], .v2 = key[0] ^ VEL_STEERING_V2, .v3 = key[1] ^ VEL_STEERING_V3};
    absorb(&s, first);
    absorb(&s, second);
    absorb(&s, VEL_STEERING_LENGTH);
    s.v2 ^= VEL_STEERING_MIX_END;
    mix(&s, VEL_STEERING_ROUNDS_END);
    return s.v1 ^ s.v3;
}

uint32_t vel_steering_worker(const struct vel_steering *steering,
                             const uint8_t id[VEL_STEERED_BYTES])
{
    struct vel_reader r = vel_reader(vel_slice(id, VEL_STEERED_BYTES));
    uint32_t first = (uint32_t)vel_read_uint(&r, 4);
    uint32_t second = (uint32_t)vel_read_uint(&r, 4);
    return vel_steering_hash(steering->key, first, second) % steering->workers;
}
