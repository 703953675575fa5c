/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_BACKLOG_H
#define ENDPOINT_BACKLOG_H

#include <stdbool.h>

#include "velocity/env.h"
#include "velocity/train.h"

/*
 * First packets of strangers that wait for their turn, in the order in which they came. Beginning a
 * handshake takes as long as a thousand packets of connections that are there already; so these wait,
 * one is begun, and then it is looked for others again. Bounded in bytes.
 */
struct vel_waiting {
    struct vel_waiting *next;
    struct vel_train train; /* of one datagram: addresses, mark and bytes, which follow */
    uint8_t bytes[];
};

struct vel_backlog {
    const struct vel_env *env;
    struct vel_waiting *first, *last;
    size_t size, limit; /* bytes */
};

/* limit 0: nothing ever waits. */
void vel_backlog_init(struct vel_backlog *backlog, const struct vel_env *env, size_t limit);
void vel_backlog_clear(struct vel_backlog *backlog);

/* A copy of the datagram is kept. False: there is no room. `from`: addresses and ECN. */
bool vel_backlog_add(struct vel_backlog *backlog, const struct vel_train *from,
                     const uint8_t *bytes, size_t size);

/* The oldest, which is the caller's then: vel_backlog_free. NULL: none waits. */
struct vel_waiting *vel_backlog_take(struct vel_backlog *backlog);
void vel_backlog_free(const struct vel_backlog *backlog, struct vel_waiting *waiting);

#endif
