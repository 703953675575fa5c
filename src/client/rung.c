/* SPDX-License-Identifier: MIT */
#include "client/rung.h"

#include <string.h>

#include "client/exit.h"
#include "transport/error.h"

static const char *const rung_names[VEL_RUNG_COUNT] = {
    [VEL_RUNG_VELOCITY] = "velocity/1", [VEL_RUNG_QUIC] = "h3", [VEL_RUNG_TCP] = "tcp"};

/* How long a reason is believed at first. */
static const vel_time beliefs[VEL_FALLBACK_COUNT] = {
    [VEL_FALLBACK_NO_HYBRID_CERT] = 3600 * SECOND,
    [VEL_FALLBACK_POLICY_DISABLED] = 3600 * SECOND,
    [VEL_FALLBACK_CLIENT_PROFILE_UNSUPPORTED] = 3600 * SECOND,
    [VEL_FALLBACK_MAINTENANCE_WINDOW] = 60 * SECOND,
    [VEL_FALLBACK_VERSION_NEGOTIATION] = 3600 * SECOND,
    [VEL_FALLBACK_UDP_BLOCKED] = 300 * SECOND,
    [VEL_FALLBACK_TIMEOUT] = 60 * SECOND,
};

const char *vel_rung_name(enum vel_rung rung)
{
    return (unsigned)rung < VEL_RUNG_COUNT ? rung_names[rung] : "none";
}

enum vel_rung vel_rung_of_alpn(const char *alpn)
{
    for (unsigned i = 0; i < VEL_RUNG_TCP; i++)
        if (strcmp(alpn, rung_names[i]) == 0)
            return (enum vel_rung)i;
    return VEL_RUNG_TCP;
}

vel_time vel_fallback_cool_down(enum vel_fallback reason, unsigned count)
{
    const vel_time most = (vel_time)VEL_COOL_DOWN_MAX_S * SECOND;
    if ((unsigned)reason >= VEL_FALLBACK_COUNT || count == 0)
        return 0;
    vel_time span = beliefs[reason];
    for (unsigned i = 1; i < count && span < most; i++)
        span *= 2;
    return VEL_MIN(span, most);
}

/* What a peer that will not have us says. no_hybrid_cert has no code: it comes with the fallback
 * record alone. */
static const struct {
    uint64_t code;
    enum vel_fallback reason;
} close_codes[] = {
    {VEL_WIRE_CONNECTION_REFUSED, VEL_FALLBACK_MAINTENANCE_WINDOW},
    {VEL_WIRE_PROFILE_POLICY_VIOLATION, VEL_FALLBACK_CLIENT_PROFILE_UNSUPPORTED},
    {VEL_WIRE_CRYPTO_ERROR + 71, VEL_FALLBACK_CLIENT_PROFILE_UNSUPPORTED},
    {VEL_WIRE_ALPN_REQUIRED, VEL_FALLBACK_POLICY_DISABLED},
    {VEL_WIRE_CRYPTO_ERROR + 120, VEL_FALLBACK_POLICY_DISABLED}, /* no_application_protocol */
};

static enum vel_fallback reason_of(const struct vel_close *close)
{
    if (close->origin == VEL_CLOSE_VERSION)
        return VEL_FALLBACK_VERSION_NEGOTIATION;
    if (close->origin == VEL_CLOSE_IDLE || close->origin == VEL_CLOSE_TIMEOUT)
        return VEL_FALLBACK_TIMEOUT;
    if (close->origin != VEL_CLOSE_PEER || close->application)
        return VEL_FALLBACK_NONE;
    for (size_t i = 0; i < VEL_COUNT(close_codes); i++)
        if (close->code == close_codes[i].code)
            return close_codes[i].reason;
    return VEL_FALLBACK_NONE;
}

struct vel_rung_failure vel_rung_failure_of_close(const struct vel_close *close)
{
    return (struct vel_rung_failure){.failure = vel_client_failure_of_close(close, false),
                                     .reason = reason_of(close)};
}
