/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_ACK_H
#define TRANSPORT_ACK_H

#include "transport/ecn.h"
#include "transport/frame.h"
#include "transport/ranges.h"
#include "velocity/env.h"
#include "velocity/err.h"

/*
 * The packet numbers received in one space, and when they must be acknowledged (RFC 9000 13.2).
 *
 * Order of use for a packet that was decrypted: ask vel_acks_is_duplicate; process its frames; then
 * vel_acks_received. When a packet is written and vel_acks_is_due, or something else leaves and
 * vel_acks_is_pending, write an ACK frame from `received`, `ecn` and vel_acks_delay, and call
 * vel_acks_sent; keep a record {VEL_RECORD_ACK, offset = largest}, and hand it to vel_acks_acked when
 * it comes back acknowledged.
 */
enum {
    VEL_ACK_RANGES = 32,      /* kept; the oldest are forgotten first */
    VEL_ACK_EVERY = 2,        /* RFC 9000 13.2.2: ack-eliciting packets per acknowledgement, */
    VEL_ACK_FEW_AFTER = 100,  /* ours: and after so many of them, unless the peer asks otherwise, */
    VEL_ACK_FEW = 10,         /* so many, or those of a quarter of a round trip (VEL-TR-30) */
    VEL_ACK_EVERY_MAX = 1024, /* ours: the most that a peer is obeyed in leaving them out */
    VEL_ACK_ELICIT_AFTER = 32, /* acknowledgements that elicit nothing before we add a PING */
};

/* Our min_ack_delay, and the longest wait that a peer is obeyed in (VEL-TR-31). */
#define VEL_ACK_MIN_DELAY (1 * MS)
#define VEL_ACK_MAX_DELAY (1 * SECOND)

/*
 * When packets of a connection must be acknowledged: as RFC 9000 13.2 says until the peer asks
 * otherwise with ACK_FREQUENCY (draft-ietf-quic-ack-frequency). One for all paths.
 */
struct vel_ack_policy {
    vel_time max_delay;  /* 0: at once */
    uint32_t every;      /* ack-eliciting packets for an acknowledgement */
    uint64_t reordering; /* at once when one is missing so long, in packets; 0: never */
    bool asked;          /* the peer has said so */
    uint64_t sequence;   /* the next ACK_FREQUENCY must have this number or a higher one */
};

/* RFC 9000's, with our max_ack_delay: 0 in the handshake spaces. */
struct vel_ack_policy vel_ack_policy(vel_time max_delay);

/* The peer asks. What is older than what was obeyed is ignored.
 * VEL_ERR_UNEXPECTED  the delay is under our min_ack_delay or no max_ack_delay: close with
 *                     PROTOCOL_VIOLATION */
vel_result vel_ack_policy_obey(struct vel_ack_policy *policy,
                               const struct vel_frame_ack_frequency *frame);

struct vel_acks {
    struct vel_ranges received;
    uint64_t floor;        /* numbers below are duplicates, received or not */
    uint64_t largest;      /* received; meaningful when anything is */
    vel_time largest_time; /* when it arrived */
    struct vel_ecn_counts ecn;
    const struct vel_ack_policy *policy; /* the connection's */
    vel_time round_trip;                 /* smoothed, for what is done unasked; 0: not known */
    vel_time due;                        /* when the acknowledgement must leave; VEL_NEVER */
    uint64_t told;                       /* largest number acknowledged so far, plus one; 0: none */
    uint64_t eliciting;                  /* largest number of an ack-eliciting packet */
    uint32_t pending;                    /* ack-eliciting packets since the last acknowledgement */
    uint32_t settled;                    /* ack-eliciting packets so far, up to VEL_ACK_FEW_AFTER */
    bool was_marked;                     /* the last packet had a congestion mark */
    unsigned unelicited; /* acknowledgements in a row that went in packets eliciting nothing */
};

/* `policy` must stay as long as this does; it may change meanwhile. */
void vel_acks_init(struct vel_acks *acks, const struct vel_env *env,
                   const struct vel_ack_policy *policy);
void vel_acks_clear(struct vel_acks *acks);

/* True: the packet was processed before, or is too old to tell. Drop it. */
static inline bool vel_acks_is_duplicate(const struct vel_acks *acks, uint64_t number)
{
    return number < acks->floor ||
           (number <= acks->largest && vel_ranges_contains(&acks->received, number));
}

/* A packet with a new number was processed. `ecn`: enum vel_ecn of its datagram.
 * VEL_ERR_NOMEM  it could not be noted: treat the packet as not received */
vel_result vel_acks_received(struct vel_acks *acks, uint64_t number, bool ack_eliciting,
                             uint8_t ecn, vel_time now);

/* The peer wants to hear now: IMMEDIATE_ACK, or an ACK_FREQUENCY that leaves less to wait for. */
void vel_acks_hurry(struct vel_acks *acks, vel_time now);

/* When an acknowledgement must leave; VEL_NEVER: none is owed. */
vel_time vel_acks_deadline(const struct vel_acks *acks);

static inline bool vel_acks_is_due(const struct vel_acks *acks, vel_time now)
{
    return vel_acks_deadline(acks) <= now;
}

/* Something unacknowledged was received: worth adding to a packet that leaves anyway. */
bool vel_acks_is_pending(const struct vel_acks *acks);

/* The ACK Delay field: time since the largest arrived, in units of 2^exponent microseconds. */
uint64_t vel_acks_delay(const struct vel_acks *acks, unsigned exponent, vel_time now);

/* An ACK frame left, in a packet that is ack-eliciting or not. */
void vel_acks_sent(struct vel_acks *acks, bool in_ack_eliciting);

/* Nothing of ours has made the peer acknowledge our acknowledgements for long: add a PING to the
 * next packet, so that old ranges can be forgotten (RFC 9000 13.2.4). */
bool vel_acks_wants_ping(const struct vel_acks *acks);

/* The peer has our ACK frame whose largest number was `largest`: older numbers need no repeating. */
void vel_acks_acked(struct vel_acks *acks, uint64_t largest);

#endif
