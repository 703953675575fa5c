/* SPDX-License-Identifier: MIT */
#include "transport/bbr_internal.h"

/* The rate is one percent less than what the path delivers, so that queues go. */
enum { PACING_MARGIN = 1 };

static void init(struct vel_cc *cc, vel_time now)
{
    struct vel_bbr *bbr = cc->bbr;
    *bbr = (struct vel_bbr){
        .phase = VEL_BBR_STARTUP,
        .min_rtt = VEL_NEVER,
        .min_rtt_stamp = now,
        .probe_rtt_min_delay = VEL_NEVER,
        .probe_rtt_min_stamp = now,
        .probe_rtt_done_stamp = VEL_NEVER,
        .extra_acked_start = now,
        .inflight_longterm = VEL_BBR_INFINITY,
        .probe_up_acked_per_inc = VEL_BBR_INFINITY,
        .undo_phase = VEL_BBR_PHASES,
        .last_lost = UINT64_MAX,
    };
    vel_rate_init(&bbr->rate);
    vel_bbr_reset_shortterm(bbr);
}

void vel_bbr_save_cwnd(struct vel_cc *cc)
{
    struct vel_bbr *bbr = cc->bbr;
    bool normal = !bbr->in_recovery && bbr->phase != VEL_BBR_PROBE_RTT;
    bbr->prior_cwnd = normal ? cc->window : VEL_MAX(bbr->prior_cwnd, cc->window);
}

void vel_bbr_restore_cwnd(struct vel_cc *cc)
{
    cc->window = VEL_MAX(cc->window, cc->bbr->prior_cwnd);
}

/* Until the path was full once the rate only grows: so far there may have been too little to send. */
static void set_pacing_rate(struct vel_bbr *bbr, unsigned gain)
{
    const uint64_t bw_max = UINT64_C(1) << 34;
    uint64_t rate = VEL_MIN(bbr->bw, bw_max) * gain / 100 * (100 - PACING_MARGIN) / 100;
    if (rate > 0 && (bbr->full_bw_reached || rate > bbr->pacing_rate))
        bbr->pacing_rate = rate;
}

/* The first round trip tells how fast the initial window may leave. */
static void init_pacing_rate(struct vel_cc *cc, const struct vel_rtt *rtt)
{
    if (cc->bbr->pacing_rate != 0 || !vel_rtt_has_sample(rtt))
        return;
    uint64_t window = (uint64_t)VEL_CC_INITIAL_PACKETS * cc->mtu;
    uint64_t rate = window * (uint64_t)SECOND / (uint64_t)VEL_MAX(rtt->smoothed, US);
    cc->bbr->pacing_rate = rate * vel_bbr_pacing_gain(cc->bbr) / 100;
}

static uint64_t window_cap(const struct vel_cc *cc)
{
    const struct vel_bbr *bbr = cc->bbr;
    uint64_t cap = VEL_BBR_INFINITY;
    if (bbr->phase == VEL_BBR_PROBE_RTT || bbr->phase == VEL_BBR_CRUISE)
        cap = vel_bbr_with_headroom(cc);
    else if (vel_bbr_in_probe_bw(bbr))
        cap = bbr->inflight_longterm;
    return VEL_MAX(VEL_MIN(cap, bbr->inflight_shortterm), vel_bbr_least(cc));
}

/* At once down to what the model admits; up by no more than was acknowledged. */
static void set_window(struct vel_cc *cc, uint64_t acked)
{
    struct vel_bbr *bbr = cc->bbr;
    uint64_t extra = VEL_MAX(bbr->extra_acked.now, bbr->extra_acked.before);
    uint64_t most = vel_bbr_bdp(cc, bbr->bw, vel_bbr_cwnd_gain(bbr)) + extra;
    most = vel_bbr_quantized(cc, most);
    if (bbr->full_bw_reached)
        cc->window = VEL_MIN(cc->window + acked, most);
    else if (cc->window < most || bbr->rate.delivered < (uint64_t)VEL_CC_INITIAL_PACKETS * cc->mtu)
        cc->window += acked;
    cc->window = VEL_MAX(cc->window, vel_bbr_least(cc));
    if (bbr->phase == VEL_BBR_PROBE_RTT)
        cc->window = VEL_MIN(cc->window, VEL_MAX(vel_bbr_bdp(cc, bbr->bw, 50), vel_bbr_least(cc)));
    cc->window = VEL_MIN(cc->window, window_cap(cc));
}

static void on_sent(struct vel_cc *cc, uint64_t in_flight, uint64_t size, vel_time now)
{
    struct vel_bbr *bbr = cc->bbr;
    if (in_flight == 0 && bbr->rate.app_limited != 0) { /* after a silence */
        bbr->idle_restart = true;
        bbr->extra_acked_start = now;
        if (vel_bbr_in_probe_bw(bbr))
            set_pacing_rate(bbr, 100);
        else if (bbr->phase == VEL_BBR_PROBE_RTT)
            vel_bbr_check_probe_rtt_done(cc, now);
    }
    vel_rate_on_sent(&bbr->rate, cc->window, in_flight, size, now);
    bbr->limited_now |= in_flight + size + cc->mtu > cc->window;
}

static void on_ack(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack)
{
    struct vel_bbr *bbr = cc->bbr;
    struct vel_bbr_news news = {
        .sample = vel_rate_on_ack(&bbr->rate, ack->acked, ack->sent, rtt->min, ack->now),
        .acked = ack->acked,
        .in_flight = ack->in_flight,
        .rtt = ack->now - ack->sent,
        .now = ack->now,
    };
    init_pacing_rate(cc, rtt);
    vel_bbr_learn(cc, &news);
    vel_bbr_move_on(cc, &news);
    vel_bbr_settle(bbr, &news);
    if (bbr->in_recovery && ack->sent > bbr->recovery_start) {
        bbr->in_recovery = false;
        vel_bbr_restore_cwnd(cc);
    }
    bbr->undo_kept &= bbr->in_recovery;
    set_pacing_rate(bbr, vel_bbr_pacing_gain(bbr));
    set_window(cc, ack->acked);
}

/* The share of a packet's flight at which losses were too many; the packets of a snapshot count as
 * one, as the draft's aggregates do. */
static uint64_t inflight_at_loss(const struct vel_rate_sample *sample, uint64_t size)
{
    uint64_t before = sample->in_flight > size ? sample->in_flight - size : 0;
    uint64_t lost_before = sample->lost > size ? sample->lost - size : 0;
    uint64_t tolerable = before / 50;
    uint64_t prefix = tolerable > lost_before ? (tolerable - lost_before) * 50 / 49 : 0;
    return before + prefix;
}

static void on_lost(struct vel_cc *cc, const struct vel_cc_lost *lost)
{
    struct vel_bbr *bbr = cc->bbr;
    struct vel_rate_sample sample = vel_rate_on_lost(&bbr->rate, lost->size, lost->sent);
    bbr->loss_events += lost->number != bbr->last_lost + 1;
    bbr->last_lost = lost->number;
    vel_bbr_note_loss(cc);
    if (bbr->is_bw_probe_sample && sample.valid && vel_bbr_is_too_high(&sample))
        vel_bbr_too_high(cc, &sample, inflight_at_loss(&sample, lost->size), lost->now);
}

static void on_congestion(struct vel_cc *cc, vel_time now)
{
    vel_bbr_save_cwnd(cc);
    cc->bbr->in_recovery = true;
    cc->bbr->recovery_start = now;
}

/* VEL-TR-33: what is marked was too much, all of the flight. */
static void on_marked(struct vel_cc *cc, vel_time sent, vel_time now)
{
    struct vel_bbr *bbr = cc->bbr;
    vel_bbr_note_loss(cc);
    bbr->is_marked_in_round = true;
    if (!bbr->is_bw_probe_sample)
        return;
    struct vel_rate_sample sample = vel_rate_on_lost(&bbr->rate, 0, sent);
    if (sample.valid)
        vel_bbr_too_high(cc, &sample, sample.in_flight, now);
}

/* The generic code makes the window small afterwards; it comes back with what is sent from now on. */
static void on_persistent_congestion(struct vel_cc *cc, vel_time now)
{
    vel_bbr_note_loss(cc);
    on_congestion(cc, now);
}

static void on_app_limited(struct vel_cc *cc, uint64_t in_flight)
{
    vel_rate_on_app_limited(&cc->bbr->rate, in_flight);
}

static void undo(struct vel_cc *cc, vel_time now)
{
    (void)now;
    struct vel_bbr *bbr = cc->bbr;
    bool elsewhere = bbr->phase != VEL_BBR_PROBE_RTT && bbr->phase != bbr->undo_phase;
    bbr->in_recovery = bbr->undo_kept = false;
    vel_bbr_restore_cwnd(cc);
    bbr->is_loss_in_round = false;
    vel_bbr_reset_full_bw(bbr, 0);
    bbr->bw_shortterm = VEL_MAX(bbr->bw_shortterm, bbr->undo_bw_shortterm);
    bbr->inflight_shortterm = VEL_MAX(bbr->inflight_shortterm, bbr->undo_inflight_shortterm);
    bbr->inflight_longterm = VEL_MAX(bbr->inflight_longterm, bbr->undo_inflight_longterm);
    if (bbr->undo_phase == VEL_BBR_STARTUP && bbr->phase != VEL_BBR_STARTUP) {
        bbr->full_bw_reached = false;
        if (elsewhere)
            bbr->phase = VEL_BBR_STARTUP;
    } else if (bbr->undo_phase == VEL_BBR_UP && elsewhere) {
        vel_bbr_start_refill(bbr);
    }
    bbr->undo_phase = VEL_BBR_PHASES;
}

static struct vel_pacing pacing(const struct vel_cc *cc, const struct vel_rtt *rtt)
{
    (void)rtt;
    return (struct vel_pacing){.rate = cc->bbr->pacing_rate, .quantum = vel_bbr_quantum(cc)};
}

static const char *state(const struct vel_cc *cc)
{
    return vel_bbr_phase_name(cc->bbr);
}

const struct vel_cc_ops vel_cc_bbr = {
    .name = "bbr",
    .init = init,
    .on_sent = on_sent,
    .on_ack = on_ack,
    .on_lost = on_lost,
    .on_congestion = on_congestion,
    .on_marked = on_marked,
    .on_persistent_congestion = on_persistent_congestion,
    .on_app_limited = on_app_limited,
    .undo = undo,
    .pacing = pacing,
    .state = state,
};
