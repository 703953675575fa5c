/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_RATE_H
#define TRANSPORT_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "velocity/env.h"

/*
 * How fast a path delivers: draft-ietf-ccwg-bbr, section "Delivery Rate Samples". Each ACK yields a
 * sample, the bytes delivered since the newest packet it acknowledges was sent, over the time that
 * took.
 *
 * The draft keeps what was known at the sending of a packet with the packet. Here packets share
 * snapshots: one is taken when a packet leaves and a twelfth of a window was delivered since
 * the last one, or something else of note has happened. A packet belongs to the newest snapshot that
 * is not younger than itself, so a sample reaches back a little further than it must, and is as true.
 * The state is of a fixed size whatever is in flight.
 */
enum {
    VEL_RATE_SNAPSHOTS = 24,
    VEL_RATE_SNAPSHOTS_PER_WINDOW = 12 /* taken while a window is delivered, or a few more */
};

/* What was known when packets left. */
struct vel_rate_snapshot {
    vel_time since;          /* packets sent at this time or later */
    uint64_t delivered;      /* bytes so far */
    uint64_t lost;           /* likewise */
    vel_time delivered_time; /* when `delivered` was last raised */
    vel_time first_sent;     /* when the packet was sent that was newest among those delivered */
    uint32_t in_flight;      /* most bytes in flight with one of its packets */
    bool app_limited;
};

struct vel_rate {
    uint64_t delivered, lost; /* bytes so far */
    vel_time delivered_time;
    vel_time first_sent;
    uint64_t
        app_limited; /* when so many are delivered, no bubble is left in the path; 0: there is none */
    bool fresh;      /* the next packet begins a snapshot */
    uint32_t taken; /* snapshots so far */
    struct vel_rate_snapshot snapshots[VEL_RATE_SNAPSHOTS];
};

/* What an ACK says. */
struct vel_rate_sample {
    bool valid;               /* else nothing is known of its newest packet */
    bool app_limited;         /* there was less to send than could have been */
    uint64_t rate;            /* bytes per second; 0: the interval was too short to tell */
    uint64_t delivered;       /* over the interval */
    uint64_t prior_delivered; /* when its newest packet was sent */
    uint64_t lost;            /* since then */
    uint64_t in_flight;       /* then */
};

void vel_rate_init(struct vel_rate *rate);

/* A packet of `size` bytes leaves; in_flight: before it. */
void vel_rate_on_sent(struct vel_rate *rate, uint64_t window, uint64_t in_flight, uint64_t size,
                      vel_time now);

/* An ACK brought `bytes`, the newest packet of them sent at `sent`; min_rtt: of all time. */
struct vel_rate_sample vel_rate_on_ack(struct vel_rate *rate, uint64_t bytes, vel_time sent,
                                       vel_time min_rtt, vel_time now);

/* A packet sent at `sent` is lost. The sample says what was lost since it was sent, itself included,
 * and nothing of the rate. */
struct vel_rate_sample vel_rate_on_lost(struct vel_rate *rate, uint64_t bytes, vel_time sent);

/* There is nothing to send, but room: samples of what is in flight, and of what is sent before that
 * has gone, say nothing of the path. */
void vel_rate_on_app_limited(struct vel_rate *rate, uint64_t in_flight);

#endif
