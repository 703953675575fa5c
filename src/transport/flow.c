/* SPDX-License-Identifier: MIT */
#include "transport/flow.h"

#include "base/units.h"

/* Enough for the first round trips of slow start; grows when the application keeps up. */
#define WINDOW_START ((uint64_t)(256 * KIB))

bool vel_flow_out_grant(struct vel_flow_out *f, uint64_t limit)
{
    if (limit <= f->limit)
        return false;
    f->limit = limit;
    return true;
}

bool vel_flow_out_blocked(struct vel_flow_out *f)
{
    if (vel_flow_out_left(f) > 0 || f->blocked_at == f->limit + 1)
        return false;
    f->blocked_at = f->limit + 1;
    return true;
}

uint64_t vel_flow_initial_window(uint64_t window_max)
{
    return VEL_MIN(window_max, WINDOW_START);
}

void vel_flow_in_init(struct vel_flow_in *f, uint64_t window_max)
{
    uint64_t window = vel_flow_initial_window(window_max);
    *f = (struct vel_flow_in){.limit = window, .window = window, .window_max = window_max};
}

bool vel_flow_in_consume(struct vel_flow_in *f, uint64_t count)
{
    f->consumed += count;
    if (f->limit - f->consumed > f->window / 2 || f->window == 0)
        return false;
    f->window = VEL_MIN(2 * f->window, f->window_max);
    f->limit = f->consumed + f->window;
    return true;
}
