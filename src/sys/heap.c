/* SPDX-License-Identifier: MIT */
#include "velocity/heap.h"

#include <stdlib.h>

#include "base/secret.h"
#include "base/try.h"
#include "base/units.h"
#include "velocity/system.h"

#ifndef __has_feature /* clang's */
#define __has_feature(name) 0
#endif

/* Under AddressSanitizer nothing is kept: it has to see each block come and go. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { KEPT_MAX = 0 };
#else
enum { KEPT_MAX = VEL_HEAP_KEPT };
#endif

/* Blocks of up to 4 KiB, in steps of 64 bytes. */
enum { STEP = 64, CLASSES = 64, SMALL_MAX = STEP * CLASSES };

/* A kept block: all zero but for the link. */
struct kept {
    struct kept *next;
};

struct vel_heap {
    struct kept *free[CLASSES];
    size_t bytes;
};

static size_t class_of(size_t size)
{
    return (size - 1) / STEP;
}

static void *heap_alloc(void *self, size_t size)
{
    struct vel_heap *heap = self;
    if (size == 0 || size > SMALL_MAX)
        return calloc(1, size);
    size_t class = class_of(size);
    struct kept *block = heap->free[class];
    if (block == NULL)
        return calloc(1, (class + 1) * STEP);
    heap->free[class] = block->next;
    heap->bytes -= (class + 1) * STEP;
    block->next = NULL;
    return block;
}

static void heap_release(void *self, void *memory, size_t size)
{
    struct vel_heap *heap = self;
    if (memory == NULL)
        return;
    vel_wipe(memory, size);
    size_t class = class_of(VEL_MAX(size, (size_t)1));
    if (class >= CLASSES || size == 0 || heap->bytes + (class + 1) * STEP > KEPT_MAX) {
        free(memory);
        return;
    }
    struct kept *block = memory;
    block->next = heap->free[class];
    heap->free[class] = block;
    heap->bytes += (class + 1) * STEP;
}

vel_result vel_heap_new(struct vel_heap **heap)
{
    struct vel_heap *fresh = calloc(1, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    *heap = fresh;
    return VEL_OK;
}

void vel_heap_free(struct vel_heap *heap)
{
    if (heap == NULL)
        return;
    for (size_t i = 0; i < CLASSES; i++) {
        while (heap->free[i] != NULL) {
            struct kept *block = heap->free[i];
            heap->free[i] = block->next;
            free(block);
        }
    }
    free(heap);
}

struct vel_env vel_heap_env(struct vel_heap *heap)
{
    struct vel_env env = vel_env_system();
    env.alloc = heap_alloc;
    env.release = heap_release;
    env.self = heap;
    return env;
}

size_t vel_heap_kept(const struct vel_heap *heap)
{
    return heap->bytes;
}
