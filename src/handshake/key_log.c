/* SPDX-License-Identifier: MIT */
#include "handshake/key_log.h"

#include <stdio.h>

#include "base/units.h"

enum { LINE_MAX_BYTES = 64 + 2 * 32 + 2 * VEL_SECRET_MAX };

static char *put_hex(char *at, struct vel_slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        *at++ = digits[bytes.ptr[i] >> 4];
        *at++ = digits[bytes.ptr[i] & 15];
    }
    return at;
}

void vel_key_log_secret(const struct vel_config *config, enum vel_level level, bool of_client,
                        struct vel_slice client_random, const struct vel_secret *secret)
{
    if (config->key_log == NULL)
        return;
    char line[LINE_MAX_BYTES];
    int label = snprintf(line, sizeof line, "VELOCITY_%s_%s ", of_client ? "CLIENT" : "SERVER",
                         level == VEL_LEVEL_APP ? "TRAFFIC_SECRET_0" : "HANDSHAKE_TRAFFIC_SECRET");
    char *at = put_hex(line + label, client_random);
    *at++ = ' ';
    at = put_hex(at, vel_secret_slice(secret));
    *at = '\0';
    config->key_log(config->key_log_self, line);
    vel_wipe(line, sizeof line);
}
