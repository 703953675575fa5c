/* SPDX-License-Identifier: MIT */
#include "http/blocks.h"

#include <stdint.h>
#include <string.h>

/* nghttp2 frees without a size and vel_release wants one, so each block carries it in front. */
struct block {
    _Alignas(max_align_t) size_t size; /* of the whole block */
};

void *vel_block_alloc(size_t size, void *user)
{
    const struct vel_env *env = user;
    if (size > SIZE_MAX - sizeof(struct block))
        return NULL;
    struct block *block = vel_alloc(env, sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->size = sizeof *block + size;
    return block + 1;
}

void vel_block_free(void *memory, void *user)
{
    if (memory == NULL)
        return;
    struct block *block = (struct block *)memory - 1;
    vel_release(user, block, block->size);
}

void *vel_block_calloc(size_t count, size_t size, void *user)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return vel_block_alloc(count * size, user); /* an env's memory is zeroed */
}

void *vel_block_realloc(void *memory, size_t size, void *user)
{
    void *moved = vel_block_alloc(size, user);
    if (moved == NULL || memory == NULL)
        return moved;
    size_t old = ((struct block *)memory - 1)->size - sizeof(struct block);
    memcpy(moved, memory, old < size ? old : size);
    vel_block_free(memory, user);
    return moved;
}

void *vel_blocks_user(const struct vel_env *env)
{
    union {
        const struct vel_env *env;
        void *user;
    } pun = {.env = env};
    return pun.user;
}
