/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TESTING_FUZZ_H
#define TESTS_TESTING_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "velocity/env.h"

/*
 * What fuzz targets stand on: the heap, so that the sanitizer sees leaks and overruns, and bytes
 * that are the same in each run. FUZZ_CHECK states a property.
 */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

static inline void *fuzz_alloc(void *self, size_t size)
{
    (void)self;
    return calloc(1, size);
}

static inline void fuzz_release(void *self, void *memory, size_t size)
{
    (void)self, (void)size;
    free(memory);
}

static inline void fuzz_random(void *self, uint8_t *bytes, size_t size)
{
    (void)self;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(0x5a + i);
}

static const struct vel_env fuzz_env = {
    .alloc = fuzz_alloc, .release = fuzz_release, .random = fuzz_random};

/* The entry point that libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
