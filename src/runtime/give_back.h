/* SPDX-License-Identifier: MIT */
#ifndef RUNTIME_GIVE_BACK_H
#define RUNTIME_GIVE_BACK_H

#include <stdbool.h>
#include <stddef.h>

#include "velocity/env.h"

/*
 * When to give memory back to the kernel. The C library keeps what connections held when they are
 * gone, page by page between what is still in use; giving it back costs time, so it is done once
 * many connections have gone and no more of them go.
 */
enum { VEL_GIVE_BACK_AFTER = 256 /* connections: some megabytes */ };

struct vel_give_back {
    size_t most; /* connections alive at a time, since memory was given back */
    size_t last; /* alive when we looked last */
    vel_time due;
};

/* None are alive. */
void vel_give_back_init(struct vel_give_back *state);

/* So many are alive now. */
void vel_give_back_look(struct vel_give_back *state, size_t alive, vel_time now);

/* True, once, when it is due (state->due, VEL_NEVER: it is not): give memory back now. */
bool vel_give_back_take(struct vel_give_back *state, vel_time now);

#endif
