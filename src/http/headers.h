/* SPDX-License-Identifier: MIT */
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include "base/buf.h"
#include "velocity/http.h"

/*
 * An owned header section that grows field by field up to the limits of velocity/http.h and is then
 * sealed into struct vel_fields. Whatever decodes fields (QPACK, HPACK, HTTP/1.1) fills one.
 */
struct vel_header_list {
    const struct vel_env *env;
    struct vel_buf text;    /* names and values, one after the other */
    struct vel_buf lengths; /* of each name and value; empty once sealed */
    struct vel_field *items;
    size_t count;
    size_t section_size; /* as RFC 9114 4.2.2 counts it: also what was refused */
};

/* Start an empty list in place. */
void vel_headers_init(struct vel_header_list *list, const struct vel_env *env);

/* Append a copy of a field.
 * VEL_ERR_LIMIT       the section is too large or has too many fields; counted, not stored
 * VEL_ERR_UNEXPECTED  sealed already
 * VEL_ERR_NOMEM */
vel_result vel_headers_add(struct vel_header_list *list, struct vel_slice name,
                           struct vel_slice value);

/* No more fields: make the array. VEL_ERR_NOMEM */
vel_result vel_headers_seal(struct vel_header_list *list);

/* All fields of a sealed list, pseudo-header fields included; valid until it is cleared. */
struct vel_fields vel_headers_all(const struct vel_header_list *list);

/* Those after the leading pseudo-header fields (":method"). */
struct vel_fields vel_headers_regular(const struct vel_header_list *list);

/* Forget everything; the list is empty and usable again. */
void vel_headers_clear(struct vel_header_list *list);

#endif
