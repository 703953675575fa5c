/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct jitter {
    struct sim_node node;
    vel_time most;
    vel_time last; /* when the last one left: nobody overtakes */
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    struct jitter *j = (struct jitter *)node;
    vel_time more = (vel_time)sim_below(node->sim, (uint64_t)j->most + 1);
    j->last = VEL_MAX(j->last, sim_now(node->sim) + more);
    sim_pass_at(node, datagram, j->last);
}

void sim_jitter(struct sim *sim, enum sim_direction directions, vel_time most)
{
    SIM_EACH(one, directions)
    {
        struct jitter *j = sim_node_add(sim, one, sizeof *j, take);
        j->most = most;
    }
}
