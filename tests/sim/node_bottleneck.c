/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct bottleneck {
    struct sim_node node;
    uint64_t rate, queue, mark;
    vel_time free_at; /* when the link has sent all that waits */
};

/* Bytes waiting, the one on the link included. */
static uint64_t backlog(const struct bottleneck *b, vel_time now)
{
    return b->free_at <= now ? 0 : (uint64_t)(b->free_at - now) * b->rate / (uint64_t)SECOND;
}

static void take(struct sim_node *node, struct sim_datagram *datagram)
{
    struct bottleneck *b = (struct bottleneck *)node;
    vel_time now = sim_now(node->sim);
    uint64_t waiting = backlog(b, now);
    if (waiting + datagram->size > b->queue) {
        sim_drop(datagram);
        return;
    }
    if (b->mark > 0 && waiting > b->mark && datagram->ecn != VEL_ECN_NOT_ECT)
        datagram->ecn = VEL_ECN_CE;
    vel_time span = (vel_time)(datagram->size * (uint64_t)SECOND / b->rate);
    b->free_at = VEL_MAX(b->free_at, now) + span;
    sim_pass_at(node, datagram, b->free_at);
}

void sim_bottleneck(struct sim *sim, enum sim_direction directions, uint64_t rate, uint64_t queue,
                    uint64_t mark)
{
    SIM_EACH(one, directions)
    {
        struct bottleneck *b = sim_node_add(sim, one, sizeof *b, take);
        b->rate = rate;
        b->queue = queue;
        b->mark = mark;
    }
}
