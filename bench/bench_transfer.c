/* SPDX-License-Identifier: MIT */
/*
 * bench_transfer [--mib N] [--repeat N] [--streams N] [--connections N]: bulk data from a server
 * process to a client process over loopback UDP, each pinned to a core: N MiB in all, in equal
 * parts, on so many streams of so many connections at once (1 of 1). Prints the goodput, and the
 * CPU seconds that a gigabyte costs on each side, the kernel's part included. The server sends from
 * memory that it lends (vel_stream_write_borrowed); the client looks at the bytes and drops them. One
 * socket of the client stands for those of many, and its buffer is as large as theirs: 64 KiB a connection,
 * if the kernel grants that (it does to root; net.core.rmem_max bounds others).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "cli/bench.h"
#include "cli/bench_stream.h"
#include "velocity/system.h"
#include "velocity/udp.h"

enum {
    TOGETHER = 32,           /* handshakes under way at a time */
    BUFFERS_MAX = 16 * 1024, /* a gigabyte of them */
};
#define BUFFER (64 * KIB) /* of the socket that one connection would have */

/* What is moved in a round. */
struct load {
    uint64_t size; /* bytes of each stream */
    uint64_t streams, connections;
    uint64_t rounds;
};

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

static void ask(struct vel_conn *conn, const struct load *load)
{
    const struct vel_bench_request request = {.size = load->size};
    for (uint64_t i = 0; i < load->streams; i++)
        (void)vel_bench_stream_ask(conn, &request, true);
}

static void begin_round(struct client *self)
{
    const struct load *load = self->load;
    self->received = 0;
    self->streams_left = load->streams * load->connections;
    self->server_cpu = vel_bench_ask(self->node, BENCH_ASK_CPU);
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
    vel_bench_add(&self->server_cost,
                  (vel_bench_ask(self->node, BENCH_ASK_CPU) - self->server_cpu) / gigabytes);
    if (--self->rounds_left > 0)
        begin_round(self);
    else
        vel_loop_stop(self->node->loop);
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
            if (vel_bench_stream_drain(conn, event.stream, &self->received) &&
                --self->streams_left == 0)
                end_round(self);
        } else if (event.type == VEL_EVENT_CLOSED) {
            fprintf(stderr, "bench_transfer: %s\n", vel_conn_close_reason(conn)->reason);
            exit(1);
        }
    }
}

static void run_client(struct vel_bench_node *node, const struct load *load)
{
    struct client self = {
        .node = node,
        .load = load,
        .rounds_left = load->rounds,
        .conns = calloc(load->connections, sizeof *self.conns),
        .goodput = {.key = "goodput_gbit_s", .unit = "Gbit/s of stream data"},
        .client_cost = {.key = "receive_cpu_s_per_gb", .unit = "CPU seconds per GB"},
        .server_cost = {.key = "send_cpu_s_per_gb", .unit = "CPU seconds per GB"},
    };
    struct vel_runtime_hooks hooks = {.events = on_client_events, .self = &self};
    BENCH_OK(self.conns != NULL ? VEL_OK : VEL_ERR_NOMEM);
    uint64_t buffers = VEL_MIN(load->connections, (uint64_t)BUFFERS_MAX) * BUFFER;
    node->socket_buffer = (size_t)VEL_MAX(buffers, (uint64_t)VEL_UDP_BUFFER);
    vel_bench_node_open(node, false, load->connections, &hooks);
    self.remote = vel_bench_hear_address(node);
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
    struct vel_bench_node node = {.party = &party};
    int child = 0;
    vel_bench_fork(&node, vel_bench_server, &child);
    run_client(&node, &load);
    vel_bench_join(&node, child);
    vel_bench_party_clear(&party);
    return 0;
}
