/* SPDX-License-Identifier: MIT */
#include "cli/bench_run.h"

#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "client/exit.h"

enum { BARREN_MAX = 3 /* connections in a row that may end without an answer */ };

#define PATIENCE (10 * SECOND) /* with a server that says nothing */

static void stop(const struct vel_bench_run *run)
{
    vel_loop_stop(run->site->loop);
}

static void fail(struct vel_bench_run *run, const char *message)
{
    if (!run->failed && run->site->message[0] == '\0')
        snprintf(run->site->message, sizeof run->site->message, "%s", message);
    run->failed = true;
    stop(run);
}

static void hear(struct vel_bench_run *run)
{
    vel_timer_set(run->limit, vel_clock_now() + PATIENCE);
}

static void on_limit(void *self, vel_time now)
{
    (void)now;
    fail(self, "the server says nothing any more");
}

/* ---- requests ---- */

static void ask_more(struct vel_bench_run *run);

static vel_result on_body(void *self, struct vel_transfer *transfer, struct vel_slice bytes)
{
    struct vel_bench_run *run = self;
    (void)transfer;
    run->received += bytes.len;
    hear(run);
    vel_time now = vel_clock_now();
    if (now >= run->until + PATIENCE)
        fail(run, "the resource is too large for this test: download is for it");
    REQUIRE(now < run->until + (run->cut ? 0 : PATIENCE), VEL_ERR_CLOSED);
    return VEL_OK;
}

/* A request without a whole answer. */
static void on_unanswered(struct vel_bench_run *run, const struct vel_transfer_result *result)
{
    enum vel_client_failure why;
    if (run->failed)
        return; /* it is all over */
    bool ended = run->over ||
                 vel_client_ended(vel_attempt_client(vel_connector_attempt(run->connector)), &why);
    if (run->cut && vel_clock_now() >= run->until)
        return; /* that was us */
    if (result->status != 0)
        run->refused++;
    else if (!ended && result->code == VEL_H3_REQUEST_REJECTED)
        run->turned_away++;
    else if (!ended && result->code != 0)
        run->refused++;
}

static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result)
{
    enum { ERROR_STATUS = 400 };
    struct vel_bench_run *run = self;
    char message[64];
    (void)transfer;
    run->active--;
    if (result->failure == VEL_CLIENT_OK && result->status >= ERROR_STATUS) {
        snprintf(message, sizeof message, "the server answered %u", result->status);
        fail(run, message);
    } else if (result->failure == VEL_CLIENT_OK) {
        run->answered++;
        run->barren = 0;
        hear(run);
        if (run->spread != NULL)
            vel_bench_spread_add(run->spread, vel_clock_now() - run->asked);
    } else if (result->failure == VEL_CLIENT_PROTOCOL || result->failure == VEL_CLIENT_MEMORY) {
        fail(run, vel_exit_text(vel_exit_of_failure(result->failure)));
    } else {
        on_unanswered(run, result);
    }
    ask_more(run);
}

/* Until time is up; a connection that is over is waited for. */
static void ask_more(struct vel_bench_run *run)
{
    const struct vel_sink sink = {.body = on_body, .done = on_done, .self = run};
    struct vel_attempt *attempt =
        run->connector != NULL && !run->over ? vel_connector_attempt(run->connector) : NULL;
    vel_time now = vel_clock_now();
    if (run->failed || now >= run->until) {
        if (run->active == 0)
            stop(run);
        return;
    }
    while (attempt != NULL && run->active < run->together &&
           vel_bench_site_get(run->site, vel_attempt_client(attempt), &sink, now) == VEL_OK) {
        run->asked = now;
        run->active++;
    }
}

/* ---- the connection ---- */

static void on_reached(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_bench_run *run = self;
    (void)now;
    if (!run->connected)
        run->facts = *vel_connector_facts(connector);
    run->connected = true;
    hear(run);
    ask_more(run); /* before the first round: that stops the loop */
    vel_attempt_wake(vel_connector_attempt(connector));
}

static void on_lost(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_bench_run *run = self;
    (void)now;
    if (!run->failed)
        vel_bench_site_lost(run->site, connector);
    fail(run, "");
}

static void on_ended(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_bench_run *run = self;
    (void)connector;
    (void)now;
    run->over = true;
    run->turned_away = 0;
    if (++run->barren > BARREN_MAX)
        fail(run, "the server ends connections without an answer");
    else
        vel_timer_set(run->chores, 0);
}

static void reach(struct vel_bench_run *run)
{
    const struct vel_connector_events events = {
        .reached = on_reached, .lost = on_lost, .ended = on_ended, .self = run};
    vel_connector_free(run->connector);
    run->connector = NULL;
    run->over = false;
    enum vel_err err = vel_bench_site_reach(run->site, &events, &run->connector);
    if (err != VEL_OK)
        fail(run, vel_err_text(err));
}

/* ---- new connections ---- */

static void leave(struct vel_bench_visitor *visitor)
{
    visitor->over = true;
    vel_timer_set(visitor->run->chores, 0);
}

static void on_visitor_reached(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_bench_visitor *visitor = self;
    (void)connector;
    (void)now;
    visitor->run->connections++;
    hear(visitor->run);
    leave(visitor);
}

static void on_visitor_lost(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_bench_visitor *visitor = self;
    on_lost(visitor->run, connector, now);
}

static void on_visitor_ended(void *self, struct vel_connector *connector, vel_time now)
{
    (void)connector;
    (void)now;
    leave(self);
}

static void visit(struct vel_bench_visitor *visitor)
{
    const struct vel_connector_events events = {.reached = on_visitor_reached,
                                                .lost = on_visitor_lost,
                                                .ended = on_visitor_ended,
                                                .self = visitor};
    visitor->over = false;
    enum vel_err err = vel_bench_site_reach(visitor->run->site, &events, &visitor->connector);
    if (err != VEL_OK)
        fail(visitor->run, vel_err_text(err));
}

static void replace_visitors(struct vel_bench_run *run)
{
    bool more = !run->failed && vel_clock_now() < run->until;
    unsigned there = 0;
    for (size_t i = 0; i < VEL_BENCH_TOGETHER; i++) {
        struct vel_bench_visitor *visitor = &run->visitors[i];
        if (visitor->over) {
            vel_connector_free(visitor->connector);
            visitor->connector = NULL;
            visitor->over = false;
        }
        if (visitor->connector == NULL && more)
            visit(visitor);
        there += visitor->connector != NULL;
    }
    if (there == 0)
        stop(run);
}

static void on_chores(void *self, vel_time now)
{
    struct vel_bench_run *run = self;
    (void)now;
    if (run->connecting)
        replace_visitors(run);
    else if (run->over)
        reach(run);
}

/* ---- the whole ---- */

/* A round finds its connection there. */
static void renew(struct vel_bench_run *run)
{
    run->until = 0;
    reach(run);
    if (!run->failed)
        vel_loop_run(run->site->loop);
}

struct vel_bench_spent vel_bench_run_round(struct vel_bench_run *run)
{
    if (run->over && !run->connecting)
        renew(run);
    double cpu = vel_bench_cpu();
    vel_time began = vel_clock_now();
    run->answered = run->received = run->refused = run->connections = 0;
    run->until = began + run->settings->time;
    hear(run);
    if (run->connecting)
        replace_visitors(run);
    else
        ask_more(run);
    if (run->connector != NULL && !run->over && !run->connecting)
        vel_attempt_wake(vel_connector_attempt(run->connector));
    if (!run->failed)
        vel_loop_run(run->site->loop);
    vel_timer_set(run->limit, VEL_NEVER);
    run->refused += run->turned_away;
    run->turned_away = 0;
    if (!run->connecting && run->answered == 0 && run->received == 0)
        fail(run, "the server answers no request");
    return (struct vel_bench_spent){.seconds = (double)(vel_clock_now() - began) / (double)SECOND,
                                    .cpu = vel_bench_cpu() - cpu};
}

void vel_bench_run_open(struct vel_bench_run *run, struct vel_bench_site *site)
{
    *run = (struct vel_bench_run){.site = site, .settings = site->settings};
    enum vel_err err = vel_timer_new(run->site->loop, on_chores, run, &run->chores);
    if (err == VEL_OK)
        err = vel_timer_new(run->site->loop, on_limit, run, &run->limit);
    if (err != VEL_OK) {
        fail(run, vel_err_text(err));
        return;
    }
    for (size_t i = 0; i < VEL_BENCH_TOGETHER; i++)
        run->visitors[i].run = run;
    reach(run);
    if (!run->failed)
        vel_loop_run(run->site->loop);
}

void vel_bench_run_clear(struct vel_bench_run *run)
{
    run->failed = true; /* transfers end, and nothing follows them */
    for (size_t i = 0; i < VEL_BENCH_TOGETHER; i++)
        vel_connector_free(run->visitors[i].connector);
    vel_connector_free(run->connector);
    vel_timer_free(run->limit);
    vel_timer_free(run->chores);
}
