/* SPDX-License-Identifier: MIT */
#include "velocity/system.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/secret.h"
#include "base/units.h"

static void *heap_alloc(void *self, size_t size)
{
    (void)self;
    return calloc(1, size);
}

static void heap_release(void *self, void *memory, size_t size)
{
    (void)self;
    if (memory == NULL)
        return;
    vel_wipe(memory, size);
    free(memory);
}

/* Without randomness there is no security, and no caller could do better than stop. */
static void kernel_random(void *self, uint8_t *bytes, size_t size)
{
    (void)self;
    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        bytes += got;
        size -= (size_t)got;
    }
}

struct vel_env vel_env_system(void)
{
    return (struct vel_env){.alloc = heap_alloc, .release = heap_release, .random = kernel_random};
}

vel_time vel_clock_now(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        abort(); /* every Linux has this clock */
    return now.tv_sec * SECOND + now.tv_nsec;
}

int64_t vel_clock_unix(void)
{
    return time(NULL);
}

int64_t vel_clock_unix_base(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        abort(); /* as above */
    return now.tv_sec * SECOND + now.tv_nsec - vel_clock_now();
}

const char *vel_clock_stamp(char text[VEL_STAMP_SIZE])
{
    struct timespec now;
    struct tm date;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || gmtime_r(&now.tv_sec, &date) == NULL)
        abort(); /* as above; years fit for another two thousand million */
    size_t length = strftime(text, VEL_STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &date);
    snprintf(text + length, VEL_STAMP_SIZE - length, ".%03uZ", (unsigned)(now.tv_nsec / MS) % 1000);
    return text;
}

int64_t vel_clock_unix_offset(void)
{
    return vel_clock_unix() - vel_clock_now() / SECOND;
}

void vel_memory_give_back(void)
{
    malloc_trim(0);
}
