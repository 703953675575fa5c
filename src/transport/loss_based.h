/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_LOSS_BASED_H
#define TRANSPORT_LOSS_BASED_H

#include "transport/cc.h"

/*
 * What NewReno and CUBIC have in common: a window that doubles every round trip in slow start, with
 * HyStart++, and is reduced when packets are lost or marked. They differ in congestion avoidance.
 */
static inline bool vel_cc_in_slow_start(const struct vel_cc *cc)
{
    return cc->window < cc->ssthresh;
}

void vel_loss_based_init(struct vel_cc *cc, vel_time now);

/* Slow start's part of an ACK. False: there is something in it for congestion avoidance to do. */
bool vel_loss_based_on_ack(struct vel_cc *cc, const struct vel_rtt *rtt,
                           const struct vel_cc_ack *ack);

/* Before the window is reduced: remember what it was. */
void vel_loss_based_remember(struct vel_cc *cc);
void vel_loss_based_undo(struct vel_cc *cc, vel_time now);

/* Twice the window per smoothed RTT in slow start, 1.25 times later (RFC 9002 7.7). At 1.25 times the
 * bucket of a flow that its window holds back is always full: all that an acknowledgement admits would
 * leave as one train. A slow flow beside a fast one, as many acknowledgements in a round trip, then
 * loses to a full queue more often than the fast one, which is paced, and never gets its share. So in
 * congestion avoidance the train is what the rate yields in a millisecond; a flow that its application
 * holds back keeps the pacer's least. Where round trips show that packets of ours wait in a queue, a
 * train may be a quarter of those: of 1,000 flows that a slow receiver keeps back each sends seldom, but
 * then more than one packet. */
struct vel_pacing vel_loss_based_pacing(const struct vel_cc *cc, const struct vel_rtt *rtt);
const char *vel_loss_based_state(const struct vel_cc *cc);

#endif
