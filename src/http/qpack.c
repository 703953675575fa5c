/* SPDX-License-Identifier: MIT */
#include "http/qpack.h"

#include <stdio.h>

#include "base/reader.h"
#include "base/try.h"
#include "http/huffman.h"

/* ---- reading ---- */

/* An integer whose first byte has been read, with a prefix of so many bits (RFC 7541 5.1). Larger
 * ones than any length here fail the reader. */
static uint64_t read_integer(struct vel_reader *r, uint64_t first, unsigned bits)
{
    enum { SHIFT_MAX = 28 };
    uint64_t most = (UINT64_C(1) << bits) - 1;
    uint64_t value = first & most;
    if (value < most)
        return value;
    for (unsigned shift = 0; shift <= SHIFT_MAX; shift += 7) {
        uint64_t byte = vel_read_uint(r, 1);
        value += (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    r->failed = true;
    return 0;
}

/* A string whose length began in `first`; its Huffman flag stands before the length. The text is
 * copied into the list. */
static vel_result read_string(struct vel_reader *r, uint64_t first, unsigned bits,
                              struct vel_header_list *list, struct vel_slice *text)
{
    bool huffman = (first >> bits & 1) != 0;
    struct vel_slice bytes = vel_read_bytes(r, read_integer(r, first, bits));
    REQUIRE(vel_read_ok(r), VEL_ERR_MALFORMED);
    uint8_t *space = NULL;
    size_t size = bytes.len;
    TRY(vel_headers_reserve(list, huffman ? vel_huffman_text_max(size) : size, &space));
    if (huffman)
        REQUIRE(vel_huffman_read(bytes, space, &size), VEL_ERR_MALFORMED);
    else if (size > 0)
        memcpy(space, bytes.ptr, size);
    vel_headers_keep(list, size);
    *text = vel_slice(space, size);
    return VEL_OK;
}

/* RFC 9204 4.5.2 */
static vel_result read_indexed(struct vel_reader *r, uint64_t first, struct vel_header_list *list)
{
    enum { IS_STATIC = 0x40, INDEX_BITS = 6 };
    const struct vel_field *line = vel_qpack_static(read_integer(r, first, INDEX_BITS));
    REQUIRE(vel_read_ok(r) && (first & IS_STATIC) != 0 && line != NULL, VEL_ERR_MALFORMED);
    return vel_headers_push(list, line->name, line->value);
}

/* 4.5.4 */
static vel_result read_named(struct vel_reader *r, uint64_t first, struct vel_header_list *list)
{
    enum { IS_STATIC = 0x10, INDEX_BITS = 4, VALUE_BITS = 7 };
    const struct vel_field *line = vel_qpack_static(read_integer(r, first, INDEX_BITS));
    REQUIRE(vel_read_ok(r) && (first & IS_STATIC) != 0 && line != NULL, VEL_ERR_MALFORMED);
    struct vel_slice value;
    TRY(read_string(r, vel_read_uint(r, 1), VALUE_BITS, list, &value));
    return vel_headers_push(list, line->name, value);
}

/* 4.5.6 */
static vel_result read_literal(struct vel_reader *r, uint64_t first, struct vel_header_list *list)
{
    enum { NAME_BITS = 3, VALUE_BITS = 7 };
    struct vel_slice name;
    struct vel_slice value;
    TRY(read_string(r, first, NAME_BITS, list, &name));
    TRY(read_string(r, vel_read_uint(r, 1), VALUE_BITS, list, &value));
    return vel_headers_push(list, name, value);
}

/* 4.5.1: no entry of a dynamic table is needed. */
static vel_result read_prefix(struct vel_reader *r)
{
    enum { COUNT_BITS = 8, BASE_BITS = 7, SIGN = 0x80 };
    uint64_t count = read_integer(r, vel_read_uint(r, 1), COUNT_BITS);
    uint64_t base = vel_read_uint(r, 1);
    read_integer(r, base, BASE_BITS);
    REQUIRE(vel_read_ok(r) && count == 0 && (base & SIGN) == 0, VEL_ERR_MALFORMED);
    return VEL_OK;
}

vel_result vel_qpack_read(struct vel_slice section, struct vel_header_list *list)
{
    enum { INDEXED = 0x80, NAMED = 0x40, LITERAL = 0x20 };
    struct vel_reader r = vel_reader(section);
    TRY(read_prefix(&r));
    while (vel_left(&r) > 0) {
        uint64_t first = vel_read_uint(&r, 1);
        if (first & INDEXED)
            TRY(read_indexed(&r, first, list));
        else if (first & NAMED)
            TRY(read_named(&r, first, list));
        else if (first & LITERAL)
            TRY(read_literal(&r, first, list));
        else
            return VEL_ERR_MALFORMED; /* 4.5.3, 4.5.5: of the dynamic table */
    }
    return VEL_OK;
}

/* ---- writing ---- */

static void write_integer(struct vel_writer *w, uint8_t first, unsigned bits, size_t value)
{
    size_t most = ((size_t)1 << bits) - 1;
    if (value < most) {
        vel_write_uint(w, first | value, 1);
        return;
    }
    vel_write_uint(w, first | most, 1);
    for (value -= most; value >= 0x80; value >>= 7)
        vel_write_uint(w, 0x80 | (value & 0x7f), 1);
    vel_write_uint(w, value, 1);
}

/* The flag of Huffman's code stands before the length. */
static void write_string(struct vel_writer *w, uint8_t first, unsigned bits, struct vel_slice text)
{
    size_t coded = vel_huffman_size(text);
    if (coded >= text.len) {
        write_integer(w, first, bits, text.len);
        vel_write_bytes(w, text);
        return;
    }
    write_integer(w, (uint8_t)(first | 1u << bits), bits, coded);
    vel_huffman_write(w, text);
}

void vel_qpack_write_prefix(struct vel_writer *w)
{
    vel_write_uint(w, 0, VEL_QPACK_PREFIX);
}

void vel_qpack_write_line(struct vel_writer *w, struct vel_slice name, struct vel_slice value)
{
    bool whole;
    size_t index = vel_qpack_find(name, value, &whole);
    if (whole) {
        write_integer(w, 0xc0, 6, index);
        return;
    }
    if (index < VEL_QPACK_STATIC)
        write_integer(w, 0x50, 4, index);
    else
        write_string(w, 0x20, 3, name);
    write_string(w, 0x00, 7, value);
}

void vel_qpack_write_literal(struct vel_writer *w, struct vel_slice name, struct vel_slice value)
{
    write_integer(w, 0x20, 3, name.len);
    vel_write_bytes(w, name);
    write_integer(w, 0x00, 7, value.len);
    vel_write_bytes(w, value);
}

void vel_qpack_write_status(struct vel_writer *w, unsigned status)
{
    enum { STATUS_200 = 25 }; /* the one that is worth a short way */
    char text[4];
    if (status == 200) {
        write_integer(w, 0xc0, 6, STATUS_200);
        return;
    }
    snprintf(text, sizeof text, "%u", status % 1000);
    vel_qpack_write_line(w, vel_slice_text(":status"), vel_slice_text(text));
}
