/* SPDX-License-Identifier: MIT */
/*
 * bench_transfer [--mib N] [--repeat N]: one stream from a server process to a client process over
 * loopback UDP, each pinned to a core. Prints the goodput, and the CPU seconds that a gigabyte
 * costs on each side, the kernel's part included. The server sends from memory that it lends
 * (vel_stream_write_borrowed); the client looks at the bytes and drops them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "measure.h"
#include "node.h"
#include "velocity/system.h"

enum { BLOCK = 64 * 1024, REQUEST = 8 };

/* ---- server: a request is 8 bytes, how many to send ---- */

struct server {
    struct bench_node *node;
    uint64_t stream;
    uint64_t left;
    struct vel_watch *watch;
};

static const uint8_t block[BLOCK];

static void released(void *context, struct vel_slice bytes)
{
    (void)context, (void)bytes;
}

static void serve_more(struct server *self, struct vel_conn *conn)
{
    while (self->left > 0) {
        size_t size = (size_t)VEL_MIN(self->left, (uint64_t)BLOCK);
        enum vel_err err = vel_stream_write_borrowed(conn, self->stream, vel_slice(block, size),
                                                     size == self->left, released, NULL);
        if (err == VEL_ERR_AGAIN)
            return;
        BENCH_OK(err);
        self->left -= size;
    }
}

static void read_request(struct server *self, struct vel_conn *conn, uint64_t stream)
{
    struct vel_slice bytes;
    bool fin = false;
    if (vel_stream_read(conn, stream, &bytes, &fin) != VEL_OK || bytes.len < REQUEST)
        return;
    self->stream = stream;
    memcpy(&self->left, bytes.ptr, REQUEST);
    BENCH_OK(vel_stream_consume(conn, stream, bytes.len));
    serve_more(self, conn);
}

static void on_server_events(void *context, struct vel_conn *conn, vel_time now)
{
    (void)now;
    struct server *self = context;
    struct vel_event event;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_STREAM_READABLE)
            read_request(self, conn, event.stream);
        else if (event.type == VEL_EVENT_STREAM_WRITABLE && event.stream == self->stream)
            serve_more(self, conn);
    }
}

/* The client asks for our CPU seconds; no more questions means the end. */
static void on_control(void *context, unsigned ready)
{
    (void)ready;
    struct server *self = context;
    double ignored;
    if (read(self->node->control, &ignored, sizeof ignored) == (ssize_t)sizeof ignored)
        bench_tell(self->node, bench_cpu());
    else
        vel_loop_stop(self->node->loop);
}

static void run_server(struct bench_node *node)
{
    struct server self = {.node = node};
    struct vel_runtime_hooks hooks = {.events = on_server_events, .self = &self};
    bench_node_open(node, true, 16, &hooks);
    BENCH_OK(vel_watch_new(node->loop, node->control, on_control, &self, &self.watch));
    vel_watch_set(self.watch, VEL_WATCH_READ);
    bench_tell(node, node->link->local.port);
    vel_loop_run(node->loop);
    vel_watch_free(self.watch);
    bench_node_close(node);
}

/* ---- client ---- */

struct client {
    struct bench_node *node;
    uint64_t size;
    uint64_t rounds_left;
    uint64_t stream, received;
    vel_time started;
    double cpu, server_cpu;
    struct bench goodput, client_cost, server_cost;
};

static double server_cpu(const struct client *self)
{
    bench_tell(self->node, 0);
    return bench_hear(self->node);
}

static void ask(struct client *self, struct vel_conn *conn)
{
    size_t accepted = 0;
    self->received = 0;
    self->server_cpu = server_cpu(self);
    self->cpu = bench_cpu();
    self->started = vel_clock_now();
    BENCH_OK(vel_stream_open(conn, true, &self->stream));
    BENCH_OK(
        vel_stream_write(conn, self->stream, vel_slice(&self->size, REQUEST), true, &accepted));
}

static void on_finished(struct client *self, struct vel_conn *conn)
{
    double seconds = (double)(vel_clock_now() - self->started) * 1e-9;
    double cpu = bench_cpu() - self->cpu;
    double gigabytes = (double)self->received * 1e-9;
    bench_add(&self->goodput, gigabytes * 8 / seconds);
    bench_add(&self->client_cost, cpu / gigabytes);
    bench_add(&self->server_cost, (server_cpu(self) - self->server_cpu) / gigabytes);
    if (--self->rounds_left > 0)
        ask(self, conn);
    else
        vel_loop_stop(self->node->loop);
}

static void drain(struct client *self, struct vel_conn *conn)
{
    struct vel_slice bytes;
    bool fin = false;
    do {
        BENCH_OK(vel_stream_read(conn, self->stream, &bytes, &fin));
        self->received += bytes.len;
        BENCH_OK(vel_stream_consume(conn, self->stream, bytes.len));
    } while (bytes.len > 0 && !fin);
    if (fin && self->received == self->size)
        on_finished(self, conn);
}

static void on_client_events(void *context, struct vel_conn *conn, vel_time now)
{
    (void)now;
    struct client *self = context;
    struct vel_event event;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED) {
            ask(self, conn);
        } else if (event.type == VEL_EVENT_STREAM_READABLE && event.stream == self->stream) {
            drain(self, conn);
        } else if (event.type == VEL_EVENT_CLOSED) {
            fprintf(stderr, "bench_transfer: %s\n", vel_conn_close_reason(conn)->reason);
            exit(1);
        }
    }
}

static void run_client(struct bench_node *node, uint64_t size, uint64_t rounds)
{
    struct client self = {
        .node = node,
        .size = size,
        .rounds_left = rounds,
        .goodput = {.key = "goodput_gbit_s", .unit = "Gbit/s of stream data"},
        .client_cost = {.key = "receive_cpu_s_per_gb", .unit = "CPU seconds per GB"},
        .server_cost = {.key = "send_cpu_s_per_gb", .unit = "CPU seconds per GB"},
    };
    struct vel_runtime_hooks hooks = {.events = on_client_events, .self = &self};
    bench_node_open(node, false, 16, &hooks);
    struct vel_addr remote = node->link->local;
    remote.port = (uint16_t)bench_hear(node);
    struct vel_conn *conn = NULL;
    BENCH_OK(vel_endpoint_connect(node->endpoint, &node->party->client, &node->link->local, &remote,
                                  vel_clock_now(), &conn));
    vel_runtime_wake(node->runtime);
    vel_loop_run(node->loop);
    bench_print(&self.goodput);
    bench_print(&self.server_cost);
    bench_print(&self.client_cost);
    bench_node_close(node);
}

int main(int argc, char **argv)
{
    uint64_t size = bench_option(argc, argv, "mib", 512) * MIB;
    uint64_t rounds = bench_option(argc, argv, "repeat", 5);
    struct bench_party party;
    bench_party_init(&party, VEL_PROFILE_BALANCED);
    struct bench_node node = {.party = &party};
    int child = 0;
    bench_fork(&node, run_server, &child);
    run_client(&node, size, rounds);
    bench_join(&node, child);
    bench_party_clear(&party);
    return 0;
}
