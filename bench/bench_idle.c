/* SPDX-License-Identifier: MIT */
/*
 * bench_idle [--connections N] [--settle SECONDS] [--repeat N]: resident memory that an idle
 * connection costs the server. A client process opens N connections over loopback, both sides are
 * left alone until they have given back what they can, then the server reads its own anonymous
 * memory. One sample a repetition, each with a new server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "measure.h"
#include "node.h"
#include "velocity/system.h"

enum { TOGETHER = 32 /* handshakes under way at a time */ };

/* RssAnon + RssShmem of this process, bytes. */
static double resident(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t total = 0;
    uint64_t kib;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1 ||
            sscanf(line, "RssShmem: %" SCNu64, &kib) == 1)
            total += kib * KIB;
    }
    if (file != NULL)
        fclose(file);
    return (double)total;
}

/* ---- server ---- */

static void on_server_events(void *context, struct vel_conn *conn, vel_time now)
{
    (void)context, (void)now;
    struct vel_event event;
    while (vel_conn_next_event(conn, &event))
        continue;
}

/* The client asks what we hold; no more questions means the end. */
static void on_control(void *context, unsigned ready)
{
    (void)ready;
    struct bench_node *node = context;
    double ignored;
    if (read(node->control, &ignored, sizeof ignored) == (ssize_t)sizeof ignored)
        bench_tell(node, resident());
    else
        vel_loop_stop(node->loop);
}

static void run_server(struct bench_node *node)
{
    struct vel_runtime_hooks hooks = {.events = on_server_events, .self = node};
    struct vel_watch *watch = NULL;
    bench_node_open(node, true, (size_t)1 << 20, &hooks);
    BENCH_OK(vel_watch_new(node->loop, node->control, on_control, node, &watch));
    vel_watch_set(watch, VEL_WATCH_READ);
    bench_tell(node, node->link->local.port);
    vel_loop_run(node->loop);
    vel_watch_free(watch);
    bench_node_close(node);
}

/* ---- client ---- */

struct client {
    struct bench_node *node;
    struct vel_addr remote;
    uint64_t wanted, started, connected;
    vel_time settle;
    struct vel_timer *timer;
};

static void open_one(struct client *self, vel_time now)
{
    struct vel_conn *conn = NULL;
    BENCH_OK(vel_endpoint_connect(self->node->endpoint, &self->node->party->client,
                                  &self->node->link->local, &self->remote, now, &conn));
    self->started++;
}

static void on_client_events(void *context, struct vel_conn *conn, vel_time now)
{
    struct client *self = context;
    struct vel_event event;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CLOSED) {
            fprintf(stderr, "bench_idle: after %" PRIu64 " connections: %s\n", self->connected,
                    vel_conn_close_reason(conn)->reason);
            exit(1);
        }
        if (event.type != VEL_EVENT_CONNECTED)
            continue;
        if (++self->connected == self->wanted)
            vel_timer_set(self->timer, now + self->settle);
        else if (self->started < self->wanted)
            open_one(self, now);
    }
}

static void on_settled(void *context, vel_time now)
{
    (void)now;
    struct client *self = context;
    vel_loop_stop(self->node->loop);
}

static double ask(const struct bench_node *node)
{
    bench_tell(node, 0);
    return bench_hear(node);
}

static double run_client(struct bench_node *node, uint64_t connections, vel_time settle)
{
    struct client self = {.node = node, .wanted = connections, .settle = settle};
    struct vel_runtime_hooks hooks = {.events = on_client_events, .self = &self};
    bench_node_open(node, false, (size_t)1 << 20, &hooks);
    BENCH_OK(vel_timer_new(node->loop, on_settled, &self, &self.timer));
    self.remote = node->link->local;
    self.remote.port = (uint16_t)bench_hear(node);
    double before = ask(node);
    for (uint64_t i = 0; i < VEL_MIN(connections, (uint64_t)TOGETHER); i++)
        open_one(&self, vel_clock_now());
    vel_runtime_wake(node->runtime);
    vel_loop_run(node->loop);
    double after = ask(node);
    vel_timer_free(self.timer);
    bench_node_close(node);
    return (after - before) / (double)connections;
}

int main(int argc, char **argv)
{
    uint64_t connections = bench_option(argc, argv, "connections", 10000);
    uint64_t settle = bench_option(argc, argv, "settle", 3);
    uint64_t rounds = bench_option(argc, argv, "repeat", 1);
    struct bench idle = {.key = "idle_connection_bytes", .unit = "bytes of resident memory"};
    struct bench count = {.key = "idle_connections", .unit = "connections at the same time"};
    struct bench_party party;
    bench_party_init(&party, VEL_PROFILE_BALANCED);
    party.server.limits.idle_timeout = 0;
    party.client.limits.idle_timeout = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        struct bench_node node = {.party = &party};
        int child = 0;
        bench_fork(&node, run_server, &child);
        bench_add(&idle, run_client(&node, connections, (vel_time)settle * SECOND));
        bench_add(&count, (double)connections);
        bench_join(&node, child);
    }
    bench_print(&idle);
    bench_print(&count);
    bench_party_clear(&party);
    return 0;
}
