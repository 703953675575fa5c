/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_RUNG_H
#define CLIENT_RUNG_H

#include <stdbool.h>

#include "base/units.h"
#include "client/transfer.h"

/*
 * The rungs of the ladder, best first, and the reasons for stepping down from one. A client never
 * steps down for anything else: a refused certificate, a detected downgrade or an error that has no
 * reason here ends the search (PROTOCOL section 7).
 */
enum vel_rung {
    VEL_RUNG_VELOCITY, /* Velocity/1 over UDP */
    VEL_RUNG_QUIC,     /* HTTP/3 over QUIC v1 or v2, same UDP port */
    VEL_RUNG_TCP,      /* HTTP/2 or HTTP/1.1 over TLS 1.3, TCP port of the same number */
    VEL_RUNG_COUNT
};

/* "velocity/1", "h3", "tcp". */
const char *vel_rung_name(enum vel_rung rung);

/* X(enumerator, name in --json and --verbose, how long it is believed at first, text) */
#define VEL_FALLBACK_MAP(X)                                                                        \
    X(VEL_FALLBACK_NONE, "none", 0, "no reason to step down")                                      \
    X(VEL_FALLBACK_NO_HYBRID_CERT, "no_hybrid_cert", 3600 * SECOND,                                \
      "the server has no hybrid certificate")                                                      \
    X(VEL_FALLBACK_POLICY_DISABLED, "policy_disabled", 3600 * SECOND,                              \
      "the protocol is switched off by policy")                                                    \
    X(VEL_FALLBACK_CLIENT_PROFILE_UNSUPPORTED, "client_profile_unsupported", 3600 * SECOND,        \
      "the server permits none of our profiles")                                                   \
    X(VEL_FALLBACK_MAINTENANCE_WINDOW, "maintenance_window", 60 * SECOND,                          \
      "the server takes no new connections just now")                                              \
    X(VEL_FALLBACK_VERSION_NEGOTIATION, "version_negotiation", 3600 * SECOND,                      \
      "the server does not list the version")                                                      \
    X(VEL_FALLBACK_UDP_BLOCKED, "udp_blocked", 300 * SECOND, "nothing comes back over UDP")        \
    X(VEL_FALLBACK_TIMEOUT, "timeout", 60 * SECOND, "no connection in time")

#define VEL_FALLBACK_AS_ENUM(code, name, belief, text) code,
enum vel_fallback { VEL_FALLBACK_MAP(VEL_FALLBACK_AS_ENUM) VEL_FALLBACK_COUNT };
#undef VEL_FALLBACK_AS_ENUM

const char *vel_fallback_name(enum vel_fallback reason);
const char *vel_fallback_text(enum vel_fallback reason);

/* The reason of this name; VEL_FALLBACK_COUNT: no such. */
enum vel_fallback vel_fallback_of_name(struct vel_slice name);

/* How long a remembered reason keeps us from trying that rung first: doubles with each time in a
 * row (`count`, from 1), to a day at most. */
enum { VEL_COOL_DOWN_MAX_S = 86400 };
vel_time vel_fallback_cool_down(enum vel_fallback reason, unsigned count);

/* Why an attempt ended that got no connection. */
struct vel_rung_failure {
    enum vel_client_failure failure;
    enum vel_fallback reason; /* NONE: not one to step down for */
};

/* Of a QUIC connection (any version) whose handshake did not complete. The peer's words in a
 * handshake can be forged, so a reason read from them is one to step down for, not one to believe:
 * what the lower rung proves decides (see connector.h). */
struct vel_rung_failure vel_rung_failure_of_close(const struct vel_close *close);

#endif
