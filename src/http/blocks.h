/* SPDX-License-Identifier: MIT */
#ifndef HTTP_BLOCKS_H
#define HTTP_BLOCKS_H

#include <stddef.h>

#include "velocity/env.h"

/*
 * Allocations of nghttp2 through struct vel_env: its table of functions has the same rows. `user` is
 * the env, as vel_blocks_user gives it.
 */
void *vel_block_alloc(size_t size, void *user);
void vel_block_free(void *memory, void *user);
void *vel_block_calloc(size_t count, size_t size, void *user);
void *vel_block_realloc(void *memory, size_t size, void *user);

/* Their user_data is not const; nothing here writes through it. */
void *vel_blocks_user(const struct vel_env *env);

#endif
