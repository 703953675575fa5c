/* SPDX-License-Identifier: MIT */
#include "cli/serve_worker.h"

#include <signal.h>
#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "cli/connection_log.h"
#include "cli/request_log.h"
#include "cli/serve_counts.h"
#include "cli/serve_tcp.h"
#include "cli/supervisor.h"
#include "velocity/runtime.h"
#include "velocity/system.h"
#include "velocity/udp.h"
#include "web/server.h"

/* A thousand first flights. */
#define BACKLOG (8 * MIB)

/* One worker, in the order of creation. */
struct worker {
    struct vel_serve_common *common;
    unsigned number;
    int reports; /* negative: alone */
    struct vel_serve_tcp tcp;
    struct vel_link *link;
    struct vel_endpoint *endpoint;
    struct vel_web_server *web;
    struct vel_loop *loop;
    struct vel_runtime *runtime;
    struct vel_signals *signals;
    struct vel_timer *patience; /* runs while the last requests finish */
    struct vel_alarm *look;     /* at slow clients */
    vel_time look_at;           /* what it is set to */
    bool finishing;
    bool idle; /* finished, and has said so */
};

/* ---- while it runs ---- */

static void on_events(void *self, struct vel_conn *conn, vel_time now)
{
    struct worker *worker = self;
    vel_web_server_events(worker->web, conn, now);
}

/* Connections with requests on them. */
static size_t connections_left(const struct worker *worker)
{
    struct vel_web_server_stats stats;
    struct vel_serve_tcp_stats tcp;
    vel_web_server_get_stats(worker->web, &stats);
    vel_serve_tcp_get_stats(&worker->tcp, &tcp);
    return stats.sessions + tcp.connections;
}

/* Among others, it goes on refusing newcomers until they have finished, too. */
static void end_when_finished(struct worker *worker)
{
    if (!worker->finishing || worker->idle || connections_left(worker) > 0)
        return;
    worker->idle = true;
    if (worker->reports < 0)
        vel_loop_stop(worker->loop);
    else
        vel_report_idle(worker->reports);
}

static void on_flush(void *self, vel_time now)
{
    struct worker *worker = self;
    vel_web_server_flush(worker->web, now);
    if (worker->look_at != vel_web_server_deadline(worker->web)) {
        worker->look_at = vel_web_server_deadline(worker->web);
        vel_alarm_set(worker->look, worker->look_at);
    }
    end_when_finished(worker);
}

/* The turn that follows flushes. */
static void on_look(void *self, vel_time now)
{
    struct worker *worker = self;
    (void)now;
    vel_runtime_wake(worker->runtime);
}

static void on_tcp_gone(void *self)
{
    end_when_finished(self);
}

/* "velocity serve: " with the worker's number, if it has one. */
static const char *prefix(const struct worker *worker, char text[64])
{
    if (worker->reports < 0)
        return "velocity serve";
    snprintf(text, 64, "velocity serve: worker %u", worker->number + 1);
    return text;
}

static void on_impatience(void *self, vel_time now)
{
    struct worker *worker = self;
    char text[64];
    (void)now;
    if (!worker->idle)
        fprintf(stderr, "%s: requests were still running after the time of grace\n",
                prefix(worker, text));
    vel_loop_stop(worker->loop);
}

static void begin_to_finish(struct worker *worker)
{
    const struct vel_serve_settings *settings = worker->common->settings;
    char text[64];
    worker->finishing = true;
    vel_endpoint_refuse_new(worker->endpoint);
    vel_web_server_finish(worker->web);
    vel_serve_tcp_finish(&worker->tcp);
    if (connections_left(worker) > 0)
        fprintf(stderr,
                "%s: finishing what runs on %zu connection(s), for %.1f s at most; a second signal "
                "ends at once\n",
                prefix(worker, text), connections_left(worker),
                (double)settings->grace / (double)SECOND);
    vel_timer_set(worker->patience, vel_clock_now() + settings->grace);
    vel_runtime_wake(worker->runtime);
}

/* The first signal lets running requests finish, the second does not. With a parent, who repeats what
 * all processes may have been sent, they are told apart by their numbers: see cli/supervisor.h. */
static void on_signal(void *self, int number)
{
    struct worker *worker = self;
    bool alone = worker->reports < 0;
    if (!worker->finishing && (alone || number == SIGTERM))
        begin_to_finish(worker);
    else if (worker->finishing && (alone || number == SIGINT))
        vel_loop_stop(worker->loop);
}

static void on_request(void *self, const struct vel_web_record *record)
{
    const struct worker *worker = self;
    char stamp[VEL_STAMP_SIZE];
    if (!worker->common->settings->quiet)
        vel_request_log(stdout, vel_clock_stamp(stamp), &worker->common->addresses, record);
}

static void on_connection(void *self, const struct vel_web_connection *connection)
{
    const struct worker *worker = self;
    char stamp[VEL_STAMP_SIZE];
    vel_connection_log(stdout, vel_clock_stamp(stamp), &worker->common->addresses, connection);
}

/* ---- setting up ---- */

/* Its share of what the server admits. */
static size_t share(const struct worker *worker, int64_t of_all)
{
    size_t workers = worker->common->sockets.count;
    return ((size_t)of_all + workers - 1) / workers;
}

static vel_result open_endpoint(struct worker *worker)
{
    struct vel_serve_common *common = worker->common;
    const struct vel_endpoint_setup setup = {
        .env = &common->env,
        .server = &common->config,
        .max_connections = share(worker, common->settings->max_connections),
        .always_retry = common->settings->retry,
        .max_backlog = BACKLOG,
        .max_send_train = worker->link->max_train,
        .reset_key = common->reset_key,
        .token_keys = common->token_keys,
        .steering = common->sockets.count > 1 ? &common->steering : NULL,
        .worker = worker->number};
    const struct vel_web_server_setup web = {
        .env = &common->env,
        .site = common->site,
        .fallback = common->fallback.service,
        .on_velocity = common->fallback.announced,
        .unix_offset = common->config.unix_offset,
        .on_tls =
            vel_serve_tcp_announced(&worker->tcp, &common->config, common->sockets.local.port),
        .log = on_request,
        .log_connection = common->settings->log_connections ? on_connection : NULL,
        .log_self = worker};
    TRY(vel_endpoint_new(&setup, &worker->endpoint));
    return vel_web_server_new(&web, &worker->web);
}

static vel_result open_loop(struct worker *worker)
{
    const struct vel_env *env = &worker->common->env;
    const struct vel_runtime_hooks hooks = {.events = on_events, .flush = on_flush, .self = worker};
    TRY(vel_loop_new(env, &worker->loop));
    TRY(vel_runtime_new(env, worker->loop, worker->link, worker->endpoint, &hooks,
                        &worker->runtime));
    TRY(vel_serve_preferred_join(&worker->common->sockets.preferred, worker->number,
                                 worker->runtime));
    TRY(vel_alarm_new(worker->loop, on_look, worker, &worker->look));
    TRY(vel_signals_new(worker->loop, on_signal, worker, &worker->signals));
    return vel_timer_new(worker->loop, on_impatience, worker, &worker->patience);
}

static vel_result open_tcp(struct worker *worker)
{
    struct vel_serve_common *common = worker->common;
    const struct vel_serve_settings *settings = common->settings;
    const struct vel_tcp_server_setup setup = {
        .env = &common->env,
        .loop = worker->loop,
        .requests = vel_web_server_requests(worker->web),
        .tls = common->tls,
        .max_connections = share(worker, settings->max_connections),
        .max_per_source = share(worker, settings->max_per_address),
        .idle_timeout = settings->idle_timeout,
        .unix_offset = common->config.unix_offset,
        .gone = on_tcp_gone,
        .self = worker};
    return vel_serve_tcp_start(&setup, &common->sockets, worker->number, &worker->tcp);
}

static vel_result told(const struct worker *worker, const char *what, enum vel_err err)
{
    if (err != VEL_OK)
        vel_fail(worker->common->call, "%s: %s", what, vel_err_text(err));
    return err;
}

static vel_result set_up(struct worker *worker)
{
    TRY(told(worker, "endpoint", open_endpoint(worker)));
    TRY(told(worker, "event loop", open_loop(worker)));
    return told(worker, "TCP", open_tcp(worker));
}

static void tear_down(struct worker *worker)
{
    vel_timer_free(worker->patience);
    vel_alarm_free(worker->look);
    vel_signals_free(worker->signals);
    vel_serve_tcp_close(&worker->tcp);
    vel_runtime_free(worker->runtime);
    vel_loop_free(worker->loop);
    vel_web_server_free(worker->web);
    vel_endpoint_free(worker->endpoint);
}

/* ---- its life ---- */

static void tell_counts(const struct worker *worker)
{
    struct vel_web_server_stats web;
    struct vel_endpoint_stats endpoint;
    struct vel_serve_tcp_stats tcp;
    struct vel_udp_stats udp;
    vel_web_server_get_stats(worker->web, &web);
    vel_endpoint_get_stats(worker->endpoint, &endpoint);
    vel_serve_tcp_get_stats(&worker->tcp, &tcp);
    vel_udp_link_get_stats(worker->link, &udp);
    struct vel_serve_counts counts = {.connections = endpoint.completed + tcp.accepted,
                                      .requests = web.requests,
                                      .resets = endpoint.resets_sent,
                                      .body_bytes = web.response_bytes,
                                      .datagrams_lost = udp.overflowed,
                                      .probes = endpoint.probes};
    if (worker->reports >= 0) {
        vel_report_counts(worker->reports, &counts);
        return;
    }
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) == 0)
        counts.cpu = vel_serve_cpu(&used);
    vel_serve_counts_print("served", &counts);
}

static void serve_until_signal(struct worker *worker)
{
    vel_loop_run(worker->loop);
    vel_endpoint_close_all(worker->endpoint, VEL_H3_NO_ERROR, "server is ending");
    vel_runtime_finish(worker->runtime);
    tell_counts(worker);
}

int vel_serve_worker(struct vel_serve_common *common, unsigned number, int reports,
                     void (*ready)(void *self))
{
    struct worker worker = {.common = common,
                            .number = number,
                            .reports = reports,
                            .look_at = VEL_NEVER,
                            .link = common->sockets.udp[number]};
    vel_serve_sockets_keep(&common->sockets, number);
    enum vel_err err = set_up(&worker);
    if (err == VEL_OK) {
        vel_report_ready(reports);
        if (ready != NULL)
            ready(common);
        serve_until_signal(&worker);
    }
    tear_down(&worker);
    return err == VEL_OK ? VEL_STATUS_OK : VEL_STATUS_FAILED;
}
