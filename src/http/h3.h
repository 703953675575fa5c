/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H3_H
#define HTTP_H3_H

#include "http/bytestreams.h"
#include "velocity/http.h"

/*
 * HTTP/3 (RFC 9114) on byte streams. QPACK runs without a dynamic table in both directions: nothing
 * can block on another stream, and an idle session takes less than a kilobyte. Server push does not
 * exist here.
 */

/* As vel_http_new, on any byte streams. */
vel_result vel_h3_new(const struct vel_env *env, struct vel_bytestreams streams, bool client,
                      const struct vel_http_events *events, struct vel_http **http);

#endif
