/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_FLOW_H
#define TRANSPORT_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Flow-control credit, RFC 9000 section 4: the same arithmetic for one stream and for all streams
 * of a connection. Limits are absolute offsets (sums of offsets for the connection) and only grow.
 */

/* What the peer lets us send. */
struct vel_flow_out {
    uint64_t limit;
    uint64_t used;
    uint64_t blocked_at; /* limit we have told the peer we are blocked at, plus one; 0: none */
};

static inline uint64_t vel_flow_out_left(const struct vel_flow_out *f)
{
    return f->limit > f->used ? f->limit - f->used : 0;
}

/* MAX_DATA or MAX_STREAM_DATA arrived; false when it grants nothing new (it may be an old one). */
bool vel_flow_out_grant(struct vel_flow_out *f, uint64_t limit);

/* Nothing is left, and the peer was not told yet for this limit; tells so once. */
bool vel_flow_out_blocked(struct vel_flow_out *f);

/*
 * What we let the peer send. The window starts small and doubles, up to `window_max`, each time
 * the application has consumed half of it: what a peer may park here is bounded by what the
 * application takes from it. A doubled window never lags behind slow start, which doubles too.
 */
struct vel_flow_in {
    uint64_t limit;    /* announced, or about to be */
    uint64_t received; /* highest offset, or their sum: never above the limit */
    uint64_t consumed; /* by the application */
    uint64_t window;
    uint64_t window_max;
};

/* Where a window starts: what the transport parameters announce for a configured maximum. */
uint64_t vel_flow_initial_window(uint64_t window_max);

void vel_flow_in_init(struct vel_flow_in *f, uint64_t window_max);

/* May `more` new bytes come in? They are counted if so. */
static inline bool vel_flow_in_receive(struct vel_flow_in *f, uint64_t more)
{
    if (more > f->limit - f->received)
        return false;
    f->received += more;
    return true;
}

/* The application took `count` bytes. True: the limit has grown and must be announced. */
bool vel_flow_in_consume(struct vel_flow_in *f, uint64_t count);

#endif
