/* SPDX-License-Identifier: MIT */
#ifndef PKI_TIME_H
#define PKI_TIME_H

#include "base/reader.h"
#include "base/writer.h"

/*
 * Times of certificates (RFC 5280, 4.1.2.5): UTCTime through 2049, GeneralizedTime from 2050, both
 * with seconds and in Z. Seconds of the Unix epoch on our side.
 */

/* The latest time a certificate can state: 9999-12-31 23:59:59. */
#define VEL_CERT_TIME_MAX INT64_C(253402300799)

/* Size of "2026-01-31T23:59:59Z" with its NUL. */
enum { VEL_TIME_TEXT = 21 };

/* Read one; anything else, also 31 February, fails the reader. */
int64_t vel_read_time(struct vel_reader *r);

/* Write one; a time before 1950 or after VEL_CERT_TIME_MAX fails the writer. */
void vel_write_time(struct vel_writer *w, int64_t unix_time);

/* ISO 8601, for people; times outside years 0 to 9999 give "?". */
void vel_time_text(int64_t unix_time, char text[VEL_TIME_TEXT]);

#endif
