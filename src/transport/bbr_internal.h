/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_BBR_INTERNAL_H
#define TRANSPORT_BBR_INTERNAL_H

#include "base/units.h"
#include "transport/cc.h"

/*
 * BBR in three files: bbr_model.c learns what the path is like, bbr_cycle.c decides what to measure
 * next, bbr.c is asked by vel_cc and sets window and rate.
 */
#define VEL_BBR_INFINITY UINT64_MAX

enum { VEL_BBR_MIN_PIPE_PACKETS = 4 };

/* An ACK as the parts of BBR see it: the draft's RS. */
struct vel_bbr_news {
    struct vel_rate_sample sample;
    uint64_t acked;
    uint64_t in_flight;
    vel_time rtt; /* of the newest packet */
    vel_time now;
};

/* ---- bbr_model.c ---- */

static inline uint64_t vel_bbr_max_bw(const struct vel_bbr *bbr)
{
    return VEL_MAX(bbr->max_bw[0], bbr->max_bw[1]);
}

/* bw * min_rtt, times gain in percent; the initial window while there is no min_rtt. */
uint64_t vel_bbr_bdp(const struct vel_cc *cc, uint64_t bw, unsigned gain);
/* As much in flight as it takes to keep both ends busy, at least. */
uint64_t vel_bbr_quantized(const struct vel_cc *cc, uint64_t inflight);
/* Both. */
uint64_t vel_bbr_inflight(const struct vel_cc *cc, uint64_t bw, unsigned gain);

/* The burst that may leave at once. */
uint64_t vel_bbr_quantum(const struct vel_cc *cc);

static inline uint64_t vel_bbr_least(const struct vel_cc *cc)
{
    return (uint64_t)VEL_BBR_MIN_PIPE_PACKETS * cc->mtu;
}

/* inflight_longterm, less what is left to others. */
uint64_t vel_bbr_with_headroom(const struct vel_cc *cc);

void vel_bbr_start_round(struct vel_bbr *bbr);
void vel_bbr_reset_full_bw(struct vel_bbr *bbr, uint64_t baseline);
void vel_bbr_reset_shortterm(struct vel_bbr *bbr);
void vel_bbr_reset_congestion(struct vel_bbr *bbr);
void vel_bbr_advance_max_bw(struct vel_bbr *bbr);

/* What an ACK teaches, before the phases look at it ... */
void vel_bbr_learn(struct vel_cc *cc, const struct vel_bbr_news *news);
void vel_bbr_check_full_bw(struct vel_bbr *bbr, const struct vel_bbr_news *news);
void vel_bbr_learn_rtt(struct vel_bbr *bbr, const struct vel_bbr_news *news);
/* ... and after. */
void vel_bbr_settle(struct vel_bbr *bbr, const struct vel_bbr_news *news);

/* The first congestion signal of a round; the first of a recovery keeps what an undo needs. */
void vel_bbr_note_loss(struct vel_cc *cc);

static inline bool vel_bbr_is_too_high(const struct vel_rate_sample *sample)
{
    enum { LOSS_THRESHOLD = 50 }; /* one in so many: 2 % */
    return sample->lost > sample->in_flight / LOSS_THRESHOLD;
}

/* ---- bbr_cycle.c ---- */

static inline bool vel_bbr_in_probe_bw(const struct vel_bbr *bbr)
{
    return bbr->phase >= VEL_BBR_DOWN && bbr->phase <= VEL_BBR_UP;
}

/* Percent. */
unsigned vel_bbr_pacing_gain(const struct vel_bbr *bbr);
unsigned vel_bbr_cwnd_gain(const struct vel_bbr *bbr);
const char *vel_bbr_phase_name(const struct vel_bbr *bbr);

void vel_bbr_start_down(struct vel_bbr *bbr, vel_time now);
void vel_bbr_start_refill(struct vel_bbr *bbr);

/* The machine, once for each ACK. */
void vel_bbr_move_on(struct vel_cc *cc, const struct vel_bbr_news *news);

/* More was lost than is good while more was tried: `sample` says when, `inflight` where it began. */
void vel_bbr_too_high(struct vel_cc *cc, const struct vel_rate_sample *sample, uint64_t inflight,
                      vel_time now);

/* In probe_rtt: over when it is time. */
void vel_bbr_check_probe_rtt_done(struct vel_cc *cc, vel_time now);

/* ---- bbr.c ---- */

/* Keep the window before something short makes it small, and take it back. */
void vel_bbr_save_cwnd(struct vel_cc *cc);
void vel_bbr_restore_cwnd(struct vel_cc *cc);

#endif
