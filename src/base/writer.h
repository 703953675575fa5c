/* SPDX-License-Identifier: MIT */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "velocity/slice.h"

/*
 * A cursor that fills bytes of a fixed size: the mirror of the reader. The first write past the
 * end marks the writer failed; from then on nothing is written. Ask once, at the end.
 */
struct vel_writer {
    uint8_t *start;
    uint8_t *pos;
    uint8_t *end;
    bool failed;
};

enum { VEL_VARINT_MAX = 8 };

static inline struct vel_writer vel_writer(void *bytes, size_t size)
{
    return (struct vel_writer){.start = bytes, .pos = bytes, .end = (uint8_t *)bytes + size};
}

static inline size_t vel_room(const struct vel_writer *w)
{
    return (size_t)(w->end - w->pos);
}

static inline size_t vel_written(const struct vel_writer *w)
{
    return (size_t)(w->pos - w->start);
}

/* Reserve `count` bytes for the caller to fill: the one place that checks the room. NULL when
 * there is none. The writers below ask `failed` instead: comparing the pointer makes GCC 14 follow
 * a path on which the whole memory is at address zero, and warn. */
static inline uint8_t *vel_write_space(struct vel_writer *w, size_t count)
{
    if (w->failed || count > vel_room(w)) {
        w->failed = true;
        return NULL;
    }
    uint8_t *space = w->pos;
    w->pos += count;
    return space;
}

static inline void vel_write_bytes(struct vel_writer *w, struct vel_slice bytes)
{
    uint8_t *space = vel_write_space(w, bytes.len);
    if (!w->failed && bytes.len > 0)
        memcpy(space, bytes.ptr, bytes.len);
}

static inline void vel_write_fill(struct vel_writer *w, uint8_t byte, size_t count)
{
    uint8_t *space = vel_write_space(w, count);
    if (!w->failed && count > 0)
        memset(space, byte, count);
}

static inline void vel_store_uint(uint8_t *space, uint64_t value, size_t size)
{
    for (size_t i = size; i-- > 0; value >>= 8)
        space[i] = (uint8_t)value;
}

/* Big-endian unsigned integer of 1 to 8 bytes; a value that does not fit fails the writer. */
static inline void vel_write_uint(struct vel_writer *w, uint64_t value, size_t size)
{
    if (size < 8 && value >> (8 * size) != 0)
        w->failed = true;
    uint8_t *space = vel_write_space(w, size);
    if (!w->failed)
        vel_store_uint(space, value, size);
}

/* Bytes that vel_write_varint will use: 1, 2, 4 or 8; 0 for a value of 2^62 or more. */
static inline size_t vel_varint_size(uint64_t value)
{
    if (value < UINT64_C(1) << 6)
        return 1;
    if (value < UINT64_C(1) << 14)
        return 2;
    if (value < UINT64_C(1) << 30)
        return 4;
    return value < UINT64_C(1) << 62 ? 8 : 0;
}

/* A varint of 1, 2, 4 or 8 bytes; the two highest bits of the first one say how many. */
static inline void vel_store_varint(uint8_t *space, uint64_t value, size_t size)
{
    const bool swap = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    uint16_t two = (uint16_t)(value | 0x4000U);
    uint32_t four = (uint32_t)(value | 0x80000000U);
    uint64_t eight = value | UINT64_C(3) << 62;
    two = swap ? __builtin_bswap16(two) : two;
    four = swap ? __builtin_bswap32(four) : four;
    eight = swap ? __builtin_bswap64(eight) : eight;
    if (size == 1)
        space[0] = (uint8_t)value;
    else if (size == 2)
        memcpy(space, &two, sizeof two);
    else if (size == 4)
        memcpy(space, &four, sizeof four);
    else
        memcpy(space, &eight, sizeof eight);
}

/* Varint of a chosen size (for lengths that are patched later), RFC 9000 section 16. */
static inline void vel_write_varint_sized(struct vel_writer *w, uint64_t value, size_t size)
{
    if (vel_varint_size(value) == 0 || vel_varint_size(value) > size) {
        w->failed = true;
        return;
    }
    uint8_t *space = vel_write_space(w, size);
    if (!w->failed)
        vel_store_varint(space, value, size);
}

static inline void vel_write_varint(struct vel_writer *w, uint64_t value)
{
    size_t size = vel_varint_size(value);
    uint8_t *space = size > 0 ? vel_write_space(w, size) : NULL;
    w->failed |= size == 0;
    if (!w->failed)
        vel_store_varint(space, value, size);
}

/* Open a TLS vector with a length of `size` bytes; pass the result to vel_end_vector. */
static inline uint8_t *vel_begin_vector(struct vel_writer *w, size_t size)
{
    return vel_write_space(w, size);
}

/* Close it: writes the length. A body that is too long for `size` bytes fails the writer. */
static inline void vel_end_vector(struct vel_writer *w, uint8_t *mark, size_t size)
{
    if (w->failed || mark == NULL)
        return;
    size_t len = (size_t)(w->pos - mark) - size;
    if (size < sizeof len && len >> (8 * size) != 0) {
        w->failed = true;
        return;
    }
    vel_store_uint(mark, len, size);
}

static inline bool vel_write_ok(const struct vel_writer *w)
{
    return !w->failed;
}

static inline struct vel_slice vel_writer_slice(const struct vel_writer *w)
{
    return vel_slice(w->start, vel_written(w));
}

#endif
