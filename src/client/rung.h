/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_RUNG_H
#define CLIENT_RUNG_H

#include <stdbool.h>

#include "base/units.h"
#include "client/transfer.h"
#include "pki/fallback_reason.h"

/*
 * The rungs of the ladder, best first. A client steps down from one for a reason of
 * pki/fallback_reason.h and for nothing else: a refused certificate, a detected downgrade or an
 * error that has no reason there ends the search (PROTOCOL section 7).
 */
enum vel_rung {
    VEL_RUNG_VELOCITY, /* Velocity/1 over UDP */
    VEL_RUNG_QUIC,     /* HTTP/3 over QUIC v1 or v2, same UDP port */
    VEL_RUNG_TCP,      /* HTTP/2 or HTTP/1.1 over TLS 1.3, TCP port of the same number */
    VEL_RUNG_COUNT
};

/* "velocity/1", "h3", "tcp". */
const char *vel_rung_name(enum vel_rung rung);

/* The rung that an ALPN name belongs to: what is none of UDP's is TCP's. */
enum vel_rung vel_rung_of_alpn(const char *alpn);

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
