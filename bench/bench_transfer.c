/* SPDX-License-Identifier: MIT */
/*
 * bench_transfer [--mib N] [--repeat N] [--streams N] [--connections N]: bulk data from a server
 * process to a client process over loopback UDP, each pinned to a core: N MiB in all, in equal
 * parts, on so many streams of so many connections at once (1 of 1). Prints the goodput, and the
 * CPU seconds that a gigabyte costs on each side, the kernel's part included. The server sends from
 * memory that it lends (vel_stream_write_borrowed); the client looks at the bytes and drops them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/bench_measure.h"
#include "cli/bench_node.h"
#include "velocity/system.h"

enum { BLOCK = 64 * 1024, REQUEST = 8, TOGETHER = 32 /* handshakes under way at a time */ };

/* What is moved in a round. */
struct load {
    uint64_t size; /* bytes of each stream */
    uint64_t streams, connections;
    uint64_t rounds;
};

/* One process. */
struct side {
    struct vel_bench_node node; /* first: run_server gets this */
    struct load load;
};

/* ---- server: a request is 8 bytes, how many to send ---- */

struct server {
    struct vel_bench_node *node;
    struct vel_watch *watch;
};

/* What a stream has still to send. */
struct answer {
    uint64_t left;
};

static const uint8_t block[BLOCK];

static void released(void *context, struct vel_slice bytes)
{
    (void)context, (void)bytes;
}

static void serve_more(struct vel_conn *conn, uint64_t stream)
{
    struct answer *answer = vel_stream_user(conn, stream);
    while (answer != NULL && answer->left > 0) {
        size_t size = (size_t)VEL_MIN(answer->left, (uint64_t)BLOCK);
        enum vel_err err = vel_stream_write_borrowed(conn, stream, vel_slice(block, size),
                                                     size == answer->left, released, NULL);
        if (err == VEL_ERR_AGAIN)
            return;
        BENCH_OK(err);
        answer->left -= size;
    }
}

static void read_request(struct vel_conn *conn, uint64_t stream)
{
    struct vel_slice bytes;
    bool fin = false;
    if (vel_stream_read(conn, stream, &bytes, &fin) != VEL_OK || bytes.len < REQUEST)
        return;
    struct answer *answer = calloc(1, sizeof *answer);
    BENCH_OK(answer != NULL ? VEL_OK : VEL_ERR_NOMEM);
    memcpy(&answer->left, bytes.ptr, REQUEST);
    vel_stream_set_user(conn, stream, answer);
    BENCH_OK(vel_stream_consume(conn, stream, bytes.len));
    serve_more(conn, stream);
}

static void on_server_events(void *context, struct vel_conn *conn, vel_time now)
{
    (void)context, (void)now;
    struct vel_event event;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_STREAM_READABLE)
            read_request(conn, event.stream);
        else if (event.type == VEL_EVENT_STREAM_WRITABLE)
            serve_more(conn, event.stream);
        else if (event.type == VEL_EVENT_STREAM_CLOSED)
            free(vel_stream_user(conn, event.stream));
    }
}

/* The client asks for our CPU seconds; no more questions means the end. */
static void on_control(void *context, unsigned ready)
{
    (void)ready;
    struct server *self = context;
    double ignored;
    if (read(self->node->control, &ignored, sizeof ignored) == (ssize_t)sizeof ignored)
        vel_bench_tell(self->node, vel_bench_cpu());
    else
        vel_loop_stop(self->node->loop);
}

static void run_server(struct vel_bench_node *node)
{
    const struct load *load = &((struct side *)(void *)node)->load;
    struct server self = {.node = node};
    struct vel_runtime_hooks hooks = {.events = on_server_events, .self = &self};
    vel_bench_node_open(node, true, load->connections + TOGETHER, &hooks);
    BENCH_OK(vel_watch_new(node->loop, node->control, on_control, &self, &self.watch));
    vel_watch_set(self.watch, VEL_WATCH_READ);
    vel_bench_tell(node, node->link->local.port);
    vel_loop_run(node->loop);
    vel_watch_free(self.watch);
    vel_bench_node_close(node);
}

/* ---- client ---- */

struct client {
    struct vel_bench_node *node;
    const struct load *load;
    struct vel_addr remote;
    struct vel_conn **conns;
    uint64_t started, connected; /* connections */
    uint64_t rounds_left, streams_left, received;
    vel_time began;
    double cpu, server_cpu;
    struct bench goodput, client_cost, server_cost;
};

static double server_cpu(const struct client *self)
{
    vel_bench_tell(self->node, 0);
    return vel_bench_hear(self->node);
}

static void ask(struct vel_conn *conn, const struct load *load)
{
    for (uint64_t i = 0; i < load->streams; i++) {
        uint64_t stream = 0;
        size_t accepted = 0;
        BENCH_OK(vel_stream_open(conn, true, &stream));
        BENCH_OK(vel_stream_write(conn, stream, vel_slice(&load->size, REQUEST), true, &accepted));
    }
}

static void begin_round(struct client *self)
{
    const struct load *load = self->load;
    self->received = 0;
    self->streams_left = load->streams * load->connections;
    self->server_cpu = server_cpu(self);
    self->cpu = vel_bench_cpu();
    self->began = vel_clock_now();
    for (uint64_t i = 0; i < load->connections; i++)
        ask(self->conns[i], load);
    vel_runtime_wake(self->node->runtime);
}

static void end_round(struct client *self)
{
    double seconds = (double)(vel_clock_now() - self->began) * 1e-9;
    double cpu = vel_bench_cpu() - self->cpu;
    double gigabytes = (double)self->received * 1e-9;
    vel_bench_add(&self->goodput, gigabytes * 8 / seconds);
    vel_bench_add(&self->client_cost, cpu / gigabytes);
    vel_bench_add(&self->server_cost, (server_cpu(self) - self->server_cpu) / gigabytes);
    if (--self->rounds_left > 0)
        begin_round(self);
    else
        vel_loop_stop(self->node->loop);
}

static void drain(struct client *self, struct vel_conn *conn, uint64_t stream)
{
    struct vel_slice bytes;
    bool fin = false;
    do {
        BENCH_OK(vel_stream_read(conn, stream, &bytes, &fin));
        self->received += bytes.len;
        BENCH_OK(vel_stream_consume(conn, stream, bytes.len));
    } while (bytes.len > 0 && !fin);
    if (fin && --self->streams_left == 0)
        end_round(self);
}

static void connect_more(struct client *self)
{
    struct vel_bench_node *node = self->node;
    while (self->started < self->load->connections && self->started - self->connected < TOGETHER) {
        BENCH_OK(vel_endpoint_connect(node->endpoint, &node->party->client, &node->link->local,
                                      &self->remote, vel_clock_now(),
                                      &self->conns[self->started++]));
    }
    vel_runtime_wake(node->runtime);
}

static void on_connected(struct client *self)
{
    if (++self->connected == self->load->connections)
        begin_round(self);
    else
        connect_more(self);
}

static void on_client_events(void *context, struct vel_conn *conn, vel_time now)
{
    (void)now;
    struct client *self = context;
    struct vel_event event;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED) {
            on_connected(self);
        } else if (event.type == VEL_EVENT_STREAM_READABLE) {
            drain(self, conn, event.stream);
        } else if (event.type == VEL_EVENT_CLOSED) {
            fprintf(stderr, "bench_transfer: %s\n", vel_conn_close_reason(conn)->reason);
            exit(1);
        }
    }
}

static void run_client(struct side *side)
{
    struct vel_bench_node *node = &side->node;
    struct client self = {
        .node = node,
        .load = &side->load,
        .rounds_left = side->load.rounds,
        .conns = calloc(side->load.connections, sizeof *self.conns),
        .goodput = {.key = "goodput_gbit_s", .unit = "Gbit/s of stream data"},
        .client_cost = {.key = "receive_cpu_s_per_gb", .unit = "CPU seconds per GB"},
        .server_cost = {.key = "send_cpu_s_per_gb", .unit = "CPU seconds per GB"},
    };
    struct vel_runtime_hooks hooks = {.events = on_client_events, .self = &self};
    BENCH_OK(self.conns != NULL ? VEL_OK : VEL_ERR_NOMEM);
    vel_bench_node_open(node, false, side->load.connections, &hooks);
    self.remote = node->link->local;
    self.remote.port = (uint16_t)vel_bench_hear(node);
    connect_more(&self);
    vel_loop_run(node->loop);
    vel_bench_print(&self.goodput);
    vel_bench_print(&self.server_cost);
    vel_bench_print(&self.client_cost);
    vel_bench_node_close(node);
    free(self.conns);
}

int main(int argc, char **argv)
{
    struct load load = {.streams = vel_bench_option(argc, argv, "streams", 1),
                        .connections = vel_bench_option(argc, argv, "connections", 1),
                        .rounds = vel_bench_option(argc, argv, "repeat", 5)};
    uint64_t total = vel_bench_option(argc, argv, "mib", 512) * MIB;
    load.size = total / VEL_MAX(load.streams * load.connections, 1u);
    if (load.size == 0 || load.rounds == 0 || load.streams * load.connections == 0) {
        fprintf(stderr, "bench_transfer: there is nothing to move\n");
        return 2;
    }
    struct vel_bench_party party;
    vel_bench_party_init(&party, VEL_PROFILE_BALANCED);
    party.server.limits.max_streams_bidi =
        VEL_MAX(party.server.limits.max_streams_bidi, load.streams);
    struct side side = {.node = {.party = &party}, .load = load};
    int child = 0;
    vel_bench_fork(&side.node, run_server, &child);
    run_client(&side);
    vel_bench_join(&side.node, child);
    vel_bench_party_clear(&party);
    return 0;
}
