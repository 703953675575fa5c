/* SPDX-License-Identifier: MIT */
#include "transport/loss_based.h"

#include "base/units.h"

/* NewReno as RFC 9002 7.3 has it: one packet more per window acknowledged, half on congestion. */

static void on_ack(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack)
{
    if (vel_loss_based_on_ack(cc, rtt, ack))
        return;
    cc->acked_in_avoidance += ack->bytes;
    if (cc->acked_in_avoidance < cc->window)
        return;
    cc->acked_in_avoidance -= cc->window;
    cc->window += cc->mtu;
}

static void on_congestion(struct vel_cc *cc, vel_time now)
{
    (void)now;
    vel_loss_based_remember(cc);
    cc->ssthresh = VEL_MAX(cc->window / 2, (uint64_t)VEL_CC_MIN_PACKETS * cc->mtu);
    cc->window = cc->ssthresh;
    cc->acked_in_avoidance = 0;
}

static void on_persistent_congestion(struct vel_cc *cc, vel_time now)
{
    (void)now;
    cc->acked_in_avoidance = 0;
}

const struct vel_cc_ops vel_cc_newreno = {
    .name = "newreno",
    .init = vel_loss_based_init,
    .on_ack = on_ack,
    .on_congestion = on_congestion,
    .on_persistent_congestion = on_persistent_congestion,
    .undo = vel_loss_based_undo,
    .pacing = vel_loss_based_pacing,
    .state = vel_loss_based_state,
};
