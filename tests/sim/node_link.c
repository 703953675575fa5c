/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

struct back {
    struct sim_node node;
    struct sim_link *link;
};

static bool is_dead(const struct sim_link *link, const struct sim_way *way, vel_time since_start)
{
    enum sim_direction direction = way == &link->up ? SIM_UP : SIM_DOWN;
    return (link->dead_way & direction) != 0 && since_start >= link->dead_from &&
           since_start < link->dead_until;
}

static void carry(struct sim_node *node, struct sim_link *link, struct sim_way *way,
                  struct sim_datagram *datagram)
{
    vel_time now = sim_now(node->sim);
    if (!vel_addr_equal(&datagram->from, &link->addr) &&
        !vel_addr_equal(&datagram->to, &link->addr)) {
        sim_pass(node, datagram);
        return;
    }
    vel_time queued = VEL_MAX(way->free_at - now, (vel_time)0);
    uint64_t waiting = (uint64_t)queued * link->rate / (uint64_t)SECOND;
    if (is_dead(link, way, now - SIM_START) || waiting + datagram->size > link->queue ||
        sim_chance(node->sim, link->loss)) {
        way->dropped++;
        sim_drop(datagram);
        return;
    }
    way->datagrams++;
    way->bytes += datagram->size;
    way->free_at =
        VEL_MAX(way->free_at, now) + (vel_time)(datagram->size * (uint64_t)SECOND / link->rate);
    sim_pass_at(node, datagram, way->free_at + link->delay);
}

static void take_up(struct sim_node *node, struct sim_datagram *datagram)
{
    struct sim_link *link = (struct sim_link *)node;
    carry(node, link, &link->up, datagram);
}

static void take_down(struct sim_node *node, struct sim_datagram *datagram)
{
    struct sim_link *link = ((struct back *)node)->link;
    carry(node, link, &link->down, datagram);
}

struct sim_link *sim_link(struct sim *sim, const struct vel_addr *addr, uint64_t rate,
                          uint64_t queue, vel_time delay)
{
    struct sim_link *link = sim_node_add(sim, SIM_UP, sizeof *link, take_up);
    struct back *back = sim_node_add(sim, SIM_DOWN, sizeof *back, take_down);
    link->addr = *addr;
    link->rate = rate;
    link->queue = queue;
    link->delay = delay;
    link->dead_from = link->dead_until = VEL_NEVER;
    link->dead_way = SIM_BOTH;
    back->link = link;
    return link;
}
