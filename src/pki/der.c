/* SPDX-License-Identifier: MIT */
#include "pki/der.h"

enum { LONG_FORM = 0x80, TAG_NUMBER = 0x1f };

static uint64_t read_length(struct vel_reader *r)
{
    uint64_t first = vel_read_uint(r, 1);
    if (first < LONG_FORM)
        return first;
    size_t size = (size_t)(first & ~(uint64_t)LONG_FORM);
    if (size == 0 || size > VEL_DER_LENGTH_MAX - 1) {
        r->failed = true; /* indefinite, or longer than anything we accept */
        return 0;
    }
    uint64_t length = vel_read_uint(r, size);
    if (length < LONG_FORM || length >> (8 * (size - 1)) == 0)
        r->failed = true; /* X.690, 10.1: not the shortest form */
    return length;
}

struct vel_slice vel_der_any(struct vel_reader *r, uint8_t *tag)
{
    *tag = (uint8_t)vel_read_uint(r, 1);
    if ((*tag & TAG_NUMBER) == TAG_NUMBER)
        r->failed = true; /* tags of more than one byte occur in no certificate */
    struct vel_slice contents = vel_read_bytes(r, read_length(r));
    if (r->failed)
        *tag = 0;
    return contents;
}

struct vel_slice vel_der_read(struct vel_reader *r, uint8_t tag)
{
    uint8_t found = 0;
    struct vel_slice contents = vel_der_any(r, &found);
    if (found != tag) {
        r->failed = true;
        contents.len = 0;
    }
    return contents;
}

struct vel_slice vel_der_element(struct vel_reader *r, uint8_t tag)
{
    const uint8_t *start = r->pos;
    struct vel_slice contents = vel_der_read(r, tag);
    if (r->failed)
        return contents;
    return vel_slice(start, (size_t)(r->pos - start));
}

struct vel_reader vel_der_enter(struct vel_reader *r, uint8_t tag)
{
    struct vel_reader inner = vel_reader(vel_der_read(r, tag));
    inner.failed = r->failed;
    return inner;
}

bool vel_der_next(const struct vel_reader *r, uint8_t tag)
{
    return !r->failed && vel_left(r) > 0 && *r->pos == tag;
}

bool vel_der_bool(struct vel_reader *r)
{
    struct vel_slice contents = vel_der_read(r, VEL_DER_BOOLEAN);
    if (contents.len != 1 || (contents.ptr[0] != 0x00 && contents.ptr[0] != 0xff)) {
        r->failed = true;
        return false;
    }
    return contents.ptr[0] != 0;
}

struct vel_slice vel_der_integer(struct vel_reader *r)
{
    struct vel_slice contents = vel_der_read(r, VEL_DER_INTEGER);
    bool padded = contents.len > 1 && (contents.ptr[0] == 0x00 || contents.ptr[0] == 0xff) &&
                  (contents.ptr[0] & 0x80) == (contents.ptr[1] & 0x80);
    if (contents.len == 0 || padded) {
        r->failed = true;
        contents.len = 0;
    }
    return contents;
}

uint32_t vel_der_uint(struct vel_reader *r)
{
    struct vel_slice contents = vel_der_integer(r);
    struct vel_reader digits = vel_reader(contents);
    uint32_t value = (uint32_t)vel_read_uint(&digits, contents.len <= 4 ? contents.len : 0);
    bool negative = contents.len > 0 && (contents.ptr[0] & 0x80) != 0;
    if (contents.len > 4 || negative) {
        r->failed = true;
        return 0;
    }
    return value;
}

struct vel_slice vel_der_bits(struct vel_reader *r, unsigned *unused)
{
    struct vel_reader inner = vel_der_enter(r, VEL_DER_BIT_STRING);
    *unused = (unsigned)vel_read_uint(&inner, 1);
    struct vel_slice bits = vel_read_rest(&inner);
    bool clear = bits.len == 0
                     ? *unused == 0
                     : *unused < 8 && (bits.ptr[bits.len - 1] & ((1U << *unused) - 1)) == 0;
    if (!vel_read_ok(&inner) || !clear) {
        r->failed = true;
        *unused = 0;
        bits.len = 0;
    }
    return bits;
}

struct vel_slice vel_der_bytes(struct vel_reader *r)
{
    unsigned unused = 0;
    struct vel_slice bits = vel_der_bits(r, &unused);
    if (unused != 0)
        r->failed = true;
    return bits;
}

struct vel_slice vel_der_spki(struct vel_reader *r)
{
    struct vel_slice whole = vel_der_element(r, VEL_DER_SEQUENCE);
    struct vel_reader outer = vel_reader(whole);
    struct vel_reader inner = vel_der_enter(&outer, VEL_DER_SEQUENCE);
    vel_der_read(&inner, VEL_DER_SEQUENCE);
    vel_der_bytes(&inner);
    r->failed |= !vel_read_done(&inner);
    return whole;
}

uint8_t *vel_der_begin(struct vel_writer *w, uint8_t tag)
{
    vel_write_uint(w, tag, 1);
    return vel_write_space(w, 1); /* one byte of length; vel_der_end makes room for more */
}

void vel_der_end(struct vel_writer *w, uint8_t *mark)
{
    if (w->failed || mark == NULL)
        return;
    size_t length = (size_t)(w->pos - mark) - 1;
    if (length < LONG_FORM) {
        *mark = (uint8_t)length;
        return;
    }
    size_t size = 1;
    while (size < sizeof length && length >> (8 * size) != 0)
        size++;
    if (vel_write_space(w, size) == NULL)
        return;
    memmove(mark + 1 + size, mark + 1, length);
    *mark = (uint8_t)(LONG_FORM | size);
    vel_store_uint(mark + 1, length, size);
}

void vel_der_write(struct vel_writer *w, uint8_t tag, struct vel_slice contents)
{
    uint8_t *mark = vel_der_begin(w, tag);
    vel_write_bytes(w, contents);
    vel_der_end(w, mark);
}

void vel_der_write_bytes(struct vel_writer *w, struct vel_slice bytes)
{
    uint8_t *mark = vel_der_begin(w, VEL_DER_BIT_STRING);
    vel_write_uint(w, 0, 1);
    vel_write_bytes(w, bytes);
    vel_der_end(w, mark);
}
