/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct loss {
    struct sim_node node;
    unsigned per_million;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct loss *l = (const struct loss *)node;
    if (sim_chance(node->sim, l->per_million))
        sim_drop(datagram);
    else
        sim_pass(node, datagram);
}

void sim_loss(struct sim *sim, enum sim_direction directions, unsigned per_million)
{
    SIM_EACH(one, directions)
    {
        struct loss *l = sim_node_add(sim, one, sizeof *l, take);
        l->per_million = per_million;
    }
}
