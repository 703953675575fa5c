/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_AEAD_INTERNAL_H
#define CRYPTO_AEAD_INTERNAL_H

#include "crypto/aead.h"
#include "velocity/env.h"

/*
 * Who does the work behind aead.h: a provider is a library that has some of the AEADs. libcrypto has all
 * of them; Intel's ipsec-mb has AES-GCM on x86-64, and does it in one call (docs/decisions/0011). Which
 * one protects packets with an AEAD stands in struct vel_crypto, once for all.
 */
struct vel_aead_provider {
    const char *name;

    /* A keyed context; the key has the right size. */
    vel_result (*make)(const struct vel_crypto *crypto, enum vel_aead_id id,
                       enum vel_aead_direction direction, struct vel_slice key, void **context);
    void (*release)(void *context); /* and wipe; never NULL */

    /* `head`, which may lie at `out`, and `body` after it; the tag follows. All sizes fit an int. */
    vel_result (*seal)(void *context, const uint8_t *nonce, struct vel_slice ad,
                       struct vel_slice head, struct vel_slice body, uint8_t *out);

    /* `sealed`, which may lie at `out`, without its tag. VEL_ERR_AUTH  `tag` is wrong */
    vel_result (*open)(void *context, const uint8_t *nonce, struct vel_slice ad,
                       struct vel_slice sealed, const uint8_t *tag, uint8_t *out);
};

extern const struct vel_aead_provider vel_aead_libcrypto;
extern const struct vel_aead_provider vel_aead_ipsec_mb;

/*
 * The functions of ipsec-mb that are best for this processor. NULL when the build has not found the
 * library, when the processor lacks AES, carry-less multiplication or AVX2, or when the library's own
 * tests fail: then libcrypto does everything. VEL_ERR_NOMEM  the env has no memory
 */
struct vel_ipsec_mb;
vel_result vel_ipsec_mb_load(const struct vel_env *env, struct vel_ipsec_mb **made);
void vel_ipsec_mb_free(const struct vel_env *env, struct vel_ipsec_mb *ipsec_mb);

#endif
