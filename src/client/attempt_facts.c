/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "client/attempt.h"

const char *vel_attempt_version_name(const struct vel_attempt_facts *facts)
{
    if (!facts->encrypted)
        return "none";
    if (facts->rung == VEL_RUNG_TCP)
        return "tls1.3";
    if (facts->rung == VEL_RUNG_VELOCITY)
        return "velocity/1";
    return facts->handshake.version == VEL_VERSION_QUIC_V2 ? "quic-v2" : "quic-v1";
}

const char *vel_attempt_protocol(const struct vel_attempt_facts *facts)
{
    if (facts->rung != VEL_RUNG_TCP)
        return vel_rung_name(facts->rung);
    return facts->http == VEL_HTTP_2 ? "h2" : "http/1.1";
}

const char *vel_attempt_http_name(const struct vel_attempt_facts *facts)
{
    static const char *const names[] = {
        [VEL_HTTP_1_1] = "HTTP/1.1", [VEL_HTTP_2] = "HTTP/2", [VEL_HTTP_3] = "HTTP/3"};
    return (size_t)facts->http < VEL_COUNT(names) ? names[facts->http] : "HTTP";
}

const char *vel_attempt_certificate_kind(const struct vel_attempt_facts *facts)
{
    if (!facts->encrypted)
        return "none";
    return facts->handshake.post_quantum != NULL ? "hybrid" : "classical";
}
