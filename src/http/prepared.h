/* SPDX-License-Identifier: MIT */
#ifndef HTTP_PREPARED_H
#define HTTP_PREPARED_H

#include "velocity/http.h"

/* The fields, for versions that encode them anew each time. */
struct vel_fields vel_prepared_fields(const struct vel_prepared *prepared);

/* The same as field lines of QPACK (RFC 9204 4.5) without the prefix of the section. They refer to
 * nothing but the static table, so they may follow and be followed by other lines. */
struct vel_slice vel_prepared_lines(const struct vel_prepared *prepared);

#endif
