/* SPDX-License-Identifier: MIT */
#include "handshake/alert.h"

#include "base/units.h"

#define ROW(name, code, err) {code, err},
static const struct {
    uint32_t code;
    enum vel_err err;
} rows[] = {VEL_ALERT_MAP(ROW)};
#undef ROW

void vel_note_failure(struct vel_handshake_failure *why, enum vel_alert code, const char *reason)
{
    if (why->wire_code == 0) {
        why->wire_code = code;
        why->reason = reason;
    }
}

enum vel_err vel_alert_err(uint64_t code)
{
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        if (rows[i].code == code)
            return rows[i].err;
    return VEL_ERR_UNEXPECTED;
}

vel_result vel_refuse(struct vel_handshake_failure *why, enum vel_alert code, const char *reason)
{
    vel_note_failure(why, code, reason);
    return vel_alert_err(code);
}
