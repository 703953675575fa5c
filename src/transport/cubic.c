/* SPDX-License-Identifier: MIT */
#include "transport/loss_based.h"

#include "base/units.h"

/*
 * CUBIC, RFC 9438, in integers so that every machine computes the same: windows in bytes, the
 * curve's time in milliseconds. C is 0.4 and beta 0.7.
 */
enum { CURVE_SPAN_MAX = 100 * 1000 }; /* milliseconds either side of K: keeps cubes in 64 bits */

/* The largest integer whose cube is at most `value`, bit by bit. */
static uint64_t cube_root(uint64_t value)
{
    uint64_t root = 0;
    for (unsigned bit = 21; bit-- > 0;) {
        uint64_t more = root | UINT64_C(1) << bit;
        if (more * more * more <= value)
            root = more;
    }
    return root;
}

/* K = cubic root of (W_max - cwnd) / C, windows in packets, seconds (4.2). */
static vel_time time_to(uint64_t bytes, uint64_t mtu)
{
    /* bytes / mtu / 0.4, in cubed milliseconds. bytes is at most 2^30, so this is below 2^62. */
    return (vel_time)cube_root(bytes * UINT64_C(2500000000) / mtu) * MS;
}

/* W_cubic: W_max + C (t - K)^3 (4.2). */
static uint64_t curve(const struct vel_cubic *cubic, uint64_t mtu, vel_time t)
{
    int64_t d = (t - cubic->k) / MS;
    d = VEL_MAX(VEL_MIN(d, CURVE_SPAN_MAX), -CURVE_SPAN_MAX);
    /* C d^3 packets, d in milliseconds: 2/5 of d^3 mtu / 10^9 bytes. */
    int64_t offset = d * d * d / 1000 * (int64_t)mtu / 1000 * 2 / 5 / 1000;
    int64_t window = (int64_t)cubic->w_max + offset;
    return window > 0 ? (uint64_t)window : 0;
}

static void start_epoch(struct vel_cc *cc, vel_time now)
{
    struct vel_cubic *cubic = &cc->cubic;
    /* Slow start ended without loss (4.10), or the window was never reduced this far. */
    if (cubic->w_max < cc->window)
        cubic->w_max = cc->window;
    cubic->epoch = now;
    cubic->k = time_to(cubic->w_max - cc->window, cc->mtu);
    cubic->w_est = cc->window;
    cubic->part = cubic->est_part = 0;
}

/* 4.3: alpha is 3 (1 - beta) / (1 + beta) = 9/17 until Reno would be back where it was, then 1. */
static void grow_estimate(struct vel_cc *cc, uint64_t acked)
{
    struct vel_cubic *cubic = &cc->cubic;
    uint64_t part = acked * cc->mtu;
    if (cubic->w_est < cubic->w_prior)
        part = part * 9 / 17;
    part += cubic->est_part;
    cubic->w_est += part / cc->window;
    cubic->est_part = part % cc->window;
}

/* 4.4 and 4.5: towards where the curve will be in a round trip, by half a window at most. */
static void grow_window(struct vel_cc *cc, const struct vel_rtt *rtt, uint64_t acked, vel_time t)
{
    uint64_t target = curve(&cc->cubic, cc->mtu, t + rtt->smoothed);
    target = VEL_MIN(VEL_MAX(target, cc->window), cc->window + cc->window / 2);
    uint64_t part = cc->cubic.part + (target - cc->window) * acked;
    cc->cubic.part = part % cc->window;
    cc->window += part / cc->window;
}

/* 5.8: time in which the window was not in use does not count on the curve. */
static void not_in_use(struct vel_cubic *cubic, vel_time now)
{
    if (cubic->epoch != VEL_NEVER)
        cubic->epoch += now - cubic->last_active;
    cubic->last_active = now;
}

static void on_sent(struct vel_cc *cc, uint64_t in_flight, uint64_t size, vel_time now)
{
    (void)size;
    if (in_flight == 0)
        not_in_use(&cc->cubic, now);
}

static void on_ack(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack)
{
    struct vel_cubic *cubic = &cc->cubic;
    if (ack->app_limited)
        not_in_use(cubic, ack->now);
    cubic->last_active = ack->now;
    if (vel_loss_based_on_ack(cc, rtt, ack))
        return;
    if (cubic->epoch == VEL_NEVER)
        start_epoch(cc, ack->now);
    vel_time t = ack->now - cubic->epoch;
    grow_estimate(cc, ack->bytes);
    if (curve(cubic, cc->mtu, t) < cubic->w_est)
        cc->window = VEL_MAX(cc->window, cubic->w_est); /* 4.3: the Reno-friendly region */
    else
        grow_window(cc, rtt, ack->bytes, t);
}

static void on_congestion(struct vel_cc *cc, vel_time now)
{
    (void)now;
    vel_loss_based_remember(cc);
    struct vel_cubic *cubic = &cc->cubic;
    /* 4.7, fast convergence: a flow that got less than last time leaves room for a new one. */
    cubic->w_max = cc->window < cubic->w_max ? cc->window * 17 / 20 : cc->window;
    cubic->w_prior = cc->window;
    cubic->epoch = VEL_NEVER;
    cc->ssthresh = VEL_MAX(cc->window * 7 / 10, (uint64_t)VEL_CC_MIN_PACKETS * cc->mtu);
    cc->window = cc->ssthresh;
}

static void on_persistent_congestion(struct vel_cc *cc, vel_time now)
{
    (void)now;
    cc->cubic.epoch = VEL_NEVER;
}

const struct vel_cc_ops vel_cc_cubic = {
    .name = "cubic",
    .init = vel_loss_based_init,
    .on_sent = on_sent,
    .on_ack = on_ack,
    .on_congestion = on_congestion,
    .on_persistent_congestion = on_persistent_congestion,
    .undo = vel_loss_based_undo,
    .pacing = vel_loss_based_pacing,
    .state = vel_loss_based_state,
};
