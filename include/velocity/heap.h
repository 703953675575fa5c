/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_HEAP_H
#define VELOCITY_HEAP_H

#include "velocity/env.h"
#include "velocity/err.h"

/*
 * A heap for one thread, in front of malloc: small blocks that were released are kept, by size, for
 * the next allocation of that size. A released block was wiped, so it is zeroed already when it is
 * handed out again. A server makes and frees a dozen small objects for each request; this takes
 * that off malloc. At most VEL_HEAP_KEPT bytes are kept, the rest goes back.
 *
 *     struct vel_heap *heap;
 *     vel_heap_new(&heap);
 *     struct vel_env env = vel_heap_env(heap);     else as vel_env_system()
 */
struct vel_heap;

enum { VEL_HEAP_KEPT = 1024 * 1024 };

/* VEL_ERR_NOMEM */
vel_result vel_heap_new(struct vel_heap **heap);

/* Everything allocated with it must have been released. NULL is allowed. */
void vel_heap_free(struct vel_heap *heap);

/* For the thread of the heap, as long as the heap. */
struct vel_env vel_heap_env(struct vel_heap *heap);

/* Bytes that are kept now. */
size_t vel_heap_kept(const struct vel_heap *heap);

#endif
