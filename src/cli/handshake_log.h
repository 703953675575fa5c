/* SPDX-License-Identifier: MIT */
#ifndef CLI_HANDSHAKE_LOG_H
#define CLI_HANDSHAKE_LOG_H

#include <stdio.h>

#include "cli/log_address.h"
#include "velocity/env.h"
#include "velocity/log.h"

/*
 * One line a handshake that a server refused, or whose client refused it:
 *   2026-11-21T02:01:42.123Z 5f3c0a9be1d24477 handshake failed: no profile that both sides permit,
 *   PROFILE_POLICY_VIOLATION (0x56553103)
 * Anybody can cause these, so at most VEL_HANDSHAKE_LOG_LINES are printed a second; the first line
 * after that tells how many were not.
 */
enum { VEL_HANDSHAKE_LOG_LINES = 10 };

/* Zero-initialised. */
struct vel_handshake_log {
    vel_time second; /* when the present second began */
    unsigned printed;
    uint64_t left_out;
};

/* fields: of the event `handshake-failed`, see velocity/endpoint.h */
void vel_handshake_log(struct vel_handshake_log *log, FILE *to, vel_time now, const char *stamp,
                       const struct vel_log_address *how, const struct vel_log_field *fields);

#endif
