/* SPDX-License-Identifier: MIT */
#ifndef CLI_REQUEST_LOG_H
#define CLI_REQUEST_LOG_H

#include <stdio.h>

#include "cli/log_address.h"
#include "web/server.h"

/*
 * One line a request:
 *   2026-11-21T02:01:42.123Z 5f3c0a9be1d24477 "GET /index.html" 200 5120 bytes 1.250 ms velocity/1
 * What the peer chose is escaped: bytes outside of printable ASCII, quotes and backslashes become
 * \xNN, and long paths are cut. A request that was cut off says so at the end.
 */
void vel_request_log(FILE *to, const char *stamp, const struct vel_log_address *how,
                     const struct vel_web_record *record);

#endif
