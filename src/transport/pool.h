/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_POOL_H
#define TRANSPORT_POOL_H

#include "velocity/env.h"

/*
 * Blocks of stream bytes, one pool per connection. Taking and giving back a block of VEL_POOL_BLOCK
 * bytes costs no allocation while data flows: the pool keeps spares until it is trimmed, so many
 * that there are never more blocks than were in use at once, and never more than VEL_POOL_SPARES
 * more spares than blocks in use. So a connection of short messages keeps a block or two, and an
 * idle one that was trimmed only what its streams hold. Other sizes
 * (small ones, for small data) pass through to env. Blocks from spares are not zeroed.
 *
 * Start one with {.env = env}; it must outlive everything that took blocks from it.
 */
enum { VEL_POOL_BLOCK = 16 * 1024, VEL_POOL_SPARES = 32 };

struct vel_pool {
    const struct vel_env *env;
    struct vel_pool_spare *spares; /* linked through their first bytes */
    size_t spare_count;
    size_t in_use; /* blocks of VEL_POOL_BLOCK bytes that are out */
    size_t peak;   /* most of them since the last trim */
};

/* NULL when allocation failed. */
void *vel_pool_get(struct vel_pool *pool, size_t size);

/* Give back what vel_pool_get gave for the same size; NULL is allowed. */
void vel_pool_put(struct vel_pool *pool, void *block, size_t size);

/* Release all spares: when the connection falls idle, and at its end. */
void vel_pool_trim(struct vel_pool *pool);

#endif
