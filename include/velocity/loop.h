/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_LOOP_H
#define VELOCITY_LOOP_H

#include <stdbool.h>

#include "velocity/env.h"
#include "velocity/err.h"

/*
 * An event loop for one thread: descriptors, timers with nanosecond deadlines, signals. Callbacks
 * run inside vel_loop_run and nowhere else; they may create, change and free anything of the same
 * loop, themselves included. Whatever is attached must be freed before the loop.
 */
struct vel_loop;

/* VEL_ERR_NOMEM, VEL_ERR_IO (no descriptors left) */
vel_result vel_loop_new(const struct vel_env *env, struct vel_loop **loop);
void vel_loop_free(struct vel_loop *loop); /* NULL is allowed */

/* Run callbacks until vel_loop_stop. */
void vel_loop_run(struct vel_loop *loop);

/* Make vel_loop_run return after the current callback. Before a run: the next one returns soon. */
void vel_loop_stop(struct vel_loop *loop);

/* ---- descriptors ---- */

enum { VEL_WATCH_READ = 1, VEL_WATCH_WRITE = 2 };

struct vel_watch;
typedef void (*vel_watch_fn)(void *self, unsigned ready);

/* Watch a non-blocking descriptor, for nothing at first. The descriptor stays the caller's and must
 * be open as long as the watch exists. VEL_ERR_NOMEM, VEL_ERR_IO (not one that can be polled) */
vel_result vel_watch_new(struct vel_loop *loop, int fd, vel_watch_fn call, void *self,
                         struct vel_watch **watch);
/* Call when `events` (VEL_WATCH_READ | VEL_WATCH_WRITE) are ready, level-triggered; 0: never. */
void vel_watch_set(struct vel_watch *watch, unsigned events);
void vel_watch_free(struct vel_watch *watch); /* NULL is allowed */

/* ---- timers ---- */

struct vel_timer;
typedef void (*vel_timer_fn)(void *self, vel_time now);

/* A timer, not running at first. VEL_ERR_NOMEM, VEL_ERR_IO (no descriptors left) */
vel_result vel_timer_new(struct vel_loop *loop, vel_timer_fn call, void *self,
                         struct vel_timer **timer);
/* Call once, at or after `at` on vel_clock_now(); replaces what was set. VEL_NEVER: not at all. */
void vel_timer_set(struct vel_timer *timer, vel_time at);
void vel_timer_free(struct vel_timer *timer); /* NULL is allowed */

/* ---- alarms ---- */

/* A timer for time-outs, of which there may be one for each of many connections: it costs no
 * descriptor and no system call, and is exact to a millisecond only. */
struct vel_alarm;

/* An alarm, not running at first. VEL_ERR_NOMEM */
vel_result vel_alarm_new(struct vel_loop *loop, vel_timer_fn call, void *self,
                         struct vel_alarm **alarm);
/* As vel_timer_set: called once, never before `at`. */
void vel_alarm_set(struct vel_alarm *alarm, vel_time at);
void vel_alarm_free(struct vel_alarm *alarm); /* NULL is allowed */

/* ---- signals ---- */

struct vel_signals;
typedef void (*vel_signal_fn)(void *self, int number);

/* Catch SIGINT and SIGTERM while it exists. VEL_ERR_NOMEM, VEL_ERR_IO */
vel_result vel_signals_new(struct vel_loop *loop, vel_signal_fn call, void *self,
                           struct vel_signals **signals);
void vel_signals_free(struct vel_signals *signals); /* NULL is allowed */

#endif
