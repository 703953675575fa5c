/* SPDX-License-Identifier: MIT */
#include "cli/bench_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/bench_stream.h"
#include "velocity/system.h"

void vel_bench_client_run(const struct vel_bench_client *self)
{
    vel_runtime_wake(self->node->runtime);
    vel_loop_run(self->node->loop);
}

static void stop(const struct vel_bench_client *self)
{
    vel_loop_stop(self->node->loop);
}

/* ---- streams ---- */

void vel_bench_client_ask(struct vel_bench_client *self, uint64_t datagrams)
{
    const struct vel_bench_request request = {.size = self->size, .datagrams = datagrams};
    uint64_t stream = vel_bench_stream_ask(self->conn, &request, self->up == 0);
    self->streams_left++;
    if (self->up == 0)
        return;
    self->up_left = self->up;
    self->up_stream = stream;
    vel_bench_stream_fill(self->conn, stream, &self->up_left);
}

static void on_answered(struct vel_bench_client *self)
{
    self->answered++;
    self->streams_left--;
    if (vel_clock_now() < self->until)
        vel_bench_client_ask(self, 0);
    else if (self->streams_left == 0)
        stop(self);
}

static void take_datagrams(struct vel_bench_client *self, struct vel_conn *conn)
{
    struct vel_slice bytes;
    while (vel_conn_receive_datagram(conn, &bytes) == VEL_OK) {
        self->datagrams++;
        self->received += bytes.len;
    }
}

/* ---- connections ---- */

struct vel_conn *vel_bench_client_connect(struct vel_bench_client *self)
{
    struct vel_bench_node *node = self->node;
    struct vel_conn *conn = NULL;
    BENCH_OK(vel_endpoint_connect(node->endpoint, &node->party->client, &node->link->local,
                                  &self->remote, vel_clock_now(), &conn));
    self->started++;
    return conn;
}

/* Another one, as long as there is time, or some are wanting. */
static void connect_next(struct vel_bench_client *self)
{
    bool more = self->idle ? self->started < self->wanted : vel_clock_now() < self->until;
    if (more)
        (void)vel_bench_client_connect(self);
    else if (self->idle ? self->connected == self->wanted : self->closed == self->started)
        stop(self);
}

static void on_connected(struct vel_bench_client *self, struct vel_conn *conn)
{
    if (conn == self->conn) {
        self->ready = true;
        stop(self);
        return;
    }
    self->connected++;
    if (self->idle)
        connect_next(self);
    else
        vel_conn_close(conn, 0, "");
}

static void on_closed(struct vel_bench_client *self, const struct vel_conn *conn)
{
    if (conn != self->conn && self->connecting) {
        self->closed++;
        connect_next(self);
        return;
    }
    fprintf(stderr, "velocity bench: the connection ended: %s\n",
            vel_conn_close_reason(conn)->reason);
    exit(VEL_STATUS_FAILED);
}

static void on_events(void *context, struct vel_conn *conn, vel_time now)
{
    struct vel_bench_client *self = context;
    struct vel_event event;
    (void)now;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED) {
            on_connected(self, conn);
        } else if (event.type == VEL_EVENT_STREAM_READABLE) {
            if (vel_bench_stream_drain(conn, event.stream, &self->received))
                on_answered(self);
        } else if (event.type == VEL_EVENT_STREAM_WRITABLE) {
            vel_bench_stream_fill(conn, self->up_stream, &self->up_left);
        } else if (event.type == VEL_EVENT_DATAGRAM) {
            take_datagrams(self, conn);
        } else if (event.type == VEL_EVENT_CLOSED) {
            on_closed(self, conn);
            return;
        }
    }
}

static void on_time(void *context, vel_time now)
{
    (void)now;
    stop(context);
}

void vel_bench_client_open(struct vel_bench_client *self)
{
    const struct vel_runtime_hooks hooks = {.events = on_events, .self = self};
    vel_bench_node_open(self->node, false, BENCH_CONNECTIONS_MAX, &hooks);
    BENCH_OK(vel_timer_new(self->node->loop, on_time, self, &self->timer));
    self->conn = vel_bench_client_connect(self);
    vel_bench_client_run(self);
}
