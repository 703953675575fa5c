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
#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "cli/bench_measure.h"
#include "page.h"
#include "velocity/tls.h"
#include "visitors.h"

enum { TENTHS = 10 };

/* Closing takes three probe time-outs, giving memory back a second. */
#define SETTLE (3 * SECOND)

/* Known to both processes. */
struct accept {
    struct vel_bench_node node; /* first: run_server gets this */
    struct page page;
    uint64_t connections, together;
};

static void run_server(struct vel_bench_node *node)
{
    page_serve(node, &((const struct accept *)node)->page);
}

/* A line now, since the whole takes minutes. */
static void report(const char *what, uint64_t after, double bytes)
{
    char key[64];
    snprintf(key, sizeof key, "accept_%s_bytes_%" PRIu64, what, after);
    struct bench bench = {.key = key, .unit = "bytes"};
    vel_bench_add(&bench, bytes);
    vel_bench_print(&bench);
}

/* The next tenth of the connections; the server's heap after it. */
static double run_tenth(struct visitors *visitors, uint64_t tenth)
{
    visitors_come(visitors, tenth);
    double heap = vel_bench_ask(visitors->node, BENCH_ASK_HEAP);
    report("heap", visitors->gone, heap);
    report("resident", visitors->gone, vel_bench_ask(visitors->node, BENCH_ASK_MEMORY));
    return heap;
}

static void run_client(struct accept *accept)
{
    struct visitors visitors = {
        .node = &accept->node, .together = accept->together, .ask = true, .settle = SETTLE};
    uint64_t tenth = VEL_MAX(accept->connections / TENTHS, UINT64_C(1));
    visitors_open(&visitors);
    report("heap", 0, vel_bench_ask(visitors.node, BENCH_ASK_HEAP));
    double first = run_tenth(&visitors, tenth), last = first;
    for (int i = 1; i < TENTHS; i++)
        last = run_tenth(&visitors, tenth);
    struct bench leaked = {.key = "accept_leaked_bytes", .unit = "bytes a connection"};
    vel_bench_add(&leaked, (last - first) / (double)(visitors.gone - tenth));
    vel_bench_print(&leaked);
    visitors_close(&visitors);
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
    struct vel_bench_party party;
    struct vel_tls *server = NULL, *client = NULL;
    int child;
    struct accept accept = {.node = {.party = &party},
                            .connections = vel_bench_option(argc, argv, "connections", 100000),
                            .together = vel_bench_option(argc, argv, "together", 32)};
    vel_bench_party_init(&party, VEL_PROFILE_BALANCED);
    if (vel_bench_option(argc, argv, "quic", 0) != 0)
        speak_quic(&party, &server, &client);
    page_write(&accept.page);
    vel_bench_fork(&accept.node, run_server, &child);
    run_client(&accept);
    vel_bench_join(&accept.node, child);
    page_remove(&accept.page);
    vel_bench_party_clear(&party);
    vel_tls_free(server);
    vel_tls_free(client);
    return 0;
}
