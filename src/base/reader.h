/* SPDX-License-Identifier: MIT */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "velocity/slice.h"

/*
 * A cursor over untrusted bytes. The first read past the end marks the reader failed; from then
 * on every read gives zero or an empty slice and moves nothing. So a parser reads all its fields
 * straight down and asks once at the end. Nothing here can touch memory outside [pos, end).
 */
struct vel_reader {
    const uint8_t *pos;
    const uint8_t *end;
    bool failed;
};

static inline struct vel_reader vel_reader(struct vel_slice bytes)
{
    /* NULL plus 0 is undefined in C, so an empty slice reads from an empty string instead. */
    const uint8_t *start = bytes.len > 0 ? bytes.ptr : (const uint8_t *)"";
    return (struct vel_reader){.pos = start, .end = start + bytes.len};
}

static inline size_t vel_left(const struct vel_reader *r)
{
    return (size_t)(r->end - r->pos);
}

/* The one place that compares a length with the space left. */
static inline struct vel_slice vel_read_bytes(struct vel_reader *r, uint64_t count)
{
    if (r->failed || count > vel_left(r)) {
        r->failed = true;
        return (struct vel_slice){.ptr = r->pos};
    }
    struct vel_slice bytes = {.ptr = r->pos, .len = (size_t)count};
    r->pos += count;
    return bytes;
}

/* Everything that is left. */
static inline struct vel_slice vel_read_rest(struct vel_reader *r)
{
    return vel_read_bytes(r, vel_left(r));
}

/* Big-endian unsigned integer of 1 to 8 bytes. */
static inline uint64_t vel_read_uint(struct vel_reader *r, size_t size)
{
    struct vel_slice bytes = vel_read_bytes(r, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.ptr[i];
    return value;
}

/* Variable-length integer, RFC 9000 section 16: two bits of length, then 6 to 62 bits. Far from the end
 * it is the upper part of the next eight bytes, whatever its size. */
static inline uint64_t vel_read_varint(struct vel_reader *r)
{
    if (r->failed || vel_left(r) == 0) {
        r->failed = true;
        return 0;
    }
    if (*r->pos < 0x40)
        return *r->pos++;
    size_t size = (size_t)1 << (*r->pos >> 6);
    uint64_t next;
    if (vel_left(r) < sizeof next)
        return vel_read_uint(r, size) & (UINT64_MAX >> (66 - 8 * size));
    memcpy(&next, r->pos, sizeof next);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        next = __builtin_bswap64(next);
    r->pos += size;
    return (next & UINT64_MAX >> 2) >> (64 - 8 * size);
}

/* A vector of the TLS presentation language: a length of `size` bytes, then that many bytes. */
static inline struct vel_slice vel_read_vector(struct vel_reader *r, size_t size)
{
    return vel_read_bytes(r, vel_read_uint(r, size));
}

static inline bool vel_read_ok(const struct vel_reader *r)
{
    return !r->failed;
}

/* Every byte was read and nothing failed. */
static inline bool vel_read_done(const struct vel_reader *r)
{
    return !r->failed && r->pos == r->end;
}

#endif
