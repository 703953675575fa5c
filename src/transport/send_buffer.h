/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_SEND_BUFFER_H
#define TRANSPORT_SEND_BUFFER_H

#include "transport/pool.h"
#include "transport/ranges.h"
#include "velocity/conn.h"

/*
 * The sending half of a STREAM or CRYPTO stream: bytes wait here from the write until the peer has
 * acknowledged them, because a lost packet is not sent again, its bytes are (RFC 9000 13.3).
 *
 *      base          sent            end          base + limit
 *       |  in flight, |   not sent    |   room to    |
 *       |  lost,acked |     yet       |    write     |
 *
 * Every byte below `base` is acknowledged and freed. Between `base` and `sent`, `acked` holds what
 * was acknowledged out of order and `lost` what must be sent again; the rest is in flight. The two
 * sets never overlap. Bytes live in chunks, copied (pool blocks) or borrowed (the application's),
 * found by a look where the last one was, or by binary search on their offset.
 *
 * The number of chunks is bounded by VEL_SEND_CHUNKS_MAX, their bytes by `limit`; the ranges by the
 * number of frames in flight.
 */
enum { VEL_SEND_CHUNKS_MAX = 4096 };

/* The FIN bit travels like a byte after the last one. */
enum vel_send_fin {
    VEL_FIN_NONE,   /* more may be written */
    VEL_FIN_QUEUED, /* to be sent, for the first time or again */
    VEL_FIN_IN_FLIGHT,
    VEL_FIN_ACKED
};

struct vel_send_buffer {
    struct vel_pool *pool;
    uint64_t limit; /* bytes between base and end at most */
    uint64_t base, sent, end;
    struct vel_ranges acked, lost;
    struct vel_send_chunk *chunks; /* ring of `capacity` chunks, a power of two */
    uint32_t first, count, capacity;
    uint32_t last_found; /* index of the chunk that was read last: the next one read is near */
    enum vel_send_fin fin;
};

/* What to put in one frame. */
struct vel_send_span {
    uint64_t offset;
    size_t len;
    bool fin;
};

/* The pool outlives the buffer. */
void vel_send_buffer_init(struct vel_send_buffer *b, struct vel_pool *pool, uint64_t limit);

/* Drop everything; borrowed chunks are released. The buffer stays usable for clear only. */
void vel_send_buffer_clear(struct vel_send_buffer *b);

/* Queue a copy of as much of `bytes` as fits; *accepted tells how much. With `fin`, and when all
 * were taken, nothing can be written after them.
 * VEL_ERR_CLOSED  a fin was written before
 * VEL_ERR_NOMEM   nothing was taken */
vel_result vel_send_buffer_write(struct vel_send_buffer *b, struct vel_slice bytes, bool fin,
                                 size_t *accepted);

/* Queue without a copy, all or nothing; `release` is called once the bytes are acknowledged or
 * dropped. More than `limit` bytes are taken when nothing else is queued. Errors: no `release`.
 * VEL_ERR_AGAIN   no room: wait for acknowledgements
 * VEL_ERR_CLOSED, VEL_ERR_NOMEM  as above */
vel_result vel_send_buffer_lend(struct vel_send_buffer *b, struct vel_slice bytes, bool fin,
                                vel_release_fn release, void *context);

/* Bytes that a write would accept. */
size_t vel_send_buffer_room(const struct vel_send_buffer *b);

/* Bytes (or a fin) wait for retransmission: they need no flow-control credit. */
bool vel_send_buffer_has_lost(const struct vel_send_buffer *b);

/*
 * The next thing to send, at most `max` bytes, lost bytes first; new ones only below the offset
 * `credit`. False when there is nothing. A span without bytes is a fin alone. Pass what was really
 * put in a frame (`len` may be cut, then without fin) to vel_send_buffer_sent.
 */
bool vel_send_buffer_next(const struct vel_send_buffer *b, size_t max, uint64_t credit,
                          struct vel_send_span *span);
vel_result vel_send_buffer_sent(struct vel_send_buffer *b, const struct vel_send_span *span);

/* Queued bytes from `offset` on, at most `len` and not beyond their chunk: where they lie until they
 * are acknowledged. [offset, offset + len) is in [base, end), and not empty. */
struct vel_slice vel_send_buffer_peek(struct vel_send_buffer *b, uint64_t offset, size_t len);

/* Copy queued bytes from [base, end) into a packet, across chunks. */
void vel_send_buffer_copy(const struct vel_send_buffer *b, uint64_t offset, size_t len,
                          uint8_t *out);

/* A packet with this span was acknowledged, or declared lost. Any order, any repetition.
 * VEL_ERR_NOMEM  the span could not be remembered: the connection cannot go on */
vel_result vel_send_buffer_acked(struct vel_send_buffer *b, const struct vel_send_span *span);
vel_result vel_send_buffer_lost(struct vel_send_buffer *b, const struct vel_send_span *span);

/* Everything, the fin included, was acknowledged. */
bool vel_send_buffer_done(const struct vel_send_buffer *b);

#endif
