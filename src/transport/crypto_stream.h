/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CRYPTO_STREAM_H
#define TRANSPORT_CRYPTO_STREAM_H

#include "base/writer.h"
#include "transport/recv_buffer.h"
#include "transport/send_buffer.h"

struct vel_frame_crypto;
struct vel_record;
struct vel_sent;

/*
 * The CRYPTO stream of one encryption level, RFC 9000 7.5 and 19.6: both directions, offsets from
 * zero, no flow control but a limit on what waits, no end. The connection has one for each level
 * but 0-RTT, and drops it with the level's keys.
 */
enum { VEL_CRYPTO_LIMIT = 64 * 1024 };

struct vel_crypto_stream {
    struct vel_send_buffer send;
    struct vel_recv_buffer recv;
};

/* The pool outlives the stream. */
void vel_crypto_stream_init(struct vel_crypto_stream *c, struct vel_pool *pool);

/* Release everything, with the level's keys. Twice is fine; init makes it usable again. */
void vel_crypto_stream_clear(struct vel_crypto_stream *c);

/* Queue bytes of the handshake; copied, all or nothing.
 * VEL_ERR_LIMIT  more than VEL_CRYPTO_LIMIT bytes unacknowledged
 * VEL_ERR_NOMEM */
vel_result vel_crypto_stream_write(struct vel_crypto_stream *c, struct vel_slice bytes);

/* Take a CRYPTO frame. On failure *wire_code is what to close with.
 * VEL_ERR_LIMIT  CRYPTO_BUFFER_EXCEEDED: it ends more than VEL_CRYPTO_LIMIT past what was consumed
 * VEL_ERR_NOMEM  INTERNAL_ERROR */
vel_result vel_crypto_stream_on_frame(struct vel_crypto_stream *c,
                                      const struct vel_frame_crypto *frame, uint64_t *wire_code);

/* The next bytes in order, valid until consumed or until the next frame; empty: none yet. */
struct vel_slice vel_crypto_stream_read(const struct vel_crypto_stream *c);
void vel_crypto_stream_consume(struct vel_crypto_stream *c, size_t count);

/* Bytes came that are not consumed, in order or not: a level must not end with them
 * (RFC 9001 4.1.3). */
bool vel_crypto_stream_has_unread(const struct vel_crypto_stream *c);

bool vel_crypto_stream_want_send(const struct vel_crypto_stream *c);

/* Fill a payload with CRYPTO frames as long as there is room and work; `w` never fails here.
 * VEL_ERR_NOMEM ends the connection */
vel_result vel_crypto_stream_write_frames(struct vel_crypto_stream *c, struct vel_writer *w,
                                          struct vel_sent *sent);

/*
 * The same for bytes that were sent and are not acknowledged, from *offset on, which advances; for
 * probes, and for the padding of a first flight, which repeats it (VEL-TR-02). Start with
 * *offset 0. Nothing is written when all of them have been repeated.
 */
vel_result vel_crypto_stream_repeat_frames(const struct vel_crypto_stream *c, uint64_t *offset,
                                           struct vel_writer *w, struct vel_sent *sent);

/* Records of CRYPTO frames of this level came back. VEL_ERR_NOMEM ends the connection. */
vel_result vel_crypto_stream_acked(struct vel_crypto_stream *c, const struct vel_record *record);
vel_result vel_crypto_stream_lost(struct vel_crypto_stream *c, const struct vel_record *record);

#endif
