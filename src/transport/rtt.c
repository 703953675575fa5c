/* SPDX-License-Identifier: MIT */
#include "transport/rtt.h"

void vel_rtt_init(struct vel_rtt *rtt)
{
    *rtt = (struct vel_rtt){
        .smoothed = VEL_RTT_INITIAL,
        .variance = VEL_RTT_INITIAL / 2,
        .min = VEL_NEVER,
        .first_sample = VEL_NEVER,
    };
}

void vel_rtt_update(struct vel_rtt *rtt, vel_time latest, vel_time ack_delay, vel_time now)
{
    rtt->latest = latest;
    /* min_rtt takes no account of the delay the peer reports, so that it cannot be pulled down. */
    rtt->min = VEL_MIN(rtt->min, latest);
    if (!vel_rtt_has_sample(rtt)) {
        rtt->first_sample = now;
        rtt->smoothed = latest;
        rtt->variance = latest / 2;
        return;
    }
    vel_time adjusted = latest - rtt->min >= ack_delay ? latest - ack_delay : latest;
    vel_time off = rtt->smoothed > adjusted ? rtt->smoothed - adjusted : adjusted - rtt->smoothed;
    rtt->variance = (3 * rtt->variance + off) / 4;
    rtt->smoothed = (7 * rtt->smoothed + adjusted) / 8;
}

void vel_rtt_forget_min(struct vel_rtt *rtt)
{
    rtt->min = VEL_NEVER;
}
