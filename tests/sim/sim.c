/* SPDX-License-Identifier: MIT */
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/try.h"

enum { STUCK_STEPS = 1000 * 1000 }; /* at one point of time: a host that never settles */

/* A datagram that leaves `node` at `when`; `order` keeps equal times first in, first out. */
struct event {
    vel_time when;
    uint64_t order;
    struct sim_node *node;
    struct sim_datagram *datagram;
};

struct chain {
    struct sim_node *first, *last;
    struct sim_host host;
    uint64_t sent;
};

struct sim {
    vel_time now;
    uint64_t random_state;
    struct chain up, down;
    struct event *heap;
    size_t count, capacity;
    uint64_t order;
    unsigned steps_here;
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    VEL_ASSERT(memory != NULL);
    return memory;
}

struct sim *sim_new(uint64_t seed)
{
    struct sim *sim = allocate(sizeof *sim);
    sim->now = SIM_START;
    sim->random_state = seed;
    return sim;
}

static void free_chain(struct chain *chain)
{
    struct sim_node *next;
    for (struct sim_node *node = chain->first; node != NULL; node = next) {
        next = node->next;
        free(node);
    }
}

void sim_free(struct sim *sim)
{
    if (sim == NULL)
        return;
    for (size_t i = 0; i < sim->count; i++)
        free(sim->heap[i].datagram);
    free_chain(&sim->up);
    free_chain(&sim->down);
    free(sim->heap);
    free(sim);
}

static struct chain *chain_of(struct sim *sim, enum sim_direction direction)
{
    return direction == SIM_UP ? &sim->up : &sim->down;
}

void sim_attach(struct sim *sim, enum sim_direction direction, struct sim_host host)
{
    chain_of(sim, direction)->host = host;
}

vel_time sim_now(const struct sim *sim)
{
    return sim->now;
}

void *sim_node_add(struct sim *sim, enum sim_direction direction, size_t size,
                   void (*take)(struct sim_node *node, struct sim_datagram *datagram))
{
    struct chain *chain = chain_of(sim, direction);
    struct sim_node *node = allocate(size);
    node->sim = sim;
    node->take = take;
    if (chain->last == NULL)
        chain->first = node;
    else
        chain->last->next = node;
    chain->last = node;
    return node;
}

static size_t datagram_size(size_t size)
{
    return sizeof(struct sim_datagram) + size;
}

struct sim_datagram *sim_copy(const struct sim_datagram *datagram)
{
    struct sim_datagram *copy = allocate(datagram_size(datagram->size));
    memcpy(copy, datagram, datagram_size(datagram->size));
    return copy;
}

void sim_drop(struct sim_datagram *datagram)
{
    free(datagram);
}

static void deliver(struct sim *sim, struct sim_datagram *datagram)
{
    const struct sim_host *host = &chain_of(sim, datagram->direction)->host;
    host->receive(host->self, datagram, sim->now);
    free(datagram);
}

void sim_pass(struct sim_node *node, struct sim_datagram *datagram)
{
    if (node->next != NULL)
        node->next->take(node->next, datagram);
    else
        deliver(node->sim, datagram);
}

void sim_send(struct sim *sim, enum sim_direction direction, const struct vel_addr *from,
              const struct vel_addr *to, const uint8_t *bytes, size_t size, uint8_t ecn)
{
    struct chain *chain = chain_of(sim, direction);
    VEL_ASSERT(size <= VEL_TRAIN_MAX && chain->first != NULL);
    struct sim_datagram *datagram = allocate(datagram_size(size));
    datagram->direction = direction;
    datagram->index = chain->sent++;
    datagram->sent = sim->now;
    datagram->from = *from;
    datagram->to = *to;
    datagram->ecn = ecn;
    datagram->size = size;
    memcpy(datagram->bytes, bytes, size);
    chain->first->take(chain->first, datagram);
}

/* ---- the queue: a binary heap ---- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->when < b->when || (a->when == b->when && a->order < b->order);
}

static void swap(struct event *a, struct event *b)
{
    struct event kept = *a;
    *a = *b;
    *b = kept;
}

void sim_pass_at(struct sim_node *node, struct sim_datagram *datagram, vel_time when)
{
    struct sim *sim = node->sim;
    if (sim->count == sim->capacity) {
        sim->capacity = sim->capacity == 0 ? 64 : 2 * sim->capacity;
        sim->heap = realloc(sim->heap, sim->capacity * sizeof *sim->heap);
        VEL_ASSERT(sim->heap != NULL);
    }
    size_t at = sim->count++;
    sim->heap[at] = (struct event){when, sim->order++, node, datagram};
    for (; at > 0 && is_before(&sim->heap[at], &sim->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&sim->heap[at], &sim->heap[(at - 1) / 2]);
}

static struct event take_first(struct sim *sim)
{
    struct event first = sim->heap[0];
    sim->heap[0] = sim->heap[--sim->count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < sim->count; child++)
            if (is_before(&sim->heap[child], &sim->heap[least]))
                least = child;
        if (least == at)
            return first;
        swap(&sim->heap[at], &sim->heap[least]);
        at = least;
    }
}

/* ---- time ---- */

static void expire(struct sim *sim, const struct sim_host *host, vel_time due)
{
    if (host->deadline(host->self) <= due)
        host->expire(host->self, sim->now);
}

/* Work that an arrival has brought is done before anything is sent, as a runtime does. */
static void flush(struct sim *sim)
{
    expire(sim, &sim->down.host, 0);
    expire(sim, &sim->up.host, 0);
    sim->down.host.flush(sim->down.host.self, sim->now); /* the client */
    sim->up.host.flush(sim->up.host.self, sim->now);
}

static vel_time next_time(struct sim *sim)
{
    vel_time next = sim->count > 0 ? sim->heap[0].when : VEL_NEVER;
    next = VEL_MIN(next, sim->down.host.deadline(sim->down.host.self));
    next = VEL_MIN(next, sim->up.host.deadline(sim->up.host.self));
    return VEL_MAX(next, sim->now);
}

bool sim_step(struct sim *sim, vel_time until)
{
    flush(sim);
    vel_time next = next_time(sim);
    if (next >= until) {
        sim->now = until;
        return false;
    }
    sim->steps_here = next > sim->now ? 0 : sim->steps_here + 1;
    VEL_ASSERT(sim->steps_here < STUCK_STEPS);
    sim->now = next;
    if (sim->count > 0 && sim->heap[0].when <= sim->now) {
        struct event event = take_first(sim);
        sim_pass(event.node, event.datagram);
        return true;
    }
    expire(sim, &sim->down.host, sim->now);
    expire(sim, &sim->up.host, sim->now);
    return true;
}

/* ---- randomness: splitmix64 ---- */

uint64_t sim_random(struct sim *sim)
{
    uint64_t z = sim->random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t sim_below(struct sim *sim, uint64_t end)
{
    return sim_random(sim) % end;
}

bool sim_chance(struct sim *sim, unsigned per_million)
{
    return sim_below(sim, 1000 * 1000) < per_million;
}
