/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HANDSHAKE_SEED_H
#define TESTS_HANDSHAKE_SEED_H

#include "base/buf.h"
#include "testing/test.h"
#include "velocity/crypto.h"

/*
 * Surroundings whose randomness an implementer can reproduce, as spec/velocity-1.md defines it for
 * transcripts: the concatenation of HMAC-SHA-256(seed, i) for i = 0, 1, ... as 64-bit big-endian
 * numbers; each draw takes the next bytes.
 */
struct seed_env {
    struct vel_env env; /* pass &s.env */
    struct test_env memory;
    const struct vel_crypto *crypto;
    const char *seed;
    uint64_t position;     /* bytes drawn so far */
    struct vel_buf *draws; /* NULL, or where the size (u32) and bytes of each draw are noted */
};

/* seed: text, outlives the env. */
void seed_env_init(struct seed_env *s, const struct vel_crypto *crypto, const char *seed);
void seed_env_done(struct seed_env *s);

#endif
