/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_ENV_H
#define VELOCITY_ENV_H

#include <stddef.h>
#include <stdint.h>

/*
 * Everything the library may ask of its surroundings. There is no other way in: library code calls
 * no malloc, getrandom, clock_gettime or printf. Tests replace each row to get the same run from
 * the same seed, or to make the nth allocation fail. vel_env_system() (velocity/system.h) is the
 * one for programs. An env outlives everything made with it and is used by one thread at a time.
 */

/* Nanoseconds on a clock that never goes backwards; only differences matter. */
typedef int64_t vel_time;
#define VEL_NEVER INT64_MAX

struct vel_log;

struct vel_env {
    void *(*alloc)(void *self, size_t size);                /* zeroed, or NULL */
    void (*release)(void *self, void *memory, size_t size); /* wipes, then frees; NULL is allowed */
    void (*random)(void *self, uint8_t *bytes, size_t size); /* cannot fail; aborts instead */
    void *self;
    struct vel_log *log; /* NULL: silent */
};

static inline void *vel_alloc(const struct vel_env *env, size_t size)
{
    return env->alloc(env->self, size);
}

static inline void vel_release(const struct vel_env *env, void *memory, size_t size)
{
    if (memory != NULL)
        env->release(env->self, memory, size);
}

static inline void vel_random(const struct vel_env *env, void *bytes, size_t size)
{
    env->random(env->self, bytes, size);
}

#endif
