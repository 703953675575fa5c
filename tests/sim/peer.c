/* SPDX-License-Identifier: MIT */
#include "sim/peer.h"

#include "sim/credentials.h"
#include "sim/qlogs.h"
#include "sim/scenario.h"
#include "sim/trace.h"

static const struct vel_slice alpn[] = {{(const uint8_t *)"sim", 3}};

static struct vel_addr address(bool client)
{
    return (struct vel_addr){
        .family = VEL_ADDR_IP4, .ip = {10, 0, 0, client ? 1 : 2}, .port = client ? 40000 : 4433};
}

struct vel_addr peer_addr(const struct peer *peer, unsigned which)
{
    struct vel_addr addr = address(peer->is_client);
    addr.ip[2] = (uint8_t)which;
    return addr;
}

void peer_init(struct peer *peer, struct sim *sim, bool is_client, uint64_t seed)
{
    *peer = (struct peer){.sim = sim, .is_client = is_client};
    test_env_init(&peer->t, 2 * seed + is_client);
    peer->config = vel_config_default(credentials_crypto());
    peer->config.alpn = alpn;
    peer->config.alpn_count = VEL_COUNT(alpn);
    peer->config.deterministic = true;
    peer->config.unix_offset = CREDENTIALS_TIME;
    peer->config.tracer = qlogs_tracer();
    if (is_client)
        peer->config.server_name = CREDENTIALS_NAME;
}

/* ---- the application's loop ---- */

static void on_connected(struct peer *peer, struct vel_conn *conn, vel_time now)
{
    EXPECT(!peer->connected);
    peer->connected = true;
    peer->connected_at = now;
    peer->facts = *vel_conn_facts(conn);
    exchange_start(&peer->exchange, conn, peer->is_client ? &peer->ask : NULL, now);
}

static void on_closed(struct peer *peer, struct vel_conn *conn, vel_time now)
{
    peer->closed = true;
    peer->closed_at = now;
    peer->close = *vel_conn_close_reason(conn);
    vel_conn_get_stats(conn, &peer->stats);
    peer->conn = NULL;
    peer->exchange.conn = NULL;
}

static void take_events(struct peer *peer, struct vel_conn *conn, vel_time now)
{
    if (peer->conn == NULL) {
        peer->conn = conn;
        peer->connections++;
    }
    struct vel_event event;
    while (peer->conn != NULL && vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED)
            on_connected(peer, conn, now);
        else if (event.type == VEL_EVENT_CLOSED)
            on_closed(peer, conn, now);
        else if (event.type == VEL_EVENT_MIGRATED)
            peer->migrated++;
        else if (event.type == VEL_EVENT_MIGRATION_FAILED)
            peer->failed_migrations++;
        else if (event.type == VEL_EVENT_PATHS)
            peer->path_events++;
        else
            exchange_on_event(&peer->exchange, &event, now);
    }
}

/* The watchman beside the server looks at the client's first address. */
static bool is_first_address(const struct vel_addr *addr)
{
    struct vel_addr client = address(true);
    return vel_addr_equal(addr, &client);
}

static void send_train(struct peer *peer, const struct vel_train *train)
{
    for (size_t at = 0; at < train->len; at += train->segment) {
        size_t size = VEL_MIN(train->segment, train->len - at);
        EXPECT(size > 0);
        if (!peer->is_client && is_first_address(&train->remote))
            credit_sent(&peer->credit, size);
        trace_datagram(peer->is_client, false, vel_slice(train->bytes + at, size),
                       sim_now(peer->sim) - SIM_START);
        sim_send(peer->sim, peer->is_client ? SIM_UP : SIM_DOWN, &train->local, &train->remote,
                 train->bytes + at, size, train->ecn);
    }
}

static void flush(void *self, vel_time now)
{
    struct peer *peer = self;
    uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    struct vel_conn *conn;
    enum vel_err err;
    while ((conn = vel_endpoint_next(peer->endpoint)) != NULL)
        take_events(peer, conn, now);
    while ((err = vel_endpoint_send(peer->endpoint, &train, now)) == VEL_OK) {
        send_train(peer, &train);
        train = (struct vel_train){.bytes = bytes, .capacity = sizeof bytes};
    }
    EXPECT(err == VEL_ERR_AGAIN);
    while ((conn = vel_endpoint_next(peer->endpoint)) != NULL)
        take_events(peer, conn, now);
}

/* Somebody may have sent to, or as, a stranger. */
static bool is_ours(const struct peer *peer, const struct vel_addr *addr)
{
    struct vel_addr first = peer_addr(peer, 0), second = peer_addr(peer, 1);
    return vel_addr_equal(addr, &first) || vel_addr_equal(addr, &second);
}

static void receive(void *self, const struct sim_datagram *datagram, vel_time now)
{
    struct peer *peer = self;
    uint8_t bytes[VEL_TRAIN_MAX];
    if (!is_ours(peer, &datagram->to))
        return;
    memcpy(bytes, datagram->bytes, datagram->size);
    trace_datagram(peer->is_client, true, vel_slice(bytes, datagram->size), now - SIM_START);
    if (!peer->is_client)
        credit_received(&peer->credit, datagram);
    struct vel_train train = {.local = datagram->to,
                              .remote = datagram->from,
                              .bytes = bytes,
                              .len = datagram->size,
                              .capacity = sizeof bytes,
                              .segment = datagram->size,
                              .ecn = datagram->ecn};
    vel_endpoint_receive(peer->endpoint, &train, now);
}

static vel_time deadline(void *self)
{
    const struct peer *peer = self;
    return vel_endpoint_deadline(peer->endpoint);
}

static void expire(void *self, vel_time now)
{
    struct peer *peer = self;
    vel_endpoint_expire(peer->endpoint, now);
}

void peer_hear_stranger(struct peer *server, const struct vel_config *config, vel_time now)
{
    struct vel_endpoint *stranger;
    struct vel_conn *conn;
    struct vel_endpoint_setup setup = {.env = &server->t.env};
    struct vel_addr from = address(true), to = address(false);
    from.port++;
    ASSERT_OK(vel_endpoint_new(&setup, &stranger));
    ASSERT_OK(vel_endpoint_connect(stranger, config, &from, &to, now, &conn));
    uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    while (vel_endpoint_send(stranger, &train, now) == VEL_OK) {
        train.local = to;
        train.remote = from;
        vel_endpoint_receive(server->endpoint, &train, now);
        train = (struct vel_train){.bytes = bytes, .capacity = sizeof bytes};
    }
    vel_endpoint_free(stranger);
}

static void open_endpoint(struct peer *peer)
{
    static const uint8_t reset_key[32] = "the same after every start";
    struct vel_endpoint_setup setup = {.env = &peer->t.env,
                                       .server = peer->is_client ? NULL : &peer->config,
                                       .max_half_open = peer->max_half_open,
                                       .max_send_train = peer->max_send_train,
                                       .reset_key = reset_key};
    ASSERT_OK(vel_endpoint_new(&setup, &peer->endpoint));
}

static void forget(struct peer *peer)
{
    exchange_free(&peer->exchange);
    peer->exchange = (struct exchange){0};
    peer->conn = NULL;
    peer->connected = peer->closed = false;
}

static void connect_client(struct peer *client)
{
    struct vel_addr local = address(true), remote = address(false);
    ASSERT_OK(vel_endpoint_connect(client->endpoint, &client->config, &local, &remote,
                                   sim_now(client->sim), &client->conn));
}

void peer_migrate(struct peer *client, unsigned which)
{
    struct vel_addr local = peer_addr(client, which);
    ASSERT_OK(vel_conn_migrate(client->conn, &local));
}

uint32_t peer_open_path(struct peer *client, unsigned which)
{
    struct vel_addr local = peer_addr(client, which);
    uint32_t path = 0;
    ASSERT_OK(vel_conn_open_path(client->conn, &local, &path));
    return path;
}

struct vel_path_stats peer_path(const struct peer *peer, uint32_t path)
{
    struct vel_path_stats all[VEL_PATHS_OPEN_MAX];
    size_t count = vel_conn_paths(peer->conn, all, VEL_COUNT(all));
    for (size_t i = 0; i < count; i++)
        if (all[i].path == path)
            return all[i];
    return (struct vel_path_stats){.path = path, .state = VEL_PATH_ABANDONED};
}

void peer_reconnect(struct peer *client, struct peer *server)
{
    forget(client);
    forget(server);
    connect_client(client);
}

void peer_restart(struct peer *server)
{
    vel_endpoint_free(server->endpoint);
    forget(server);
    open_endpoint(server);
}

void peer_start(struct peer *peer)
{
    open_endpoint(peer);
    sim_attach(peer->sim, peer->is_client ? SIM_DOWN : SIM_UP,
               (struct sim_host){receive, deadline, expire, flush, peer});
    if (peer->is_client)
        connect_client(peer);
}

const struct vel_conn_stats *peer_stats(struct peer *peer)
{
    if (peer->conn != NULL)
        vel_conn_get_stats(peer->conn, &peer->stats);
    return &peer->stats;
}

void peer_free(struct peer *peer)
{
    vel_endpoint_free(peer->endpoint);
    exchange_free(&peer->exchange);
    test_env_done(&peer->t);
}
