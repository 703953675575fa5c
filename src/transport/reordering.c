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
    for (unsigned i = 0; i < VEL_SPACE_COUNT; i++)
        o->early[i] = 0;
    o->threshold = VEL_PACKET_THRESHOLD;
    o->delay = 0;
}

/* The oldest make room. What cannot be remembered is only never forgiven. */
static void remember(struct vel_reordering *o, uint64_t number)
{
    enum vel_err err = vel_ranges_add(&o->lost, number, number + 1);
    if (err != VEL_ERR_LIMIT)
        return;
    vel_ranges_remove_below(&o->lost, vel_ranges_at(&o->lost, 0)->end);
    err = vel_ranges_add(&o->lost, number, number + 1);
    (void)err;
}

void vel_reordering_lost(struct vel_reordering *o, enum vel_space space, uint64_t number)
{
    if (space == VEL_SPACE_APP)
        remember(o, number);
    else if (number < VEL_REORDERING_EARLY)
        o->early[space] |= UINT64_C(1) << number;
}

void vel_reordering_event(struct vel_reordering *o, enum vel_space space, uint64_t number)
{
    o->event = number;
    o->event_space = space;
}

/* So many packets later, `number` was acknowledged after all. */
static void learn_threshold(struct vel_reordering *o, uint64_t number, uint64_t largest)
{
    uint64_t distance = largest > number ? largest - number : 0;
    uint64_t wanted = VEL_MIN(distance + 1, (uint64_t)VEL_PACKET_THRESHOLD_MAX);
    o->threshold = VEL_MAX(o->threshold, wanted);
}

static uint64_t early_acked(struct vel_reordering *o, enum vel_space space, struct vel_range range,
                            uint64_t largest)
{
    uint64_t found = 0;
    uint64_t end = VEL_MIN(range.end, (uint64_t)VEL_REORDERING_EARLY);
    for (uint64_t n = range.start; o->early[space] != 0 && n < end; n++) {
        uint64_t bit = UINT64_C(1) << n;
        if ((o->early[space] & bit) == 0)
            continue;
        o->early[space] &= ~bit;
        learn_threshold(o, n, largest);
        found++;
    }
    return found;
}

uint64_t vel_reordering_acked(struct vel_reordering *o, enum vel_space space,
                              struct vel_range range, uint64_t largest)
{
    if (space != VEL_SPACE_APP)
        return early_acked(o, space, range, largest);
    uint64_t found = 0;
    size_t index;
    while ((index = vel_ranges_find(&o->lost, range.start)) < o->lost.count) {
        struct vel_range lost = *vel_ranges_at(&o->lost, index);
        lost.start = VEL_MAX(lost.start, range.start);
        lost.end = VEL_MIN(lost.end, range.end);
        if (lost.start >= lost.end || vel_ranges_subtract(&o->lost, lost.start, lost.end) != VEL_OK)
            break;
        learn_threshold(o, lost.start, largest);
        found += lost.end - lost.start;
    }
    return found;
}

static bool nothing_is_left(const struct vel_reordering *o)
{
    if (o->event_space == VEL_SPACE_APP)
        return vel_ranges_find(&o->lost, o->event) == o->lost.count;
    return o->event < VEL_REORDERING_EARLY && o->early[o->event_space] >> o->event == 0;
}

bool vel_reordering_learn(struct vel_reordering *o, vel_time rtt)
{
    o->delay = VEL_MIN(o->delay + rtt / STEPS_PER_RTT, rtt);
    return nothing_is_left(o);
}
