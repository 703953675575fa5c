/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_HYSTART_H
#define TRANSPORT_HYSTART_H

#include <stdbool.h>
#include <stdint.h>

#include "velocity/env.h"

/*
 * HyStart++, RFC 9406: leave slow start when round trips get longer, before packets are lost. A
 * suspicion first slows growth for five rounds (conservative slow start); if the round trips
 * shrink again it was a false alarm. A round ends when a packet that was not sent before its start
 * is acknowledged: that says the same as the RFC's sequence numbers.
 */
enum vel_hystart_phase { VEL_HYSTART_SLOW_START, VEL_HYSTART_CSS, VEL_HYSTART_DONE };

struct vel_hystart {
    enum vel_hystart_phase phase;
    vel_time round_start;
    vel_time last_min;     /* smallest RTT of the last round; VEL_NEVER: none */
    vel_time current_min;  /* of this round */
    vel_time css_baseline; /* current_min when CSS began */
    unsigned samples;      /* in this round */
    unsigned css_rounds;   /* completed in CSS */
};

void vel_hystart_init(struct vel_hystart *hystart, vel_time now);

/* An acknowledgement arrived in slow start; `sent` is when its newest packet was sent, `rtt` the
 * sample. True: slow start ends here, the caller sets ssthresh to the window. */
bool vel_hystart_on_ack(struct vel_hystart *hystart, vel_time sent, vel_time rtt, vel_time now);

/* What slow start adds to the window for `acked` bytes. The RFC's limit L is for senders that do
 * not pace. */
uint64_t vel_hystart_growth(const struct vel_hystart *hystart, uint64_t acked);

#endif
