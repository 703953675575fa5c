/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "velocity/env.h"
#include "velocity/train.h"

/*
 * A simulated network: a virtual clock, two hosts, and between them in each direction a chain of
 * nodes that do to datagrams what networks do. Nothing here knows what a datagram means. The same
 * seed gives the same run, to the nanosecond.
 *
 *     struct sim *sim = sim_new(seed);
 *     sim_attach(sim, SIM_UP, server_host); sim_attach(sim, SIM_DOWN, client_host);
 *     sim_delay(sim, SIM_BOTH, 20 * MS);          nodes in the order a datagram meets them (nodes.h)
 *     sim_loss(sim, SIM_DOWN, 10 * 1000);
 *     while (sim_step(sim, 10 * SECOND)) ...
 *     sim_free(sim);
 */
struct sim;

/* A set: a node can be put into one direction or both. Up is from client to server. */
enum sim_direction { SIM_UP = 1, SIM_DOWN = 2, SIM_BOTH = SIM_UP | SIM_DOWN };

struct sim_datagram {
    enum sim_direction direction;
    uint64_t index; /* of all sent in this direction, from 0; a copy keeps it */
    vel_time sent;
    struct vel_addr from, to;
    uint8_t ecn;
    bool damaged; /* a node changed its bytes */
    size_t size;
    uint8_t bytes[VEL_TRAIN_MAX]; /* only `size` are allocated */
};

/* A node: embedded as the first member of what a node file allocates with sim_node_add. */
struct sim_node {
    struct sim *sim;
    struct sim_node *next; /* towards the receiver; NULL: the host */
    /* A datagram arrives. The node owns it now: pass it on, delay it or drop it. */
    void (*take)(struct sim_node *node, struct sim_datagram *datagram);
};

/* Who sits at the end of a direction. */
struct sim_host {
    void (*receive)(void *self, const struct sim_datagram *datagram, vel_time now);
    vel_time (*deadline)(void *self);
    void (*expire)(void *self, vel_time now);
    void (*flush)(void *self, vel_time now); /* send what there is, with sim_send */
    void *self;
};

/* Aborts when memory runs out, as everything here does. */
struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *sim);

/* `host` receives what travels in `direction` (SIM_UP: the server). */
void sim_attach(struct sim *sim, enum sim_direction direction, struct sim_host host);

vel_time sim_now(const struct sim *sim);

/* The clock starts here and not at 0, so that a time nobody set is noticed. */
#define SIM_START (1000 * SECOND)

/* A datagram leaves: it meets the first node of its direction. Bytes are copied. */
void sim_send(struct sim *sim, enum sim_direction direction, const struct vel_addr *from,
              const struct vel_addr *to, const uint8_t *bytes, size_t size, uint8_t ecn);

/* Let the hosts send, then go on to the next thing that happens. False, with the clock at `until`,
 * when nothing happens before that. */
bool sim_step(struct sim *sim, vel_time until);

/* ---- for nodes ---- */

/* A node of `size` bytes, zeroed, at the end of the chain of one direction. */
void *sim_node_add(struct sim *sim, enum sim_direction direction, size_t size,
                   void (*take)(struct sim_node *node, struct sim_datagram *datagram));

/* for (each direction in a set) */
#define SIM_EACH(one, set)                                                                         \
    for (enum sim_direction one = SIM_UP; one <= SIM_DOWN; one = (enum sim_direction)(one << 1))   \
        if ((set) & one)

/* On to the next node or the host, now or at `when`. */
void sim_pass(struct sim_node *node, struct sim_datagram *datagram);
void sim_pass_at(struct sim_node *node, struct sim_datagram *datagram, vel_time when);
void sim_drop(struct sim_datagram *datagram);
struct sim_datagram *sim_copy(const struct sim_datagram *datagram);

uint64_t sim_random(struct sim *sim);
/* True `per_million` times in a million. */
bool sim_chance(struct sim *sim, unsigned per_million);
/* From 0 up to, not including, `end` (at least 1). */
uint64_t sim_below(struct sim *sim, uint64_t end);

#endif
