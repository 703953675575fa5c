/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_TOKEN_H
#define ENDPOINT_TOKEN_H

#include <stdbool.h>

#include "transport/cid.h"
#include "velocity/addr.h"
#include "velocity/crypto.h"
#include "velocity/env.h"

/*
 * Retry tokens, RFC 9000 8.1.2: proof that a client receives at the address it sends from. Only the
 * server that made one reads it; to everybody else it is opaque.
 *
 *     type 0x01 | id 16 | AES-256-GCM( time 8 | length 1 | original DCID )
 *
 * Each token has a key and nonce of its own: HKDF-Expand(token key, "vel1 retry" || id, 44). The
 * address, port, version and the Retry's Source Connection ID are associated data, so a token is
 * worth nothing from elsewhere, nor with another connection id.
 */
enum {
    VEL_TOKEN_KEY = 32,
    VEL_TOKEN_TYPE_RETRY = 1,
    VEL_TOKEN_ID = 16,
    VEL_RETRY_TOKEN_MAX = 1 + VEL_TOKEN_ID + 8 + 1 + VEL_CID_MAX + 16
};

struct vel_token_key {
    uint8_t bytes[VEL_TOKEN_KEY];
};

void vel_token_key_init(struct vel_token_key *key, const struct vel_env *env);

/* What a token is bound to. */
struct vel_retry_facts {
    struct vel_addr remote;
    uint32_t version;
    struct vel_cid retry_scid; /* the Retry's Source Connection ID */
};

/* VEL_ERR_CRYPTO: nothing was made. *size: at most VEL_RETRY_TOKEN_MAX. */
vel_result vel_retry_token_seal(const struct vel_crypto *crypto, const struct vel_env *env,
                                const struct vel_token_key *key,
                                const struct vel_retry_facts *facts,
                                const struct vel_cid *original_dcid, vel_time now,
                                uint8_t token[VEL_RETRY_TOKEN_MAX], size_t *size);

/* It claims to be a Retry token of this server; others are ignored (RFC 9000 8.1.3). */
bool vel_token_is_retry(struct vel_slice token);

/* VEL_ERR_AUTH     forged, or bound to something else
 * VEL_ERR_TIMEOUT  older than VEL_RETRY_LIFETIME */
vel_result vel_retry_token_open(const struct vel_crypto *crypto, const struct vel_token_key *key,
                                const struct vel_retry_facts *facts, struct vel_slice token,
                                vel_time now, struct vel_cid *original_dcid);

#endif
