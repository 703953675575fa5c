/* SPDX-License-Identifier: MIT */
#include "transport/pacer.h"

#include "base/units.h"

/* 137 Gbit/s: keeps the arithmetic in 64 bits. */
#define RATE_MAX (UINT64_C(1) << 34)

/* Bytes times nanoseconds per second that `span` yields; a second fills any bucket. */
static uint64_t yield(uint64_t rate, vel_time span)
{
    return rate * (uint64_t)VEL_MIN(span, SECOND);
}

/* What the rate yields in a millisecond, between `packets` and the largest train. */
static uint64_t train(const struct vel_pacer *pacer, uint64_t packets)
{
    uint64_t most = (uint64_t)VEL_PACER_MAX_PACKETS * pacer->mtu;
    uint64_t bytes = yield(pacer->rate, MS) / (uint64_t)SECOND;
    return VEL_MIN(VEL_MAX(bytes, packets * pacer->mtu), most);
}

uint64_t vel_pacer_depth(const struct vel_pacer *pacer)
{
    if (pacer->quantum == 0)
        return train(pacer, VEL_PACER_MIN_PACKETS);
    uint64_t most = (uint64_t)VEL_PACER_MAX_PACKETS * pacer->mtu;
    return VEL_MIN(VEL_MAX(pacer->quantum, 2 * (uint64_t)pacer->mtu), most);
}

/* The most that may be in the bucket: who comes late finds there what it missed. */
static int64_t most_credit(const struct vel_pacer *pacer, vel_time now)
{
    uint64_t depth = vel_pacer_depth(pacer);
    if (now <= pacer->due)
        return (int64_t)depth;
    uint64_t missed = yield(pacer->rate, now - pacer->due) / (uint64_t)SECOND;
    uint64_t most = (uint64_t)VEL_PACER_LATE_PACKETS * pacer->mtu;
    return (int64_t)VEL_MAX(depth, VEL_MIN(depth + missed, most));
}

static void spill(struct vel_pacer *pacer, vel_time now)
{
    int64_t most = most_credit(pacer, now);
    if (pacer->credit >= most) {
        pacer->credit = most;
        pacer->fraction = 0;
    }
}

static void fill(struct vel_pacer *pacer, vel_time now)
{
    if (now <= pacer->updated)
        return;
    uint64_t more = pacer->fraction + yield(pacer->rate, now - pacer->updated);
    pacer->credit += (int64_t)(more / (uint64_t)SECOND);
    pacer->fraction = more % (uint64_t)SECOND;
    pacer->updated = now;
    spill(pacer, now);
}

void vel_pacer_init(struct vel_pacer *pacer, bool enabled, uint32_t mtu, vel_time now)
{
    *pacer = (struct vel_pacer){.enabled = enabled, .mtu = mtu, .updated = now, .due = VEL_NEVER};
    pacer->credit = (int64_t)vel_pacer_depth(pacer);
}

void vel_pacer_set_rate(struct vel_pacer *pacer, uint64_t rate, uint64_t quantum, vel_time now)
{
    fill(pacer, now);
    pacer->quantum = quantum;
    pacer->rate = VEL_MIN(rate, RATE_MAX);
    spill(pacer, now);
}

static bool unlimited(const struct vel_pacer *pacer)
{
    return !pacer->enabled || pacer->rate == 0;
}

uint64_t vel_pacer_budget(struct vel_pacer *pacer, vel_time now)
{
    if (unlimited(pacer))
        return UINT64_MAX;
    fill(pacer, now);
    return pacer->credit >= (int64_t)pacer->mtu ? (uint64_t)pacer->credit : 0;
}

uint64_t vel_pacer_train(const struct vel_pacer *pacer)
{
    if (unlimited(pacer))
        return UINT64_MAX;
    return (uint64_t)VEL_MAX(pacer->credit, (int64_t)vel_pacer_depth(pacer));
}

void vel_pacer_sent(struct vel_pacer *pacer, uint64_t bytes, vel_time now)
{
    if (unlimited(pacer))
        return;
    fill(pacer, now);
    pacer->credit -= (int64_t)bytes;
    pacer->due = VEL_NEVER;
}

vel_time vel_pacer_next(const struct vel_pacer *pacer, vel_time now)
{
    int64_t want = (int64_t)VEL_MIN(train(pacer, 1), vel_pacer_depth(pacer));
    if (unlimited(pacer) || pacer->credit >= want)
        return now;
    uint64_t lacking = (uint64_t)(want - pacer->credit) * (uint64_t)SECOND - pacer->fraction;
    vel_time when = pacer->updated + (vel_time)((lacking + pacer->rate - 1) / pacer->rate);
    return VEL_MAX(when, now);
}

vel_time vel_pacer_wait(struct vel_pacer *pacer, vel_time now)
{
    pacer->due = vel_pacer_next(pacer, now);
    return pacer->due;
}

void vel_pacer_rest(struct vel_pacer *pacer)
{
    pacer->due = VEL_NEVER;
}
