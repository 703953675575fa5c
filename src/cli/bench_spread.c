/* SPDX-License-Identifier: MIT */
#include "cli/bench_spread.h"

#include <stddef.h>

#include "base/units.h"

enum { BITS = VEL_BENCH_SPREAD_BITS, MANTISSA = (1 << BITS) - 1 };

static size_t bucket_of(vel_time time)
{
    uint64_t ns = (uint64_t)VEL_MAX(time, (vel_time)1 << BITS);
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
    uint64_t mantissa = (ns >> (exponent - BITS)) & MANTISSA;
    return ((size_t)exponent << BITS) | (size_t)mantissa;
}

static double microseconds_of(size_t bucket)
{
    double step = 1 + (double)(bucket & MANTISSA) / (1U << BITS);
    return step * (double)((uint64_t)1 << (bucket >> BITS)) / 1000;
}

void vel_bench_spread_add(struct vel_bench_spread *spread, vel_time time)
{
    spread->least = spread->count == 0 ? time : VEL_MIN(spread->least, time);
    spread->most = VEL_MAX(spread->most, time);
    spread->count++;
    spread->buckets[bucket_of(time)]++;
}

double vel_bench_spread_at(const struct vel_bench_spread *spread, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)spread->count);
    uint64_t seen = 0;
    size_t last = 0;
    for (size_t i = 0; i < VEL_BENCH_SPREAD_BUCKETS && seen <= wanted; i++) {
        seen += spread->buckets[i];
        last = spread->buckets[i] > 0 ? i : last;
    }
    return spread->count > 0 ? microseconds_of(last) : 0;
}
