/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct duplicate {
    struct sim_node node;
    unsigned per_million;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct duplicate *d = (const struct duplicate *)node;
    if (sim_chance(node->sim, d->per_million))
        sim_pass(node, sim_copy(datagram));
    sim_pass(node, datagram);
}

void sim_duplicate(struct sim *sim, enum sim_direction directions, unsigned per_million)
{
    SIM_EACH(one, directions)
    {
        struct duplicate *d = sim_node_add(sim, one, sizeof *d, take);
        d->per_million = per_million;
    }
}
