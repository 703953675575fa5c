/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_RECV_BUFFER_H
#define TRANSPORT_RECV_BUFFER_H

#include "transport/pool.h"
#include "transport/ranges.h"
#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * The receiving half of a STREAM or CRYPTO stream: puts bytes that arrive in any order into order.
 *
 *      consumed        ready            highest
 *         | can be read  | holes, `later`  |
 *
 * Bytes live in blocks of VEL_POOL_BLOCK bytes, by aligned offset; a block is taken when the first
 * byte of it arrives and given back when its last is consumed. The first block starts small
 * and grows, so that a short request costs VEL_RECV_SMALL bytes. What a peer can make us hold is
 * therefore its flow-control credit, rounded up to blocks, whatever the order and size of its
 * frames; and VEL_RECV_GAPS_MAX ranges of 16 bytes. Each costs a move of half of them at most, and
 * crumbs are not taken: more than VEL_RECV_CRUMBS pieces of fewer than VEL_RECV_CRUMB bytes on
 * average. So the work per packet is bounded as well. Honest loss stays below: every seventh packet
 * of a window of 10 MB would have to be missing.
 *
 * Bytes that arrive twice are taken from the first arrival that was readable; contradictions are
 * not looked for (RFC 9000 2.2 allows that). Readable bytes are never overwritten.
 */
enum { VEL_RECV_SMALL = 256, VEL_RECV_GAPS_MAX = 1024, VEL_RECV_CRUMBS = 128, VEL_RECV_CRUMB = 64 };

struct vel_recv_buffer {
    struct vel_pool *pool;
    uint64_t consumed;       /* given to the application and released */
    uint64_t ready;          /* end of what arrived without a hole */
    uint64_t highest;        /* end of the highest byte seen: what flow control counts */
    struct vel_ranges later; /* arrived beyond `ready` */
    uint8_t **blocks;        /* ring of `capacity` entries, NULL where nothing arrived */
    uint32_t first, capacity;
    uint64_t first_block; /* number (offset / VEL_POOL_BLOCK) of the block at `first` */
    uint32_t small_size;  /* bytes allocated for block 0 while it is smaller than the others */
    bool fin;             /* the final size is known: `highest` */
    uint8_t *next;        /* place of the byte at `ready`, */
    uint32_t next_room;   /* and bytes to the end of its block; 0: to be found */
};

void vel_recv_buffer_init(struct vel_recv_buffer *b, struct vel_pool *pool);
void vel_recv_buffer_clear(struct vel_recv_buffer *b);

/*
 * Would bytes that end at offset `end`, final ones with `fin`, be consistent with what is known of
 * the final size (RFC 9000 4.5)? VEL_ERR_UNEXPECTED: no: FINAL_SIZE_ERROR.
 */
static inline vel_result vel_recv_buffer_check(const struct vel_recv_buffer *b, uint64_t end,
                                               bool fin)
{
    bool fits = b->fin ? (fin ? end == b->highest : end <= b->highest) : !fin || end >= b->highest;
    return fits ? VEL_OK : VEL_ERR_UNEXPECTED;
}

/*
 * Take the bytes of a frame. The caller has checked flow control.
 * VEL_ERR_UNEXPECTED  contradicts the final size: FINAL_SIZE_ERROR
 * VEL_ERR_LIMIT       more than VEL_RECV_GAPS_MAX holes, or crumbs
 * VEL_ERR_NOMEM       all of these end the connection
 */
vel_result vel_recv_buffer_insert(struct vel_recv_buffer *b, uint64_t offset,
                                  struct vel_slice bytes, bool fin);

/* Remember only how far the bytes of a frame reach: for a stream that nobody reads. Errors as for
 * vel_recv_buffer_check. */
vel_result vel_recv_buffer_skip(struct vel_recv_buffer *b, uint64_t end, bool fin);

/* The stream ends at `final_size` and its bytes are of no interest: memory is given back.
 * VEL_ERR_UNEXPECTED  contradicts what is known */
vel_result vel_recv_buffer_end(struct vel_recv_buffer *b, uint64_t final_size);

/* The next bytes in order, up to the end of their block; valid until consumed or until the next
 * insert. *fin: the stream ends with them. */
struct vel_slice vel_recv_buffer_read(const struct vel_recv_buffer *b, bool *fin);

/* Release `count` bytes, at most what is ready. */
void vel_recv_buffer_consume(struct vel_recv_buffer *b, size_t count);

/* Give back the memory of an empty buffer in the middle of its block. */
void vel_recv_buffer_trim(struct vel_recv_buffer *b);

/* All bytes up to the final size have arrived. */
static inline bool vel_recv_buffer_complete(const struct vel_recv_buffer *b)
{
    return b->fin && b->ready == b->highest;
}

#endif
