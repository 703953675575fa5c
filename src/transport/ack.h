/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_ACK_H
#define TRANSPORT_ACK_H

#include "transport/ecn.h"
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
    VEL_ACK_EVERY = 2,        /* RFC 9000 13.2.2: ack-eliciting packets per acknowledgement */
    VEL_ACK_ELICIT_AFTER = 32 /* acknowledgements that elicit nothing before we add a PING */
};

struct vel_acks {
    struct vel_ranges received;
    uint64_t floor;        /* numbers below are duplicates, received or not */
    uint64_t largest;      /* received; meaningful when anything is */
    vel_time largest_time; /* when it arrived */
    struct vel_ecn_counts ecn;
    vel_time max_delay;  /* our max_ack_delay; 0 in the handshake spaces: at once */
    vel_time due;        /* when the acknowledgement must leave; VEL_NEVER */
    unsigned every;      /* acknowledge every nth ack-eliciting packet; VEL_ACK_EVERY */
    unsigned pending;    /* ack-eliciting packets since the last acknowledgement */
    unsigned unelicited; /* acknowledgements in a row that went in packets eliciting nothing */
};

void vel_acks_init(struct vel_acks *acks, const struct vel_env *env, vel_time max_delay);
void vel_acks_clear(struct vel_acks *acks);

/* True: the packet was processed before, or is too old to tell. Drop it. */
bool vel_acks_is_duplicate(const struct vel_acks *acks, uint64_t number);

/* A packet with a new number was processed. `ecn`: enum vel_ecn of its datagram.
 * VEL_ERR_NOMEM  it could not be noted: treat the packet as not received */
vel_result vel_acks_received(struct vel_acks *acks, uint64_t number, bool ack_eliciting,
                             uint8_t ecn, vel_time now);

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
