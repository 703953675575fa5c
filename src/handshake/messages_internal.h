/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_MESSAGES_INTERNAL_H
#define HANDSHAKE_MESSAGES_INTERNAL_H

#include "handshake/extensions.h"
#include "handshake/messages.h"

/* Building a message: a writer on `room` bytes at the end of `out`, after the header. */
struct vel_message_builder {
    struct vel_buf *out;
    struct vel_writer w;
    uint8_t *length;
};

/* VEL_ERR_NOMEM, VEL_ERR_LIMIT: no room. */
vel_result vel_message_open(struct vel_message_builder *b, struct vel_buf *out,
                            enum vel_message_type type, size_t room);

/* VEL_ERR_LIMIT: the body is longer than its type allows, or than the room. */
vel_result vel_message_close(struct vel_message_builder *b);

/* A u16-length vector of code points: not empty, even. */
struct vel_slice vel_read_codes(struct vel_reader *r);
void vel_write_vector(struct vel_writer *w, struct vel_slice body, size_t size);

#endif
