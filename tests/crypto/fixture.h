/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CRYPTO_FIXTURE_H
#define TESTS_CRYPTO_FIXTURE_H

#include "testing/test.h"
#include "velocity/crypto.h"

/* A seeded env and the library opened with it, for one test. */
struct crypto_fixture {
    struct test_env t;
    struct vel_crypto *crypto;
};

static inline void fixture_open(struct crypto_fixture *f, uint64_t seed)
{
    test_env_init(&f->t, seed);
    ASSERT_OK(vel_crypto_new(&f->t.env, &f->crypto));
}

static inline void fixture_close(struct crypto_fixture *f)
{
    vel_crypto_free(f->crypto);
    test_env_done(&f->t);
}

/* Hex into a local array, as a slice: HEX(name, "00 01"). */
#define HEX(name, text)                                                                            \
    uint8_t name##_bytes[sizeof(text) / 2 + 1];                                                    \
    struct vel_slice name =                                                                        \
        vel_slice(name##_bytes, test_unhex(text, name##_bytes, sizeof name##_bytes))

#endif
