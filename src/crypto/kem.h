/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_KEM_H
#define CRYPTO_KEM_H

#include "base/secret.h"
#include "crypto/suite.h"
#include "velocity/crypto.h"
#include "velocity/env.h"
#include "velocity/slice.h"

/*
 * Hybrid key exchange as one KEM: both halves travel together and the secrets are concatenated in
 * the group's order (PROTOCOL section 3). Keys are ephemeral. All randomness comes from env, so a
 * seeded env gives the same bytes.
 */
struct vel_kem_key;

/* share: group->share_size bytes, filled. VEL_ERR_CRYPTO on failure of libcrypto. */
vel_result vel_kem_generate(const struct vel_crypto *crypto, const struct vel_env *env,
                            const struct vel_group *group, struct vel_kem_key **key,
                            uint8_t *share);

/* Server side: reply has group->reply_size bytes.
 * VEL_ERR_MALFORMED  wrong length, FIPS 203 modulus check failed, point not on the curve, or the
 *                    X25519 result is all zero: end the handshake (illegal_parameter) */
vel_result vel_kem_encapsulate(const struct vel_crypto *crypto, const struct vel_env *env,
                               const struct vel_group *group, struct vel_slice share,
                               uint8_t *reply, struct vel_secret *secret);

/* Client side; errors as above. */
vel_result vel_kem_decapsulate(const struct vel_crypto *crypto, const struct vel_kem_key *key,
                               struct vel_slice reply, struct vel_secret *secret);

void vel_kem_key_free(struct vel_kem_key *key);

#endif
