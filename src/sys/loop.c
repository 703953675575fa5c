/* SPDX-License-Identifier: MIT */
#include "velocity/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <uv.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "sys/fd.h"
#include "velocity/system.h"

/*
 * libuv closes a handle over one turn of its loop, so whatever holds a handle is released in the
 * close callback; from the owner's side it is gone at once.
 */
struct vel_loop {
    const struct vel_env *env;
    uv_loop_t uv;
};

struct vel_watch {
    uv_poll_t poll; /* first: libuv gives it back */
    struct vel_loop *loop;
    vel_watch_fn call;
    void *self;
    unsigned events;
};

struct vel_timer {
    struct vel_loop *loop;
    struct vel_watch *watch;
    int fd;
    vel_timer_fn call;
    void *self;
    vel_time wanted; /* when to call */
    vel_time armed;  /* when the kernel wakes us: at `wanted` or earlier */
};

struct vel_alarm {
    uv_timer_t timer; /* first: libuv gives it back */
    struct vel_loop *loop;
    vel_timer_fn call;
    void *self;
    vel_time wanted;
};

enum { SIGNAL_COUNT = 2 };

struct vel_signals {
    uv_signal_t handles[SIGNAL_COUNT];
    struct vel_loop *loop;
    vel_signal_fn call;
    void *self;
    unsigned open; /* handles not yet closed */
};

/* ---- the loop ---- */

enum { CLOSING_TURNS = 1000 };

vel_result vel_loop_new(const struct vel_env *env, struct vel_loop **loop)
{
    struct vel_loop *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    int status = uv_loop_init(&made->uv);
    if (status != 0) {
        vel_release(env, made, sizeof *made);
        return status == UV_ENOMEM ? VEL_ERR_NOMEM : VEL_ERR_IO;
    }
    *loop = made;
    return VEL_OK;
}

void vel_loop_free(struct vel_loop *loop)
{
    if (loop == NULL)
        return;
    /* Close callbacks take a turn; a stop that was asked for ends one without, and a signal that is
     * on its way keeps its handle for another. */
    int turns = CLOSING_TURNS;
    while (uv_loop_close(&loop->uv) != 0 && turns-- > 0)
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    VEL_ASSERT(turns >= 0); /* something attached outlives the loop */
    vel_release(loop->env, loop, sizeof *loop);
}

void vel_loop_run(struct vel_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void vel_loop_stop(struct vel_loop *loop)
{
    uv_stop(&loop->uv);
}

/* ---- descriptors ---- */

static void watch_ready(uv_poll_t *poll, int status, int events)
{
    struct vel_watch *watch = (struct vel_watch *)poll;
    unsigned ready = ((events & UV_READABLE) ? VEL_WATCH_READ : 0U) |
                     ((events & UV_WRITABLE) ? VEL_WATCH_WRITE : 0U);
    /* An error on the descriptor (an ICMP message, on a socket) is for the owner's next call on it to
     * report and to clear. libuv stops polling at that point; we go on. */
    if (status < 0) {
        ready = watch->events;
        watch->events = 0;
        vel_watch_set(watch, ready);
    }
    watch->call(watch->self, ready);
}

static void watch_closed(uv_handle_t *handle)
{
    struct vel_watch *watch = (struct vel_watch *)handle;
    vel_release(watch->loop->env, watch, sizeof *watch);
}

vel_result vel_watch_new(struct vel_loop *loop, int fd, vel_watch_fn call, void *self,
                         struct vel_watch **watch)
{
    struct vel_watch *made = vel_alloc(loop->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->loop = loop;
    made->call = call;
    made->self = self;
    if (uv_poll_init(&loop->uv, &made->poll, fd) != 0) {
        vel_release(loop->env, made, sizeof *made);
        return VEL_ERR_IO;
    }
    *watch = made;
    return VEL_OK;
}

void vel_watch_set(struct vel_watch *watch, unsigned events)
{
    if (events == watch->events)
        return;
    watch->events = events;
    int wanted = ((events & VEL_WATCH_READ) ? UV_READABLE : 0) |
                 ((events & VEL_WATCH_WRITE) ? UV_WRITABLE : 0);
    if (wanted == 0)
        uv_poll_stop(&watch->poll);
    else
        uv_poll_start(&watch->poll, wanted, watch_ready);
}

void vel_watch_free(struct vel_watch *watch)
{
    if (watch == NULL)
        return;
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, watch_closed);
}

/* ---- timers: libuv's own count milliseconds, pacing needs microseconds ---- */

static void arm(struct vel_timer *timer, vel_time at)
{
    vel_time due = VEL_MAX(at, 1); /* 0 would disarm */
    struct itimerspec spec = {.it_value = {.tv_sec = due / SECOND, .tv_nsec = due % SECOND}};
    int status = timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &spec, NULL);
    VEL_ASSERT(status == 0);
    timer->armed = at;
}

static void timer_ready(void *self, unsigned ready)
{
    (void)ready;
    struct vel_timer *timer = self;
    uint64_t expirations;
    if (read(timer->fd, &expirations, sizeof expirations) < 0)
        return; /* it was set again after the kernel woke us */
    timer->armed = VEL_NEVER;

    vel_time now = vel_clock_now();
    if (timer->wanted > now) {
        if (timer->wanted != VEL_NEVER)
            arm(timer, timer->wanted);
        return;
    }
    timer->wanted = VEL_NEVER;
    timer->call(timer->self, now);
}

vel_result vel_timer_new(struct vel_loop *loop, vel_timer_fn call, void *self,
                         struct vel_timer **timer)
{
    OWNED(vel_fd_close) int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    REQUIRE(fd >= 0, VEL_ERR_IO);
    struct vel_timer *made = vel_alloc(loop->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    *made = (struct vel_timer){.loop = loop,
                               .fd = fd,
                               .call = call,
                               .self = self,
                               .wanted = VEL_NEVER,
                               .armed = VEL_NEVER};
    enum vel_err err = vel_watch_new(loop, fd, timer_ready, made, &made->watch);
    if (err != VEL_OK) {
        vel_release(loop->env, made, sizeof *made);
        return err;
    }
    vel_watch_set(made->watch, VEL_WATCH_READ);
    vel_fd_give(&fd);
    *timer = made;
    return VEL_OK;
}

/* Deadlines mostly move later. The kernel then wakes us once too early instead of being told each
 * time: no system call for a packet that only pushes the deadline on. */
void vel_timer_set(struct vel_timer *timer, vel_time at)
{
    timer->wanted = at;
    if (at < timer->armed)
        arm(timer, at);
}

void vel_timer_free(struct vel_timer *timer)
{
    if (timer == NULL)
        return;
    vel_watch_free(timer->watch);
    vel_fd_close(&timer->fd);
    vel_release(timer->loop->env, timer, sizeof *timer);
}

/* ---- alarms ---- */

static void alarm_rang(uv_timer_t *timer)
{
    struct vel_alarm *alarm = (struct vel_alarm *)timer;
    vel_time now = vel_clock_now();
    if (alarm->wanted > now) { /* libuv's clock is a moment old */
        vel_alarm_set(alarm, alarm->wanted);
        return;
    }
    alarm->wanted = VEL_NEVER;
    alarm->call(alarm->self, now);
}

static void alarm_closed(uv_handle_t *handle)
{
    struct vel_alarm *alarm = (struct vel_alarm *)handle;
    vel_release(alarm->loop->env, alarm, sizeof *alarm);
}

vel_result vel_alarm_new(struct vel_loop *loop, vel_timer_fn call, void *self,
                         struct vel_alarm **alarm)
{
    struct vel_alarm *made = vel_alloc(loop->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->loop = loop;
    made->call = call;
    made->self = self;
    made->wanted = VEL_NEVER;
    int status = uv_timer_init(&loop->uv, &made->timer);
    VEL_ASSERT(status == 0); /* it has no way to fail */
    *alarm = made;
    return VEL_OK;
}

void vel_alarm_set(struct vel_alarm *alarm, vel_time at)
{
    alarm->wanted = at;
    if (at == VEL_NEVER) {
        uv_timer_stop(&alarm->timer);
        return;
    }
    vel_time left = at - VEL_MIN(at, vel_clock_now());
    uv_update_time(&alarm->loop->uv);
    uv_timer_start(&alarm->timer, alarm_rang, left > 0 ? (uint64_t)(left / MS) + 1 : 0, 0);
}

void vel_alarm_free(struct vel_alarm *alarm)
{
    if (alarm == NULL)
        return;
    uv_timer_stop(&alarm->timer);
    uv_close((uv_handle_t *)&alarm->timer, alarm_closed);
}

/* ---- signals ---- */

static void signal_came(uv_signal_t *handle, int number)
{
    struct vel_signals *signals = handle->data;
    signals->call(signals->self, number);
}

static void signal_closed(uv_handle_t *handle)
{
    struct vel_signals *signals = handle->data;
    if (--signals->open == 0)
        vel_release(signals->loop->env, signals, sizeof *signals);
}

vel_result vel_signals_new(struct vel_loop *loop, vel_signal_fn call, void *self,
                           struct vel_signals **signals)
{
    static const int numbers[SIGNAL_COUNT] = {SIGINT, SIGTERM};
    struct vel_signals *made = vel_alloc(loop->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    *made = (struct vel_signals){.loop = loop, .call = call, .self = self};

    int status = 0;
    for (int i = 0; i < SIGNAL_COUNT && status == 0; i++) {
        status = uv_signal_init(&loop->uv, &made->handles[i]);
        if (status != 0)
            break;
        made->handles[i].data = made;
        made->open++;
        status = uv_signal_start(&made->handles[i], signal_came, numbers[i]);
    }
    if (status != 0) {
        vel_signals_free(made);
        return VEL_ERR_IO;
    }
    *signals = made;
    return VEL_OK;
}

void vel_signals_free(struct vel_signals *signals)
{
    if (signals == NULL)
        return;
    if (signals->open == 0) {
        vel_release(signals->loop->env, signals, sizeof *signals);
        return;
    }
    for (unsigned i = 0, count = signals->open; i < count; i++)
        uv_close((uv_handle_t *)&signals->handles[i], signal_closed);
}
