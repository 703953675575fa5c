/* SPDX-License-Identifier: MIT */
#ifndef CLI_CONNECTION_LOG_H
#define CLI_CONNECTION_LOG_H

#include <stdio.h>

#include "cli/log_address.h"
#include "web/server.h"

/*
 * One JSON object on a line for a connection that is over:
 *   {"time":"2026-11-21T02:01:42.123Z","event":"connection-closed","remote":"5f3c0a9be1d24477",
 *    "protocol":"h3","duration_ms":1250.5,"requests":3,"body_bytes":5120,"closed_by":"client",
 *    "code_of":"application","code":256,"reason":"","bytes_sent":7300,"bytes_received":4100, ...}
 * and for UDP what velocity/conn.h counts. Names are those of `velocity client get --json`. What the peer
 * chose is escaped. A line stays under 4,096 bytes: it is written at once.
 */
void vel_connection_log(FILE *to, const char *stamp, const struct vel_log_address *how,
                        const struct vel_web_connection *connection);

#endif
