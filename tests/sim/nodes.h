/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_NODES_H
#define TESTS_SIM_NODES_H

#include "sim/sim.h"

/*
 * What can happen to datagrams on their way, one file each (node_X.c). Every call puts one node at
 * the end of the chain of each direction given, so calls stand in the order a datagram meets the
 * nodes. Probabilities are per million.
 */

/* Every datagram takes `delay` longer. */
void sim_delay(struct sim *sim, enum sim_direction directions, vel_time delay);

/* Every datagram takes up to `most` longer; the order stays. */
void sim_jitter(struct sim *sim, enum sim_direction directions, vel_time most);

/* Some datagrams take `by` longer, so that others overtake them. */
void sim_reorder(struct sim *sim, enum sim_direction directions, unsigned per_million, vel_time by);

void sim_loss(struct sim *sim, enum sim_direction directions, unsigned per_million);

/* Gilbert's model: everything is lost while the channel is bad. `enter` and `leave` are the chances
 * that it turns bad or good before a datagram; half a second is the longest it stays bad. */
void sim_burst_loss(struct sim *sim, enum sim_direction directions, unsigned enter, unsigned leave);

/* Some datagrams arrive twice. */
void sim_duplicate(struct sim *sim, enum sim_direction directions, unsigned per_million);

/* Some datagrams have a byte changed, or their end cut off. */
void sim_corrupt(struct sim *sim, enum sim_direction directions, unsigned per_million);

/* An attacker on the path: before some datagrams comes a damaged copy of them. */
void sim_forge(struct sim *sim, enum sim_direction directions, unsigned per_million);

/* An attacker who records: some datagrams come again up to `later` afterwards. */
void sim_replay(struct sim *sim, enum sim_direction directions, unsigned per_million,
                vel_time later);

/* A link of `rate` bytes per second with a queue of `queue` bytes in front of it; what does not fit
 * is dropped. Datagrams that meet more than `mark` bytes waiting are marked CE if they may be; 0:
 * none are. */
void sim_bottleneck(struct sim *sim, enum sim_direction directions, uint64_t rate, uint64_t queue,
                    uint64_t mark);

/* Longer datagrams are dropped. */
void sim_mtu(struct sim *sim, enum sim_direction directions, size_t size);
/* The same, but only from this time after the start on. */
void sim_mtu_from(struct sim *sim, enum sim_direction directions, size_t size, vel_time from);

/* ECN marks are cleared. */
void sim_bleach(struct sim *sim, enum sim_direction directions);

/* Some of the datagrams with one ECN mark (enum vel_ecn) get another. */
void sim_remark(struct sim *sim, enum sim_direction directions, uint8_t from, uint8_t to,
                unsigned per_million);

/* Nothing passes between these times after the start. */
void sim_blackout(struct sim *sim, enum sim_direction directions, vel_time from, vel_time until);

/* The network of one address of the client's host is gone after `from` since the start: nothing
 * comes from there or gets there any more. */
void sim_cut(struct sim *sim, const struct vel_addr *addr, vel_time from);

/* The network of one address of the client's host, in both directions: `rate` bytes per second behind a
 * queue of `queue` bytes, and `delay`. Others pass untouched. What else happens on it may be changed
 * at any time. */
struct sim_way {
    uint64_t datagrams, bytes; /* that passed */
    uint64_t dropped;
    vel_time free_at; /* when all that waits is sent */
};
struct sim_link {
    struct sim_node node;
    struct vel_addr addr;
    uint64_t rate, queue;
    vel_time delay;
    unsigned loss;                  /* per million; 0 at first */
    vel_time dead_from, dead_until; /* since the start; never at first */
    enum sim_direction dead_way;    /* SIM_BOTH at first */
    struct sim_way up, down;
};
struct sim_link *sim_link(struct sim *sim, const struct vel_addr *addr, uint64_t rate,
                          uint64_t queue, vel_time delay);

/* A translator of addresses in front of the client, which forgets what it translated to every
 * `every`, and chooses another port then, or in turn another address and another port. What goes to
 * a former one is lost. Nothing happens in the first second. Put it behind the nodes that delay. */
struct sim_nat {
    struct sim_node node;
    vel_time every;
    bool hosts;
    uint64_t rebindings;
    uint64_t lost;
    struct vel_addr inside, outside;
};
struct sim_nat *sim_nat(struct sim *sim, vel_time every, bool hosts);

/* Somebody who reads and writes, but cannot hold back: copies some of the client's datagrams, so that
 * they come from `victim` and are there first. What the server sends to the victim is counted and
 * goes nowhere. */
struct sim_spoof {
    struct sim_node node;
    unsigned per_million;
    struct vel_addr victim;
    uint64_t sent_as_victim, sent_to_victim; /* bytes */
};
struct sim_spoof *sim_spoof(struct sim *sim, unsigned per_million, const struct vel_addr *victim);

/* One thing happens to the nth datagram sent, counted from 0. */
enum sim_mishap { SIM_DROP_IT, SIM_DOUBLE_IT, SIM_DAMAGE_IT, SIM_SWAP_IT, SIM_MISHAPS };
void sim_nth(struct sim *sim, enum sim_direction directions, uint64_t n, enum sim_mishap mishap);

/* Counts what passes; one direction. Lives as long as the simulation. */
struct sim_tap {
    struct sim_node node;
    uint64_t datagrams, bytes;
    uint64_t largest;     /* bytes of the longest datagram */
    uint64_t window_most; /* most bytes in a millisecond that began with a datagram */
    uint64_t marked;      /* datagrams with CE */
    vel_time window_start;
    uint64_t window_bytes;
};
struct sim_tap *sim_tap(struct sim *sim, enum sim_direction direction);

#endif
