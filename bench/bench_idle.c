/* SPDX-License-Identifier: MIT */
/*
 * bench_idle [--connections N] [--settle SECONDS] [--repeat N]: resident memory that an idle
 * connection costs the server. A client process opens N connections over loopback, both sides are
 * left alone until they have given back what they can, then the server reads its own anonymous
 * memory. One sample a repetition, each with a new server.
 *
 *   idle_connection_bytes  of the web server: HTTP/3, after one GET of a small file
 *   idle_transport_bytes   of an endpoint without HTTP on it, over a fifth of the connections
 *   idle_closed_bytes      what the web server still holds of each when all of them were closed
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/bench_measure.h"
#include "cli/bench_node.h"
#include "velocity/http.h"
#include "velocity/system.h"
#include "web/server.h"
#include "web/site.h"

enum {
    TOGETHER = 32, /* handshakes under way at a time, and connections closed in one go */
    PAGE = 1024,
    ROUNDS_MAX = 8
};

/* From one lot of connections that are closed to the next: more than the server's socket holds at a
 * time would be lost, and a close is sent once. */
#define CLOSE_EACH (2 * MS)

static void fail(const char *why)
{
    fprintf(stderr, "bench_idle: %s\n", why);
    exit(1);
}

/* One run, known to both processes. */
struct idle {
    struct vel_bench_node node; /* first: run_server gets this */
    const char *root;           /* folder that is served over HTTP; NULL: the transport alone */
    uint64_t connections;
    vel_time settle;
};

/* ---- server ---- */

struct server {
    struct vel_site *site;
    struct vel_web_server *web; /* NULL: no HTTP */
};

static void on_server_events(void *context, struct vel_conn *conn, vel_time now)
{
    struct server *self = context;
    struct vel_event event;
    if (self->web != NULL)
        vel_web_server_events(self->web, conn, now);
    else
        while (vel_conn_next_event(conn, &event))
            continue;
}

static void on_server_flush(void *context, vel_time now)
{
    struct server *self = context;
    if (self->web != NULL)
        vel_web_server_flush(self->web, now);
}

/* The client asks what we hold; no more questions means the end. */
static void on_control(void *context, unsigned ready)
{
    (void)ready;
    struct vel_bench_node *node = context;
    double ignored;
    if (read(node->control, &ignored, sizeof ignored) == (ssize_t)sizeof ignored)
        vel_bench_tell(node, vel_bench_resident());
    else
        vel_loop_stop(node->loop);
}

static void open_web(struct server *self, const struct vel_bench_party *party, const char *root)
{
    struct vel_site_setup site = {.env = &party->env, .root = root};
    BENCH_OK(vel_site_new(&site, &self->site));
    struct vel_web_server_setup web = {
        .env = &party->env, .site = self->site, .unix_offset = party->server.unix_offset};
    BENCH_OK(vel_web_server_new(&web, &self->web));
}

static void run_server(struct vel_bench_node *node)
{
    const struct idle *idle = (const struct idle *)node;
    struct server self = {0};
    struct vel_runtime_hooks hooks = {
        .events = on_server_events, .flush = on_server_flush, .self = &self};
    struct vel_watch *watch = NULL;
    vel_bench_node_open(node, true, (size_t)1 << 20, &hooks);
    if (idle->root != NULL)
        open_web(&self, node->party, idle->root);
    BENCH_OK(vel_watch_new(node->loop, node->control, on_control, node, &watch));
    vel_watch_set(watch, VEL_WATCH_READ);
    vel_bench_tell(node, node->link->local.port);
    vel_loop_run(node->loop);
    vel_watch_free(watch);
    vel_web_server_free(self.web);
    vel_bench_node_close(node);
    vel_site_free(self.site);
}

/* ---- client ---- */

struct client {
    struct idle *idle;
    struct vel_addr remote;
    uint64_t started, ready, closed;
    struct visitor *open; /* all of them, until they are closed */
    bool closing;
    struct vel_timer *timer, *close_timer;
};

/* One connection of the client. */
struct visitor {
    struct client *client;
    struct vel_conn *conn;
    struct visitor *next;
    struct vel_http *http; /* NULL: without HTTP, or before it began */
};

static void open_one(struct client *self, vel_time now)
{
    const struct vel_bench_node *node = &self->idle->node;
    struct vel_conn *conn = NULL;
    struct visitor *visitor = vel_alloc(&node->party->env, sizeof *visitor);
    BENCH_OK(visitor != NULL ? VEL_OK : VEL_ERR_NOMEM);
    BENCH_OK(vel_endpoint_connect(node->endpoint, &node->party->client, &node->link->local,
                                  &self->remote, now, &conn));
    visitor->client = self;
    visitor->conn = conn;
    visitor->next = self->open;
    self->open = visitor;
    vel_conn_set_user(conn, visitor);
    self->started++;
}

/* A connection has done what it was opened for: the next one, or the time of quiet. */
static void on_ready(struct client *self)
{
    self->ready++;
    if (self->ready == self->idle->connections)
        vel_timer_set(self->timer, vel_clock_now() + self->idle->settle);
    else if (self->started < self->idle->connections)
        open_one(self, vel_clock_now());
}

static void on_answered(void *context, struct vel_exchange *exchange,
                        const struct vel_exchange_end *end)
{
    const struct vel_response *response = vel_exchange_response(exchange);
    const struct visitor *visitor = context;
    if (!end->complete || response->status != 200 || end->body_received != PAGE)
        fail("the page did not come");
    on_ready(visitor->client);
}

static void ask_for_page(struct visitor *visitor, struct vel_conn *conn)
{
    const struct vel_env *env = &visitor->client->idle->node.party->env;
    struct vel_http_events events = {.closed = on_answered, .self = visitor};
    struct vel_request request = {.method = vel_slice_text("GET"),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("bench.test"),
                                  .path = vel_slice_text("/")};
    struct vel_exchange *exchange = NULL;
    BENCH_OK(vel_http_new(env, conn, &events, &visitor->http));
    BENCH_OK(vel_http_request(visitor->http, &request, NULL, NULL, &exchange));
}

static void on_closed(struct client *self, struct vel_conn *conn, struct visitor *visitor)
{
    if (!self->closing)
        fail(vel_conn_close_reason(conn)->reason);
    vel_http_free(visitor->http);
    vel_release(&self->idle->node.party->env, visitor, sizeof *visitor);
    /* The server is drained after three probe time-outs, and gives back a second later. */
    if (++self->closed == self->idle->connections)
        vel_timer_set(self->timer, vel_clock_now() + 2 * self->idle->settle);
}

static void on_client_events(void *context, struct vel_conn *conn, vel_time now)
{
    (void)now;
    struct client *self = context;
    struct visitor *visitor = vel_conn_user(conn);
    struct vel_event event;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED && self->idle->root != NULL)
            ask_for_page(visitor, conn);
        else if (event.type == VEL_EVENT_CONNECTED)
            on_ready(self);
        else if (visitor->http != NULL)
            vel_http_event(visitor->http, &event);
        if (event.type == VEL_EVENT_CLOSED) {
            on_closed(self, conn, visitor);
            return;
        }
    }
    if (visitor->http != NULL)
        vel_http_send(visitor->http);
}

static void on_settled(void *context, vel_time now)
{
    (void)now;
    struct client *self = context;
    vel_loop_stop(self->idle->node.loop);
}

static double ask(const struct vel_bench_node *node)
{
    vel_bench_tell(node, 0);
    return vel_bench_hear(node);
}

static void on_close_time(void *context, vel_time now)
{
    struct client *self = context;
    ask(&self->idle->node); /* it has seen those before, however slow the machine is */
    for (int i = 0; i < TOGETHER && self->open != NULL; i++) {
        struct visitor *visitor = self->open;
        self->open = visitor->next;
        vel_conn_close(visitor->conn, VEL_H3_NO_ERROR, "");
    }
    if (self->open != NULL)
        vel_timer_set(self->close_timer, now + CLOSE_EACH);
    vel_runtime_wake(self->idle->node.runtime);
}

/* What the server holds of a connection that is idle, and what of one that is closed. */
static void run_client(struct idle *idle, struct bench *open, struct bench *closed)
{
    struct vel_bench_node *node = &idle->node;
    struct client self = {.idle = idle};
    struct vel_runtime_hooks hooks = {.events = on_client_events, .self = &self};
    vel_bench_node_open(node, false, (size_t)1 << 20, &hooks);
    BENCH_OK(vel_timer_new(node->loop, on_settled, &self, &self.timer));
    BENCH_OK(vel_timer_new(node->loop, on_close_time, &self, &self.close_timer));
    self.remote = node->link->local;
    self.remote.port = (uint16_t)vel_bench_hear(node);
    double before = ask(node);
    for (uint64_t i = 0; i < VEL_MIN(idle->connections, (uint64_t)TOGETHER); i++)
        open_one(&self, vel_clock_now());
    vel_runtime_wake(node->runtime);
    vel_loop_run(node->loop);
    vel_bench_add(open, (ask(node) - before) / (double)idle->connections);

    self.closing = true;
    on_close_time(&self, vel_clock_now());
    vel_loop_run(node->loop);
    vel_bench_add(closed, (ask(node) - before) / (double)idle->connections);
    vel_timer_free(self.timer);
    vel_timer_free(self.close_timer);
    vel_bench_node_close(node);
}

/* ---- the page ---- */

static void write_page(char *root, char *page, size_t size)
{
    static const char text[PAGE] = "<!doctype html>";
    FILE *file = NULL;
    if (mkdtemp(root) != NULL) {
        snprintf(page, size, "%s/index.html", root);
        file = fopen(page, "w");
    }
    if (file == NULL || fwrite(text, sizeof text, 1, file) != 1 || fclose(file) != 0) {
        perror("bench_idle: a folder in /tmp");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    uint64_t connections = vel_bench_option(argc, argv, "connections", 10000);
    uint64_t settle = vel_bench_option(argc, argv, "settle", 3);
    uint64_t runs = 2 * VEL_MIN(vel_bench_option(argc, argv, "repeat", 1), (uint64_t)ROUNDS_MAX);
    const char *unit = "bytes of resident memory";
    struct bench web = {.key = "idle_connection_bytes", .unit = unit};
    struct bench closed = {.key = "idle_closed_bytes", .unit = unit};
    struct bench transport = {.key = "idle_transport_bytes", .unit = unit};
    struct bench ignored = {0};
    struct bench count = {.key = "idle_connections", .unit = "connections at the same time"};
    char root[] = "/tmp/velocity-bench-XXXXXX";
    char page[sizeof root + sizeof "/index.html"];
    struct vel_bench_party party;
    vel_bench_party_init(&party, VEL_PROFILE_BALANCED);
    party.server.limits.idle_timeout = 0;
    party.client.limits.idle_timeout = 0;
    write_page(root, page, sizeof page);
    struct idle idle[2 * ROUNDS_MAX];
    int child[2 * ROUNDS_MAX];
    for (uint64_t i = 0; i < runs; i++)
        idle[i] = (struct idle){.node = {.party = &party},
                                .root = i % 2 == 0 ? root : NULL,
                                .connections = i % 2 == 0 ? connections : connections / 5 + 1,
                                .settle = (vel_time)settle * SECOND};
    vel_bench_add(&count, (double)connections);
    /* Every server starts before any client does, so that it begins with a fresh heap; each holds
     * the control sockets of those before it, so they end from the last to the first. */
    for (uint64_t i = 0; i < runs; i++)
        vel_bench_fork(&idle[i].node, run_server, &child[i]);
    for (uint64_t i = runs; i-- > 0;) {
        bool http = idle[i].root != NULL;
        run_client(&idle[i], http ? &web : &transport, http ? &closed : &ignored);
        vel_bench_join(&idle[i].node, child[i]);
    }
    unlink(page);
    rmdir(root);
    vel_bench_print(&web);
    vel_bench_print(&closed);
    vel_bench_print(&transport);
    vel_bench_print(&count);
    vel_bench_party_clear(&party);
    return 0;
}
