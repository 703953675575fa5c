/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct remark {
    struct sim_node node;
    uint8_t from, to;
    unsigned per_million;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct remark *r = (const struct remark *)node;
    if (datagram->ecn == r->from && sim_chance(node->sim, r->per_million))
        datagram->ecn = r->to;
    sim_pass(node, datagram);
}

void sim_remark(struct sim *sim, enum sim_direction directions, uint8_t from, uint8_t to,
                unsigned per_million)
{
    SIM_EACH(one, directions)
    {
        struct remark *r = sim_node_add(sim, one, sizeof *r, take);
        r->from = from;
        r->to = to;
        r->per_million = per_million;
    }
}
