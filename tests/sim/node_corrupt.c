/* SPDX-License-Identifier: MIT */
#include "sim/damage.h"
#include "sim/nodes.h"

struct corrupt {
    struct sim_node node;
    unsigned per_million;
};

void sim_damage(struct sim *sim, struct sim_datagram *datagram)
{
    datagram->damaged = true;
    if (datagram->size > 1 && sim_below(sim, 4) == 0)
        datagram->size = 1 + (size_t)sim_below(sim, datagram->size - 1);
    else
        datagram->bytes[sim_below(sim, datagram->size)] ^= (uint8_t)(1 + sim_below(sim, 255));
}

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct corrupt *c = (const struct corrupt *)node;
    if (sim_chance(node->sim, c->per_million))
        sim_damage(node->sim, datagram);
    sim_pass(node, datagram);
}

void sim_corrupt(struct sim *sim, enum sim_direction directions, unsigned per_million)
{
    SIM_EACH(one, directions)
    {
        struct corrupt *c = sim_node_add(sim, one, sizeof *c, take);
        c->per_million = per_million;
    }
}
