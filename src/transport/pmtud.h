/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_PMTUD_H
#define TRANSPORT_PMTUD_H

#include <stdbool.h>
#include <stdint.h>

#include "velocity/env.h"

/*
 * How large may the datagrams of a path be? Datagram packetization layer path MTU discovery,
 * RFC 8899 and RFC 9000 14.3, as a plain value: one for each path. Sizes are UDP payload in bytes.
 *
 *      BASE <= mtu < probe < refused <= ceiling + 1
 *
 * `mtu` is proven. What is sent to learn more is a probe: a packet of `probe` bytes that carries
 * nothing to be missed and counts for no congestion. An acknowledged probe moves `mtu` up, three
 * lost ones move `refused` down, until less than a step lies between. The first size tried is the
 * one that Ethernet carries, then the ceiling, then the largest jumbo frame, then the middle. A
 * search that ended below the ceiling begins again after VEL_PMTUD_RAISE, for paths change.
 *
 * They also shrink: struct vel_black_hole notices that packets above the base size are lost and
 * smaller ones arrive. Then everything starts at the base again.
 */
enum {
    VEL_PMTUD_BASE = 1200,         /* every path carries it, RFC 9000 14 */
    VEL_PMTUD_ETHERNET = 1452,     /* 1500 less IPv6 and UDP headers */
    VEL_PMTUD_JUMBO = 8952,        /* 9000 less the same */
    VEL_PMTUD_STEP = 64,           /* the search ends when it could gain less than a 64th */
    VEL_PMTUD_PROBES = 3,          /* losses of one size: RFC 8899 5.1.2, MAX_PROBES */
    VEL_PMTUD_SUSPECTS = 6,        /* large packets lost in a row before a black hole is believed */
    VEL_PMTUD_DATAGRAM_MAX = 65507 /* what UDP over IPv4 holds */
};
#define VEL_PMTUD_RAISE (600 * SECOND) /* RFC 8899 5.1.1, PMTU_RAISE_TIMER */

struct vel_pmtud {
    uint16_t mtu;
    uint16_t probe; /* 0: the search is over */
    uint16_t refused;
    uint16_t ceiling;
    uint8_t losses; /* of the probe's size */
    bool in_flight;
    vel_time raise_at; /* when the search is over: VEL_NEVER when nothing larger is thinkable */
};

void vel_pmtud_init(struct vel_pmtud *p, uint64_t ceiling);

/* Nothing above `ceiling` will be tried: the peer's max_udp_payload_size has come. */
void vel_pmtud_set_ceiling(struct vel_pmtud *p, uint64_t ceiling);

/* A packet of p->probe bytes should be sent; in_flight until it is acknowledged or lost. */
bool vel_pmtud_is_due(struct vel_pmtud *p, vel_time now);
void vel_pmtud_sent(struct vel_pmtud *p);

/* What became of a probe of `size` bytes. True: the mtu has changed. */
bool vel_pmtud_acked(struct vel_pmtud *p, uint64_t size, vel_time now);
void vel_pmtud_lost(struct vel_pmtud *p, uint64_t size, vel_time now);

/* Back to the base, and search again. True: the mtu has changed. */
bool vel_pmtud_restart(struct vel_pmtud *p);

/* The watch over packets in flight, by size and by the time they were sent (RFC 8899 4.3). */
struct vel_black_hole {
    vel_time large_passed; /* when the newest large packet that arrived was sent */
    vel_time first_lost;   /* when the first lost one after it was sent */
    uint32_t lost;         /* large packets sent since then and lost */
    bool small_passed;     /* a smaller one sent after first_lost arrived */
};

void vel_black_hole_acked(struct vel_black_hole *b, uint16_t size, vel_time sent);
void vel_black_hole_lost(struct vel_black_hole *b, uint16_t size, vel_time sent);

/* True once: the path swallows large packets. */
bool vel_black_hole_found(struct vel_black_hole *b);

#endif
