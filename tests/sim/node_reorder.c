/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct reorder {
    struct sim_node node;
    unsigned per_million;
    vel_time by;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct reorder *r = (const struct reorder *)node;
    if (sim_chance(node->sim, r->per_million))
        sim_pass_at(node, datagram, sim_now(node->sim) + r->by);
    else
        sim_pass(node, datagram);
}

void sim_reorder(struct sim *sim, enum sim_direction directions, unsigned per_million, vel_time by)
{
    SIM_EACH(one, directions)
    {
        struct reorder *r = sim_node_add(sim, one, sizeof *r, take);
        r->per_million = per_million;
        r->by = by;
    }
}
