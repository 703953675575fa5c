/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_ALPN_H
#define HANDSHAKE_ALPN_H

#include "base/writer.h"

/*
 * Application protocols (RFC 7301). One list in the config serves all wire versions, but some names
 * exist on one carrier only: "velocity/1" in Velocity/1, "h3" in QUIC v1 and v2, "h2" and "http/1.1"
 * over TCP. Each handshake passes over the names that are not for it (VEL-HS-27); any other name is
 * for all of them.
 */
enum { VEL_ALPN_MAX = 32, VEL_ALPN_COUNT_MAX = 8 };
enum { VEL_ALPN_LIST_MAX = VEL_ALPN_COUNT_MAX * (1 + VEL_ALPN_MAX) };

enum vel_alpn_carrier {
    VEL_ALPN_VELOCITY = 1 << 0,
    VEL_ALPN_QUIC = 1 << 1,
    VEL_ALPN_TCP = 1 << 2,
};

bool vel_alpn_fits(struct vel_slice name, enum vel_alpn_carrier carrier);

/* 1 to 8 names of 1 to 32 bytes of which at least one fits. */
bool vel_alpn_usable(const struct vel_slice *names, size_t count, enum vel_alpn_carrier carrier);

/* The ones that fit as a ProtocolNameList without its length; at most VEL_ALPN_LIST_MAX bytes of a
 * usable list. */
void vel_alpn_write(const struct vel_slice *names, size_t count, enum vel_alpn_carrier carrier,
                    struct vel_writer *w);

/* Whether a fitting name of the list is this one. */
bool vel_alpn_has(const struct vel_slice *names, size_t count, enum vel_alpn_carrier carrier,
                  struct vel_slice name);

#endif
