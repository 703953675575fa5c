/* SPDX-License-Identifier: MIT */
#include "cli/bench_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "velocity/system.h"

enum { BLOCK = 64 * KIB };

static const uint8_t block[BLOCK];

static void released(void *context, struct vel_slice bytes)
{
    (void)context;
    (void)bytes;
}

void vel_bench_client_run(const struct vel_bench_client *self)
{
    vel_runtime_wake(self->node->runtime);
    vel_loop_run(self->node->loop);
}

static void stop(const struct vel_bench_client *self)
{
    vel_loop_stop(self->node->loop);
}

double vel_bench_client_ask_server(const struct vel_bench_client *self,
                                   enum vel_bench_question question)
{
    vel_bench_tell(self->node, question);
    return vel_bench_hear(self->node);
}

/* ---- streams ---- */

static void bring(struct vel_bench_client *self, struct vel_conn *conn)
{
    while (self->up_left > 0) {
        size_t size = (size_t)VEL_MIN(self->up_left, (uint64_t)BLOCK);
        enum vel_err err = vel_stream_write_borrowed(conn, self->up_stream, vel_slice(block, size),
                                                     size == self->up_left, released, NULL);
        if (err == VEL_ERR_AGAIN)
            return;
        BENCH_OK(err);
        self->up_left -= size;
    }
}

void vel_bench_client_ask(struct vel_bench_client *self, uint64_t datagrams)
{
    uint8_t header[BENCH_HEADER];
    size_t accepted = 0;
    uint64_t stream;
    memcpy(header, &self->size, sizeof self->size);
    memcpy(header + sizeof self->size, &datagrams, sizeof datagrams);
    BENCH_OK(vel_stream_open(self->conn, true, &stream));
    BENCH_OK(vel_stream_write(self->conn, stream, vel_slice(header, sizeof header), self->up == 0,
                              &accepted));
    self->streams_left++;
    if (self->up == 0)
        return;
    self->up_left = self->up;
    self->up_stream = stream;
    bring(self, self->conn);
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

static void drain(struct vel_bench_client *self, struct vel_conn *conn, uint64_t stream)
{
    struct vel_slice bytes;
    bool fin = false;
    do {
        BENCH_OK(vel_stream_read(conn, stream, &bytes, &fin));
        self->received += bytes.len;
        BENCH_OK(vel_stream_consume(conn, stream, bytes.len));
    } while (bytes.len > 0 && !fin);
    if (fin)
        on_answered(self);
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
            drain(self, conn, event.stream);
        } else if (event.type == VEL_EVENT_STREAM_WRITABLE) {
            bring(self, conn);
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
    vel_bench_node_open(self->node, false, (size_t)1 << 20, &hooks);
    BENCH_OK(vel_timer_new(self->node->loop, on_time, self, &self->timer));
    self->conn = vel_bench_client_connect(self);
    vel_bench_client_run(self);
}
