/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_RESET_H
#define ENDPOINT_RESET_H

#include <stdbool.h>

#include "transport/cid.h"
#include "velocity/crypto.h"
#include "velocity/endpoint.h"

/*
 * Stateless resets, RFC 9000 10.3: how a server that has lost a connection says so. The token of a
 * connection id is a function of the id under a key, so that whoever has the key knows the token of
 * an id that it has forgotten. To everybody else a reset looks like any packet.
 */
enum {
    VEL_RESET_MIN = 21,     /* bytes of the shortest reset that a peer may believe */
    VEL_RESET_TYPICAL = 42, /* ours have at least as many where the trigger allows */
    VEL_RESET_MAX = 100     /* and at most so many */
};

/* VEL_ERR_CRYPTO */
vel_result vel_reset_token(const struct vel_crypto *crypto, const uint8_t key[VEL_RESET_KEY],
                           const struct vel_cid *cid, uint8_t token[VEL_RESET_TOKEN]);

/* Bytes of a reset in answer to a datagram of `trigger` bytes: always fewer, so that two ends that
 * know nothing of each other fall silent. 0: none. `random` chooses among what is possible. */
size_t vel_reset_size(size_t trigger, uint8_t random);

/* Write one of `size` bytes. */
void vel_reset_write(const struct vel_env *env, const uint8_t token[VEL_RESET_TOKEN],
                     uint8_t *bytes, size_t size);

#endif
