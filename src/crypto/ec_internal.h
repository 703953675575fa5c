/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_EC_INTERNAL_H
#define CRYPTO_EC_INTERNAL_H

#include "crypto/crypto_internal.h"

/*
 * Arithmetic on the NIST curves, for keys whose scalar comes from env->random: a scalar of the
 * order's size, a point as an uncompressed octet string (SEC 1, 2.3.3).
 */
enum { VEL_SCALAR_MAX = 48, VEL_POINT_MAX = 1 + 2 * VEL_SCALAR_MAX };

/* Bytes of a scalar: 32 or 48. A point has 1 + 2 times as many, a shared secret as many. */
size_t vel_curve_scalar_size(enum vel_curve curve);

/* Draw scalars until one is in [1, n-1] (FIPS 186-5, A.4.2). */
vel_result vel_curve_draw(const struct vel_crypto *crypto, const struct vel_env *env,
                          enum vel_curve curve, uint8_t *scalar);

/* scalar times the generator. */
vel_result vel_curve_public(const struct vel_crypto *crypto, enum vel_curve curve,
                            const uint8_t *scalar, uint8_t *point);

/* x coordinate of scalar times peer (SP 800-56A, 5.7.1.2; the cofactor is 1).
 * VEL_ERR_MALFORMED  peer is not an uncompressed point on the curve */
vel_result vel_curve_shared(const struct vel_crypto *crypto, enum vel_curve curve,
                            const uint8_t *scalar, struct vel_slice peer, uint8_t *secret);

#endif
