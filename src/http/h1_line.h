/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H1_LINE_H
#define HTTP_H1_LINE_H

#include <stdbool.h>

#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * Start lines and what is in them (RFC 9112 3 and 4), strictly: one space between the parts, no
 * control characters, nothing that two readers could take differently. Slices point into the line,
 * which comes without its CRLF.
 */

/* "GET /a?b HTTP/1.1" */
struct vel_h1_request_line {
    struct vel_slice method;
    struct vel_slice target;
    unsigned minor; /* of HTTP/1.x: 0 or 1 */
};

/* Returns 0, or the status that answers it: 400, 501 (another method than llhttp's parser knows is
 * its own matter), 505. */
unsigned vel_h1_request_line_parse(struct vel_slice line, struct vel_h1_request_line *out);

/* "HTTP/1.1 200 OK"; the reason may be missing.
 * VEL_ERR_MALFORMED */
vel_result vel_h1_status_line_parse(struct vel_slice line, unsigned *status, unsigned *minor);

/* A request target taken apart (RFC 9112 3.2). */
struct vel_h1_target {
    struct vel_slice scheme;    /* absolute form only: "http" or "https", in any case */
    struct vel_slice authority; /* absolute and authority form */
    struct vel_slice path;      /* with the query; "/" when the absolute form has none; "*" */
    bool connect;               /* authority form */
};

/* VEL_ERR_MALFORMED  no form that this method may use */
vel_result vel_h1_target_parse(struct vel_slice method, struct vel_slice target,
                               struct vel_h1_target *out);

/* uri-host [ ":" port ] (RFC 3986 3.2), without user information, not empty. */
bool vel_h1_authority_ok(struct vel_slice text);

/* tchar (RFC 9110 5.6.2), one at least. */
bool vel_h1_token_ok(struct vel_slice text);

/* What may stand in a field value (RFC 9110 5.5): no control character but the tab, no white space
 * at the ends. */
bool vel_h1_value_ok(struct vel_slice text);

/* Equal but for the case of ASCII letters; `lower` is in lower case. */
bool vel_h1_is(struct vel_slice text, const char *lower);

/* Decimal digits only, no overflow. VEL_ERR_MALFORMED */
vel_result vel_h1_number_parse(struct vel_slice text, uint64_t *number);

#endif
