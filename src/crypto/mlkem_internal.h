/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_MLKEM_INTERNAL_H
#define CRYPTO_MLKEM_INTERNAL_H

#include "crypto/crypto_internal.h"

/* The post-quantum half of a hybrid key exchange: FIPS 203 with the randomness of env. */
enum {
    VEL_MLKEM_SEED = 64,    /* d || z */
    VEL_MLKEM_ENTROPY = 32, /* m of the encapsulation */
    VEL_MLKEM_SECRET = 32,
    VEL_MLKEM_PUBLIC_MAX = 1568,
    VEL_MLKEM_CIPHERTEXT_MAX = 1568
};

size_t vel_mlkem_public_size(enum vel_mlkem set);
size_t vel_mlkem_ciphertext_size(enum vel_mlkem set);

vel_result vel_mlkem_generate(const struct vel_env *env, enum vel_mlkem set, EVP_PKEY **key,
                              uint8_t *public_key);

/* VEL_ERR_MALFORMED  wrong length, or a coefficient is not below q (FIPS 203, 7.2) */
vel_result vel_mlkem_encapsulate(const struct vel_env *env, enum vel_mlkem set,
                                 struct vel_slice public_key, uint8_t *ciphertext, uint8_t *secret);

/* A ciphertext that was tampered with gives another secret (implicit rejection), not an error.
 * VEL_ERR_MALFORMED  wrong length */
vel_result vel_mlkem_decapsulate(enum vel_mlkem set, EVP_PKEY *key, struct vel_slice ciphertext,
                                 uint8_t *secret);

#endif
