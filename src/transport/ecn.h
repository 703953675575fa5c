/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_ECN_H
#define TRANSPORT_ECN_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/frame.h"
#include "transport/space.h"
#include "velocity/train.h"

/*
 * Does a path carry ECN marks and does the peer report them? RFC 9000 13.4.2 and A.4: the first
 * packets are marked ECT(0); they validate the path or marking stops for good.
 */
enum vel_ecn_state {
    VEL_ECN_TESTING, /* marking the first packets */
    VEL_ECN_UNKNOWN, /* enough were sent: waiting for the verdict, not marking */
    VEL_ECN_CAPABLE, /* marking everything */
    VEL_ECN_FAILED   /* marking nothing: marks are cleared, mangled, unreported or black-holed, or
                        all of them became CE */
};

enum { VEL_ECN_TEST_PACKETS = 10 };

struct vel_ecn_validation {
    enum vel_ecn_state state;
    unsigned tested;      /* packets marked while testing */
    unsigned tested_lost; /* of them, declared lost */
    struct {
        uint64_t marked; /* packets sent with ECT(0) */
        struct vel_ecn_counts reported;
    } space[VEL_SPACE_COUNT];
};

/* enabled false: FAILED from the start. */
void vel_ecn_init(struct vel_ecn_validation *ecn, bool enabled);

/* Another path: test again. What the peer reports goes on from where it was, since it counts for all
 * paths together. */
void vel_ecn_restart(struct vel_ecn_validation *ecn, bool enabled);

/* How to mark the next packet: VEL_ECN_ECT0 or VEL_ECN_NOT_ECT. */
uint8_t vel_ecn_mark(const struct vel_ecn_validation *ecn);

void vel_ecn_on_sent(struct vel_ecn_validation *ecn, enum vel_space space, uint8_t mark);

/* A marked packet was declared lost: when all of the test are, the path eats marked packets. */
void vel_ecn_on_lost(struct vel_ecn_validation *ecn);

/*
 * An ACK frame that raised the largest acknowledged number of `space`.
 * newly_marked  how many packets that it newly acknowledges were sent with ECT(0)
 * reported      its counts; NULL when it was an ACK without them
 * Returns how many more CE marks the peer saw: 0, also when validation fails.
 */
uint64_t vel_ecn_on_ack(struct vel_ecn_validation *ecn, enum vel_space space, uint64_t newly_marked,
                        const struct vel_ecn_counts *reported);

#endif
