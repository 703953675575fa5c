/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_SYSTEM_H
#define VELOCITY_SYSTEM_H

#include "velocity/env.h"

/*
 * The surroundings of a program on Linux: heap, kernel randomness, clocks. Keep the env in a
 * variable that outlives everything made with it; set its log if wanted.
 *
 *     struct vel_env env = vel_env_system();
 */
struct vel_env vel_env_system(void);

/* The monotonic clock: `now` of every call that asks for one. */
vel_time vel_clock_now(void);

/* Seconds of the Unix epoch: certificate validity, log lines. May jump. */
int64_t vel_clock_unix(void);
/* Nanoseconds of it when the monotonic clock stood at 0. */
int64_t vel_clock_unix_base(void);

/* The same as text, "2026-11-21T02:01:42.123Z" and its NUL: the time stamp of log lines. Returns
 * `text`. */
enum { VEL_STAMP_SIZE = 25 };
const char *vel_clock_stamp(char text[VEL_STAMP_SIZE]);

/* vel_config.unix_offset: Unix seconds at vel_time 0, as of now. */
int64_t vel_clock_unix_offset(void);

/* Give memory that was released back to the kernel, as far as whole pages of it are free: the C
 * library keeps it otherwise. Takes milliseconds when there is much of it. */
void vel_memory_give_back(void);

#endif
