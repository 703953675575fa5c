/* SPDX-License-Identifier: MIT */
#include "endpoint/keyed_hash.h"

enum { WORD = 8, ROUNDS_WORD = 2, ROUNDS_END = 4 };

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void mix(struct state *s, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, ROUNDS_WORD);
    s->v0 ^= word;
}

/* Little-endian, of at most 8 bytes. */
static uint64_t load(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t vel_keyed_hash(const struct vel_hash_key *key, struct vel_slice bytes)
{
    struct state s = {
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
    size_t whole = bytes.len - bytes.len % WORD;
    for (size_t i = 0; i < whole; i += WORD)
        absorb(&s, load(bytes.ptr + i, WORD));
    absorb(&s, load(bytes.ptr + whole, bytes.len - whole) | (uint64_t)bytes.len << 56);
    s.v2 ^= 0xff;
    mix(&s, ROUNDS_END);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
