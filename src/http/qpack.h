/* SPDX-License-Identifier: MIT */
#ifndef HTTP_QPACK_H
#define HTTP_QPACK_H

#include "base/writer.h"
#include "http/headers.h"

/*
 * Field sections of HTTP/3 (QPACK, RFC 9204) without a dynamic table in either direction: we allow
 * none and use none, so each section stands for itself and no stream waits for another.
 */
enum { VEL_QPACK_STATIC = 99, VEL_QPACK_PREFIX = 2 };

/* Append the fields of a whole section to a list.
 * VEL_ERR_MALFORMED  it is no section, or refers to the dynamic table: QPACK_DECOMPRESSION_FAILED
 * VEL_ERR_LIMIT      more than the list takes; what came until then is in it
 * VEL_ERR_NOMEM */
vel_result vel_qpack_read(struct vel_slice section, struct vel_header_list *list);

/* What begins a section: it needs no dynamic table (4.5.1). */
void vel_qpack_write_prefix(struct vel_writer *w);

/* One field line. */
void vel_qpack_write_line(struct vel_writer *w, struct vel_slice name, struct vel_slice value);

/* The same without looking for anything shorter than a literal: for what is written often. */
void vel_qpack_write_literal(struct vel_writer *w, struct vel_slice name, struct vel_slice value);

/* ":status" of a response. */
void vel_qpack_write_status(struct vel_writer *w, unsigned status);

/* Most bytes that the line of a field takes. */
static inline size_t vel_qpack_line_max(struct vel_slice name, struct vel_slice value)
{
    enum { INTEGERS = 2 * 6 };
    return name.len + value.len + INTEGERS;
}

/* ---- qpack_static.c ---- */

/* An entry of the static table; NULL: it has no such entry. It lives for ever. */
const struct vel_field *vel_qpack_static(uint64_t index);

/* The entry of a field; VEL_QPACK_STATIC: none has its name. *whole: it has the value too. */
size_t vel_qpack_find(struct vel_slice name, struct vel_slice value, bool *whole);

#endif
