/* SPDX-License-Identifier: MIT */
/*
 * bench_handshake [--count N] [--repeat N] [--together N] [--balanced 1]: full handshakes between two
 * endpoints in memory, one after the other or so many at a time, with a leaf under a CA; only of the
 * profile balanced, if you like. Each side's CPU time is counted for itself, so the
 * result is what one core of a server, or of a client, can do; packets, certificates, both
 * signatures and the end of the connection included, the kernel's part of the network not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "cli/bench_measure.h"
#include "cli/bench_party.h"
#include "velocity/endpoint.h"
#include "velocity/system.h"

enum { BACKLOG = 4 << 20, STEPS_MAX = 100 };

struct side {
    struct vel_endpoint *endpoint;
    struct vel_addr address;
    uint64_t connected; /* in this round */
    uint64_t closed;
    double cpu; /* seconds */
};

static uint8_t wire[VEL_TRAIN_MAX];

static void take_events(struct side *side)
{
    struct vel_conn *conn;
    struct vel_event event;
    while ((conn = vel_endpoint_next(side->endpoint)) != NULL) {
        while (vel_conn_next_event(conn, &event)) {
            if (event.type == VEL_EVENT_CONNECTED)
                side->connected++;
            side->closed += event.type == VEL_EVENT_CLOSED;
        }
    }
}

/* One train from one side to the other; false when it has none. */
static bool carry(struct side *from, struct side *to, vel_time now)
{
    struct vel_train train = {.bytes = wire, .capacity = sizeof wire};
    double start = vel_bench_cpu();
    enum vel_err err = vel_endpoint_send(from->endpoint, &train, now);
    double sent = vel_bench_cpu();
    from->cpu += sent - start;
    if (err != VEL_OK)
        return false;
    train.remote = from->address;
    train.local = to->address;
    sent = vel_bench_cpu();
    vel_endpoint_receive(to->endpoint, &train, now);
    take_events(to);
    to->cpu += vel_bench_cpu() - sent;
    return true;
}

static void expire(struct side *side, vel_time now)
{
    double start = vel_bench_cpu();
    vel_endpoint_expire(side->endpoint, now);
    take_events(side);
    side->cpu += vel_bench_cpu() - start;
}

/* Until nothing moves; then to the next deadline of either side. */
static void advance(struct side *client, struct side *server, vel_time *now)
{
    bool moved = false;
    do {
        moved = carry(client, server, *now);
        moved |= carry(server, client, *now);
        if (vel_endpoint_deadline(client->endpoint) == 0)
            expire(client, *now);
    } while (moved);
    vel_time next =
        VEL_MIN(vel_endpoint_deadline(client->endpoint), vel_endpoint_deadline(server->endpoint));
    if (next == VEL_NEVER)
        return;
    *now = VEL_MAX(*now, next);
    expire(client, *now);
    expire(server, *now);
}

static void fail(const char *why)
{
    fprintf(stderr, "bench_handshake: %s\n", why);
    exit(1);
}

/* A round: all begin at the same moment, and end when all are connected. */
static void handshakes(struct vel_bench_party *party, struct side *client, struct side *server,
                       uint64_t together, vel_time *now)
{
    client->connected = server->connected = 0;
    client->closed = server->closed = 0;
    double start = vel_bench_cpu();
    for (uint64_t i = 0; i < together; i++) {
        struct vel_conn *conn;
        BENCH_OK(vel_endpoint_connect(client->endpoint, &party->client, &client->address,
                                      &server->address, *now, &conn));
    }
    client->cpu += vel_bench_cpu() - start;
    for (uint64_t steps = 0; client->connected < together || server->connected < together;
         steps++) {
        if (client->closed > 0 || steps == STEPS_MAX + together)
            fail("a handshake failed");
        advance(client, server, now);
    }
    vel_endpoint_close_all(client->endpoint, 0, "");
    struct vel_endpoint_stats stats = {.connections = 1};
    for (uint64_t steps = 0; stats.connections > 0; steps++) {
        if (steps == STEPS_MAX + together)
            fail("a connection did not end");
        advance(client, server, now);
        vel_endpoint_get_stats(server->endpoint, &stats);
    }
}

static struct side side_new(struct vel_bench_party *party, bool is_server, uint16_t port)
{
    struct side side = {.address = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}, .port = port}};
    struct vel_endpoint_setup setup = {
        .env = &party->env,
        .server = is_server ? &party->server : NULL,
        .max_backlog = is_server ? BACKLOG : 0,
        .max_send_train = VEL_TRAIN_MAX,
    };
    BENCH_OK(vel_endpoint_new(&setup, &side.endpoint));
    return side;
}

struct plan {
    uint64_t count, repeat, together;
};

static void measure(enum vel_profile profile, const char *suffix, const struct plan *plan)
{
    char keys[2][96], together[32] = "";
    if (plan->together > 1)
        snprintf(together, sizeof together, "_%" PRIu64 "_together", plan->together);
    snprintf(keys[0], sizeof keys[0], "handshakes%s%s_per_second_core", suffix, together);
    snprintf(keys[1], sizeof keys[1], "client_handshakes%s%s_per_second_core", suffix, together);
    struct bench of_server = {.key = keys[0], .unit = "full handshakes per CPU second"};
    struct bench of_client = {.key = keys[1], .unit = "full handshakes per CPU second"};
    struct vel_bench_party party;
    vel_bench_party_init(&party, profile);
    struct side client = side_new(&party, false, 40000);
    struct side server = side_new(&party, true, 443);
    vel_time now = vel_clock_now();
    handshakes(&party, &client, &server, plan->together, &now); /* warms caches and pools */
    for (uint64_t round = 0; round < plan->repeat; round++) {
        uint64_t done = 0;
        client.cpu = server.cpu = 0;
        for (; done < plan->count; done += plan->together)
            handshakes(&party, &client, &server, plan->together, &now);
        vel_bench_add(&of_server, (double)done / server.cpu);
        vel_bench_add(&of_client, (double)done / client.cpu);
    }
    vel_bench_print(&of_server);
    vel_bench_print(&of_client);
    vel_endpoint_free(client.endpoint);
    vel_endpoint_free(server.endpoint);
    vel_bench_party_clear(&party);
}

int main(int argc, char **argv)
{
    const struct plan plan = {.count = vel_bench_option(argc, argv, "count", 300),
                              .repeat = vel_bench_option(argc, argv, "repeat", 5),
                              .together = vel_bench_option(argc, argv, "together", 1)};
    measure(VEL_PROFILE_BALANCED, "", &plan);
    if (vel_bench_option(argc, argv, "balanced", 0) != 0)
        return 0;
    measure(VEL_PROFILE_LIGHT, "_light", &plan);
    measure(VEL_PROFILE_SECURE, "_secure", &plan);
    return 0;
}
