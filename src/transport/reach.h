/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_REACH_H
#define TRANSPORT_REACH_H

#include <stdbool.h>

#include "velocity/addr.h"

/*
 * How far away the host of an address may be, so that a server cannot make its clients send to
 * something that stands nearer to them than it does itself (RFC 9000 21.5.3): a service on their own
 * machine, or a device of their home network.
 */
enum vel_reach {
    VEL_REACH_NOBODY,  /* unspecified, multicast, broadcast, reserved: no single host's address */
    VEL_REACH_MACHINE, /* loopback */
    VEL_REACH_LINK,    /* link-local */
    VEL_REACH_SITE,    /* private (RFC 1918, RFC 4193) or behind a carrier's NAT (RFC 6598) */
    VEL_REACH_WORLD
};

enum vel_reach vel_reach_of(const struct vel_addr *addr);

/* Whether a server at `from` may send its clients to `to`. One that is reached although its address is
 * nobody's, as through a translator from IPv6 to IPv4 (64:ff9b::/96, RFC 6052), stands in the world. */
bool vel_reach_may_send(const struct vel_addr *from, const struct vel_addr *to);

#endif
