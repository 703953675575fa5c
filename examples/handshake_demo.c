/* SPDX-License-Identifier: MIT */
/*
 * Velocity/1 in one process: two endpoints, a pair of memory links between them, a certificate made
 * on the spot. Shows a full handshake, one HTTP exchange, and how peers that speak something else
 * are refused. Only public headers are used, so this is also a sandbox: change a limit, a profile,
 * or lose trains in the link (velocity/memory.h), and see what happens.
 *
 * Time is not read from a clock: it moves by HOP whenever trains have crossed the link, or to the
 * next deadline when nothing moves. So a run is over at once, whatever it waits for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "velocity/endpoint.h"
#include "velocity/http.h"
#include "velocity/memory.h"
#include "velocity/system.h"

#define NAME "demo.example"
#define HOP (10 * INT64_C(1000000)) /* 10 ms in each direction */

enum { TURNS_MAX = 10000, DATAGRAM = 1200 };

/* One side: an endpoint and its end of the link. */
struct side {
    const char *name;
    struct vel_endpoint *endpoint;
    struct vel_link *link;
    struct vel_http_events http;
    struct demo *demo;
    bool closed; /* its connection */
};

struct demo {
    struct vel_env env;
    struct vel_crypto *crypto;
    struct vel_trust *trust;
    struct vel_identity *identity;
    struct vel_config client_config, server_config;
    struct side client, server;
    vel_time now;
    bool exchange_over;
};

static void must(enum vel_err err, const char *what)
{
    if (err == VEL_OK)
        return;
    fprintf(stderr, "handshake_demo: %s: %s\n", what, vel_err_text(err));
    exit(1);
}

/* ---- moving trains ---- */

static void print_close(const struct side *side, const struct vel_close *close)
{
    static const char *const origins[] = {[VEL_CLOSE_LOCAL] = "this side",
                                          [VEL_CLOSE_PEER] = "the peer",
                                          [VEL_CLOSE_IDLE] = "silence",
                                          [VEL_CLOSE_TIMEOUT] = "time-out",
                                          [VEL_CLOSE_VERSION] = "its version"};
    printf("   %s: closed by %s, %s code 0x%" PRIx64 ", reason \"%s\"\n", side->name,
           origins[close->origin], close->application ? "application" : "transport", close->code,
           close->reason);
}

static void show_facts(const struct vel_conn *conn)
{
    const struct vel_handshake_facts *facts = vel_conn_facts(conn);
    struct vel_conn_stats stats;
    vel_conn_get_stats(conn, &stats);
    printf("   version       0x%08" PRIx32 ", ALPN %.*s\n", facts->version, (int)facts->alpn_len,
           (const char *)facts->alpn);
    printf("   profile       %s: %s, %s\n", vel_profile_name(facts->profile), facts->group,
           facts->suite);
    printf("   signatures    %s and %s, both %s\n", facts->classical, facts->post_quantum,
           facts->peer_authenticated ? "verified" : "NOT verified");
    printf("   certificate   %.1f kB\n", (double)facts->peer_chain_bytes / 1000);
    printf("   it took       %" PRIu64 " datagrams there, %" PRIu64 " back, %u round trip%s\n",
           stats.handshake_datagrams_sent, stats.handshake_datagrams_received,
           stats.handshake_round_trips, stats.handshake_round_trips == 1 ? "" : "s");
}

static void ask(struct vel_http *http)
{
    const struct vel_request request = {.method = vel_slice_text("GET"),
                                        .scheme = vel_slice_text("https"),
                                        .authority = vel_slice_text(NAME),
                                        .path = vel_slice_text("/hello")};
    struct vel_exchange *exchange = NULL;
    must(vel_http_request(http, &request, NULL, NULL, &exchange), "request");
}

static void on_connected(struct side *side, struct vel_conn *conn)
{
    struct vel_http *http = NULL;
    must(vel_http_new(&side->demo->env, conn, &side->http, &http), "HTTP session");
    vel_conn_set_user(conn, http);
    if (!vel_conn_is_client(conn))
        return;
    show_facts(conn);
    puts("2. One HTTP exchange");
    ask(http);
}

static void on_closed(struct side *side, struct vel_conn *conn)
{
    print_close(side, vel_conn_close_reason(conn));
    vel_http_free(vel_conn_user(conn));
    vel_conn_set_user(conn, NULL);
    side->closed = true;
}

/* Events of a connection go to its HTTP session, which lives from CONNECTED to CLOSED. */
static void take_events(struct side *side, struct vel_conn *conn)
{
    struct vel_event event;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED)
            on_connected(side, conn);
        else if (vel_conn_user(conn) != NULL)
            vel_http_event(vel_conn_user(conn), &event);
        if (event.type == VEL_EVENT_CLOSED)
            on_closed(side, conn);
    }
    if (vel_conn_user(conn) != NULL)
        vel_http_send(vel_conn_user(conn));
}

/* What the application of an endpoint does, as velocity/endpoint.h says. True: trains moved. */
static bool turn(struct side *side, vel_time now)
{
    static uint8_t space[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = space, .capacity = sizeof space};
    struct vel_conn *conn;
    bool moved = false;
    while (vel_link_receive(side->link, &train) == VEL_OK) {
        vel_endpoint_receive(side->endpoint, &train, now);
        moved = true;
    }
    if (vel_endpoint_deadline(side->endpoint) <= now)
        vel_endpoint_expire(side->endpoint, now);
    while ((conn = vel_endpoint_next(side->endpoint)) != NULL)
        take_events(side, conn);
    while (vel_endpoint_send(side->endpoint, &train, now) == VEL_OK) {
        must(vel_link_send(side->link, &train), "link");
        moved = true;
    }
    return moved;
}

/* Let both sides work until `*done`, or until nothing will happen any more. */
static void run(struct demo *demo, const bool *done)
{
    for (unsigned turns = 0; turns < TURNS_MAX && !*done; turns++) {
        bool moved = turn(&demo->client, demo->now);
        demo->now += HOP;
        moved |= turn(&demo->server, demo->now);
        demo->now += HOP;
        vel_time next = vel_endpoint_deadline(demo->client.endpoint);
        vel_time other = vel_endpoint_deadline(demo->server.endpoint);
        next = other < next ? other : next;
        if (!moved && next == VEL_NEVER)
            return;
        if (!moved && next > demo->now)
            demo->now = next;
    }
}

/* ---- the server's answer ---- */

static const char greeting[] = "Hello over a hybrid handshake.\n";

static void nothing_to_release(void *context, struct vel_slice bytes)
{
    (void)context;
    (void)bytes;
}

static vel_result pull_greeting(void *self, size_t want, struct vel_body_piece *piece)
{
    (void)self;
    (void)want;
    *piece = (struct vel_body_piece){.bytes = vel_slice(greeting, sizeof greeting - 1),
                                     .last = true,
                                     .release = nothing_to_release};
    return VEL_OK;
}

static void answer(void *self, struct vel_exchange *exchange)
{
    (void)self;
    const struct vel_request *request = vel_exchange_request(exchange);
    printf("   server: %.*s %.*s\n", (int)request->method.len, (const char *)request->method.ptr,
           (int)request->path.len, (const char *)request->path.ptr);
    struct vel_field type = {vel_slice_text("content-type"), vel_slice_text("text/plain")};
    struct vel_response response = {.status = 200, .fields = {&type, 1}};
    struct vel_body_source body = {.pull = pull_greeting};
    must(vel_exchange_respond(exchange, &response, &body), "response");
}

/* ---- the client's side of the exchange ---- */

static void show_head(void *self, struct vel_exchange *exchange)
{
    (void)self;
    printf("   client: status %u\n", vel_exchange_response(exchange)->status);
}

static void show_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    (void)self;
    (void)exchange;
    printf("   client: %.*s", (int)bytes.len, (const char *)bytes.ptr);
}

static void note_closed(void *self, struct vel_exchange *exchange,
                        const struct vel_exchange_end *end)
{
    struct side *side = self;
    (void)exchange;
    printf("   client: %s, %" PRIu64 " bytes of body\n", end->complete ? "complete" : "failed",
           end->body_received);
    side->demo->exchange_over = true;
}

/* ---- the parts of the demonstration ---- */

static void prepare(struct demo *demo)
{
    static const struct vel_slice alpn = {(const uint8_t *)"velocity/1", 10};
    demo->env = vel_env_system();
    must(vel_crypto_new(&demo->env, &demo->crypto), "libcrypto");
    must(vel_trust_new(&demo->env, demo->crypto, &demo->trust), "trust store");
    must(vel_identity_self_signed(&demo->env, demo->crypto, NAME, VEL_PROFILE_BALANCED,
                                  vel_clock_unix() - 60, demo->trust, &demo->identity),
         "certificate");

    struct vel_config config = vel_config_default(demo->crypto);
    config.alpn = &alpn;
    config.alpn_count = 1;
    config.unix_offset = vel_clock_unix(); /* our time starts at 0 */
    demo->client_config = config;
    demo->client_config.trust = demo->trust;
    demo->client_config.server_name = NAME;
    demo->server_config = config;
    demo->server_config.identity = demo->identity;

    struct vel_link *ends[2];
    must(vel_memory_link_new(&demo->env, NULL, ends), "link");
    demo->client =
        (struct side){.name = "client",
                      .link = ends[0],
                      .http = {.head = show_head, .body = show_body, .closed = note_closed},
                      .demo = demo};
    demo->server =
        (struct side){.name = "server", .link = ends[1], .http = {.head = answer}, .demo = demo};
    demo->client.http.self = &demo->client;
    struct vel_endpoint_setup setup = {.env = &demo->env};
    must(vel_endpoint_new(&setup, &demo->client.endpoint), "client endpoint");
    setup.server = &demo->server_config;
    must(vel_endpoint_new(&setup, &demo->server.endpoint), "server endpoint");
}

static struct vel_conn *connect_with(struct demo *demo, const struct vel_config *config)
{
    struct vel_conn *conn = NULL;
    demo->client.closed = demo->server.closed = false;
    must(vel_endpoint_connect(demo->client.endpoint, config, &demo->client.link->local,
                              &demo->server.link->local, demo->now, &conn),
         "connect");
    return conn;
}

static void show_handshake_and_exchange(struct demo *demo)
{
    puts("1. A full handshake");
    struct vel_conn *conn = connect_with(demo, &demo->client_config);
    run(demo, &demo->exchange_over);
    vel_conn_close(conn, VEL_H3_NO_ERROR, "that was all");
    run(demo, &demo->server.closed);
}

/* A client of the right version that wants to speak something else inside. */
static void show_unknown_protocol(struct demo *demo)
{
    static const struct vel_slice alpn = {(const uint8_t *)"gopher/9", 8};
    struct vel_config config = demo->client_config;
    config.alpn = &alpn;
    puts("3. A client that offers only the application protocol \"gopher/9\"");
    (void)connect_with(demo, &config);
    run(demo, &demo->client.closed);
}

/* A long header as RFC 8999 has it for all versions: flags, version, both connection ids. */
static const uint8_t unknown_hello[] = "\xc0\x1a\x2a\x3a\x4a"
                                       "\x08"
                                       "destinat"
                                       "\x08"
                                       "sourceid";

/* Version Negotiation, RFC 8999 section 6: version 0, the ids swapped, then what is spoken. */
static void print_versions(const uint8_t *bytes, size_t len)
{
    static const uint8_t start[] = "\x00\x00\x00\x00"
                                   "\x08"
                                   "sourceid"
                                   "\x08"
                                   "destinat";
    size_t at = sizeof start; /* its NUL stands for the flags */
    if (len < at || memcmp(bytes + 1, start, sizeof start - 1) != 0)
        must(VEL_ERR_UNEXPECTED, "Version Negotiation");
    for (; at + 4 <= len; at += 4) {
        uint32_t version = (uint32_t)bytes[at] << 24 | (uint32_t)bytes[at + 1] << 16 |
                           (uint32_t)bytes[at + 2] << 8 | bytes[at + 3];
        if ((version & 0x0f0f0f0f) != 0x0a0a0a0a) /* else reserved, to be ignored */
            printf("   server: not that; I speak 0x%08" PRIx32 "\n", version);
    }
}

/* Something that is not our client at all: a datagram written by hand. */
static void show_unknown_version(struct demo *demo)
{
    static uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_train train = {.remote = demo->server.link->local,
                              .bytes = bytes,
                              .len = DATAGRAM,
                              .segment = DATAGRAM,
                              .capacity = sizeof bytes};
    puts("4. A datagram of version 0x1a2a3a4a, written by hand");
    memset(bytes, 0, DATAGRAM);
    memcpy(bytes, unknown_hello, sizeof unknown_hello);
    must(vel_link_send(demo->client.link, &train), "link");
    turn(&demo->server, demo->now);
    must(vel_link_receive(demo->client.link, &train), "Version Negotiation");
    print_versions(train.bytes, train.len);
}

static void tidy(struct demo *demo)
{
    vel_endpoint_free(demo->client.endpoint);
    vel_endpoint_free(demo->server.endpoint);
    vel_link_free(demo->client.link);
    vel_link_free(demo->server.link);
    vel_identity_free(demo->identity);
    vel_trust_free(demo->trust);
    vel_crypto_free(demo->crypto);
}

int main(void)
{
    static struct demo demo;
    prepare(&demo);
    show_handshake_and_exchange(&demo);
    show_unknown_protocol(&demo);
    show_unknown_version(&demo);
    tidy(&demo);
    return 0;
}
