/* SPDX-License-Identifier: MIT */
#ifndef PKI_FALLBACK_REASON_H
#define PKI_FALLBACK_REASON_H

#include <stdbool.h>

#include "velocity/slice.h"

/*
 * Why a client speaks something else than Velocity/1 with a server (spec/fallback.md, "Reasons").
 * The names are those of telemetry, --verbose and the fallback record. `signable`: a server can say
 * so in a record; the others only the client itself can have observed, so nobody may sign them.
 */
#define VEL_FALLBACK_MAP(X)                                                                        \
    X(VEL_FALLBACK_NONE, "none", true, "nothing stands against Velocity/1")                        \
    X(VEL_FALLBACK_NO_HYBRID_CERT, "no_hybrid_cert", true, "the server has no hybrid certificate") \
    X(VEL_FALLBACK_POLICY_DISABLED, "policy_disabled", true,                                       \
      "Velocity/1 is switched off by policy")                                                      \
    X(VEL_FALLBACK_CLIENT_PROFILE_UNSUPPORTED, "client_profile_unsupported", true,                 \
      "the server supports none of the client's profiles")                                         \
    X(VEL_FALLBACK_MAINTENANCE_WINDOW, "maintenance_window", true,                                 \
      "Velocity/1 is off for maintenance")                                                         \
    X(VEL_FALLBACK_VERSION_NEGOTIATION, "version_negotiation", true,                               \
      "the server answered with Version Negotiation")                                              \
    X(VEL_FALLBACK_UDP_BLOCKED, "udp_blocked", false, "no datagram comes through")                 \
    X(VEL_FALLBACK_TIMEOUT, "timeout", false, "the handshake was not finished in time")

#define VEL_FALLBACK_AS_ENUM(code, name, signable, text) code,
enum vel_fallback { VEL_FALLBACK_MAP(VEL_FALLBACK_AS_ENUM) VEL_FALLBACK_COUNT };
#undef VEL_FALLBACK_AS_ENUM

/* Constant strings; never NULL. */
const char *vel_fallback_name(enum vel_fallback reason);
const char *vel_fallback_text(enum vel_fallback reason);

bool vel_fallback_is_signable(enum vel_fallback reason);

/* The reason of this name; VEL_FALLBACK_COUNT: no such. */
enum vel_fallback vel_fallback_of_name(struct vel_slice name);

#endif
