/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct delay {
    struct sim_node node;
    vel_time delay;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct delay *d = (const struct delay *)node;
    sim_pass_at(node, datagram, sim_now(node->sim) + d->delay);
}

void sim_delay(struct sim *sim, enum sim_direction directions, vel_time delay)
{
    SIM_EACH(one, directions)
    {
        struct delay *d = sim_node_add(sim, one, sizeof *d, take);
        d->delay = delay;
    }
}
