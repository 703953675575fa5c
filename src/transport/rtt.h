/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_RTT_H
#define TRANSPORT_RTT_H

#include <stdbool.h>

#include "base/units.h"
#include "velocity/env.h"

/* Round-trip time of a path, RFC 9002 section 5. All values in nanoseconds. */
#define VEL_RTT_INITIAL (333 * MS)   /* 6.2.2: before the first sample */
#define VEL_RTT_GRANULARITY (1 * MS) /* 6.1.2: kGranularity, the timers we can trust */

struct vel_rtt {
    vel_time latest;
    vel_time smoothed;
    vel_time variance;
    vel_time min;
    vel_time first_sample; /* when it was taken; VEL_NEVER before */
};

/* No sample yet: smoothed and variance are as if the RTT were VEL_RTT_INITIAL. */
void vel_rtt_init(struct vel_rtt *rtt);

/* Take a sample: `latest` is now minus the time the newly acknowledged largest packet was sent;
 * `ack_delay` what the peer says it waited, already limited to max_ack_delay where that applies. */
void vel_rtt_update(struct vel_rtt *rtt, vel_time latest, vel_time ack_delay, vel_time now);

/* 7.6.2: the next sample replaces min_rtt, since the path may be another one. */
void vel_rtt_forget_min(struct vel_rtt *rtt);

static inline bool vel_rtt_has_sample(const struct vel_rtt *rtt)
{
    return rtt->first_sample != VEL_NEVER;
}

/* 6.2.1: the probe time-out without max_ack_delay and without backoff. */
static inline vel_time vel_rtt_pto(const struct vel_rtt *rtt)
{
    return rtt->smoothed + VEL_MAX(4 * rtt->variance, VEL_RTT_GRANULARITY);
}

#endif
