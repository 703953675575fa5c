/* SPDX-License-Identifier: MIT */
#include "transport/reordering.h"

#include "base/units.h"

enum { STEPS_PER_RTT = 4 };

void vel_reordering_init(struct vel_reordering *o, const struct vel_env *env)
{
    *o = (struct vel_reordering){
        .lost = {.env = env, .limit = VEL_REORDERING_LOST},
        .threshold = VEL_PACKET_THRESHOLD,
    };
}

void vel_reordering_clear(struct vel_reordering *o)
{
    vel_ranges_free(&o->lost);
}

void vel_reordering_restart(struct vel_reordering *o)
{
    vel_ranges_clear(&o->lost);
    o->threshold = VEL_PACKET_THRESHOLD;
    o->delay = 0;
}

/* The oldest make room. What cannot be remembered is only never forgiven. */
void vel_reordering_lost(struct vel_reordering *o, uint64_t number)
{
    enum vel_err err = vel_ranges_add(&o->lost, number, number + 1);
    if (err != VEL_ERR_LIMIT)
        return;
    vel_ranges_remove_below(&o->lost, vel_ranges_at(&o->lost, 0)->end);
    err = vel_ranges_add(&o->lost, number, number + 1);
    (void)err;
}

void vel_reordering_event(struct vel_reordering *o, uint64_t number)
{
    o->event = number;
}

uint64_t vel_reordering_acked(struct vel_reordering *o, struct vel_range range, uint64_t largest)
{
    uint64_t found = 0;
    size_t index;
    while ((index = vel_ranges_find(&o->lost, range.start)) < o->lost.count) {
        struct vel_range lost = *vel_ranges_at(&o->lost, index);
        lost.start = VEL_MAX(lost.start, range.start);
        lost.end = VEL_MIN(lost.end, range.end);
        if (lost.start >= lost.end || vel_ranges_subtract(&o->lost, lost.start, lost.end) != VEL_OK)
            break;
        uint64_t distance = largest > lost.start ? largest - lost.start : 0;
        uint64_t wanted = VEL_MIN(distance + 1, (uint64_t)VEL_PACKET_THRESHOLD_MAX);
        o->threshold = VEL_MAX(o->threshold, wanted);
        found += lost.end - lost.start;
    }
    return found;
}

bool vel_reordering_learn(struct vel_reordering *o, vel_time rtt)
{
    o->delay = VEL_MIN(o->delay + rtt / STEPS_PER_RTT, rtt);
    return vel_ranges_find(&o->lost, o->event) == o->lost.count;
}
