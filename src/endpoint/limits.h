/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_LIMITS_H
#define ENDPOINT_LIMITS_H

#include "base/units.h"
#include "transport/conn.h"

/*
 * Every bound of an endpoint, in one place. What a stranger can make us keep or send is limited by
 * these and by the numbers of struct vel_endpoint_setup, whatever arrives.
 */
enum {
    VEL_DEFAULT_CONNECTIONS = 65536,
    VEL_DEFAULT_HALF_OPEN = 1024,

    /* A half-open connection counts against its IPv4 address, or the first 56 bits of its IPv6
     * address: what one customer of a provider usually holds. One such source may have this part
     * of all half-open connections; over it, or over all of them, the answer is a Retry. */
    VEL_SOURCE_IP4_BYTES = 4,
    VEL_SOURCE_IP6_BYTES = 7,
    VEL_SOURCE_SHARE = 8,
    /* Datagrams of strangers that are looked at in a row, while others wait. */
    VEL_BACKLOG_TURN = 32,

    /* Handshakes that one signature is made for while newcomers wait: with more it would cost each of
     * them little less. */
    VEL_SIGNING_TURN = 32,

    /* Handshakes that one source may have under way once it has proved its address. */
    VEL_SOURCE_HANDSHAKES = 2048,

    /* Answers that need no connection (Version Negotiation, Retry, refusals) wait here until
     * vel_endpoint_send takes them; when it is full more are dropped. Twice a whole train. */
    VEL_REPLIES_MAX = 128,
    /* Bytes of one: a Version Negotiation that repeats two ids of 255 bytes is the longest. */
    VEL_REPLY_MAX_BYTES = 576,

    /* Connection ids of ours that lead to one connection: its own, and the client's first. */
    VEL_ROUTES_MAX = VEL_CONN_IDS_MAX
};

/* So long the first of them waits for others, however slowly these come. */
#define VEL_SIGNING_PATIENCE (25 * MS)

/* Tokens are good for this long, VEL-TR-17. */
#define VEL_RETRY_LIFETIME (10 * SECOND)
#define VEL_NEW_TOKEN_LIFETIME (24 * 3600 * SECOND)

/* Version Negotiation and refusals are answers to anybody, so there is a pace for all of them
 * together. A Retry is not paced: it costs less than what asked for it, and is the way in. */
#define VEL_REPLY_INTERVAL (1 * MS)
enum { VEL_REPLY_BURST = 64 };

#endif
