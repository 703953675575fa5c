/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_ECDH_INTERNAL_H
#define CRYPTO_ECDH_INTERNAL_H

#include "crypto/ec_internal.h"

/* The classical half of a hybrid key exchange. */
struct vel_ecdh_key {
    EVP_PKEY *x25519;
    uint8_t scalar[VEL_SCALAR_MAX]; /* P-384 */
};

enum { VEL_ECDH_PUBLIC_MAX = VEL_POINT_MAX, VEL_ECDH_SECRET_MAX = VEL_SCALAR_MAX };

struct vel_ecdh {
    size_t public_size;
    size_t secret_size;
    /* Fill `key` (release it with vel_ecdh_key_clear) and its public value. */
    vel_result (*generate)(const struct vel_crypto *crypto, const struct vel_env *env,
                           struct vel_ecdh_key *key, uint8_t *public_value);
    /* VEL_ERR_MALFORMED  not a point on the curve, or the X25519 result is all zero */
    vel_result (*derive)(const struct vel_crypto *crypto, const struct vel_ecdh_key *key,
                         struct vel_slice peer, uint8_t *secret);
};

extern const struct vel_ecdh vel_ecdh_x25519;
extern const struct vel_ecdh vel_ecdh_p384;

void vel_ecdh_key_clear(struct vel_ecdh_key *key);

#endif
