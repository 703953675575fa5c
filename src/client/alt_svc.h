/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ALT_SVC_H
#define CLIENT_ALT_SVC_H

#include "base/reader.h"
#include "client/url.h"

/*
 * The Alt-Svc field (RFC 7838 3): where else a server can be reached. Over TLS it is as authentic as
 * the response; it is taken as a word that Velocity/1 is to be expected, and shown by `client
 * probe`.
 */
struct vel_alt_svc {
    char protocol[32];               /* ALPN name, percent-decoded: "velocity/1", "h3" */
    char host[VEL_URL_HOST_MAX + 1]; /* empty: the same host */
    uint16_t port;
    int64_t max_age; /* seconds; 24 h unless given */
};

/* Take the next one off the value. False: no more, or the rest does not parse. "clear" is none. */
bool vel_alt_svc_next(struct vel_reader *value, struct vel_alt_svc *service);

/* For how many seconds the value promises Velocity/1 at the same host and port; 0: it does not. */
int64_t vel_alt_svc_expects_velocity(struct vel_slice value, const struct vel_url *origin);

#endif
