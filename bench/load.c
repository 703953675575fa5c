/* SPDX-License-Identifier: MIT */
/*
 * load --connect ADDRESS:PORT [--alpn velocity/1|h3] [--path PATH] [--connections N] [--streams N]
 *      [--requests N] [--together N] [--name HOST] [--body FILE] [--hold 1]
 *
 * The load generator: N connections, each with so many requests under way at a time, until all were
 * answered; each asks for its part of them, so that a server's workers get what their connections
 * ask and not what they have time for. Any server of HTTP over QUIC will do; trust and name are not
 * checked. So many handshakes are under way together. Says when all are connected, waits for a line on
 * stdin with --hold 1, then prints, one line per key (see cli/bench_measure.h): requests a second, the time of one
 * request, probe time-outs that fired (what was lost, or late), and requests that failed, which also make
 * the exit status 1. With --body each answer must be that file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/units.h"
#include "cli/bench_measure.h"
#include "cli/bench_spread.h"
#include "sys/address.h"
#include "sys/file.h"
#include "velocity/heap.h"
#include "velocity/http.h"
#include "velocity/runtime.h"
#include "velocity/system.h"
#include "velocity/tls.h"
#include "velocity/udp.h"

enum {
    TOGETHER = 32, /* handshakes under way at a time, unless told */
    BODY_MAX = 64 << 20
};

#define PATIENCE (60 * SECOND) /* many handshakes at once take their time on a busy machine */

struct load {
    struct vel_env env;
    struct vel_config config;
    struct vel_addr remote;
    struct vel_request request;
    struct vel_loop *loop;
    struct vel_link *link;
    struct vel_endpoint *endpoint;
    struct vel_runtime *runtime;
    struct visitor *visitors;
    uint64_t connections, streams, requests, together;
    struct vel_watch *word;      /* that is waited for; NULL: none */
    uint64_t started, connected; /* connections */
    uint64_t answered, failed;   /* requests */
    uint64_t pto_fired;
    uint64_t body_size;   /* of the first answer: all must be as long */
    struct vel_buf body;  /* what each answer must be; empty: not compared */
    vel_time first, last; /* first request, last answer */
    vel_time now;
    struct vel_bench_spread latency;
};

/* One connection. */
struct visitor {
    struct load *load;
    struct vel_conn *conn;
    struct vel_http *http;
    uint64_t left; /* requests to ask */
};

/* ---- requests ---- */

/* One that is under way. */
struct asked {
    vel_time start;
    uint64_t seen; /* bytes of the answer's body */
    bool wrong;    /* they are not those of load->body */
};

static void ask(struct visitor *visitor)
{
    struct load *load = visitor->load;
    struct vel_exchange *exchange = NULL;
    if (visitor->left == 0)
        return;
    struct asked *asked = vel_alloc(&load->env, sizeof *asked);
    BENCH_OK(asked != NULL ? VEL_OK : VEL_ERR_NOMEM);
    *asked = (struct asked){.start = load->now};
    if (vel_http_request(visitor->http, &load->request, NULL, asked, &exchange) == VEL_OK)
        visitor->left--;
    else
        vel_release(&load->env, asked, sizeof *asked);
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    struct visitor *visitor = self;
    const struct vel_buf *body = &visitor->load->body;
    struct asked *asked = vel_exchange_user(exchange);
    asked->wrong |= body->len > 0 && (bytes.len > body->len - VEL_MIN(asked->seen, body->len) ||
                                      memcmp(body->ptr + asked->seen, bytes.ptr, bytes.len) != 0);
    asked->seen += bytes.len;
}

static void on_answered(void *self, struct vel_exchange *exchange,
                        const struct vel_exchange_end *end)
{
    struct visitor *visitor = self;
    struct load *load = visitor->load;
    const struct vel_response *response = vel_exchange_response(exchange);
    struct asked *asked = vel_exchange_user(exchange);
    bool good = end->complete && response != NULL && response->status == 200 && !asked->wrong;
    if (good && load->answered == 0)
        load->body_size = load->body.len > 0 ? load->body.len : end->body_received;
    if (!good || end->body_received != load->body_size)
        load->failed++;
    load->answered++;
    vel_bench_spread_add(&load->latency, load->now - asked->start);
    vel_release(&load->env, asked, sizeof *asked);
    load->last = load->now;
    if (load->answered == load->requests)
        vel_loop_stop(load->loop);
    else
        ask(visitor);
}

/* As many as are wanted at a time and the server admits. */
static void ask_all(struct visitor *visitor)
{
    const struct load *load = visitor->load;
    uint64_t before;
    do {
        before = visitor->left;
        if (vel_http_active(visitor->http) < load->streams)
            ask(visitor);
    } while (visitor->left != before);
    vel_http_send(visitor->http);
}

/* ---- connections ---- */

static void open_one(struct load *load)
{
    uint64_t nth = load->started++;
    struct visitor *visitor = &load->visitors[nth];
    struct vel_conn *conn = NULL;
    visitor->load = load;
    visitor->left = load->requests / load->connections + (nth < load->requests % load->connections);
    BENCH_OK(vel_endpoint_connect(load->endpoint, &load->config, &load->link->local, &load->remote,
                                  vel_clock_now(), &conn));
    visitor->conn = conn;
    vel_conn_set_user(conn, visitor);
}

static void begin(struct load *load)
{
    load->first = load->now;
    for (uint64_t i = 0; i < load->connections; i++)
        ask_all(&load->visitors[i]);
}

static void on_word(void *self, unsigned ready)
{
    struct load *load = self;
    (void)ready;
    vel_watch_set(load->word, 0);
    load->now = vel_clock_now();
    begin(load);
    vel_runtime_wake(load->runtime);
}

/* Requests begin when every connection is there, so that handshakes are not in the figures. */
static void on_connected(struct load *load, struct visitor *visitor, struct vel_conn *conn)
{
    struct vel_http_events events = {.body = on_body, .closed = on_answered, .self = visitor};
    BENCH_OK(vel_http_new(&load->env, conn, &events, &visitor->http));
    load->connected++;
    if (load->started < load->connections)
        open_one(load);
    if (load->connected < load->connections)
        return;
    printf("load_connected\t%" PRIu64 "\n", load->connected);
    fflush(stdout);
    if (load->word != NULL)
        vel_watch_set(load->word, VEL_WATCH_READ);
    else
        begin(load);
}

static void on_events(void *self, struct vel_conn *conn, vel_time now)
{
    struct load *load = self;
    struct visitor *visitor = vel_conn_user(conn);
    struct vel_event event;
    load->now = now;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CLOSED) {
            fprintf(stderr, "load: a connection ended: %s\n", vel_conn_close_reason(conn)->reason);
            exit(1);
        }
        if (event.type == VEL_EVENT_CONNECTED)
            on_connected(load, visitor, conn);
        else
            vel_http_event(visitor->http, &event);
    }
    if (load->first != 0)
        ask_all(visitor);
    else if (visitor->http != NULL)
        vel_http_send(visitor->http);
}

static void set_up(struct load *load, bool hold)
{
    struct vel_udp_setup udp = {.remote = load->remote};
    struct vel_runtime_hooks hooks = {.events = on_events, .self = load};
    BENCH_OK(vel_loop_new(&load->env, &load->loop));
    BENCH_OK(vel_udp_link_new(&load->env, &udp, &load->link));
    struct vel_endpoint_setup endpoint = {.env = &load->env,
                                          .max_connections = (size_t)load->connections,
                                          .max_send_train = load->link->max_train};
    BENCH_OK(vel_endpoint_new(&endpoint, &load->endpoint));
    BENCH_OK(vel_runtime_new(&load->env, load->loop, load->link, load->endpoint, &hooks,
                             &load->runtime));
    if (hold)
        BENCH_OK(vel_watch_new(load->loop, STDIN_FILENO, on_word, load, &load->word));
    load->visitors = calloc((size_t)load->connections, sizeof *load->visitors);
    BENCH_OK(load->visitors != NULL ? VEL_OK : VEL_ERR_NOMEM);
}

static void run(struct load *load)
{
    for (uint64_t i = 0; i < VEL_MIN(load->connections, load->together); i++)
        open_one(load);
    vel_runtime_wake(load->runtime);
    vel_loop_run(load->loop);
    for (uint64_t i = 0; i < load->connections; i++) {
        struct vel_conn_stats stats;
        vel_conn_get_stats(load->visitors[i].conn, &stats);
        load->pto_fired += stats.pto_count;
    }
    vel_endpoint_close_all(load->endpoint, VEL_H3_NO_ERROR, "");
    vel_runtime_finish(load->runtime);
}

static void tear_down(struct load *load)
{
    for (uint64_t i = 0; i < load->connections; i++)
        vel_http_free(load->visitors[i].http);
    free(load->visitors);
    vel_watch_free(load->word);
    vel_runtime_free(load->runtime);
    vel_endpoint_free(load->endpoint);
    vel_link_free(load->link);
    vel_loop_free(load->loop);
}

static void report(const struct load *load)
{
    double seconds = (double)(load->last - load->first) / (double)SECOND;
    struct bench rate = {.key = "load_requests_per_second", .unit = "requests/s"};
    struct bench median = {.key = "load_latency_median_us", .unit = "us"};
    struct bench tail = {.key = "load_latency_p99_us", .unit = "us"};
    struct bench pto = {.key = "load_pto_fired", .unit = "probes"};
    struct bench failed = {.key = "load_failed", .unit = "requests"};
    vel_bench_add(&rate, (double)load->answered / seconds);
    vel_bench_add(&median, vel_bench_spread_at(&load->latency, 0.5));
    vel_bench_add(&tail, vel_bench_spread_at(&load->latency, 0.99));
    vel_bench_add(&pto, (double)load->pto_fired);
    vel_bench_add(&failed, (double)load->failed);
    vel_bench_print(&rate);
    vel_bench_print(&median);
    vel_bench_print(&tail);
    vel_bench_print(&pto);
    vel_bench_print(&failed);
}

/* ---- the command line ---- */

static const char *text_option(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0)
            return argv[i + 1];
    return fallback;
}

/* Any server will do: what it proves is not our business here. */
static void fill_config(struct load *load, struct vel_crypto *crypto, const struct vel_tls *tls,
                        const struct vel_slice *alpn, const char *name)
{
    load->config = vel_config_default(crypto);
    load->config.alpn = alpn;
    load->config.alpn_count = 1;
    load->config.server_name = name;
    load->config.insecure = true;
    load->config.unix_offset = vel_clock_unix_offset();
    load->config.limits.idle_timeout = 0;
    load->config.limits.handshake_timeout = PATIENCE;
    if (!vel_slice_equal(*alpn, vel_slice_text("h3")))
        return;
    load->config.tls = tls;
    load->config.versions = (struct vel_version_list){.items = {VEL_VERSION_QUIC_V1}, .count = 1};
}

int main(int argc, char **argv)
{
    static struct load load;
    struct vel_crypto *crypto = NULL;
    struct vel_tls *tls = NULL;
    struct vel_heap *heap = NULL;
    BENCH_OK(vel_heap_new(&heap));
    load.env = vel_heap_env(heap);
    load.connections = vel_bench_option(argc, argv, "connections", 100);
    load.streams = vel_bench_option(argc, argv, "streams", 10);
    load.requests = vel_bench_option(argc, argv, "requests", 100000);
    load.together = vel_bench_option(argc, argv, "together", TOGETHER);
    const char *name = text_option(argc, argv, "name", "localhost");
    struct vel_slice alpn = vel_slice_text(text_option(argc, argv, "alpn", "velocity/1"));
    if (vel_addr_parse(text_option(argc, argv, "connect", ""), &load.remote) != VEL_OK) {
        fprintf(stderr,
                "usage: load --connect ADDRESS:PORT [--alpn NAME] [--path PATH] "
                "[--connections N] [--streams N] [--requests N] [--together N] [--name HOST] "
                "[--body FILE] [--hold 1]\n");
        return 2;
    }
    BENCH_OK(vel_crypto_new(&load.env, &crypto));
    struct vel_tls_setup tls_setup = {
        .env = &load.env, .crypto = crypto, .is_client = true, .insecure = true};
    BENCH_OK(vel_tls_new(&tls_setup, &tls));
    fill_config(&load, crypto, tls, &alpn, name);
    load.request =
        (struct vel_request){.method = vel_slice_text("GET"),
                             .scheme = vel_slice_text("https"),
                             .authority = vel_slice_text(name),
                             .path = vel_slice_text(text_option(argc, argv, "path", "/"))};
    const char *body = text_option(argc, argv, "body", NULL);
    load.body = (struct vel_buf){.env = &load.env, .limit = BODY_MAX};
    if (body != NULL)
        BENCH_OK(vel_file_load(body, &load.body));
    set_up(&load, vel_bench_option(argc, argv, "hold", 0) != 0);
    run(&load);
    report(&load);
    tear_down(&load);
    vel_buf_free(&load.body);
    vel_tls_free(tls);
    vel_crypto_free(crypto);
    vel_heap_free(heap);
    return load.failed == 0 ? 0 : 1;
}
