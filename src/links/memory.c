/* SPDX-License-Identifier: MIT */
#include "velocity/memory.h"

#include <string.h>

#include "base/try.h"
#include "base/units.h"

/* A train on its way; its bytes follow. */
struct waiting {
    struct waiting *next;
    struct vel_train train;
    uint8_t bytes[];
};

struct end {
    struct vel_link link; /* first: a vel_link points here */
    struct pair *pair;
    struct waiting *first, *last; /* to be received here */
    size_t queued;                /* their bytes */
    bool open;
};

struct pair {
    const struct vel_env *env;
    struct vel_memory_setup setup;
    struct end ends[2];
};

static struct end *of(struct vel_link *link)
{
    return (struct end *)link;
}

static struct end *other(struct end *end)
{
    return end == &end->pair->ends[0] ? &end->pair->ends[1] : &end->pair->ends[0];
}

static void pop(struct end *end)
{
    struct waiting *waiting = end->first;
    end->first = waiting->next;
    if (end->first == NULL)
        end->last = NULL;
    end->queued -= waiting->train.len;
    vel_release(end->pair->env, waiting, sizeof *waiting + waiting->train.len);
}

/* A copy of `train` as the other end will see it: our address is the remote one there. */
static struct waiting *copy(const struct end *end, const struct vel_train *train)
{
    struct waiting *waiting = vel_alloc(end->pair->env, sizeof *waiting + train->len);
    if (waiting == NULL)
        return NULL;
    waiting->train = *train;
    waiting->train.local = train->remote;
    waiting->train.remote = end->link.local;
    waiting->train.bytes = waiting->bytes;
    waiting->train.capacity = train->len;
    memcpy(waiting->bytes, train->bytes, train->len);
    return waiting;
}

static void push(struct end *end, struct waiting *waiting)
{
    if (end->last != NULL)
        end->last->next = waiting;
    else
        end->first = waiting;
    end->last = waiting;
    end->queued += waiting->train.len;
}

static vel_result send_train(struct vel_link *link, struct vel_train *train)
{
    struct end *from = of(link);
    struct end *to = other(from);
    const struct vel_memory_setup *setup = &from->pair->setup;
    if (!to->open || train->len == 0 || !vel_addr_equal(&train->remote, &to->link.local))
        return VEL_OK; /* lost */
    size_t room = setup->queue > to->queued ? setup->queue - to->queued : 0;
    REQUIRE(to->first == NULL || train->len <= room, VEL_ERR_AGAIN);

    struct waiting *waiting = copy(from, train);
    REQUIRE(waiting != NULL, VEL_ERR_NOMEM);
    if (setup->pass == NULL || setup->pass(setup->self, &waiting->train))
        push(to, waiting);
    else
        vel_release(from->pair->env, waiting, sizeof *waiting + train->len);
    return VEL_OK;
}

static vel_result receive_train(struct vel_link *link, struct vel_train *train)
{
    struct end *end = of(link);
    struct waiting *waiting = end->first;
    REQUIRE(waiting != NULL, VEL_ERR_AGAIN);
    REQUIRE(waiting->train.len <= train->capacity, VEL_ERR_ARGUMENT);
    uint8_t *bytes = train->bytes;
    size_t capacity = train->capacity;
    *train = waiting->train;
    train->bytes = bytes;
    train->capacity = capacity;
    memcpy(bytes, waiting->bytes, train->len);
    pop(end);
    return VEL_OK;
}

/* The pair goes with its second end. */
static void free_end(struct vel_link *link)
{
    struct end *end = of(link);
    struct pair *pair = end->pair;
    while (end->first != NULL)
        pop(end);
    end->open = false;
    if (!other(end)->open)
        vel_release(pair->env, pair, sizeof *pair);
}

static const struct vel_link_ops memory_ops = {
    .send = send_train, .receive = receive_train, .free = free_end};

vel_result vel_memory_link_new(const struct vel_env *env, const struct vel_memory_setup *setup,
                               struct vel_link *ends[2])
{
    struct pair *pair = vel_alloc(env, sizeof *pair);
    REQUIRE(pair != NULL, VEL_ERR_NOMEM);
    *pair = (struct pair){.env = env};
    if (setup != NULL)
        pair->setup = *setup;
    if (pair->setup.queue == 0)
        pair->setup.queue = VEL_MEMORY_QUEUE;
    for (uint16_t i = 0; i < 2; i++) {
        pair->ends[i] = (struct end){
            .link = {.ops = &memory_ops,
                     .local = {.family = VEL_ADDR_MEMORY, .port = (uint16_t)(i + 1)},
                     .fd = -1,
                     .max_train = VEL_TRAIN_MAX},
            .pair = pair,
            .open = true,
        };
        ends[i] = &pair->ends[i].link;
    }
    return VEL_OK;
}
