/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_SCHEDULER_H
#define TRANSPORT_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "velocity/config.h"
#include "velocity/env.h"

/*
 * Schedulers: which path carries the next packets. A function of what is known of the paths, without
 * a clock or a memory of its own; what it has to remember (whose turn it is, which one is in use)
 * stands with the paths. One row of a table each.
 */
struct vel_schedule_path {
    bool window;     /* the congestion window admits a packet */
    bool open;       /* and the pacer does */
    bool current;    /* it was chosen the last time */
    vel_time rtt;    /* smoothed */
    uint64_t room;   /* bytes that the window admits */
    uint64_t rate;   /* bytes a second that it carries, as far as is known */
    unsigned loss;   /* packets of a million, of late */
    unsigned weight; /* 1 to 1000 */
    uint64_t turn;   /* bytes carried so far, in units of its share */
};

/* None now: wait until a window or a pacer opens. */
enum { VEL_SCHEDULE_NONE = -1 };

/* Choose one of `count` paths; `waiting`: bytes that are to be sent, as far as is known. */
int vel_scheduler_choose(enum vel_scheduler scheduler, const struct vel_schedule_path *paths,
                         unsigned count, uint64_t waiting);

#endif
