/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_KEY_LOG_H
#define HANDSHAKE_KEY_LOG_H

#include "base/secret.h"
#include "handshake/handshake.h"

/*
 * A traffic secret as a line of a key log file, for config->key_log, which may be NULL:
 *
 *     VELOCITY_<CLIENT|SERVER>_<HANDSHAKE_TRAFFIC_SECRET|TRAFFIC_SECRET_0> <client random> <secret>
 *
 * The labels are those of RFC 9850 with a prefix: a reader that knows TLS alone passes over them. The
 * line is wiped.
 */
void vel_key_log_secret(const struct vel_config *config, enum vel_level level, bool of_client,
                        struct vel_slice client_random, const struct vel_secret *secret);

#endif
