/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_PACER_H
#define TRANSPORT_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "velocity/env.h"

/*
 * Spreads what the window allows over the round trip (RFC 9002 7.7), train by train: a bucket that
 * fills at the pacing rate and that packets drain. It holds what the congestion controller chooses, or
 * what the rate yields in a millisecond, and then 16 packets at least and 64 at most, so a quiet
 * sender starts with a train of that size. Once there is credit for a packet a train may take a whole
 * bucket, and leave a debt: in any time t no more than 2 * vel_pacer_depth() + rate * t bytes leave, but
 * for longer trains between neighbours (transport/conn_send.c). Only packets that count in flight are
 * paced; acknowledgements alone and probes are not.
 *
 * Who waits (vel_pacer_wait) and comes back late was kept by its processor, not by the network: what the
 * rate yielded meanwhile is on top of what the bucket holds, up to 16 packets. So a busy sender with many
 * connections makes trains of what each has missed, and one that is in time stays smooth.
 */
enum { VEL_PACER_MIN_PACKETS = 16, VEL_PACER_MAX_PACKETS = 64, VEL_PACER_LATE_PACKETS = 16 };

struct vel_pacer {
    bool enabled;
    uint32_t mtu;
    uint64_t rate;     /* bytes per second; 0: not known yet, no limit */
    uint64_t quantum;  /* the bucket, bytes; 0: as above */
    int64_t credit;    /* bytes that may leave at `updated`; negative: a debt */
    uint64_t fraction; /* of a byte more, in nanoseconds of bytes per second */
    vel_time updated;
    vel_time due; /* when who waits wanted to be back; VEL_NEVER: nobody waits */
};

/* Starts full. */
void vel_pacer_init(struct vel_pacer *pacer, bool enabled, uint32_t mtu, vel_time now);

/* Set the rate in bytes per second from now on, and the bucket in bytes, two packets at least; 0: as
 * above (vel_cc_pacing). */
void vel_pacer_set_rate(struct vel_pacer *pacer, uint64_t rate, uint64_t quantum, vel_time now);

/* How many bytes may leave now: at least one packet's, or 0. UINT64_MAX when not pacing. */
uint64_t vel_pacer_budget(struct vel_pacer *pacer, vel_time now);

/* The longest train that may begin when the budget is not 0, bytes: the bucket, or the budget if that is
 * more. UINT64_MAX when not pacing. */
uint64_t vel_pacer_train(const struct vel_pacer *pacer);

/* Bytes left; more than the budget leaves a debt that is paid first. */
void vel_pacer_sent(struct vel_pacer *pacer, uint64_t bytes, vel_time now);

/* When the budget is 0: when a train is worth sending again (never sooner than now). A train is
 * what the rate yields in a millisecond, one packet at least and the whole bucket at most. */
vel_time vel_pacer_next(const struct vel_pacer *pacer, vel_time now);

/* The same, and who asks means to be back then. */
vel_time vel_pacer_wait(struct vel_pacer *pacer, vel_time now);

/* There is nothing to send, or no window for it: who comes back is not late, whenever that is. */
void vel_pacer_rest(struct vel_pacer *pacer);

/* The bucket: the largest burst in time, in bytes. */
uint64_t vel_pacer_depth(const struct vel_pacer *pacer);

#endif
