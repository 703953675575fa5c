/* SPDX-License-Identifier: MIT */
#include "cli/handshake_log.h"

#include <inttypes.h>

#include "base/units.h"
#include "sys/address.h"

/* True when there is room for a line in the present second. */
static bool has_room(struct vel_handshake_log *log, vel_time now)
{
    if (now - log->second >= SECOND) {
        log->second = now;
        log->printed = 0;
    }
    if (log->printed < VEL_HANDSHAKE_LOG_LINES) {
        log->printed++;
        return true;
    }
    log->left_out++;
    return false;
}

void vel_handshake_log(struct vel_handshake_log *log, FILE *to, vel_time now, const char *stamp,
                       const struct vel_log_address *how, const struct vel_log_field *fields)
{
    const struct vel_log_field *remote = vel_log_find(fields, "remote");
    const struct vel_log_field *by_peer = vel_log_find(fields, "by-peer");
    const struct vel_log_field *reason = vel_log_find(fields, "reason");
    const struct vel_log_field *name = vel_log_find(fields, "name");
    const struct vel_log_field *code = vel_log_find(fields, "code");
    char where[VEL_ADDR_TEXT];
    if (remote == NULL || by_peer == NULL || reason == NULL || name == NULL || code == NULL ||
        !has_room(log, now))
        return;
    if (log->left_out > 0)
        fprintf(to, "%s %" PRIu64 " more handshakes failed\n", stamp, log->left_out);
    log->left_out = 0;
    const char *why = reason->ptr;
    fprintf(to, "%s %s handshake failed: %s%s%s%s (0x%" PRIx64 ")\n", stamp,
            vel_log_address(how, remote->ptr, where), by_peer->value ? "the client says: " : "",
            why, why[0] != '\0' ? ", " : "", (const char *)name->ptr, code->value);
}
