/* SPDX-License-Identifier: MIT */
#ifndef BASE_CBOR_H
#define BASE_CBOR_H

#include "base/reader.h"
#include "base/writer.h"

/*
 * Deterministic CBOR (RFC 8949, 4.2.1) on the reader and the writer: unsigned integers, byte and
 * text strings, arrays and maps of known length. Only the shortest heads are accepted, so a value
 * has one encoding; a record of fixed keys in their order then has one encoding as well
 * (docs/decisions/0005). Failures are the cursor's: ask once at the end.
 *
 * A map's keys come in the bytewise order of their encodings, which for short text is: shorter
 * first, then alphabetical. Text is not checked to be UTF-8: who reads it compares it with, or
 * demands, ASCII.
 */
enum vel_cbor_major {
    VEL_CBOR_UINT = 0,
    VEL_CBOR_BYTES = 2,
    VEL_CBOR_TEXT = 3,
    VEL_CBOR_ARRAY = 4,
    VEL_CBOR_MAP = 5
};

/* First byte: major type in the upper three bits; below 24 the value itself, else where it stands. */
enum { VEL_CBOR_DIRECT = 24, VEL_CBOR_WIDEST = 27 };

static inline void vel_cbor_write_head(struct vel_writer *w, enum vel_cbor_major major,
                                       uint64_t value)
{
    uint64_t type = (uint64_t)major << 5;
    if (value < VEL_CBOR_DIRECT) {
        vel_write_uint(w, type | value, 1);
        return;
    }
    unsigned wide = value >> 32 != 0 ? 3 : value >> 16 != 0 ? 2 : value >> 8 != 0 ? 1 : 0;
    vel_write_uint(w, type | (VEL_CBOR_DIRECT + wide), 1);
    vel_write_uint(w, value, (size_t)1 << wide);
}

/* A byte or text string. */
static inline void vel_cbor_write_string(struct vel_writer *w, enum vel_cbor_major major,
                                         struct vel_slice bytes)
{
    vel_cbor_write_head(w, major, bytes.len);
    vel_write_bytes(w, bytes);
}

/* Value of an integer, length of a string, count of an array or (pairs) of a map; fails the reader
 * and gives 0 when the next item is of another type or its head is not the shortest. */
static inline uint64_t vel_cbor_read_head(struct vel_reader *r, enum vel_cbor_major major)
{
    uint64_t first = vel_read_uint(r, 1), value = first & 0x1f;
    if (first >> 5 != (uint64_t)major || value > VEL_CBOR_WIDEST)
        r->failed = true;
    if (r->failed || value < VEL_CBOR_DIRECT)
        return r->failed ? 0 : value;
    size_t wide = (size_t)1 << (value - VEL_CBOR_DIRECT);
    value = vel_read_uint(r, wide);
    if (wide == 1 ? value < VEL_CBOR_DIRECT : value >> (4 * wide) == 0)
        r->failed = true;
    return r->failed ? 0 : value;
}

static inline struct vel_slice vel_cbor_read_string(struct vel_reader *r, enum vel_cbor_major major)
{
    return vel_read_bytes(r, vel_cbor_read_head(r, major));
}

/* The next item must be this text: a key of a map. */
static inline void vel_cbor_read_key(struct vel_reader *r, const char *key)
{
    struct vel_slice text = vel_cbor_read_string(r, VEL_CBOR_TEXT);
    if (!vel_slice_equal(text, vel_slice_text(key)))
        r->failed = true;
}

#endif
