/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    datagram->ecn = VEL_ECN_NOT_ECT;
    sim_pass(node, datagram);
}

void sim_bleach(struct sim *sim, enum sim_direction directions)
{
    SIM_EACH(one, directions)
    sim_node_add(sim, one, sizeof(struct sim_node), take);
}
