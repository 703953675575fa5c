/* SPDX-License-Identifier: MIT */
#include "visitors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "cli/bench_measure.h"
#include "page.h"
#include "velocity/http.h"
#include "velocity/system.h"

/* From one lot of connections that are closed to the next: more than the server's socket holds at a
 * time would be lost, and a close is sent once. */
#define LEAVE_EACH (2 * MS)

/* One connection. */
struct visitor {
    struct visitors *all;
    struct vel_conn *conn;
    struct vel_http *http; /* NULL: it does not ask, or not yet */
    bool ready;            /* it has what it came for */
    struct visitor *next;
};

static void fail(const char *why)
{
    fprintf(stderr, "a visitor: %s\n", why);
    exit(1);
}

/* ---- one comes ---- */

static void open_one(struct visitors *self)
{
    const struct vel_bench_node *node = self->node;
    struct visitor *visitor = vel_alloc(&node->party->env, sizeof *visitor);
    BENCH_OK(visitor != NULL ? VEL_OK : VEL_ERR_NOMEM);
    *visitor = (struct visitor){.all = self, .next = self->first};
    BENCH_OK(vel_endpoint_connect(node->endpoint, &node->party->client, &node->link->local,
                                  &self->remote, vel_clock_now(), &visitor->conn));
    vel_conn_set_user(visitor->conn, visitor);
    if (self->stay)
        self->first = visitor;
    self->started++;
}

/* One of them has done what it came for: another, or the time of quiet. */
static void on_done(struct visitors *self, uint64_t done)
{
    if (done == self->goal)
        vel_timer_set(self->timer, vel_clock_now() + self->settle);
    else if (self->started < self->goal)
        open_one(self);
}

static void on_ready(struct visitor *visitor)
{
    struct visitors *self = visitor->all;
    visitor->ready = true;
    self->ready++;
    if (self->stay)
        on_done(self, self->ready);
}

static void on_answered(void *context, struct vel_exchange *exchange,
                        const struct vel_exchange_end *end)
{
    if (!end->complete || vel_exchange_response(exchange)->status != 200 ||
        end->body_received != PAGE_BYTES)
        fail("the page did not come");
    on_ready(context);
}

static void ask_for_page(struct visitor *visitor)
{
    const struct vel_env *env = &visitor->all->node->party->env;
    struct vel_http_events events = {.closed = on_answered, .self = visitor};
    struct vel_request request = {.method = vel_slice_text("GET"),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("bench.test"),
                                  .path = vel_slice_text("/")};
    struct vel_exchange *exchange = NULL;
    BENCH_OK(vel_http_new(env, visitor->conn, &events, &visitor->http));
    BENCH_OK(vel_http_request(visitor->http, &request, NULL, NULL, &exchange));
}

/* ---- and goes ---- */

static void on_gone(struct visitor *visitor)
{
    struct visitors *self = visitor->all;
    if (!visitor->ready || (self->stay && !self->leaving))
        fail(vel_conn_close_reason(visitor->conn)->reason);
    vel_http_free(visitor->http);
    vel_release(&self->node->party->env, visitor, sizeof *visitor);
    self->gone++;
    if (!self->stay)
        on_done(self, self->gone);
    else if (self->gone == self->goal)
        vel_timer_set(self->timer, vel_clock_now() + 2 * self->settle);
}

static void on_events(void *context, struct vel_conn *conn, vel_time now)
{
    (void)now;
    struct visitors *self = context;
    struct visitor *visitor = vel_conn_user(conn);
    struct vel_event event;
    bool was_ready = visitor->ready;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CLOSED) {
            on_gone(visitor);
            return;
        }
        if (event.type == VEL_EVENT_CONNECTED && self->ask)
            ask_for_page(visitor);
        else if (event.type == VEL_EVENT_CONNECTED)
            on_ready(visitor);
        else if (visitor->http != NULL)
            vel_http_event(visitor->http, &event);
    }
    if (visitor->http != NULL)
        vel_http_send(visitor->http);
    if (visitor->ready && !was_ready && !self->stay)
        vel_conn_close(conn, VEL_H3_NO_ERROR, "");
}

/* ---- all of them ---- */

static void on_settled(void *context, vel_time now)
{
    (void)now;
    struct visitors *self = context;
    vel_loop_stop(self->node->loop);
}

/* A lot of those who stayed. */
static void on_leave_time(void *context, vel_time now)
{
    struct visitors *self = context;
    /* The server has seen those before when it answers, however slow the machine is. */
    (void)vel_bench_ask(self->node, BENCH_ASK_CPU);
    for (uint64_t i = 0; i < self->together && self->first != NULL; i++) {
        struct vel_conn *conn = self->first->conn;
        self->first = self->first->next;
        vel_conn_close(conn, VEL_H3_NO_ERROR, "");
    }
    if (self->first != NULL)
        vel_timer_set(self->leave_timer, now + LEAVE_EACH);
    vel_runtime_wake(self->node->runtime);
}

void visitors_open(struct visitors *self)
{
    struct vel_bench_node *node = self->node;
    const struct vel_runtime_hooks hooks = {.events = on_events, .self = self};
    vel_bench_node_open(node, false, BENCH_CONNECTIONS_MAX, &hooks);
    BENCH_OK(vel_timer_new(node->loop, on_settled, self, &self->timer));
    BENCH_OK(vel_timer_new(node->loop, on_leave_time, self, &self->leave_timer));
    self->remote = vel_bench_hear_address(node);
}

void visitors_close(struct visitors *self)
{
    vel_timer_free(self->leave_timer);
    vel_timer_free(self->timer);
    vel_bench_node_close(self->node);
}

void visitors_come(struct visitors *self, uint64_t count)
{
    self->goal += count;
    for (uint64_t i = 0; i < VEL_MIN(count, self->together); i++)
        open_one(self);
    vel_runtime_wake(self->node->runtime);
    vel_loop_run(self->node->loop);
}

void visitors_leave(struct visitors *self)
{
    self->leaving = true;
    on_leave_time(self, vel_clock_now());
    vel_loop_run(self->node->loop);
}
