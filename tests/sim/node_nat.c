/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

enum { FIRST_PORT = 2000, OUTSIDE = 77 };

#define QUIET (1 * SECOND)

/* The way back. */
struct back {
    struct sim_node node;
    struct sim_nat *nat;
};

static void rebind(struct sim_nat *nat)
{
    vel_time since = VEL_MAX(sim_now(nat->node.sim) - SIM_START - QUIET, 0);
    uint64_t count = (uint64_t)(since / nat->every);
    nat->rebindings = count;
    nat->outside.ip[0] = OUTSIDE;
    nat->outside.ip[2] = nat->hosts ? (uint8_t)(count / 2) : 0;
    nat->outside.port = (uint16_t)(FIRST_PORT + count);
}

static void take_up(struct sim_node *node, struct sim_datagram *datagram)
{
    struct sim_nat *nat = (struct sim_nat *)node;
    rebind(nat);
    nat->inside = datagram->from;
    nat->outside.family = datagram->from.family;
    datagram->from = nat->outside;
    sim_pass(node, datagram);
}

static void take_down(struct sim_node *node, struct sim_datagram *datagram)
{
    struct sim_nat *nat = ((struct back *)node)->nat;
    rebind(nat);
    if (!vel_addr_equal(&datagram->to, &nat->outside)) {
        nat->lost++;
        sim_drop(datagram);
        return;
    }
    datagram->to = nat->inside;
    sim_pass(node, datagram);
}

struct sim_nat *sim_nat(struct sim *sim, vel_time every, bool hosts)
{
    struct sim_nat *nat = sim_node_add(sim, SIM_UP, sizeof *nat, take_up);
    struct back *back = sim_node_add(sim, SIM_DOWN, sizeof *back, take_down);
    nat->every = every;
    nat->hosts = hosts;
    back->nat = nat;
    return nat;
}
