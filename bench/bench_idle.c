/* SPDX-License-Identifier: MIT */
/*
 * bench_idle [--connections N] [--settle SECONDS] [--repeat N]: resident memory that an idle
 * connection costs the server. A client process opens N connections over loopback, both sides are
 * left alone until they have given back what they can, then the server reads its own anonymous
 * memory. One sample a repetition, each with a new server.
 *
 *   idle_connection_bytes  of the web server: HTTP/3, after one GET of a small file
 *   idle_transport_bytes   of an endpoint without HTTP on it, over a fifth of the connections
 *   idle_closed_bytes      what the web server still holds of each when all of them were closed
 */
#include "base/units.h"
#include "cli/bench_measure.h"
#include "page.h"
#include "visitors.h"

enum {
    TOGETHER = 32 /* handshakes under way at a time, and connections closed in one go */,
    ROUNDS_MAX = 8
};

/* One run, known to both processes. */
struct idle {
    struct vel_bench_node node; /* first: run_server gets this */
    const struct page *page;    /* that is served over HTTP; NULL: the transport alone */
    uint64_t connections;
    vel_time settle;
};

/* ---- server ---- */

static void drop_events(void *context, struct vel_conn *conn, vel_time now)
{
    struct vel_event event;
    (void)context, (void)now;
    while (vel_conn_next_event(conn, &event))
        continue;
}

static void run_server(struct vel_bench_node *node)
{
    const struct idle *idle = (const struct idle *)node;
    const struct vel_runtime_hooks hooks = {.events = drop_events};
    if (idle->page != NULL) {
        page_serve(node, idle->page);
        return;
    }
    vel_bench_node_open(node, true, BENCH_CONNECTIONS_MAX, &hooks);
    vel_bench_node_serve(node);
    vel_bench_node_close(node);
}

/* ---- client ---- */

/* What the server holds of a connection that is idle, and what of one that is closed. */
static void run_client(struct idle *idle, struct bench *open, struct bench *closed)
{
    struct visitors visitors = {.node = &idle->node,
                                .together = TOGETHER,
                                .ask = idle->page != NULL,
                                .stay = true,
                                .settle = idle->settle};
    visitors_open(&visitors);
    double before = vel_bench_ask(visitors.node, BENCH_ASK_MEMORY);
    double count = (double)idle->connections;
    visitors_come(&visitors, idle->connections);
    vel_bench_add(open, (vel_bench_ask(visitors.node, BENCH_ASK_MEMORY) - before) / count);
    visitors_leave(&visitors);
    vel_bench_add(closed, (vel_bench_ask(visitors.node, BENCH_ASK_MEMORY) - before) / count);
    visitors_close(&visitors);
}

int main(int argc, char **argv)
{
    uint64_t connections = vel_bench_option(argc, argv, "connections", 10000);
    uint64_t settle = vel_bench_option(argc, argv, "settle", 3);
    uint64_t runs = 2 * VEL_MIN(vel_bench_option(argc, argv, "repeat", 1), (uint64_t)ROUNDS_MAX);
    const char *unit = "bytes of resident memory";
    struct bench web = {.key = "idle_connection_bytes", .unit = unit};
    struct bench closed = {.key = "idle_closed_bytes", .unit = unit};
    struct bench transport = {.key = "idle_transport_bytes", .unit = unit};
    struct bench ignored = {0};
    struct bench count = {.key = "idle_connections", .unit = "connections at the same time"};
    struct page page;
    struct vel_bench_party party;
    vel_bench_party_init(&party, VEL_PROFILE_BALANCED);
    party.server.limits.idle_timeout = 0;
    party.client.limits.idle_timeout = 0;
    page_write(&page);
    struct idle idle[2 * ROUNDS_MAX];
    int child[2 * ROUNDS_MAX];
    for (uint64_t i = 0; i < runs; i++)
        idle[i] = (struct idle){.node = {.party = &party},
                                .page = i % 2 == 0 ? &page : NULL,
                                .connections = i % 2 == 0 ? connections : connections / 5 + 1,
                                .settle = (vel_time)settle * SECOND};
    vel_bench_add(&count, (double)connections);
    /* Every server starts before any client does, so that it begins with a fresh heap; each holds
     * the control sockets of those before it, so they end from the last to the first. */
    for (uint64_t i = 0; i < runs; i++)
        vel_bench_fork(&idle[i].node, run_server, &child[i]);
    for (uint64_t i = runs; i-- > 0;) {
        bool http = idle[i].page != NULL;
        run_client(&idle[i], http ? &web : &transport, http ? &closed : &ignored);
        vel_bench_join(&idle[i].node, child[i]);
    }
    page_remove(&page);
    vel_bench_print(&web);
    vel_bench_print(&closed);
    vel_bench_print(&transport);
    vel_bench_print(&count);
    vel_bench_party_clear(&party);
    return 0;
}
