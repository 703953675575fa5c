/* SPDX-License-Identifier: MIT */
#include "transport/pool.h"

#include "base/units.h"

struct vel_pool_spare {
    struct vel_pool_spare *next;
};

void *vel_pool_get(struct vel_pool *pool, size_t size)
{
    if (size != VEL_POOL_BLOCK)
        return vel_alloc(pool->env, size);
    struct vel_pool_spare *block = pool->spares;
    if (block != NULL) {
        pool->spares = block->next;
        pool->spare_count--;
    } else {
        block = vel_alloc(pool->env, size);
    }
    if (block != NULL)
        pool->in_use++;
    pool->peak = VEL_MAX(pool->peak, pool->in_use);
    return block;
}

static void release_spare(struct vel_pool *pool)
{
    struct vel_pool_spare *spare = pool->spares;
    pool->spares = spare->next;
    pool->spare_count--;
    vel_release(pool->env, spare, VEL_POOL_BLOCK);
}

void vel_pool_put(struct vel_pool *pool, void *block, size_t size)
{
    if (block == NULL)
        return;
    if (size != VEL_POOL_BLOCK) {
        vel_release(pool->env, block, size);
        return;
    }
    struct vel_pool_spare *spare = block;
    spare->next = pool->spares;
    pool->spares = spare;
    pool->spare_count++;
    pool->in_use--;
    size_t most = VEL_MIN(pool->peak - pool->in_use, pool->in_use + VEL_POOL_SPARES);
    while (pool->spare_count > most)
        release_spare(pool);
}

void vel_pool_trim(struct vel_pool *pool)
{
    while (pool->spares != NULL)
        release_spare(pool);
    pool->peak = pool->in_use;
}
