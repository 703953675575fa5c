/* SPDX-License-Identifier: MIT */
#include "runtime/give_back.h"

#include "base/units.h"

#define QUIET (1 * SECOND) /* without another connection that goes */

void vel_give_back_init(struct vel_give_back *state)
{
    *state = (struct vel_give_back){.due = VEL_NEVER};
}

void vel_give_back_look(struct vel_give_back *state, size_t alive, vel_time now)
{
    bool fewer = alive < state->last;
    state->last = alive;
    state->most = VEL_MAX(state->most, alive);
    if (state->most - alive < VEL_GIVE_BACK_AFTER)
        state->due = VEL_NEVER;
    else if (fewer || state->due == VEL_NEVER)
        state->due = now + QUIET;
}

bool vel_give_back_take(struct vel_give_back *state, vel_time now)
{
    if (now < state->due)
        return false;
    state->due = VEL_NEVER;
    state->most = state->last;
    return true;
}
