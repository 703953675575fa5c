/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_TOKEN_H
#define ENDPOINT_TOKEN_H

#include <stdbool.h>

#include "transport/cid.h"
#include "velocity/addr.h"
#include "velocity/crypto.h"
#include "velocity/env.h"

/*
 * Address validation tokens, RFC 9000 8.1: proof that a client receives, or received, at the address
 * it sends from. Only the server that made one reads it; to everybody else it is opaque.
 *
 *     Retry:      type 0x01 | id 16 | AES-256-GCM( time 8 | length 1 | original DCID )
 *     NEW_TOKEN:  type 0x02 | id 16 | AES-256-GCM( time 8 )
 *
 * Both kinds have keys of their own, and each token a key and nonce of its own:
 * HKDF-Expand(key of the kind, label || id, 44) with "vel1 retry" or "vel1 newtoken". Everything a
 * token is bound to is associated data. That of a Retry is worth nothing from elsewhere, nor with
 * another connection id. That of a NEW_TOKEN is bound to the address without the port, which a
 * translator changes, and to the version (RFC 9369 5).
 */
enum {
    VEL_TOKEN_KEY = 32,
    VEL_TOKEN_TYPE_RETRY = 1,
    VEL_TOKEN_TYPE_NEW = 2,
    VEL_TOKEN_ID = 16,
    VEL_RETRY_TOKEN_MAX = 1 + VEL_TOKEN_ID + 8 + 1 + VEL_CID_MAX + 16,
    VEL_NEW_TOKEN_SIZE = 1 + VEL_TOKEN_ID + 8 + 16, /* at most VEL_NEW_TOKEN_MAX */
    VEL_TOKENS_SPENT = 1024
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

/* ---- NEW_TOKEN ---- */

struct vel_new_token_facts {
    struct vel_addr remote; /* its port does not count */
    uint32_t version;       /* negotiated */
};

/* VEL_ERR_CRYPTO: nothing was made. *size: VEL_NEW_TOKEN_SIZE. */
vel_result vel_new_token_seal(const struct vel_crypto *crypto, const struct vel_env *env,
                              const struct vel_token_key *key,
                              const struct vel_new_token_facts *facts, vel_time now,
                              uint8_t token[VEL_NEW_TOKEN_SIZE], size_t *size);

/* It claims to be one of this server's. */
bool vel_token_is_new(struct vel_slice token);

/* Errors as vel_retry_token_open, with VEL_NEW_TOKEN_LIFETIME. RFC 9000 8.1.3: a token that does not
 * open is as good as none. */
vel_result vel_new_token_open(const struct vel_crypto *crypto, const struct vel_token_key *key,
                              const struct vel_new_token_facts *facts, struct vel_slice token,
                              vel_time now);

/*
 * Tokens that were used, RFC 9000 8.1.4: a client uses one once, so a second time it is somebody who
 * watched. The memory is short: an entry lasts until a token comes whose id falls on the same place.
 * Somebody who gets past it is spared the limit of three times what he sent, from one address, which
 * he has to forge; and never for longer than the token lives.
 */
struct vel_spent_tokens {
    uint64_t ids[VEL_TOKENS_SPENT];
};

/* True the first time. `token` was opened. */
bool vel_token_spend(struct vel_spent_tokens *spent, struct vel_slice token);

#endif
