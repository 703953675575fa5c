/* SPDX-License-Identifier: MIT */
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include "velocity/http.h"

/*
 * An owned header section that grows field by field up to the limits of velocity/http.h and is then
 * sealed into struct vel_fields. Whatever decodes fields (QPACK, HPACK, HTTP/1.1) fills one. Names
 * and values stand in blocks that never move, so a decoder may write them there itself.
 */
struct vel_header_text;

struct vel_header_list {
    const struct vel_env *env;
    struct vel_header_text *text; /* the block that is being filled, and those before it */
    struct vel_field *items;
    size_t count, room;  /* fields, and places for them */
    size_t section_size; /* as RFC 9114 4.2.2 counts it: also what was refused */
    bool sealed;
};

/* Start an empty list in place. */
void vel_headers_init(struct vel_header_list *list, const struct vel_env *env);

/* Append a copy of a field.
 * VEL_ERR_LIMIT       the section is too large or has too many fields; counted, not stored
 * VEL_ERR_UNEXPECTED  sealed already
 * VEL_ERR_NOMEM */
vel_result vel_headers_add(struct vel_header_list *list, struct vel_slice name,
                           struct vel_slice value);

/* Append a field without a copy: its bytes are in the list, or constant. Errors as above. */
vel_result vel_headers_push(struct vel_header_list *list, struct vel_slice name,
                            struct vel_slice value);

/* Space in the list for up to `size` bytes of text, which stay when they are kept. Until then the
 * same space is given again.
 * VEL_ERR_LIMIT  more than a section may have
 * VEL_ERR_NOMEM */
vel_result vel_headers_reserve(struct vel_header_list *list, size_t size, uint8_t **space);
void vel_headers_keep(struct vel_header_list *list, size_t size);

/* No more fields. VEL_ERR_UNEXPECTED: sealed already */
vel_result vel_headers_seal(struct vel_header_list *list);

/* All fields of a sealed list, pseudo-header fields included; valid until it is cleared. */
struct vel_fields vel_headers_all(const struct vel_header_list *list);

/* Those after the leading pseudo-header fields (":method"). */
struct vel_fields vel_headers_regular(const struct vel_header_list *list);

/* Forget everything; the list is empty and usable again. */
void vel_headers_clear(struct vel_header_list *list);

#endif
