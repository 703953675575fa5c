/* SPDX-License-Identifier: MIT */
#include "transport/bbr_internal.h"

enum {
    STARTUP_LOSS_EVENTS = 6,
    DRAIN_ROUNDS = 3,
    RENO_ROUNDS_MAX = 63,
    PROBE_UP_ROUNDS_MAX = 30,
    BETA = 70 /* percent */
};
#define PROBE_WAIT (2 * SECOND) /* and up to a second more */
#define PROBE_RTT_DURATION (200 * MS)

/* The draft's table of control parameters, percent. */
static const struct {
    const char *name;
    unsigned pacing_gain, cwnd_gain;
} phases[VEL_BBR_PHASES] = {
    [VEL_BBR_STARTUP] = {"startup", 277, 200},
    [VEL_BBR_DRAIN] = {"drain", 50, 200},
    [VEL_BBR_DOWN] = {"probe_bw_down", 90, 200},
    [VEL_BBR_CRUISE] = {"probe_bw_cruise", 100, 200},
    [VEL_BBR_REFILL] = {"probe_bw_refill", 100, 200},
    [VEL_BBR_UP] = {"probe_bw_up", 125, 225},
    [VEL_BBR_PROBE_RTT] = {"probe_rtt", 100, 50},
};

unsigned vel_bbr_pacing_gain(const struct vel_bbr *bbr)
{
    return phases[bbr->phase].pacing_gain;
}

unsigned vel_bbr_cwnd_gain(const struct vel_bbr *bbr)
{
    return phases[bbr->phase].cwnd_gain;
}

const char *vel_bbr_phase_name(const struct vel_bbr *bbr)
{
    return phases[bbr->phase].name;
}

/* Flows that share a path should not probe it at the same time. What tells them apart is the time to
 * the nanosecond and what they have delivered; nothing depends on it being hard to guess. */
static uint64_t dice(const struct vel_bbr *bbr, vel_time now)
{
    uint64_t mixed = ((uint64_t)now ^ bbr->rate.delivered << 20) * UINT64_C(0x9e3779b97f4a7c15);
    return (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 24;
}

void vel_bbr_start_down(struct vel_bbr *bbr, vel_time now)
{
    uint64_t random = dice(bbr, now);
    vel_bbr_reset_congestion(bbr);
    bbr->probe_up_acked_per_inc = VEL_BBR_INFINITY;
    bbr->rounds_since_probe_up = random & 1;
    bbr->bw_probe_wait = PROBE_WAIT + (vel_time)(random / 2 % (uint64_t)SECOND);
    bbr->cycle_stamp = now;
    bbr->acks = VEL_BBR_ACKS_PROBE_STOPPING;
    vel_bbr_start_round(bbr);
    bbr->phase = VEL_BBR_DOWN;
}

void vel_bbr_start_refill(struct vel_bbr *bbr)
{
    vel_bbr_reset_shortterm(bbr);
    bbr->bw_probe_up_rounds = 0;
    bbr->bw_probe_up_acked = 0;
    bbr->prev_probe_precautionary = false;
    bbr->acks = VEL_BBR_ACKS_REFILLING;
    vel_bbr_start_round(bbr);
    bbr->phase = VEL_BBR_REFILL;
}

/* By 1, 2, 4, 8 ... packets a round. */
static void raise_slope(struct vel_cc *cc)
{
    struct vel_bbr *bbr = cc->bbr;
    uint64_t growth = UINT64_C(1) << bbr->bw_probe_up_rounds;
    bbr->bw_probe_up_rounds += bbr->bw_probe_up_rounds < PROBE_UP_ROUNDS_MAX;
    bbr->probe_up_acked_per_inc = VEL_MAX(cc->window / growth, (uint64_t)cc->mtu);
}

static void start_up(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    bbr->acks = VEL_BBR_ACKS_PROBE_STARTING;
    vel_bbr_start_round(bbr);
    vel_bbr_reset_full_bw(bbr, news->sample.rate);
    bbr->phase = VEL_BBR_UP;
    raise_slope(cc);
}

/* The window is full, and it is inflight_longterm that makes it so small. */
static bool is_held_by_longterm(const struct vel_cc *cc)
{
    const struct vel_bbr *bbr = cc->bbr;
    return (bbr->limited_now || bbr->limited_before) && cc->window >= bbr->inflight_longterm;
}

static void raise_longterm(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    if (!is_held_by_longterm(cc))
        return;
    bbr->bw_probe_up_acked += news->acked;
    if (bbr->bw_probe_up_acked >= bbr->probe_up_acked_per_inc) {
        bbr->inflight_longterm += bbr->bw_probe_up_acked / bbr->probe_up_acked_per_inc * cc->mtu;
        bbr->bw_probe_up_acked %= bbr->probe_up_acked_per_inc;
    }
    if (bbr->round_start)
        raise_slope(cc);
}

/* The round after probing has ended: the cycle is over. True: it begins anew at once, since the last
 * one was cut short to be careful, and nothing happened. */
static bool end_of_probe(struct vel_bbr *bbr, const struct vel_bbr_news *news)
{
    bbr->is_bw_probe_sample = false;
    bbr->acks = VEL_BBR_ACKS_INIT;
    if (!vel_bbr_in_probe_bw(bbr))
        return false;
    if (!news->sample.app_limited)
        vel_bbr_advance_max_bw(bbr);
    if (!bbr->prev_probe_precautionary || bbr->prev_probe_too_high)
        return false;
    vel_bbr_start_refill(bbr);
    return true;
}

/* True: the phase has changed. */
static bool adapt_longterm(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    if (bbr->acks == VEL_BBR_ACKS_PROBE_STARTING && bbr->round_start)
        bbr->acks = VEL_BBR_ACKS_PROBE_FEEDBACK;
    if (bbr->acks == VEL_BBR_ACKS_PROBE_STOPPING && bbr->round_start && end_of_probe(bbr, news))
        return true;
    if (!news->sample.valid || vel_bbr_is_too_high(&news->sample) ||
        bbr->inflight_longterm == VEL_BBR_INFINITY)
        return false;
    bbr->inflight_longterm = VEL_MAX(bbr->inflight_longterm, news->sample.in_flight);
    if (bbr->phase == VEL_BBR_UP)
        raise_longterm(cc, news);
    return false;
}

/* As often as Reno would fill the queue of a small path; every two or three seconds on a large one. */
static bool is_time_to_probe(const struct vel_cc *cc, vel_time now)
{
    const struct vel_bbr *bbr = cc->bbr;
    uint64_t target = VEL_MIN(vel_bbr_bdp(cc, bbr->bw, 100), cc->window) / cc->mtu;
    return now > bbr->cycle_stamp + bbr->bw_probe_wait ||
           bbr->rounds_since_probe_up >= VEL_MIN(target, (uint64_t)RENO_ROUNDS_MAX);
}

static bool is_time_to_cruise(const struct vel_cc *cc, uint64_t in_flight)
{
    return in_flight <= vel_bbr_with_headroom(cc) &&
           in_flight <= vel_bbr_inflight(cc, vel_bbr_max_bw(cc->bbr), 100);
}

static bool is_time_to_go_down(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    if (bbr->prev_probe_too_high && news->in_flight >= bbr->inflight_longterm) {
        bbr->prev_probe_precautionary = true;
        return true;
    }
    if (!is_held_by_longterm(cc))
        return bbr->full_bw_now;
    vel_bbr_reset_full_bw(bbr, news->sample.rate);
    return false;
}

static void update_cycle(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    if (!bbr->full_bw_reached || adapt_longterm(cc, news) || !vel_bbr_in_probe_bw(bbr))
        return;
    bool resting = bbr->phase == VEL_BBR_DOWN || bbr->phase == VEL_BBR_CRUISE;
    if (resting && is_time_to_probe(cc, news->now)) {
        vel_bbr_start_refill(bbr);
    } else if (bbr->phase == VEL_BBR_DOWN && is_time_to_cruise(cc, news->in_flight)) {
        bbr->phase = VEL_BBR_CRUISE;
    } else if (bbr->phase == VEL_BBR_REFILL && bbr->round_start) {
        bbr->is_bw_probe_sample = true;
        start_up(cc, news);
    } else if (bbr->phase == VEL_BBR_UP && is_time_to_go_down(cc, news)) {
        bbr->prev_probe_too_high = false;
        vel_bbr_start_down(bbr, news->now);
    }
}

void vel_bbr_too_high(struct vel_cc *cc, const struct vel_rate_sample *sample, uint64_t inflight,
                      vel_time now)
{
    struct vel_bbr *bbr = cc->bbr;
    bbr->prev_probe_too_high = true;
    bbr->is_bw_probe_sample = false; /* once in a cycle */
    uint64_t target = VEL_MIN(vel_bbr_bdp(cc, bbr->bw, 100), cc->window);
    if (!sample->app_limited)
        bbr->inflight_longterm = VEL_MAX(inflight, target * BETA / 100);
    if (bbr->phase != VEL_BBR_UP)
        return;
    bbr->undo_phase = VEL_BBR_UP;
    vel_bbr_start_down(bbr, now);
}

/* A round with many losses, or with marks (VEL-TR-33), says that the path is full. */
static void check_startup_losses(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    if (!bbr->loss_round_start || bbr->full_bw_reached)
        return;
    bool lossy = bbr->in_recovery && bbr->loss_events >= STARTUP_LOSS_EVENTS &&
                 vel_bbr_is_too_high(&news->sample);
    if (!lossy && !bbr->is_marked_in_round)
        return;
    bbr->undo_phase = VEL_BBR_STARTUP;
    bbr->full_bw_now = bbr->full_bw_reached = true;
    bbr->inflight_longterm = VEL_MAX(vel_bbr_bdp(cc, bbr->bw, 100), bbr->inflight_latest);
}

static void check_startup_and_drain(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    check_startup_losses(cc, news);
    if (bbr->phase == VEL_BBR_STARTUP && bbr->full_bw_reached) {
        bbr->phase = VEL_BBR_DRAIN;
        bbr->drain_start_round = bbr->round_count;
    }
    if (bbr->phase == VEL_BBR_DRAIN && (news->in_flight <= vel_bbr_inflight(cc, bbr->bw, 100) ||
                                        bbr->round_count > bbr->drain_start_round + DRAIN_ROUNDS))
        vel_bbr_start_down(bbr, news->now);
}

static void leave_probe_rtt(struct vel_bbr *bbr, vel_time now)
{
    vel_bbr_reset_shortterm(bbr);
    bbr->phase = VEL_BBR_STARTUP;
    if (!bbr->full_bw_reached)
        return;
    vel_bbr_start_down(bbr, now);
    bbr->phase = VEL_BBR_CRUISE; /* little is in flight: there is nothing to wait for */
}

void vel_bbr_check_probe_rtt_done(struct vel_cc *cc, vel_time now)
{
    struct vel_bbr *bbr = cc->bbr;
    if (bbr->probe_rtt_done_stamp == VEL_NEVER || now <= bbr->probe_rtt_done_stamp)
        return;
    bbr->probe_rtt_min_stamp = now;
    vel_bbr_restore_cwnd(cc);
    leave_probe_rtt(bbr, now);
}

/* Wait until little is in flight, then for a round trip and 200 ms. */
static void handle_probe_rtt(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    vel_rate_on_app_limited(&bbr->rate, news->in_flight);
    uint64_t little = VEL_MAX(vel_bbr_bdp(cc, bbr->bw, 50), vel_bbr_least(cc));
    if (bbr->probe_rtt_done_stamp == VEL_NEVER && news->in_flight <= little) {
        bbr->probe_rtt_done_stamp = news->now + PROBE_RTT_DURATION;
        bbr->probe_rtt_round_done = false;
        vel_bbr_start_round(bbr);
    } else if (bbr->probe_rtt_done_stamp != VEL_NEVER) {
        bbr->probe_rtt_round_done |= bbr->round_start;
        if (bbr->probe_rtt_round_done)
            vel_bbr_check_probe_rtt_done(cc, news->now);
    }
}

static void check_probe_rtt(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    if (bbr->phase != VEL_BBR_PROBE_RTT && bbr->probe_rtt_expired && !bbr->idle_restart) {
        vel_bbr_save_cwnd(cc);
        bbr->phase = VEL_BBR_PROBE_RTT;
        bbr->probe_rtt_done_stamp = VEL_NEVER;
        bbr->acks = VEL_BBR_ACKS_PROBE_STOPPING;
        vel_bbr_start_round(bbr);
    }
    if (bbr->phase == VEL_BBR_PROBE_RTT)
        handle_probe_rtt(cc, news);
    if (news->sample.delivered > 0)
        bbr->idle_restart = false;
}

void vel_bbr_move_on(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    vel_bbr_check_full_bw(cc->bbr, news);
    check_startup_and_drain(cc, news);
    update_cycle(cc, news);
    vel_bbr_learn_rtt(cc->bbr, news);
    check_probe_rtt(cc, news);
}
