/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_LOSS_SHARE_H
#define TRANSPORT_LOSS_SHARE_H

#include <stdint.h>

#include "base/units.h"
#include "velocity/env.h"

/*
 * Which share of its packets a path loses nowadays. What was counted is halved every second, and
 * whenever it is about VEL_LOSS_SHARE_MEMORY packets: a bad beginning is forgotten, by a path that is
 * not used, too. Few packets say little: the share is one of VEL_LOSS_SHARE_LEAST packets at least.
 *
 * A plain value; zeroed: nothing is known.
 */
enum { VEL_LOSS_SHARE_MEMORY = 512, VEL_LOSS_SHARE_LEAST = 64 };
#define VEL_LOSS_SHARE_HALVED (1 * SECOND)

struct vel_loss_share {
    vel_time since; /* when it was halved by time */
    uint32_t settled, lost;
};

/* So many more packets arrived, and so many were declared lost. */
void vel_loss_share_count(struct vel_loss_share *l, uint32_t arrived, uint32_t lost, vel_time now);

/* So many that had been declared lost arrived after all. */
void vel_loss_share_mistaken(struct vel_loss_share *l, uint64_t arrived);

/* Packets of a million. */
unsigned vel_loss_share(const struct vel_loss_share *l, vel_time now);

#endif
