/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_TIMERS_H
#define ENDPOINT_TIMERS_H

#include "velocity/env.h"
#include "velocity/err.h"

/*
 * The deadlines of many connections: a binary heap of timers that their owners embed. Room is
 * reserved when an owner is made, so that setting a deadline cannot fail.
 */
struct vel_timer {
    vel_time deadline;
    size_t place; /* in the heap, from 1; 0: not set */
};

struct vel_timers {
    const struct vel_env *env;
    struct vel_timer **heap;
    size_t count;
    size_t capacity;
};

/* Make room for `total` timers. VEL_ERR_NOMEM: nothing changed. */
vel_result vel_timers_reserve(struct vel_timers *timers, size_t total);

/* VEL_NEVER: the timer leaves the heap. */
void vel_timers_set(struct vel_timers *timers, struct vel_timer *timer, vel_time deadline);

/* The one that is due first; NULL when none is set. */
struct vel_timer *vel_timers_first(const struct vel_timers *timers);

void vel_timers_clear(struct vel_timers *timers);

#endif
