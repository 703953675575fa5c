/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_FRAMER_H
#define HANDSHAKE_FRAMER_H

#include "base/buf.h"
#include "handshake/messages.h"

/*
 * Cuts a CRYPTO stream, which arrives in any pieces, into messages (VEL-HS-01). In two steps, so
 * that the caller can refuse a message by type and length before a byte of its body is kept.
 * Start with {.buf = {.env = env, .limit = VEL_FRAMER_MAX}}.
 */
enum { VEL_FRAMER_MAX = VEL_MSG_HEADER + VEL_CHAIN_BYTES_MAX };

struct vel_framer {
    struct vel_buf buf;
};

/* A whole message as it stood in the stream; `body` is the part after its header. */
struct vel_message {
    uint8_t type;
    struct vel_slice whole;
    struct vel_slice body;
};

/* Take from *in until the header of the next message is known.
 * VEL_ERR_AGAIN  *in is used up, more is needed */
vel_result vel_framer_header(struct vel_framer *framer, struct vel_slice *in, uint8_t *type,
                             size_t *body_size);

/* Take the rest of that message. It is valid until vel_framer_next.
 * VEL_ERR_AGAIN  *in is used up, more is needed; start again with vel_framer_header
 * VEL_ERR_LIMIT  body over VEL_CHAIN_BYTES_MAX; VEL_ERR_NOMEM */
vel_result vel_framer_body(struct vel_framer *framer, struct vel_slice *in,
                           struct vel_message *message);

/* Forget the message; its memory is wiped and released. */
void vel_framer_next(struct vel_framer *framer);

#endif
