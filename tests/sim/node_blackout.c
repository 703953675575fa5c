/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct blackout {
    struct sim_node node;
    vel_time from, until;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct blackout *b = (const struct blackout *)node;
    vel_time since = sim_now(node->sim) - SIM_START;
    if (since >= b->from && since < b->until)
        sim_drop(datagram);
    else
        sim_pass(node, datagram);
}

void sim_blackout(struct sim *sim, enum sim_direction directions, vel_time from, vel_time until)
{
    SIM_EACH(one, directions)
    {
        struct blackout *b = sim_node_add(sim, one, sizeof *b, take);
        b->from = from;
        b->until = until;
    }
}
