/* SPDX-License-Identifier: MIT */
#include "endpoint/timers.h"

#include "base/try.h"

enum { SMALLEST = 16 };

vel_result vel_timers_reserve(struct vel_timers *timers, size_t total)
{
    if (total <= timers->capacity)
        return VEL_OK;
    size_t capacity = timers->capacity > 0 ? timers->capacity : SMALLEST;
    while (capacity < total)
        capacity *= 2;
    struct vel_timer **heap = vel_alloc(timers->env, capacity * sizeof *heap);
    REQUIRE(heap != NULL, VEL_ERR_NOMEM);
    for (size_t i = 0; i < timers->count; i++)
        heap[i] = timers->heap[i];
    vel_release(timers->env, timers->heap, timers->capacity * sizeof *heap);
    timers->heap = heap;
    timers->capacity = capacity;
    return VEL_OK;
}

/* Places count from 1, so that the children of n are 2n and 2n + 1. */
static struct vel_timer *at(const struct vel_timers *timers, size_t place)
{
    return timers->heap[place - 1];
}

static void put(struct vel_timers *timers, size_t place, struct vel_timer *timer)
{
    timers->heap[place - 1] = timer;
    timer->place = place;
}

static void sift_up(struct vel_timers *timers, struct vel_timer *timer)
{
    size_t place = timer->place;
    for (; place > 1 && at(timers, place / 2)->deadline > timer->deadline; place /= 2)
        put(timers, place, at(timers, place / 2));
    put(timers, place, timer);
}

static void sift_down(struct vel_timers *timers, struct vel_timer *timer)
{
    size_t place = timer->place;
    for (size_t child = 2 * place; child <= timers->count; child = 2 * place) {
        if (child < timers->count && at(timers, child + 1)->deadline < at(timers, child)->deadline)
            child++;
        if (at(timers, child)->deadline >= timer->deadline)
            break;
        put(timers, place, at(timers, child));
        place = child;
    }
    put(timers, place, timer);
}

static void take_out(struct vel_timers *timers, struct vel_timer *timer)
{
    if (timer->place == 0)
        return;
    struct vel_timer *last = at(timers, timers->count--);
    if (last != timer) {
        put(timers, timer->place, last);
        sift_up(timers, last);
        sift_down(timers, last);
    }
    timer->place = 0;
}

void vel_timers_set(struct vel_timers *timers, struct vel_timer *timer, vel_time deadline)
{
    if (deadline == VEL_NEVER) {
        take_out(timers, timer);
        return;
    }
    timer->deadline = deadline;
    if (timer->place == 0) {
        VEL_ASSERT(timers->count < timers->capacity);
        put(timers, ++timers->count, timer);
    }
    sift_up(timers, timer);
    sift_down(timers, timer);
}

struct vel_timer *vel_timers_first(const struct vel_timers *timers)
{
    return timers->count > 0 ? at(timers, 1) : NULL;
}

void vel_timers_clear(struct vel_timers *timers)
{
    if (timers->env != NULL)
        vel_release(timers->env, timers->heap, timers->capacity * sizeof *timers->heap);
    *timers = (struct vel_timers){.env = timers->env};
}
