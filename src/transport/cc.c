/* SPDX-License-Identifier: MIT */
#include "transport/cc.h"

#include "base/units.h"

static const struct vel_cc_ops *const algorithms[] = {
    [VEL_CC_CUBIC] = &vel_cc_cubic,
    [VEL_CC_NEWRENO] = &vel_cc_newreno,
};

static uint64_t initial_window(uint64_t mtu)
{
    uint64_t least = VEL_MAX((uint64_t)VEL_CC_INITIAL_BYTES, VEL_CC_MIN_PACKETS * mtu);
    return VEL_MIN(VEL_CC_INITIAL_PACKETS * mtu, least);
}

void vel_cc_init(struct vel_cc *cc, enum vel_congestion algorithm, uint32_t mtu, vel_time now)
{
    *cc = (struct vel_cc){
        .ops = algorithms[algorithm],
        .window = initial_window(mtu),
        .ssthresh = UINT64_MAX,
        .mtu = mtu,
        .recovery_start = INT64_MIN,
        .last_active = now,
        .cubic.epoch = VEL_NEVER,
    };
    vel_hystart_init(&cc->hystart, now);
}

void vel_cc_set_crypto_window(struct vel_cc *cc, unsigned packets)
{
    cc->crypto_window = (uint64_t)VEL_MIN(packets, (unsigned)VEL_CC_CRYPTO_PACKETS) * cc->mtu;
}

void vel_cc_set_mtu(struct vel_cc *cc, uint32_t mtu)
{
    cc->mtu = mtu;
    cc->window = VEL_MAX(cc->window, (uint64_t)VEL_CC_MIN_PACKETS * mtu);
}

static void not_in_use(struct vel_cc *cc, vel_time now)
{
    if (cc->ops->on_idle != NULL)
        cc->ops->on_idle(cc, cc->last_active, now);
    cc->last_active = now;
}

void vel_cc_on_sent(struct vel_cc *cc, uint64_t in_flight, vel_time now)
{
    if (in_flight == 0)
        not_in_use(cc, now);
}

static void slow_start(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack)
{
    cc->window += vel_hystart_growth(&cc->hystart, ack->bytes);
    if (vel_hystart_on_ack(&cc->hystart, ack->sent, rtt->latest, ack->now))
        cc->ssthresh = cc->window;
}

void vel_cc_on_ack(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack)
{
    if (ack->app_limited) {
        not_in_use(cc, ack->now);
        return;
    }
    cc->last_active = ack->now;
    if (ack->bytes == 0)
        return;
    if (vel_cc_in_slow_start(cc))
        slow_start(cc, rtt, ack);
    else
        cc->ops->on_ack(cc, rtt, ack);
    cc->window = VEL_MIN(cc->window, (uint64_t)VEL_CC_MAX_WINDOW);
}

void vel_cc_on_congestion(struct vel_cc *cc, vel_time sent, vel_time now)
{
    if (vel_cc_in_recovery(cc, sent))
        return;
    cc->before = (struct vel_cc_before){
        .window = cc->window, .ssthresh = cc->ssthresh, .hystart = cc->hystart, .cubic = cc->cubic};
    cc->recovery_start = now;
    cc->reductions++;
    cc->crypto_window = 0;
    cc->hystart.phase = VEL_HYSTART_DONE;
    cc->ops->on_congestion(cc, now);
}

void vel_cc_undo(struct vel_cc *cc)
{
    const struct vel_cc_before *before = &cc->before;
    if (before->window > cc->window) {
        cc->window = before->window;
        cc->ssthresh = before->ssthresh;
        cc->hystart = before->hystart;
        cc->cubic = before->cubic;
    }
    cc->before.window = 0;
}

void vel_cc_confirm(struct vel_cc *cc)
{
    cc->before.window = 0;
}

void vel_cc_on_persistent_congestion(struct vel_cc *cc)
{
    cc->before.window = 0;
    cc->window = (uint64_t)VEL_CC_MIN_PACKETS * cc->mtu;
    cc->recovery_start = INT64_MIN;
    cc->reductions++;
    if (cc->ops->on_persistent_congestion != NULL)
        cc->ops->on_persistent_congestion(cc);
}

uint64_t vel_cc_pacing_rate(const struct vel_cc *cc, const struct vel_rtt *rtt)
{
    uint64_t window = vel_cc_window(cc);
    uint64_t per_rtt = vel_cc_in_slow_start(cc) ? 2 * window : window + window / 4;
    return per_rtt * (uint64_t)SECOND / (uint64_t)VEL_MAX(rtt->smoothed, US);
}
