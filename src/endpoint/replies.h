/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_REPLIES_H
#define ENDPOINT_REPLIES_H

#include <stdbool.h>

#include "endpoint/limits.h"
#include "transport/packet.h"
#include "velocity/crypto.h"
#include "velocity/env.h"
#include "velocity/train.h"

/*
 * Answers without a connection: a ring of datagrams that wait to be sent. Each is shorter than what
 * caused it, since only datagrams of 1,200 bytes or more are answered.
 */
struct vel_reply {
    struct vel_addr local, remote;
    size_t len;
    uint8_t bytes[VEL_REPLY_MAX_BYTES];
};

struct vel_replies {
    const struct vel_env *env;
    struct vel_reply *ring; /* VEL_REPLIES_MAX of them */
    size_t first, count;
    vel_time pace; /* when the next paced answer would be on time */
};

/* VEL_ERR_NOMEM */
vel_result vel_replies_init(struct vel_replies *replies, const struct vel_env *env);
void vel_replies_clear(struct vel_replies *replies);

/* Whether Version Negotiation or a refusal may be sent now; counts it. */
bool vel_replies_pace(struct vel_replies *replies, vel_time now);

/* An answer to a train's addresses; the caller writes its bytes and sets `len`. It is sent unless
 * `len` stays 0. NULL when too many wait. */
struct vel_reply *vel_replies_add(struct vel_replies *replies, const struct vel_train *to);

/* Move the oldest into the train. VEL_ERR_AGAIN: none waits. */
vel_result vel_replies_send(struct vel_replies *replies, struct vel_train *train);

/* An Initial packet with nothing but CONNECTION_CLOSE, for a client whose first packet had these
 * ids. VEL_ERR_CRYPTO: nothing to send. */
vel_result vel_reply_close(struct vel_reply *reply, const struct vel_crypto *crypto,
                           const struct vel_packet_header *header, uint64_t wire_code);

#endif
