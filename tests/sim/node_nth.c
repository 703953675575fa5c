/* SPDX-License-Identifier: MIT */
#include "sim/damage.h"
#include "sim/nodes.h"

/* A swapped datagram waits so long: what is sent with it, or soon after, overtakes it. */
#define SWAP_WAIT (5 * MS)

struct nth {
    struct sim_node node;
    uint64_t n;
    enum sim_mishap mishap;
};

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    const struct nth *nth = (const struct nth *)node;
    if (datagram->index != nth->n) {
        sim_pass(node, datagram);
        return;
    }
    switch (nth->mishap) {
    case SIM_DROP_IT:
        sim_drop(datagram);
        return;
    case SIM_DOUBLE_IT:
        sim_pass(node, sim_copy(datagram));
        break;
    case SIM_DAMAGE_IT:
        sim_damage(node->sim, datagram);
        break;
    case SIM_SWAP_IT:
        sim_pass_at(node, datagram, sim_now(node->sim) + SWAP_WAIT);
        return;
    case SIM_MISHAPS:
        break;
    }
    sim_pass(node, datagram);
}

void sim_nth(struct sim *sim, enum sim_direction directions, uint64_t n, enum sim_mishap mishap)
{
    SIM_EACH(one, directions)
    {
        struct nth *nth = sim_node_add(sim, one, sizeof *nth, take);
        nth->n = n;
        nth->mishap = mishap;
    }
}
