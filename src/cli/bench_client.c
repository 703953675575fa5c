/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/bench.h"
#include "velocity/system.h"

enum {
    BLOCK = 64 * KIB,
    PAGE = 1024,        /* bytes that answer a request */
    TOGETHER = 16,      /* requests, or handshakes, under way at a time */
    FIRST_BYTES = MIB,  /* of the first transfer, which finds out how fast it goes */
    GROWTH = 8,         /* from one such transfer to the next */
    BYTES_MAX = 1 << 30 /* of one round */
};

/* What the network and the connection need to come to rest before memory is counted. */
#define SETTLE (1500 * MS)

struct client {
    struct vel_bench_node *node;
    const struct vel_bench_settings *settings;
    struct vel_addr remote;
    struct vel_timer *timer;
    struct vel_conn *conn; /* of all tests but those that open their own */
    bool ready;            /* it is connected */
    /* Of the round that runs: */
    uint64_t size, up;           /* bytes that each stream asks for, and brings */
    uint64_t up_left, up_stream; /* of the one that brings something */
    uint64_t streams_left;       /* not answered yet */
    uint64_t answered;
    uint64_t received, datagrams;
    vel_time until;        /* requests, handshakes: none after that; 0: no such round */
    bool connecting, idle; /* a round of handshakes; their connections stay open */
    uint64_t started, connected, closed, wanted;
};

static const uint8_t block[BLOCK];

static void released(void *context, struct vel_slice bytes)
{
    (void)context;
    (void)bytes;
}

static void run(const struct client *self)
{
    vel_runtime_wake(self->node->runtime);
    vel_loop_run(self->node->loop);
}

static void stop(const struct client *self)
{
    vel_loop_stop(self->node->loop);
}

static double ask_server(const struct client *self, enum vel_bench_question question)
{
    vel_bench_tell(self->node, question);
    return vel_bench_hear(self->node);
}

/* ---- streams ---- */

static void bring(struct client *self, struct vel_conn *conn)
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

static void ask(struct client *self, uint64_t datagrams)
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

static void on_answered(struct client *self)
{
    self->answered++;
    self->streams_left--;
    if (vel_clock_now() < self->until)
        ask(self, 0);
    else if (self->streams_left == 0)
        stop(self);
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
    if (fin)
        on_answered(self);
}

static void take_datagrams(struct client *self, struct vel_conn *conn)
{
    struct vel_slice bytes;
    while (vel_conn_receive_datagram(conn, &bytes) == VEL_OK) {
        self->datagrams++;
        self->received += bytes.len;
    }
}

/* ---- connections ---- */

static struct vel_conn *connect_one(struct client *self)
{
    struct vel_bench_node *node = self->node;
    struct vel_conn *conn = NULL;
    BENCH_OK(vel_endpoint_connect(node->endpoint, &node->party->client, &node->link->local,
                                  &self->remote, vel_clock_now(), &conn));
    self->started++;
    return conn;
}

/* Another one, as long as there is time, or some are wanting. */
static void connect_next(struct client *self)
{
    bool more = self->idle ? self->started < self->wanted : vel_clock_now() < self->until;
    if (more)
        (void)connect_one(self);
    else if (self->idle ? self->connected == self->wanted : self->closed == self->started)
        stop(self);
}

static void on_connected(struct client *self, struct vel_conn *conn)
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

static void on_closed(struct client *self, const struct vel_conn *conn)
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
    struct client *self = context;
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

/* ---- a round ---- */

struct clock {
    vel_time began;
    double client, server;
};

static struct clock start_clock(const struct client *self)
{
    struct clock clock = {.server = ask_server(self, BENCH_ASK_CPU), .client = vel_bench_cpu()};
    clock.began = vel_clock_now();
    return clock;
}

/* Since then. */
struct spent {
    double seconds, client, server;
};

static struct spent read_clock(const struct client *self, const struct clock *clock)
{
    struct spent spent = {.seconds = (double)(vel_clock_now() - clock->began) / (double)SECOND};
    spent.client = vel_bench_cpu() - clock->client;
    spent.server = ask_server(self, BENCH_ASK_CPU) - clock->server;
    return spent;
}

/* `amount`: what the cost of `unit` of it is wanted of. */
static void add_round(struct vel_bench_row *row, const struct spent *spent, double value,
                      double amount)
{
    vel_bench_add(&row->value, value);
    vel_bench_add(&row->client, spent->client / amount);
    vel_bench_add(&row->server, spent->server / amount);
}

static void begin_round(struct client *self)
{
    self->streams_left = self->answered = self->received = self->datagrams = 0;
    self->started = self->connected = self->closed = 0;
    self->size = self->up = 0;
    self->until = 0;
}

/* ---- the tests ---- */

/* Move `bytes` in all, up or down, or as datagrams. */
struct transfer {
    uint64_t streams;
    bool up, datagrams;
};

static struct spent move(struct client *self, const struct transfer *transfer, uint64_t bytes)
{
    begin_round(self);
    uint64_t part = VEL_MAX(bytes / transfer->streams, 1u);
    self->up = transfer->up ? part : 0;
    self->size = transfer->up || transfer->datagrams ? 0 : part;
    struct clock clock = start_clock(self);
    for (uint64_t i = 0; i < transfer->streams; i++)
        ask(self, transfer->datagrams ? part / BENCH_DATAGRAM + 1 : 0);
    run(self);
    return read_clock(self, &clock);
}

/* The first transfers grow until one takes a good part of the time; they warm everything up, too. */
static uint64_t fitting(struct client *self, const struct transfer *transfer)
{
    double wanted = (double)self->settings->time / (double)SECOND;
    uint64_t bytes = FIRST_BYTES;
    double seconds = move(self, transfer, bytes).seconds;
    while (seconds < wanted / GROWTH && bytes < BYTES_MAX / GROWTH) {
        bytes *= GROWTH;
        seconds = move(self, transfer, bytes).seconds;
    }
    double fits = (double)bytes * wanted / VEL_MAX(seconds, 1e-6);
    return (uint64_t)VEL_MIN(VEL_MAX(fits, (double)64 * KIB), (double)BYTES_MAX);
}

static void measure_transfer(struct client *self, struct vel_bench_row *row,
                             const struct transfer *transfer)
{
    uint64_t bytes = fitting(self, transfer);
    row->value.unit = "Gbit/s";
    row->client.unit = row->server.unit = "CPU s/GB";
    for (int64_t i = 0; i < self->settings->rounds; i++) {
        struct spent spent = move(self, transfer, bytes);
        double gigabytes = (double)(transfer->up ? bytes : self->received) * 1e-9;
        add_round(row, &spent, gigabytes * 8 / spent.seconds, VEL_MAX(gigabytes, 1e-9));
        if (transfer->datagrams)
            vel_bench_add(&row->arrived,
                          (double)self->datagrams / (double)(bytes / BENCH_DATAGRAM + 1));
    }
}

static void download(struct client *self, struct vel_bench_row *row)
{
    measure_transfer(self, row, &(struct transfer){.streams = 1});
}

static void upload(struct client *self, struct vel_bench_row *row)
{
    measure_transfer(self, row, &(struct transfer){.streams = 1, .up = true});
}

static void streams(struct client *self, struct vel_bench_row *row)
{
    measure_transfer(self, row, &(struct transfer){.streams = (uint64_t)self->settings->streams});
}

static void datagrams(struct client *self, struct vel_bench_row *row)
{
    measure_transfer(self, row, &(struct transfer){.streams = 1, .datagrams = true});
}

static void ask_for_pages(struct client *self, struct vel_bench_row *row, unsigned together)
{
    for (int64_t i = 0; i < self->settings->rounds; i++) {
        begin_round(self);
        self->size = PAGE;
        struct clock clock = start_clock(self);
        self->until = clock.began + self->settings->time;
        for (unsigned j = 0; j < together; j++)
            ask(self, 0);
        run(self);
        struct spent spent = read_clock(self, &clock);
        double count = (double)self->answered;
        double value = together == 1 ? spent.seconds / count * 1e6 : count / spent.seconds;
        add_round(row, &spent, value, count * 1e-6);
    }
}

static void requests(struct client *self, struct vel_bench_row *row)
{
    row->value.unit = "1/s";
    row->client.unit = row->server.unit = "CPU us each";
    ask_for_pages(self, row, TOGETHER);
}

static void latency(struct client *self, struct vel_bench_row *row)
{
    row->value.unit = "us each";
    row->client.unit = row->server.unit = "CPU us each";
    ask_for_pages(self, row, 1);
}

static void handshakes(struct client *self, struct vel_bench_row *row)
{
    row->value.unit = "1/s";
    row->client.unit = row->server.unit = "CPU us each";
    self->connecting = true;
    for (int64_t i = 0; i < self->settings->rounds; i++) {
        begin_round(self);
        struct clock clock = start_clock(self);
        self->until = clock.began + self->settings->time;
        for (unsigned j = 0; j < TOGETHER; j++)
            (void)connect_one(self);
        run(self);
        struct spent spent = read_clock(self, &clock);
        add_round(row, &spent, (double)self->connected / spent.seconds,
                  (double)VEL_MAX(self->connected, 1u) * 1e-6);
    }
    self->connecting = false;
}

static void rest(const struct client *self)
{
    vel_timer_set(self->timer, vel_clock_now() + SETTLE);
    run(self);
}

/* One sample: what is given back later depends on what the process did before. */
static void idle(struct client *self, struct vel_bench_row *row)
{
    row->value.unit = "bytes of the server";
    begin_round(self);
    self->idle = true;
    self->wanted = (uint64_t)self->settings->connections;
    rest(self);
    double before = ask_server(self, BENCH_ASK_MEMORY);
    for (uint64_t i = 0; i < VEL_MIN(self->wanted, (uint64_t)TOGETHER); i++)
        (void)connect_one(self);
    run(self);
    rest(self);
    vel_bench_add(&row->value,
                  (ask_server(self, BENCH_ASK_MEMORY) - before) / (double)self->wanted);
}

/* Idle connections are measured last, as they stay. */
static const struct {
    const char *name, *title;
    void (*measure)(struct client *self, struct vel_bench_row *row);
} tests[BENCH_TESTS] = {
    {"download", "one stream, to the client", download},
    {"upload", "one stream, to the server", upload},
    {"streams", "many streams, to the client", streams},
    {"datagrams", "datagrams, to the client", datagrams},
    {"requests", "requests of 1 kB, 16 at a time", requests},
    {"latency", "requests of 1 kB, one at a time", latency},
    {"handshakes", "new connections, 16 at a time", handshakes},
    {"idle", "memory of an idle connection", idle},
};

const char *vel_bench_test_name(size_t index)
{
    return index < VEL_COUNT(tests) ? tests[index].name : NULL;
}

/* ---- the whole ---- */

static void open_client(struct client *self)
{
    const struct vel_runtime_hooks hooks = {.events = on_events, .self = self};
    vel_bench_node_open(self->node, false, (size_t)1 << 20, &hooks);
    BENCH_OK(vel_timer_new(self->node->loop, on_time, self, &self->timer));
    self->conn = connect_one(self);
    run(self);
}

size_t vel_bench_client(struct vel_bench_node *node, const struct vel_bench_settings *settings,
                        const struct vel_addr *remote, const bool wanted[BENCH_TESTS],
                        struct vel_bench_row rows[BENCH_TESTS])
{
    struct client self = {.node = node, .settings = settings, .remote = *remote};
    size_t count = 0, done = 0;
    for (size_t i = 0; i < BENCH_TESTS; i++)
        count += wanted[i];
    open_client(&self);
    for (size_t i = 0; i < BENCH_TESTS; i++) {
        if (!wanted[i])
            continue;
        vel_bench_show_progress(tests[i].title, done, count);
        rows[done] = (struct vel_bench_row){.name = tests[i].name, .title = tests[i].title};
        tests[i].measure(&self, &rows[done++]);
    }
    vel_bench_show_progress(NULL, done, count);
    vel_timer_free(self.timer);
    vel_bench_node_close(node);
    return done;
}
