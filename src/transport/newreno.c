/* SPDX-License-Identifier: MIT */
#include "transport/cc.h"

#include "base/units.h"

/* NewReno as RFC 9002 7.3 has it: one packet more per window acknowledged, half on congestion. */

static void on_ack(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack)
{
    (void)rtt;
    cc->acked_in_avoidance += ack->bytes;
    if (cc->acked_in_avoidance < cc->window)
        return;
    cc->acked_in_avoidance -= cc->window;
    cc->window += cc->mtu;
}

static void on_congestion(struct vel_cc *cc, vel_time now)
{
    (void)now;
    cc->ssthresh = VEL_MAX(cc->window / 2, (uint64_t)VEL_CC_MIN_PACKETS * cc->mtu);
    cc->window = cc->ssthresh;
    cc->acked_in_avoidance = 0;
}

static void on_persistent_congestion(struct vel_cc *cc)
{
    cc->acked_in_avoidance = 0;
}

const struct vel_cc_ops vel_cc_newreno = {
    .name = "newreno",
    .on_ack = on_ack,
    .on_congestion = on_congestion,
    .on_persistent_congestion = on_persistent_congestion,
};
