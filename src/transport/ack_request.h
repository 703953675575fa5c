/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_ACK_REQUEST_H
#define TRANSPORT_ACK_REQUEST_H

#include "transport/frame.h"
#include "transport/record.h"
#include "velocity/env.h"

/*
 * VEL-TR-32: what we ask of a peer that said min_ack_delay (draft-ietf-quic-ack-frequency): to acknowledge
 * seldom while a large window is in use, since each acknowledgement costs both sides a packet. The
 * rest of this file is when: VEL_ACK_PER_WINDOW times for each window, and often enough for a slow
 * one. Where nothing would be gained nothing is asked, so short connections never see a frame of it.
 */
enum {
    VEL_ACK_PER_WINDOW = 16,     /* RFC 9406 wants 8 round-trip samples for each window */
    VEL_ACK_THRESHOLD_MAX = 256, /* ours: a loss is noticed so much later at most */
    VEL_ACK_THRESHOLD_WORTH = 4  /* ours: first time, packets for an acknowledgement */
};

/* What would be best now. */
struct vel_ack_wish {
    uint64_t threshold;  /* ack-eliciting packets that may stay unacknowledged */
    vel_time max_delay;  /* the longest wait */
    uint64_t reordering; /* our packet threshold of loss */
};

struct vel_ack_request {
    bool allowed;              /* the peer takes ACK_FREQUENCY and IMMEDIATE_ACK */
    bool due;                  /* a frame waits to be sent */
    bool in_flight;            /* the last one was neither acknowledged nor lost */
    vel_time least, most;      /* the peer's min_ack_delay and max_ack_delay */
    vel_time in_force;         /* its max_ack_delay, as it was last told and has acknowledged */
    uint64_t next;             /* sequence number */
    struct vel_ack_wish asked; /* threshold 0: nothing was */
};

/* The peer's transport parameters: `least` VEL_NEVER when it sent no min_ack_delay. */
void vel_ack_request_init(struct vel_ack_request *request, vel_time least, vel_time most);

/* The wish for a window of so many packets: rtt is the smoothed round trip, `reordering` the packet
 * threshold of loss detection. */
struct vel_ack_wish vel_ack_wish(const struct vel_ack_request *request, uint64_t packets,
                                 vel_time rtt, uint64_t reordering);

/* Ask for it, if it differs enough from what was asked and no answer is awaited. */
void vel_ack_request_consider(struct vel_ack_request *request, const struct vel_ack_wish *wish);

/* The frame that is due leaves, with this record. */
void vel_ack_request_take(struct vel_ack_request *request, struct vel_frame *frame,
                          struct vel_record *record);
/* It does not, for want of room. */
void vel_ack_request_put_back(struct vel_ack_request *request);
void vel_ack_request_acked(struct vel_ack_request *request, uint64_t sequence);
void vel_ack_request_lost(struct vel_ack_request *request, uint64_t sequence);

/* How long the peer may wait with an acknowledgement, whether it has read our last frame or not. */
vel_time vel_ack_request_delay(const struct vel_ack_request *request);

#endif
