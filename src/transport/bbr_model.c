/* SPDX-License-Identifier: MIT */
#include "transport/bbr_internal.h"

enum {
    BETA = 70,     /* percent left by the strongest answer to losses in a round */
    MARKED = 85,   /* percent left in flight by a round with marks (RFC 8511; VEL-TR-33) */
    HEADROOM = 15, /* percent */
    FULL_BW_ROUNDS = 3,
    AGGREGATION_ROUNDS = 5 /* half of the draft's ten: two stretches are looked at */
};
#define QUANTUM_MAX (64 * (uint64_t)KIB)
#define MIN_RTT_WINDOW (10 * SECOND)
#define PROBE_RTT_INTERVAL (5 * SECOND)

/* Rate times span, microseconds exact, spans up to 16 s: both below 2^34 and 2^24. */
static uint64_t yield(uint64_t rate, vel_time span)
{
    const uint64_t rate_max = UINT64_C(1) << 34, span_max = UINT64_C(1) << 24;
    uint64_t us = VEL_MIN((uint64_t)VEL_MAX(span, 0) / (uint64_t)US, span_max);
    return VEL_MIN(rate, rate_max) * us / (uint64_t)(SECOND / US);
}

uint64_t vel_bbr_quantum(const struct vel_cc *cc)
{
    uint64_t quantum = yield(cc->bbr->pacing_rate, MS);
    return VEL_MAX(VEL_MIN(quantum, QUANTUM_MAX), 2 * (uint64_t)cc->mtu);
}

uint64_t vel_bbr_bdp(const struct vel_cc *cc, uint64_t bw, unsigned gain)
{
    if (cc->bbr->min_rtt == VEL_NEVER)
        return (uint64_t)VEL_CC_INITIAL_PACKETS * cc->mtu;
    return yield(bw, VEL_MAX(cc->bbr->min_rtt, US)) * gain / 100;
}

uint64_t vel_bbr_quantized(const struct vel_cc *cc, uint64_t inflight)
{
    inflight = VEL_MAX(VEL_MAX(inflight, vel_bbr_quantum(cc)), vel_bbr_least(cc));
    return cc->bbr->phase == VEL_BBR_UP ? inflight + 2 * (uint64_t)cc->mtu : inflight;
}

uint64_t vel_bbr_inflight(const struct vel_cc *cc, uint64_t bw, unsigned gain)
{
    return vel_bbr_quantized(cc, vel_bbr_bdp(cc, bw, gain));
}

uint64_t vel_bbr_with_headroom(const struct vel_cc *cc)
{
    uint64_t inflight = cc->bbr->inflight_longterm;
    if (inflight == VEL_BBR_INFINITY)
        return inflight;
    uint64_t headroom = VEL_MAX(inflight * HEADROOM / 100, (uint64_t)cc->mtu);
    return VEL_MAX(inflight > headroom ? inflight - headroom : 0, vel_bbr_least(cc));
}

void vel_bbr_start_round(struct vel_bbr *bbr)
{
    bbr->next_round_delivered = bbr->rate.delivered;
    bbr->rate.fresh = true;
}

void vel_bbr_reset_full_bw(struct vel_bbr *bbr, uint64_t baseline)
{
    bbr->full_bw = baseline;
    bbr->full_bw_count = 0;
    bbr->full_bw_now = false;
}

void vel_bbr_reset_shortterm(struct vel_bbr *bbr)
{
    bbr->bw_shortterm = bbr->inflight_shortterm = VEL_BBR_INFINITY;
}

void vel_bbr_reset_congestion(struct vel_bbr *bbr)
{
    bbr->is_loss_in_round = bbr->is_marked_in_round = false;
    bbr->bw_latest = bbr->inflight_latest = 0;
}

void vel_bbr_advance_max_bw(struct vel_bbr *bbr)
{
    if (bbr->max_bw[0] == 0)
        return; /* nothing was measured: what is known is kept */
    bbr->max_bw[1] = bbr->max_bw[0];
    bbr->max_bw[0] = 0;
}

void vel_bbr_note_loss(struct vel_cc *cc)
{
    struct vel_bbr *bbr = cc->bbr;
    if (bbr->is_loss_in_round)
        return;
    bbr->is_loss_in_round = true;
    bbr->loss_round_delivered = bbr->rate.delivered;
    bbr->rate.fresh = true;
    vel_bbr_save_cwnd(cc);
    if (bbr->undo_kept)
        return;
    bbr->undo_kept = true;
    bbr->undo_phase = VEL_BBR_PHASES;
    bbr->undo_bw_shortterm = bbr->bw_shortterm;
    bbr->undo_inflight_shortterm = bbr->inflight_shortterm;
    bbr->undo_inflight_longterm = bbr->inflight_longterm;
}

static void update_latest(struct vel_bbr *bbr, const struct vel_rate_sample *sample)
{
    bbr->bw_latest = VEL_MAX(bbr->bw_latest, sample->rate);
    bbr->inflight_latest = VEL_MAX(bbr->inflight_latest, sample->delivered);
    bbr->loss_round_start = sample->valid && sample->prior_delivered >= bbr->loss_round_delivered;
    if (!bbr->loss_round_start)
        return;
    bbr->loss_round_delivered = bbr->rate.delivered;
    bbr->rate.fresh = true;
}

static void update_round(struct vel_bbr *bbr, const struct vel_rate_sample *sample)
{
    bbr->round_start = sample->valid && sample->prior_delivered >= bbr->next_round_delivered;
    if (!bbr->round_start)
        return;
    vel_bbr_start_round(bbr);
    bbr->round_count++;
    bbr->rounds_since_probe_up++;
    bbr->limited_before = bbr->limited_now;
    bbr->limited_now = false;
}

/* What the application did not fill says nothing, unless it is more than was known. */
static void update_max_bw(struct vel_bbr *bbr, const struct vel_rate_sample *sample)
{
    if (sample->rate >= vel_bbr_max_bw(bbr) || !sample->app_limited)
        bbr->max_bw[0] = VEL_MAX(bbr->max_bw[0], sample->rate);
}

/* Once in a round with losses, while nothing is probed for: down to what was delivered. */
static void lower_bounds(struct vel_cc *cc)
{
    struct vel_bbr *bbr = cc->bbr;
    if (bbr->bw_shortterm == VEL_BBR_INFINITY)
        bbr->bw_shortterm = vel_bbr_max_bw(bbr);
    if (bbr->inflight_shortterm == VEL_BBR_INFINITY)
        bbr->inflight_shortterm = cc->window;
    bbr->bw_shortterm = VEL_MAX(bbr->bw_latest, bbr->bw_shortterm * BETA / 100);
    uint64_t latest = bbr->inflight_latest;
    if (bbr->is_marked_in_round) /* marked packets are delivered, too: less than that is needed */
        latest = VEL_MIN(latest, bbr->inflight_shortterm) * MARKED / 100;
    bbr->inflight_shortterm = VEL_MAX(latest, bbr->inflight_shortterm * BETA / 100);
}

static bool is_probing(const struct vel_bbr *bbr)
{
    return bbr->phase == VEL_BBR_STARTUP || bbr->phase == VEL_BBR_REFILL ||
           bbr->phase == VEL_BBR_UP;
}

/* VEL-TR-34: a round that has lost no more than what probing tolerates is no sign that the path has
 * become slower. The draft lowers its bounds by what was lost, round after round, and at one percent
 * of random loss that takes a quarter of the path until it probes again. */
static void update_congestion(struct vel_cc *cc, const struct vel_rate_sample *sample)
{
    struct vel_bbr *bbr = cc->bbr;
    if (!bbr->loss_round_start)
        return;
    bool serious = bbr->is_marked_in_round || vel_bbr_is_too_high(sample);
    if (bbr->is_loss_in_round && serious && !is_probing(bbr))
        lower_bounds(cc);
    bbr->is_loss_in_round = false;
}

/* How much more than expected comes at once: acknowledgements that are gathered on the way. */
static void update_aggregation(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    uint64_t expected = yield(bbr->bw, news->now - bbr->extra_acked_start);
    if (bbr->extra_acked_delivered <= expected) {
        bbr->extra_acked_delivered = 0;
        bbr->extra_acked_start = news->now;
        expected = 0;
    }
    bbr->extra_acked_delivered += news->acked;
    uint64_t extra = VEL_MIN(bbr->extra_acked_delivered - expected, cc->window);

    struct vel_bbr_recent *recent = &bbr->extra_acked;
    uint64_t stretch = bbr->full_bw_reached ? AGGREGATION_ROUNDS : 1;
    if (bbr->round_count - recent->since >= stretch)
        *recent = (struct vel_bbr_recent){.before = recent->now, .since = bbr->round_count};
    recent->now = VEL_MAX(recent->now, extra);
}

void vel_bbr_learn(struct vel_cc *cc, const struct vel_bbr_news *news)
{
    struct vel_bbr *bbr = cc->bbr;
    update_latest(bbr, &news->sample);
    update_round(bbr, &news->sample);
    update_max_bw(bbr, &news->sample);
    update_congestion(cc, &news->sample);
    update_aggregation(cc, news);
}

void vel_bbr_check_full_bw(struct vel_bbr *bbr, const struct vel_bbr_news *news)
{
    if (bbr->full_bw_now || !bbr->round_start || news->sample.app_limited)
        return;
    if (news->sample.rate >= bbr->full_bw + bbr->full_bw / 4) {
        vel_bbr_reset_full_bw(bbr, news->sample.rate);
        return;
    }
    bbr->full_bw_now = ++bbr->full_bw_count >= FULL_BW_ROUNDS;
    bbr->full_bw_reached |= bbr->full_bw_now;
}

void vel_bbr_learn_rtt(struct vel_bbr *bbr, const struct vel_bbr_news *news)
{
    bbr->probe_rtt_expired = news->now > bbr->probe_rtt_min_stamp + PROBE_RTT_INTERVAL;
    if (news->rtt < bbr->probe_rtt_min_delay || bbr->probe_rtt_expired) {
        bbr->probe_rtt_min_delay = news->rtt;
        bbr->probe_rtt_min_stamp = news->now;
    }
    bool expired = news->now > bbr->min_rtt_stamp + MIN_RTT_WINDOW;
    if (bbr->probe_rtt_min_delay < bbr->min_rtt || expired) {
        bbr->min_rtt = bbr->probe_rtt_min_delay;
        bbr->min_rtt_stamp = bbr->probe_rtt_min_stamp;
    }
}

void vel_bbr_settle(struct vel_bbr *bbr, const struct vel_bbr_news *news)
{
    if (bbr->loss_round_start) {
        bbr->bw_latest = news->sample.rate;
        bbr->inflight_latest = news->sample.delivered;
        bbr->is_marked_in_round = false;
        bbr->loss_events = 0;
    }
    bbr->bw = VEL_MIN(vel_bbr_max_bw(bbr), bbr->bw_shortterm);
}
