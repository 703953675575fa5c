/* SPDX-License-Identifier: MIT */
#include "transport/loss_based.h"

#include "base/units.h"
#include "transport/pacer.h"

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

/* Bytes of the window that no link holds: round trips are longer than the least one because packets wait in a
 * queue, ours with them. */
static uint64_t queued(uint64_t window, const struct vel_rtt *rtt)
{
    if (!vel_rtt_has_sample(rtt) || rtt->smoothed <= rtt->min)
        return 0;
    uint64_t wait = (uint64_t)((rtt->smoothed - rtt->min) / US);
    return window * wait / (uint64_t)(rtt->smoothed / US + 1);
}

/* What leaves in a millisecond, and no less than so many packets. Where we have some in a queue, a quarter of
 * them may come at once: it neither runs dry for that nor gets much longer. */
static uint64_t train(const struct vel_cc *cc, const struct vel_rtt *rtt, uint64_t rate,
                      uint64_t packets)
{
    uint64_t least = VEL_MAX(packets * cc->mtu, queued(vel_cc_window(cc), rtt) / 4);
    return VEL_MAX(rate * (uint64_t)MS / (uint64_t)SECOND, least);
}

struct vel_pacing vel_loss_based_pacing(const struct vel_cc *cc, const struct vel_rtt *rtt)
{
    uint64_t window = vel_cc_window(cc);
    bool starting = vel_cc_in_slow_start(cc);
    uint64_t rate = per_second(starting ? 2 * window : window + window / 4, rtt);
    uint64_t packets = starting || !cc->in_use ? VEL_PACER_MIN_PACKETS : 2;
    return (struct vel_pacing){.rate = rate, .quantum = train(cc, rtt, rate, packets)};
}

const char *vel_loss_based_state(const struct vel_cc *cc)
{
    return vel_cc_in_slow_start(cc) ? "slow_start" : "congestion_avoidance";
}
