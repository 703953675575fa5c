/* SPDX-License-Identifier: MIT */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * Dates of HTTP fields (RFC 9110 5.6.7), as seconds of the Unix epoch. Written as IMF-fixdate,
 * always in GMT; read in the two obsolete forms as well.
 */
enum { VEL_HTTP_DATE_SIZE = 30 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL */

/* Years 1 to 9999; times outside are written as the nearest one inside. */
void vel_http_date_write(int64_t unix_seconds, char text[VEL_HTTP_DATE_SIZE]);

/* VEL_ERR_MALFORMED  none of the three forms, or no such day: ignore the field */
vel_result vel_http_date_parse(struct vel_slice text, int64_t *unix_seconds);

#endif
