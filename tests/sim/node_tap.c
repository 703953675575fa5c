/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

static void count_window(struct sim_tap *tap, size_t size)
{
    vel_time now = sim_now(tap->node.sim);
    if (now - tap->window_start >= MS) {
        tap->window_start = now;
        tap->window_bytes = 0;
    }
    tap->window_bytes += size;
    tap->window_most = VEL_MAX(tap->window_most, tap->window_bytes);
}

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    struct sim_tap *tap = (struct sim_tap *)node;
    tap->datagrams++;
    tap->bytes += datagram->size;
    tap->largest = VEL_MAX(tap->largest, datagram->size);
    tap->marked += datagram->ecn == VEL_ECN_CE;
    count_window(tap, datagram->size);
    sim_pass(node, datagram);
}

struct sim_tap *sim_tap(struct sim *sim, enum sim_direction direction)
{
    return sim_node_add(sim, direction, sizeof(struct sim_tap), take);
}
