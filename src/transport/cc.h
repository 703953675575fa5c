/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CC_H
#define TRANSPORT_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/hystart.h"
#include "transport/rtt.h"
#include "velocity/config.h"
#include "velocity/env.h"

/*
 * Congestion control of one path, RFC 9002 section 7: how many bytes may be in flight. One
 * interface, two algorithms (NewReno and CUBIC) that share slow start with HyStart++. The state is
 * of a fixed size and owns nothing: it needs no release. Sizes in bytes.
 */
enum {
    VEL_CC_MIN_PACKETS = 2,       /* RFC 9002 7.2: kMinimumWindow */
    VEL_CC_INITIAL_PACKETS = 10,  /* 7.2 */
    VEL_CC_INITIAL_BYTES = 14720, /* 7.2 */
    VEL_CC_CRYPTO_PACKETS = 16,   /* largest crypto window (vel_cc_set_crypto_window) */
    VEL_CC_MAX_WINDOW = 1 << 26   /* ours: 64 MiB, so that the packets of a window can be kept */
};

struct vel_cc;

/* What one ACK frame brought. */
struct vel_cc_ack {
    uint64_t bytes;   /* newly acknowledged, sent after the current recovery period began */
    vel_time sent;    /* when the newest of them was sent */
    bool app_limited; /* the window was not the limit: it must not grow (RFC 9002 7.8) */
    vel_time now;
};

struct vel_cc_ops {
    const char *name;
    /* Congestion avoidance only: slow start and application limits are dealt with before. */
    void (*on_ack)(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack);
    /* A new congestion event: reduce the window. Called once per round trip at most. */
    void (*on_congestion)(struct vel_cc *cc, vel_time now);
    void (*on_persistent_congestion)(struct vel_cc *cc);
    /* The window was not in use from `since` to `now`. */
    void (*on_idle)(struct vel_cc *cc, vel_time since, vel_time now);
};

/* State of CUBIC, RFC 9438; windows in bytes. */
struct vel_cubic {
    vel_time epoch;          /* when this congestion avoidance began; VEL_NEVER: it has not */
    vel_time k;              /* from the epoch until the curve is back at w_max */
    uint64_t w_max;          /* window before the last reduction, less with fast convergence */
    uint64_t w_prior;        /* window before the last reduction: cwnd_prior */
    uint64_t w_est;          /* what Reno would have by now */
    uint64_t part, est_part; /* growth of window and w_est too small for a byte */
};

/* What the last congestion event changed. */
struct vel_cc_before {
    uint64_t window, ssthresh; /* window 0: there is nothing to undo */
    struct vel_hystart hystart;
    struct vel_cubic cubic;
};

struct vel_cc {
    const struct vel_cc_ops *ops;
    uint64_t window;
    uint64_t ssthresh;           /* UINT64_MAX: not set yet */
    uint64_t crypto_window;      /* at least this while the handshake runs; 0: none */
    uint32_t mtu;                /* max_datagram_size */
    vel_time recovery_start;     /* start of the recovery period; INT64_MIN: never was one */
    vel_time last_active;        /* when the window was last known to be in use */
    uint64_t acked_in_avoidance; /* NewReno: bytes towards the next increase */
    uint64_t reductions;         /* congestion events so far */
    struct vel_hystart hystart;
    struct vel_cubic cubic;
    struct vel_cc_before before;
};

/* Start with the initial window min(10 * mtu, max(14720, 2 * mtu)). */
void vel_cc_init(struct vel_cc *cc, enum vel_congestion algorithm, uint32_t mtu, vel_time now);

/* A handshake flight that does not fit the initial window may use this many packets
 * (VEL_CC_CRYPTO_PACKETS at most), paced; a listed deviation from RFC 9002. Ends with 0, which is
 * to be set when the handshake is complete, and with the first congestion event. */
void vel_cc_set_crypto_window(struct vel_cc *cc, unsigned packets);

/* Path MTU discovery raised or lowered the datagram size. */
void vel_cc_set_mtu(struct vel_cc *cc, uint32_t mtu);

/* in_flight: bytes in flight before this packet. */
void vel_cc_on_sent(struct vel_cc *cc, uint64_t in_flight, vel_time now);
void vel_cc_on_ack(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack);

/* A packet that was sent at `sent` is lost, or came back marked CE. At most one reduction for all
 * packets sent before it. */
void vel_cc_on_congestion(struct vel_cc *cc, vel_time sent, vel_time now);

/* The last congestion event was none: what was taken for lost has arrived. The window is at least
 * what it was before, once. */
void vel_cc_undo(struct vel_cc *cc);

/* It was one, whatever becomes of the packets taken for lost: the network has marked others. */
void vel_cc_confirm(struct vel_cc *cc);

/* RFC 9002 7.6: down to the minimum window and slow start. */
void vel_cc_on_persistent_congestion(struct vel_cc *cc);

static inline uint64_t vel_cc_window(const struct vel_cc *cc)
{
    return cc->window > cc->crypto_window ? cc->window : cc->crypto_window;
}

static inline bool vel_cc_in_slow_start(const struct vel_cc *cc)
{
    return cc->window < cc->ssthresh;
}

static inline bool vel_cc_in_recovery(const struct vel_cc *cc, vel_time sent)
{
    return sent <= cc->recovery_start;
}

/* Bytes per second to pace at: twice the window per smoothed RTT in slow start, 1.25 times later
 * (RFC 9002 7.7). */
uint64_t vel_cc_pacing_rate(const struct vel_cc *cc, const struct vel_rtt *rtt);

extern const struct vel_cc_ops vel_cc_newreno;
extern const struct vel_cc_ops vel_cc_cubic;

#endif
