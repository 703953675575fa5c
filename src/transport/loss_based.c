/* SPDX-License-Identifier: MIT */
#include "transport/loss_based.h"

#include "base/units.h"

void vel_loss_based_init(struct vel_cc *cc, vel_time now)
{
    cc->cubic.epoch = VEL_NEVER;
    cc->cubic.last_active = now;
    vel_hystart_init(&cc->hystart, now);
}

static void slow_start(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack)
{
    cc->window += vel_hystart_growth(&cc->hystart, ack->bytes);
    if (vel_hystart_on_ack(&cc->hystart, ack->sent, rtt->latest, ack->now))
        cc->ssthresh = cc->window;
}

bool vel_loss_based_on_ack(struct vel_cc *cc, const struct vel_rtt *rtt,
                           const struct vel_cc_ack *ack)
{
    cc->in_use = !ack->app_limited;
    if (ack->app_limited || ack->bytes == 0)
        return true;
    if (!vel_cc_in_slow_start(cc))
        return false;
    slow_start(cc, rtt, ack);
    return true;
}

void vel_loss_based_remember(struct vel_cc *cc)
{
    cc->before = (struct vel_cc_before){
        .window = cc->window, .ssthresh = cc->ssthresh, .hystart = cc->hystart, .cubic = cc->cubic};
    cc->hystart.phase = VEL_HYSTART_DONE;
}

void vel_loss_based_undo(struct vel_cc *cc, vel_time now)
{
    (void)now;
    const struct vel_cc_before *before = &cc->before;
    if (before->window <= cc->window)
        return;
    cc->window = before->window;
    cc->ssthresh = before->ssthresh;
    cc->hystart = before->hystart;
    cc->cubic = before->cubic;
}

static uint64_t per_second(uint64_t per_rtt, const struct vel_rtt *rtt)
{
    return per_rtt * (uint64_t)SECOND / (uint64_t)VEL_MAX(rtt->smoothed, US);
}

struct vel_pacing vel_loss_based_pacing(const struct vel_cc *cc, const struct vel_rtt *rtt)
{
    uint64_t window = vel_cc_window(cc);
    if (vel_cc_in_slow_start(cc))
        return (struct vel_pacing){.rate = per_second(2 * window, rtt)};
    uint64_t rate = per_second(window + window / 4, rtt);
    uint64_t train = VEL_MAX(rate * (uint64_t)MS / (uint64_t)SECOND, 2 * (uint64_t)cc->mtu);
    return (struct vel_pacing){.rate = rate, .quantum = cc->in_use ? train : 0};
}

const char *vel_loss_based_state(const struct vel_cc *cc)
{
    return vel_cc_in_slow_start(cc) ? "slow_start" : "congestion_avoidance";
}
