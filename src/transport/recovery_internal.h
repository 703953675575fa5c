/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_RECOVERY_INTERNAL_H
#define TRANSPORT_RECOVERY_INTERNAL_H

#include "transport/recovery.h"

/* An outstanding packet is settled as `state`: it leaves the flight. No hooks. */
void vel_recovery_take(struct vel_recovery *r, enum vel_space space, struct vel_sent_packet *packet,
                       enum vel_sent_state state);

/* The packet's records go to the lost hook, unless a probe took them over before. */
void vel_recovery_give_up(struct vel_recovery *r, enum vel_space space,
                          const struct vel_sent_packet *packet);

/* RFC 9002 6.1: declare lost what is due and set the space's loss_time for what is not yet. */
void vel_recovery_detect_lost(struct vel_recovery *r, enum vel_space space, vel_time now);

#endif
