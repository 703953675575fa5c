/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

/* The way back. */
struct back {
    struct sim_node node;
    struct sim_spoof *spoof;
};

static void take_up(struct sim_node *node, struct sim_datagram *datagram)
{
    struct sim_spoof *spoof = (struct sim_spoof *)node;
    if (sim_chance(node->sim, spoof->per_million)) {
        struct sim_datagram *copy = sim_copy(datagram);
        copy->from = spoof->victim;
        spoof->sent_as_victim += copy->size;
        sim_pass(node, copy);
    }
    sim_pass(node, datagram);
}

static void take_down(struct sim_node *node, struct sim_datagram *datagram)
{
    struct sim_spoof *spoof = ((struct back *)node)->spoof;
    if (!vel_addr_equal(&datagram->to, &spoof->victim)) {
        sim_pass(node, datagram);
        return;
    }
    spoof->sent_to_victim += datagram->size;
    sim_drop(datagram);
}

struct sim_spoof *sim_spoof(struct sim *sim, unsigned per_million, const struct vel_addr *victim)
{
    struct sim_spoof *spoof = sim_node_add(sim, SIM_UP, sizeof *spoof, take_up);
    struct back *back = sim_node_add(sim, SIM_DOWN, sizeof *back, take_down);
    spoof->per_million = per_million;
    spoof->victim = *victim;
    back->spoof = spoof;
    return spoof;
}
