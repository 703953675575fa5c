/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct mtu {
    struct sim_node node;
    size_t size;
    vel_time from;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct mtu *m = (const struct mtu *)node;
    bool on = sim_now(node->sim) - SIM_START >= m->from;
    if (on && datagram->size > m->size)
        sim_drop(datagram);
    else
        sim_pass(node, datagram);
}

void sim_mtu_from(struct sim *sim, enum sim_direction directions, size_t size, vel_time from)
{
    SIM_EACH(one, directions)
    {
        struct mtu *m = sim_node_add(sim, one, sizeof *m, take);
        m->size = size;
        m->from = from;
    }
}

void sim_mtu(struct sim *sim, enum sim_direction directions, size_t size)
{
    sim_mtu_from(sim, directions, size, 0);
}
