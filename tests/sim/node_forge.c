/* SPDX-License-Identifier: MIT */
#include "sim/damage.h"
#include "sim/nodes.h"

struct forge {
    struct sim_node node;
    unsigned per_million;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct forge *f = (const struct forge *)node;
    if (sim_chance(node->sim, f->per_million)) {
        struct sim_datagram *copy = sim_copy(datagram);
        sim_damage(node->sim, copy);
        sim_pass(node, copy);
    }
    sim_pass(node, datagram);
}

void sim_forge(struct sim *sim, enum sim_direction directions, unsigned per_million)
{
    SIM_EACH(one, directions)
    {
        struct forge *f = sim_node_add(sim, one, sizeof *f, take);
        f->per_million = per_million;
    }
}
