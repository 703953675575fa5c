/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_SPREAD_H
#define CLI_BENCH_SPREAD_H

#include <stdint.h>

#include "velocity/env.h"

/*
 * How the times of many events are spread, in a fixed number of buckets: each is a thirty-second wider
 * than the one before, so what is read of it is right within three percent. Start with {0}.
 */
enum {
    VEL_BENCH_SPREAD_BITS = 5, /* of the mantissa of a bucket */
    VEL_BENCH_SPREAD_BUCKETS = 64 << VEL_BENCH_SPREAD_BITS
};

struct vel_bench_spread {
    uint64_t count;
    vel_time least, most;
    uint64_t buckets[VEL_BENCH_SPREAD_BUCKETS];
};

void vel_bench_spread_add(struct vel_bench_spread *spread, vel_time time);

/* Microseconds under which `share` (0 to 1) of all lie; 0 when there are none. */
double vel_bench_spread_at(const struct vel_bench_spread *spread, double share);

#endif
