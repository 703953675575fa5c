/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct cut {
    struct sim_node node;
    struct vel_addr addr;
    vel_time from;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct cut *cut = (const struct cut *)node;
    bool on = sim_now(node->sim) - SIM_START >= cut->from;
    if (on &&
        (vel_addr_equal(&datagram->from, &cut->addr) || vel_addr_equal(&datagram->to, &cut->addr)))
        sim_drop(datagram);
    else
        sim_pass(node, datagram);
}

void sim_cut(struct sim *sim, const struct vel_addr *addr, vel_time from)
{
    SIM_EACH(one, SIM_BOTH)
    {
        struct cut *cut = sim_node_add(sim, one, sizeof *cut, take);
        cut->addr = *addr;
        cut->from = from;
    }
}
