/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_BBR_H
#define TRANSPORT_BBR_H

#include "transport/rate.h"

/*
 * State of BBR version 3, draft-ietf-ccwg-bbr-06: a model of the path (how fast it delivers, how long
 * the empty path takes, how much it bears before it loses) and a machine of phases that takes turns in
 * measuring these. Names are the draft's. Sizes in bytes, rates in bytes per second, UINT64_MAX where
 * the draft has Infinity.
 *
 *   startup -> drain -> down -> cruise -> refill -> up -> down ...
 *   and from any of them, every five seconds or so: -> probe_rtt -> cruise
 */
enum vel_bbr_phase {
    VEL_BBR_STARTUP, /* twice the rate every round trip, until the path is full */
    VEL_BBR_DRAIN,   /* what startup has queued goes */
    VEL_BBR_DOWN,    /* ProbeBW: a little slower than the path, to leave room for others */
    VEL_BBR_CRUISE,  /* as fast as the path */
    VEL_BBR_REFILL,  /* for a round trip: the pipe is full, the queue is not */
    VEL_BBR_UP,      /* faster than the path: is there more of it? */
    VEL_BBR_PROBE_RTT,
    VEL_BBR_PHASES
};

/* What the acknowledgements that arrive are about. */
enum vel_bbr_acks {
    VEL_BBR_ACKS_INIT,
    VEL_BBR_ACKS_REFILLING,
    VEL_BBR_ACKS_PROBE_STARTING,
    VEL_BBR_ACKS_PROBE_FEEDBACK,
    VEL_BBR_ACKS_PROBE_STOPPING
};

/* The largest value of the current stretch of rounds and of the one before. */
struct vel_bbr_recent {
    uint64_t now, before;
    uint64_t since; /* round in which the current stretch began */
};

struct vel_bbr {
    enum vel_bbr_phase phase;
    enum vel_bbr_acks acks;
    struct vel_rate rate;

    /* Control. */
    uint64_t pacing_rate; /* 0: no round trip is known */
    uint64_t prior_cwnd;  /* the window before recovery or probe_rtt */
    bool idle_restart;
    bool in_recovery;                 /* of losses, */
    vel_time recovery_start;          /* since then */
    bool limited_now, limited_before; /* the window was full in this round, and in the last */

    /* Rounds: from the sending of a packet to its acknowledgement. */
    uint64_t round_count, next_round_delivered;
    bool round_start;

    /* How fast. */
    uint64_t max_bw[2]; /* of the current cycle of probing, and of the one before */
    uint64_t bw;        /* what the path is taken to deliver */
    uint64_t bw_shortterm;
    uint64_t bw_latest;
    uint64_t full_bw;
    unsigned full_bw_count;
    bool full_bw_now, full_bw_reached;

    /* How long. */
    vel_time min_rtt; /* VEL_NEVER: not known */
    vel_time min_rtt_stamp;
    vel_time probe_rtt_min_delay, probe_rtt_min_stamp;
    vel_time probe_rtt_done_stamp; /* VEL_NEVER: not yet drained */
    bool probe_rtt_expired, probe_rtt_round_done;

    /* How much. */
    uint64_t inflight_longterm, inflight_shortterm, inflight_latest;
    struct vel_bbr_recent extra_acked;
    uint64_t extra_acked_delivered;
    vel_time extra_acked_start;

    /* Losses, in a round that begins with the first of them. */
    uint64_t loss_round_delivered;
    uint64_t last_lost;    /* its packet number */
    unsigned loss_events;  /* stretches of lost packets */
    bool loss_round_start; /* the ACK at hand ends such a round */
    bool is_loss_in_round;
    bool is_marked_in_round; /* the network has marked packets */

    /* The cycle of probing. */
    vel_time cycle_stamp, bw_probe_wait;
    uint64_t rounds_since_probe_up;
    uint64_t bw_probe_up_acked, probe_up_acked_per_inc;
    unsigned bw_probe_up_rounds;
    uint64_t drain_start_round;
    bool is_bw_probe_sample;
    bool prev_probe_too_high, prev_probe_precautionary;

    /* What the last recovery has changed. */
    bool undo_kept;                /* this is of the recovery at hand */
    enum vel_bbr_phase undo_phase; /* VEL_BBR_PHASES: none was left */
    uint64_t undo_bw_shortterm, undo_inflight_shortterm, undo_inflight_longterm;
};

#endif
