/* SPDX-License-Identifier: MIT */
/*
 * bench_accept [--connections N] [--quic 0|1] [--together N]: what a server still holds of connections that
 * came and went. A client process opens N connections one after the other (32 at a time by default) over
 * loopback; each asks for a small file over HTTP/3 and closes. After each tenth both sides come to rest, and
 * the server tells what its heap has in use (mallinfo2) and how much memory of its own is resident. It is over
 * Velocity/1, or over QUIC v1 with TLS 1.3.
 *
 *   accept_heap_bytes_N     in use after N connections
 *   accept_resident_bytes_N resident after N connections
 *   accept_leaked_bytes     growth of the heap from the first tenth to the end, for each connection between
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/bench_measure.h"
#include "cli/bench_node.h"
#include "velocity/http.h"
#include "velocity/system.h"
#include "velocity/tls.h"
#include "web/server.h"
#include "web/site.h"

enum { PAGE = 1024, TENTHS = 10 };

/* Closing takes three probe time-outs, giving memory back a second. */
#define SETTLE (3 * SECOND)

static void fail(const char *why)
{
    fprintf(stderr, "bench_accept: %s\n", why);
    exit(1);
}

/* Known to both processes. */
struct accept {
    struct vel_bench_node node; /* first: run_server gets this */
    const char *root;
    uint64_t connections, together;
};

/* ---- server ---- */

enum question { ASK_HEAP, ASK_RESIDENT };

static void on_server_events(void *context, struct vel_conn *conn, vel_time now)
{
    vel_web_server_events(context, conn, now);
}

static void on_server_flush(void *context, vel_time now)
{
    vel_web_server_flush(context, now);
}

static void on_control(void *context, unsigned ready)
{
    (void)ready;
    struct vel_bench_node *node = context;
    double question;
    if (read(node->control, &question, sizeof question) != (ssize_t)sizeof question)
        vel_loop_stop(node->loop);
    else
        vel_bench_tell(node,
                       question > ASK_HEAP ? vel_bench_resident() : (double)mallinfo2().uordblks);
}

static void run_server(struct vel_bench_node *node)
{
    const struct accept *accept = (const struct accept *)node;
    const struct vel_env *env = &node->party->env;
    struct vel_site *site = NULL;
    struct vel_web_server *web = NULL;
    struct vel_watch *watch = NULL;
    struct vel_site_setup site_setup = {.env = env, .root = accept->root};
    BENCH_OK(vel_site_new(&site_setup, &site));
    struct vel_web_server_setup setup = {
        .env = env, .site = site, .unix_offset = node->party->server.unix_offset};
    BENCH_OK(vel_web_server_new(&setup, &web));
    struct vel_runtime_hooks hooks = {
        .events = on_server_events, .flush = on_server_flush, .self = web};
    vel_bench_node_open(node, true, (size_t)1 << 20, &hooks);
    BENCH_OK(vel_watch_new(node->loop, node->control, on_control, node, &watch));
    vel_watch_set(watch, VEL_WATCH_READ);
    vel_bench_tell(node, node->link->local.port);
    vel_loop_run(node->loop);
    vel_watch_free(watch);
    vel_web_server_free(web);
    vel_bench_node_close(node);
    vel_site_free(site);
}

/* ---- client ---- */

struct client {
    struct accept *accept;
    struct vel_addr remote;
    uint64_t started, closed, goal; /* of this tenth and those before */
    struct vel_timer *timer;
};

/* One connection of the client. */
struct visitor {
    struct client *client;
    struct vel_http *http; /* NULL: not connected yet */
    bool answered;
};

static void open_one(struct client *self, vel_time now)
{
    const struct vel_bench_node *node = &self->accept->node;
    struct vel_conn *conn = NULL;
    struct visitor *visitor = vel_alloc(&node->party->env, sizeof *visitor);
    BENCH_OK(visitor != NULL ? VEL_OK : VEL_ERR_NOMEM);
    *visitor = (struct visitor){.client = self};
    BENCH_OK(vel_endpoint_connect(node->endpoint, &node->party->client, &node->link->local,
                                  &self->remote, now, &conn));
    vel_conn_set_user(conn, visitor);
    self->started++;
}

static void on_answered(void *context, struct vel_exchange *exchange,
                        const struct vel_exchange_end *end)
{
    struct visitor *visitor = context;
    if (!end->complete || vel_exchange_response(exchange)->status != 200 ||
        end->body_received != PAGE)
        fail("the page did not come");
    visitor->answered = true;
}

static void ask_for_page(struct visitor *visitor, struct vel_conn *conn)
{
    const struct vel_env *env = &visitor->client->accept->node.party->env;
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
    if (!visitor->answered)
        fail(vel_conn_close_reason(conn)->reason);
    vel_http_free(visitor->http);
    vel_release(&self->accept->node.party->env, visitor, sizeof *visitor);
    if (++self->closed == self->goal)
        vel_timer_set(self->timer, vel_clock_now() + SETTLE);
    else if (self->started < self->goal)
        open_one(self, vel_clock_now());
}

static void on_client_events(void *context, struct vel_conn *conn, vel_time now)
{
    (void)now;
    struct client *self = context;
    struct visitor *visitor = vel_conn_user(conn);
    struct vel_event event;
    bool was_answered = visitor->answered;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED)
            ask_for_page(visitor, conn);
        else if (visitor->http != NULL)
            vel_http_event(visitor->http, &event);
        if (event.type == VEL_EVENT_CLOSED) {
            on_closed(self, conn, visitor);
            return;
        }
    }
    if (visitor->http != NULL)
        vel_http_send(visitor->http);
    if (visitor->answered && !was_answered)
        vel_conn_close(conn, VEL_H3_NO_ERROR, "");
}

static void on_settled(void *context, vel_time now)
{
    (void)now;
    struct client *self = context;
    vel_loop_stop(self->accept->node.loop);
}

static double ask(const struct vel_bench_node *node, enum question question)
{
    vel_bench_tell(node, question);
    return vel_bench_hear(node);
}

/* A line now, since the whole takes minutes. */
static void report(const char *what, uint64_t after, double bytes)
{
    char key[64];
    snprintf(key, sizeof key, "accept_%s_bytes_%llu", what, (unsigned long long)after);
    struct bench bench = {.key = key, .unit = "bytes"};
    vel_bench_add(&bench, bytes);
    vel_bench_print(&bench);
    fflush(stdout);
}

/* The next tenth of the connections; the server's heap after it. */
static double run_tenth(struct client *self)
{
    struct vel_bench_node *node = &self->accept->node;
    uint64_t tenth = VEL_MAX(self->accept->connections / TENTHS, UINT64_C(1));
    self->goal += tenth;
    for (uint64_t i = 0; i < VEL_MIN(tenth, self->accept->together); i++)
        open_one(self, vel_clock_now());
    vel_runtime_wake(node->runtime);
    vel_loop_run(node->loop);
    double heap = ask(node, ASK_HEAP);
    report("heap", self->closed, heap);
    report("resident", self->closed, ask(node, ASK_RESIDENT));
    return heap;
}

static void run_client(struct accept *accept)
{
    struct vel_bench_node *node = &accept->node;
    struct client self = {.accept = accept};
    struct vel_runtime_hooks hooks = {.events = on_client_events, .self = &self};
    vel_bench_node_open(node, false, (size_t)1 << 20, &hooks);
    BENCH_OK(vel_timer_new(node->loop, on_settled, &self, &self.timer));
    self.remote = node->link->local;
    self.remote.port = (uint16_t)vel_bench_hear(node);
    report("heap", 0, ask(node, ASK_HEAP));
    double first = run_tenth(&self), last = first;
    uint64_t warm = self.closed;
    for (int i = 1; i < TENTHS; i++)
        last = run_tenth(&self);
    struct bench leaked = {.key = "accept_leaked_bytes", .unit = "bytes a connection"};
    vel_bench_add(&leaked, (last - first) / (double)(self.closed - warm));
    vel_bench_print(&leaked);
    vel_timer_free(self.timer);
    vel_bench_node_close(node);
}

/* ---- set-up ---- */

static void write_page(char *root, char *page, size_t size)
{
    static const char text[PAGE] = "<!doctype html>";
    FILE *file = NULL;
    if (mkdtemp(root) != NULL) {
        snprintf(page, size, "%s/index.html", root);
        file = fopen(page, "w");
    }
    if (file == NULL || fwrite(text, sizeof text, 1, file) != 1 || fclose(file) != 0) {
        perror("bench_accept: a folder in /tmp");
        exit(1);
    }
}

/* QUIC v1 alone, with TLS 1.3; the client does not check the name, as that is not what is measured. */
static void speak_quic(struct vel_bench_party *party, struct vel_tls **server,
                       struct vel_tls **client)
{
    const struct vel_identity *identity = party->identity;
    struct vel_tls_setup setup = {
        .env = &party->env, .crypto = party->crypto, .identities = &identity, .identity_count = 1};
    BENCH_OK(vel_tls_new(&setup, server));
    setup = (struct vel_tls_setup){
        .env = &party->env, .crypto = party->crypto, .is_client = true, .insecure = true};
    BENCH_OK(vel_tls_new(&setup, client));
    party->alpn = vel_slice_text("h3");
    party->server.tls = *server;
    party->client.tls = *client;
    party->client.insecure = true;
    party->server.versions = party->client.versions =
        (struct vel_version_list){.items = {VEL_VERSION_QUIC_V1}, .count = 1};
}

int main(int argc, char **argv)
{
    char root[] = "/tmp/velocity-bench-XXXXXX";
    char page[sizeof root + sizeof "/index.html"];
    struct vel_bench_party party;
    struct vel_tls *server = NULL, *client = NULL;
    int child;
    struct accept accept = {.node = {.party = &party},
                            .root = root,
                            .connections = vel_bench_option(argc, argv, "connections", 100000),
                            .together = vel_bench_option(argc, argv, "together", 32)};
    vel_bench_party_init(&party, VEL_PROFILE_BALANCED);
    if (vel_bench_option(argc, argv, "quic", 0) != 0)
        speak_quic(&party, &server, &client);
    write_page(root, page, sizeof page);
    vel_bench_fork(&accept.node, run_server, &child);
    run_client(&accept);
    vel_bench_join(&accept.node, child);
    unlink(page);
    rmdir(root);
    vel_bench_party_clear(&party);
    vel_tls_free(server);
    vel_tls_free(client);
    return 0;
}
