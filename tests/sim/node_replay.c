/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct replay {
    struct sim_node node;
    unsigned per_million;
    vel_time later;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct replay *r = (const struct replay *)node;
    if (sim_chance(node->sim, r->per_million)) {
        vel_time after = 1 + (vel_time)sim_below(node->sim, (uint64_t)r->later);
        sim_pass_at(node, sim_copy(datagram), sim_now(node->sim) + after);
    }
    sim_pass(node, datagram);
}

void sim_replay(struct sim *sim, enum sim_direction directions, unsigned per_million,
                vel_time later)
{
    SIM_EACH(one, directions)
    {
        struct replay *r = sim_node_add(sim, one, sizeof *r, take);
        r->per_million = per_million;
        r->later = later;
    }
}
