/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CC_H
#define TRANSPORT_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/bbr.h"
#include "transport/hystart.h"
#include "transport/rtt.h"
#include "velocity/config.h"
#include "velocity/env.h"

/*
 * Congestion control of one path, RFC 9002 section 7: how many bytes may be in flight, and how fast
 * they leave. One interface; an algorithm is a row of functions, chosen when a path begins. NewReno
 * and CUBIC grow a window until packets are lost (loss_based.h); BBR measures what the path delivers
 * (bbr.h). Every path has its own state; BBR's, five times as large as the others', is allocated when it
 * is chosen. Release with vel_cc_clear. Sizes in bytes, rates in bytes per second.
 *
 * For each packet that counts in flight, or all that leave together: vel_cc_on_sent. For each ACK frame, in this order: the
 * packets it proves lost (vel_cc_on_lost for each, vel_cc_on_congestion for the newest), then
 * vel_cc_on_ack with what it acknowledged. When there was nothing to send although the window had
 * room: vel_cc_on_app_limited. Then ask for vel_cc_window and vel_cc_pacing.
 */
enum {
    VEL_CC_MIN_PACKETS = 2,       /* RFC 9002 7.2: kMinimumWindow */
    VEL_CC_INITIAL_PACKETS = 10,  /* 7.2 */
    VEL_CC_INITIAL_BYTES = 14720, /* 7.2 */
    VEL_CC_CRYPTO_PACKETS = 16,   /* largest crypto window (vel_cc_set_crypto_window) */
    VEL_CC_MAX_WINDOW = 1 << 26   /* ours: 64 MiB, so that the packets of a window can be kept */
};

struct vel_cc;

/* What one ACK frame brought: packets in flight on this path, and nothing else. */
struct vel_cc_ack {
    uint64_t acked;     /* bytes newly acknowledged */
    uint64_t bytes;     /* of them, sent after the current recovery period began */
    uint64_t in_flight; /* bytes, after this ACK and the losses it proved */
    vel_time sent;      /* when the newest of them was sent */
    bool app_limited;   /* the window was not the limit: it must not grow (RFC 9002 7.8) */
    vel_time now;
};

/* A packet that was declared lost. */
struct vel_cc_lost {
    uint64_t number;
    uint64_t size;
    vel_time sent;
    vel_time now;
};

/* What to pace at: 0 for the quantum leaves it to the pacer. */
struct vel_pacing {
    uint64_t rate;
    uint64_t quantum; /* the largest burst, bytes */
};

/* An entry may be NULL where it says so: then there is nothing to do. */
struct vel_cc_ops {
    const char *name;
    void (*init)(struct vel_cc *cc, vel_time now);
    /* `size` more bytes leave; in_flight: before them. NULL */
    void (*on_sent)(struct vel_cc *cc, uint64_t in_flight, uint64_t size, vel_time now);
    void (*on_ack)(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack);
    void (*on_lost)(struct vel_cc *cc, const struct vel_cc_lost *lost); /* NULL */
    /* A recovery period begins: at most one in a round trip. */
    void (*on_congestion)(struct vel_cc *cc, vel_time now);
    /* The network has marked packets, the newest sent at `sent`; after on_congestion, if that is
     * due. NULL */
    void (*on_marked)(struct vel_cc *cc, vel_time sent, vel_time now);
    /* RFC 9002 7.6; the window becomes the least one afterwards. */
    void (*on_persistent_congestion)(struct vel_cc *cc, vel_time now);
    void (*on_app_limited)(struct vel_cc *cc, uint64_t in_flight); /* NULL */
    /* The last recovery period should not have begun. */
    void (*undo)(struct vel_cc *cc, vel_time now);
    struct vel_pacing (*pacing)(const struct vel_cc *cc, const struct vel_rtt *rtt);
    /* What it is doing, in the words of its specification. */
    const char *(*state)(const struct vel_cc *cc);
};

/* State of CUBIC, RFC 9438; windows in bytes. */
struct vel_cubic {
    vel_time last_active;    /* when the window was last known to be in use */
    vel_time epoch;          /* when this congestion avoidance began; VEL_NEVER: it has not */
    vel_time k;              /* from the epoch until the curve is back at w_max */
    uint64_t w_max;          /* window before the last reduction, less with fast convergence */
    uint64_t w_prior;        /* window before the last reduction: cwnd_prior */
    uint64_t w_est;          /* what Reno would have by now */
    uint64_t part, est_part; /* growth of window and w_est too small for a byte */
};

/* What the last congestion event changed. */
struct vel_cc_before {
    uint64_t window, ssthresh;
    struct vel_hystart hystart;
    struct vel_cubic cubic;
};

struct vel_cc {
    const struct vel_cc_ops *ops;
    const struct vel_env *env; /* of `bbr` */
    uint64_t window;
    uint64_t crypto_window;  /* at least this while the handshake runs; 0: none */
    uint32_t mtu;            /* max_datagram_size */
    bool undoable;           /* the last recovery period may prove to have had no reason */
    vel_time recovery_start; /* start of the recovery period; INT64_MIN: never was one */
    uint64_t reductions;     /* congestion events so far */

    uint64_t ssthresh; /* UINT64_MAX: not set yet; always with BBR */
    union {
        struct {                         /* NewReno and CUBIC */
            bool in_use;                 /* the window was the limit at the last ACK */
            uint64_t acked_in_avoidance; /* NewReno: bytes towards the next increase */
            struct vel_hystart hystart;
            struct vel_cubic cubic;
            struct vel_cc_before before;
        };
        struct vel_bbr *bbr;
    };
};

/* Start with the initial window min(10 * mtu, max(14720, 2 * mtu)). BBR for which there is no memory is
 * CUBIC: a path that must be controlled somehow does not fail for want of a model. `env`: lives as long. */
void vel_cc_init(struct vel_cc *cc, const struct vel_env *env, enum vel_congestion algorithm,
                 uint32_t mtu, vel_time now);
/* Fine on zeroed memory. What is moved elsewhere by assignment is to be zeroed where it was. */
void vel_cc_clear(struct vel_cc *cc);

/* A handshake flight that does not fit the initial window may use this many packets
 * (VEL_CC_CRYPTO_PACKETS at most), paced; a listed deviation from RFC 9002. Ends with 0, which is
 * to be set when the handshake is complete, and with the first congestion event. */
void vel_cc_set_crypto_window(struct vel_cc *cc, unsigned packets);

/* Path MTU discovery raised or lowered the datagram size. */
void vel_cc_set_mtu(struct vel_cc *cc, uint32_t mtu);

/* A packet of `size` bytes leaves, or several of so many in all; in_flight: bytes in flight before
 * them. */
void vel_cc_on_sent(struct vel_cc *cc, uint64_t in_flight, uint64_t size, vel_time now);
void vel_cc_on_ack(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack);

/* A packet that counted in flight is lost. */
void vel_cc_on_lost(struct vel_cc *cc, const struct vel_cc_lost *lost);

/* The newest packet that was lost just now was sent at `sent`. At most one reduction for all packets
 * sent before it. */
void vel_cc_on_congestion(struct vel_cc *cc, vel_time sent, vel_time now);

/* The same for packets that came back marked CE. Never undone, whatever becomes of packets that were
 * taken for lost: the network has spoken. */
void vel_cc_on_marked(struct vel_cc *cc, vel_time sent, vel_time now);

/* The last congestion event was none: what was taken for lost has arrived. The window is at least
 * what it was before, once. */
void vel_cc_undo(struct vel_cc *cc, vel_time now);

/* RFC 9002 7.6: down to the minimum window and slow start. */
void vel_cc_on_persistent_congestion(struct vel_cc *cc, vel_time now);

/* There is nothing to send, and the window has room. */
void vel_cc_on_app_limited(struct vel_cc *cc, uint64_t in_flight);

static inline uint64_t vel_cc_window(const struct vel_cc *cc)
{
    return cc->window > cc->crypto_window ? cc->window : cc->crypto_window;
}

static inline bool vel_cc_in_recovery(const struct vel_cc *cc, vel_time sent)
{
    return sent <= cc->recovery_start;
}

/* What to pace at, as of the last call. */
struct vel_pacing vel_cc_pacing(const struct vel_cc *cc, const struct vel_rtt *rtt);

/* What the algorithm is doing: "slow_start", "congestion_avoidance", or BBR's phases; constant. */
const char *vel_cc_state(const struct vel_cc *cc);

extern const struct vel_cc_ops vel_cc_newreno;
extern const struct vel_cc_ops vel_cc_cubic;
extern const struct vel_cc_ops vel_cc_bbr;

#endif
