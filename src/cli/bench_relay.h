/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_RELAY_H
#define CLI_BENCH_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "velocity/env.h"

/*
 * A network in a process: datagrams between one client and one server come late, one after the other
 * as a line of some rate would carry them, or not at all. The same seed loses the same ones of a
 * direction, counted from the first.
 */
struct vel_bench_impairment {
    int64_t loss;   /* datagrams of a million, in each direction */
    vel_time delay; /* one way */
    int64_t rate;   /* bits per second, in each direction; 0: no limit */
    int64_t seed;
};

static inline bool vel_bench_is_impaired(const struct vel_bench_impairment *network)
{
    return network->loss > 0 || network->delay > 0 || network->rate > 0;
}

/*
 * One direction, without a socket: when each datagram comes out. The queue of the line holds what it
 * carries in two delays, and 64 kB at least; what does not fit is lost.
 */
struct vel_bench_line {
    struct vel_bench_impairment network;
    uint64_t state;      /* of the generator */
    vel_time free_at;    /* the line has sent everything then */
    uint64_t lost, full; /* by chance; by a full queue */
};

void vel_bench_line_init(struct vel_bench_line *line, const struct vel_bench_impairment *network,
                         unsigned direction);

/* A datagram of `size` bytes enters; false: it never comes out. *due never decreases. */
bool vel_bench_line_enter(struct vel_bench_line *line, size_t size, vel_time now, vel_time *due);

struct vel_bench_node;
struct vel_addr;

/* Fork a process that relays between `server` and whoever sends to the address that is returned in
 * *front; ended and waited for by vel_bench_join(node, *child). */
void vel_bench_relay_start(struct vel_bench_node *node, const struct vel_bench_impairment *network,
                           const struct vel_addr *server, struct vel_addr *front, int *child);

#endif
