/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_REORDERING_H
#define TRANSPORT_REORDERING_H

#include "transport/ranges.h"
#include "transport/space.h"

/*
 * How far a network reorders packets: learned from packets that were declared lost and were
 * acknowledged after all. RFC 9002 6.1 lets both thresholds of loss grow with that: the one in
 * packets to what was seen, the one in time by a quarter of a round trip for each acknowledgement
 * that proves a mistake, up to a whole one. A loss is noticed that much later, and is not invented
 * any more.
 *
 * When all of what began a congestion event proves to have arrived, there was no congestion. Packets of
 * the handshake count here, too: a mistake about one of them would hold the window at a few packets
 * just when it should double.
 *
 * Release with vel_reordering_clear.
 */
enum {
    VEL_PACKET_THRESHOLD = 3,       /* RFC 9002 6.1.1: kPacketThreshold, where it starts */
    VEL_PACKET_THRESHOLD_MAX = 512, /* ours: a loss is noticed so much later at most */
    VEL_REORDERING_LOST = 64,       /* stretches of lost numbers that are remembered, */
    VEL_REORDERING_EARLY = 64       /* and how many first numbers of the handshake's spaces */
};

struct vel_reordering {
    struct vel_ranges lost;          /* 1-RTT; may still be acknowledged */
    uint64_t early[VEL_SPACE_COUNT]; /* the same of Initial and Handshake: 1 << number */
    uint64_t threshold;              /* packets */
    vel_time delay;                  /* on top of RFC 9002's time threshold */
    uint64_t event;                  /* first number lost in the last congestion event, */
    enum vel_space event_space;      /* in this space */
};

void vel_reordering_init(struct vel_reordering *o, const struct vel_env *env);
void vel_reordering_clear(struct vel_reordering *o);

/* Another path: nothing is known of it. */
void vel_reordering_restart(struct vel_reordering *o);

/* A packet was declared lost. */
void vel_reordering_lost(struct vel_reordering *o, enum vel_space space, uint64_t number);

/* A congestion event began with the loss of `number`. */
void vel_reordering_event(struct vel_reordering *o, enum vel_space space, uint64_t number);

/* A range of an ACK; largest: the largest number acknowledged so far. Returns how many numbers it
 * holds that were declared lost. */
uint64_t vel_reordering_acked(struct vel_reordering *o, enum vel_space space,
                              struct vel_range range, uint64_t largest);

/* An ACK frame has proved a mistake. rtt: smoothed. True: nothing is left of the last congestion
 * event: it was none. */
bool vel_reordering_learn(struct vel_reordering *o, vel_time rtt);

#endif
