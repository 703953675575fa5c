/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

/* A burst ends for good after this time, since a quiet sender gives it no other chance to end. */
#define LONGEST_BURST (500 * MS)

struct burst_loss {
    struct sim_node node;
    unsigned enter, leave;
    bool bad;
    vel_time since; /* when it turned bad */
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    struct burst_loss *b = (struct burst_loss *)node;
    vel_time now = sim_now(node->sim);
    if (!b->bad && sim_chance(node->sim, b->enter)) {
        b->bad = true;
        b->since = now;
    } else if (b->bad) {
        b->bad = now - b->since < LONGEST_BURST && !sim_chance(node->sim, b->leave);
    }
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
