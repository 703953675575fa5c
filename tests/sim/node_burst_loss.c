/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct burst_loss {
    struct sim_node node;
    unsigned enter, leave;
    bool bad;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    struct burst_loss *b = (struct burst_loss *)node;
    if (sim_chance(node->sim, b->bad ? b->leave : b->enter))
        b->bad = !b->bad;
    if (b->bad)
        sim_drop(datagram);
    else
        sim_pass(node, datagram);
}

void sim_burst_loss(struct sim *sim, enum sim_direction directions, unsigned enter, unsigned leave)
{
    SIM_EACH(one, directions)
    {
        struct burst_loss *b = sim_node_add(sim, one, sizeof *b, take);
        b->enter = enter;
        b->leave = leave;
    }
}
