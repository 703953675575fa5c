/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "cli/bench_client.h"
#include "velocity/system.h"

enum {
    PAGE = 1024,        /* bytes that answer a request */
    TOGETHER = 16,      /* requests, or handshakes, under way at a time */
    FIRST_BYTES = MIB,  /* of the first transfer, which finds out how fast it goes */
    GROWTH = 8,         /* from one such transfer to the next */
    BYTES_MAX = 1 << 30 /* of one round */
};

/* What the network and the connection need to come to rest before memory is counted. */
#define SETTLE (1500 * MS)

/* ---- a round ---- */

struct clock {
    vel_time began;
    double client, server;
};

static struct clock start_clock(const struct vel_bench_client *self)
{
    struct clock clock = {.server = vel_bench_ask(self->node, BENCH_ASK_CPU),
                          .client = vel_bench_cpu()};
    clock.began = vel_clock_now();
    return clock;
}

/* Since then. */
struct spent {
    double seconds, client, server;
};

static struct spent read_clock(const struct vel_bench_client *self, const struct clock *clock)
{
    struct spent spent = {.seconds = (double)(vel_clock_now() - clock->began) / (double)SECOND};
    spent.client = vel_bench_cpu() - clock->client;
    spent.server = vel_bench_ask(self->node, BENCH_ASK_CPU) - clock->server;
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

static void begin_round(struct vel_bench_client *self)
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

static struct spent move(struct vel_bench_client *self, const struct transfer *transfer,
                         uint64_t bytes)
{
    begin_round(self);
    uint64_t part = VEL_MAX(bytes / transfer->streams, 1u);
    self->up = transfer->up ? part : 0;
    self->size = transfer->up || transfer->datagrams ? 0 : part;
    struct clock clock = start_clock(self);
    for (uint64_t i = 0; i < transfer->streams; i++)
        vel_bench_client_ask(self, transfer->datagrams ? part / BENCH_DATAGRAM + 1 : 0);
    vel_bench_client_run(self);
    return read_clock(self, &clock);
}

/* The first transfers grow until one takes a good part of the time; they warm everything up, too. */
static uint64_t fitting(struct vel_bench_client *self, const struct transfer *transfer)
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

static void measure_transfer(struct vel_bench_client *self, struct vel_bench_row *row,
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

static void download(struct vel_bench_client *self, struct vel_bench_row *row)
{
    measure_transfer(self, row, &(struct transfer){.streams = 1});
}

static void upload(struct vel_bench_client *self, struct vel_bench_row *row)
{
    measure_transfer(self, row, &(struct transfer){.streams = 1, .up = true});
}

static void streams(struct vel_bench_client *self, struct vel_bench_row *row)
{
    measure_transfer(self, row, &(struct transfer){.streams = (uint64_t)self->settings->streams});
}

static void datagrams(struct vel_bench_client *self, struct vel_bench_row *row)
{
    measure_transfer(self, row, &(struct transfer){.streams = 1, .datagrams = true});
}

static void ask_for_pages(struct vel_bench_client *self, struct vel_bench_row *row,
                          unsigned together)
{
    for (int64_t i = 0; i < self->settings->rounds; i++) {
        begin_round(self);
        self->size = PAGE;
        struct clock clock = start_clock(self);
        self->until = clock.began + self->settings->time;
        for (unsigned j = 0; j < together; j++)
            vel_bench_client_ask(self, 0);
        vel_bench_client_run(self);
        struct spent spent = read_clock(self, &clock);
        double count = (double)self->answered;
        double value = together == 1 ? spent.seconds / count * 1e6 : count / spent.seconds;
        add_round(row, &spent, value, count * 1e-6);
    }
}

static void requests(struct vel_bench_client *self, struct vel_bench_row *row)
{
    row->value.unit = "1/s";
    row->client.unit = row->server.unit = "CPU us each";
    ask_for_pages(self, row, TOGETHER);
}

static void latency(struct vel_bench_client *self, struct vel_bench_row *row)
{
    row->value.unit = "us each";
    row->client.unit = row->server.unit = "CPU us each";
    ask_for_pages(self, row, 1);
}

static void handshakes(struct vel_bench_client *self, struct vel_bench_row *row)
{
    row->value.unit = "1/s";
    row->client.unit = row->server.unit = "CPU us each";
    self->connecting = true;
    for (int64_t i = 0; i < self->settings->rounds; i++) {
        begin_round(self);
        struct clock clock = start_clock(self);
        self->until = clock.began + self->settings->time;
        for (unsigned j = 0; j < TOGETHER; j++)
            (void)vel_bench_client_connect(self);
        vel_bench_client_run(self);
        struct spent spent = read_clock(self, &clock);
        add_round(row, &spent, (double)self->connected / spent.seconds,
                  (double)VEL_MAX(self->connected, 1u) * 1e-6);
    }
    self->connecting = false;
}

static void rest(const struct vel_bench_client *self)
{
    vel_timer_set(self->timer, vel_clock_now() + SETTLE);
    vel_bench_client_run(self);
}

/* One sample: what is given back later depends on what the process did before. */
static void idle(struct vel_bench_client *self, struct vel_bench_row *row)
{
    row->value.unit = "bytes of the server";
    begin_round(self);
    self->idle = true;
    self->wanted = (uint64_t)self->settings->connections;
    rest(self);
    double before = vel_bench_ask(self->node, BENCH_ASK_MEMORY);
    for (uint64_t i = 0; i < VEL_MIN(self->wanted, (uint64_t)TOGETHER); i++)
        (void)vel_bench_client_connect(self);
    vel_bench_client_run(self);
    rest(self);
    vel_bench_add(&row->value,
                  (vel_bench_ask(self->node, BENCH_ASK_MEMORY) - before) / (double)self->wanted);
}

/* Idle connections are measured last, as they stay. */
static const struct {
    const char *name, *title;
    void (*measure)(struct vel_bench_client *self, struct vel_bench_row *row);
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

size_t vel_bench_tests(struct vel_bench_node *node, const struct vel_bench_settings *settings,
                       const struct vel_addr *remote, const bool wanted[BENCH_TESTS],
                       struct vel_bench_row rows[BENCH_TESTS])
{
    struct vel_bench_client self = {.node = node, .settings = settings, .remote = *remote};
    size_t count = 0, done = 0;
    for (size_t i = 0; i < BENCH_TESTS; i++)
        count += wanted[i];
    vel_bench_client_open(&self);
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
