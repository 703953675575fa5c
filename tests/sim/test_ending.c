/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* How connections end: closed, idle, refused, never begun. */

enum { APP_CODE = 0x42 };

static struct scene *connected(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .up = 100, .down = 1000});
    scene_finish(scene, 5 * SECOND);
    return scene;
}

static size_t alive(const struct peer *peer)
{
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(peer->endpoint, &stats);
    return stats.connections;
}

/* RFC 9000 10.2: code and reason arrive; both sides forget the connection after three PTO. */
static void closing_tells_the_peer(uint64_t seed)
{
    struct scene *scene = connected(seed);
    struct peer *first = seed % 2 == 0 ? &scene->client : &scene->server;
    struct peer *second = seed % 2 == 0 ? &scene->server : &scene->client;
    vel_conn_close(first->conn, APP_CODE, "done");
    scene_wait_closed(scene, SECOND);
    EXPECT_NUMBER(first->close.origin, ==, VEL_CLOSE_LOCAL);
    EXPECT_NUMBER(second->close.origin, ==, VEL_CLOSE_PEER);
    EXPECT(second->close.application);
    EXPECT_NUMBER(second->close.code, ==, APP_CODE);
    EXPECT(strcmp(second->close.reason, "done") == 0);
    scene_run(scene, 2 * SECOND);
    EXPECT_NUMBER(alive(&scene->client), ==, 0);
    EXPECT_NUMBER(alive(&scene->server), ==, 0);
    scene_free(scene);
}

/* The CONNECTION_CLOSE is lost, but what the peer sends is answered with it again. */
static void a_lost_close_is_repeated(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    sim_blackout(scene->sim, SIM_UP, SECOND, SECOND + MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = 100 * MIB});
    scene_run(scene, SECOND);
    vel_conn_close(scene->client.conn, APP_CODE, "enough");
    scene_wait_closed(scene, SECOND);
    EXPECT_NUMBER(scene->server.close.code, ==, APP_CODE);
    scene_free(scene);
}

/* RFC 9000 10.1: the smaller of the two time-outs counts, for both. */
static void silence_ends_it(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene->client.config.limits.idle_timeout = 3 * SECOND;
    scene_start(scene, &(struct ask){.streams = 1, .up = 100, .down = 1000});
    scene_finish(scene, 5 * SECOND);
    vel_time quiet = sim_now(scene->sim);
    scene_wait_closed(scene, 10 * SECOND);
    EXPECT_NUMBER(scene->client.close.origin, ==, VEL_CLOSE_IDLE);
    EXPECT_NUMBER(scene->server.close.origin, ==, VEL_CLOSE_IDLE);
    EXPECT_NUMBER(scene->client.closed_at - quiet, >=, 2900 * MS);
    EXPECT_NUMBER(scene->client.closed_at - quiet, <, 3500 * MS);
    EXPECT_NUMBER(scene->server.closed_at - quiet, <, 3500 * MS);
    scene_free(scene);
}

/* The network dies for good: both sides notice, although they keep probing for a while. */
static void a_dead_network_is_noticed(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    sim_blackout(scene->sim, SIM_BOTH, SECOND, 1000 * SECOND);
    scene_start(scene, &(struct ask){.streams = 1, .down = 1000 * MIB});
    scene_wait_closed(scene, 100 * SECOND);
    EXPECT_NUMBER(scene->client.close.origin, ==, VEL_CLOSE_IDLE);
    EXPECT_NUMBER(scene->server.close.origin, ==, VEL_CLOSE_IDLE);
    EXPECT_NUMBER(scene->client.closed_at - SIM_START, <, 35 * SECOND);
    EXPECT_NUMBER(scene->server.closed_at - SIM_START, <, 35 * SECOND);
    scene_free(scene);
}

/* Nobody answers: the client gives up after the handshake time-out, with few datagrams. */
static void nobody_is_there(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_blackout(scene->sim, SIM_UP, 0, 1000 * SECOND);
    struct sim_tap *nothing = sim_tap(scene->sim, SIM_DOWN);
    scene_start(scene, NULL);
    scene_wait_closed(scene, 100 * SECOND);
    EXPECT_NUMBER(scene->client.close.origin, ==, VEL_CLOSE_TIMEOUT);
    EXPECT_NUMBER(scene->client.closed_at - SIM_START, ==, 10 * SECOND);
    EXPECT_NUMBER(peer_stats(&scene->client)->datagrams_sent, <=, 16);
    EXPECT_NUMBER(nothing->datagrams, ==, 0);
    scene_free(scene);
}

/* Only the way up works: the server may send three times what came, and no more, however long the
 * client tries. (The limit itself is watched on every run.) */
static void a_deaf_client_is_no_amplifier(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    sim_blackout(scene->sim, SIM_DOWN, 0, 1000 * SECOND);
    scene_start(scene, NULL);
    scene_wait_closed(scene, 100 * SECOND);
    EXPECT(!scene->client.connected && !scene->server.connected);
    EXPECT(!scene->server.credit.validated);
    EXPECT_NUMBER(scene->server.credit.sent, >, 0);
    scene_run(scene, 60 * SECOND);
    EXPECT_NUMBER(alive(&scene->server), ==, 0);
    scene_free(scene);
}

/* Only the client's first datagram arrives, with its ClientHello cut off. */
static void a_single_datagram_earns_three(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    for (unsigned i = 1; i < 40; i++)
        sim_nth(scene->sim, SIM_UP, i, SIM_DROP_IT);
    scene_start(scene, NULL);
    scene_run(scene, 60 * SECOND);
    EXPECT(!scene->server.connected);
    EXPECT_NUMBER(scene->server.credit.received, ==, 1200);
    EXPECT_NUMBER(scene->server.credit.sent, <=, 3600);
    EXPECT_NUMBER(alive(&scene->server), ==, 0);
    scene_free(scene);
}

/* The server does not have what the client insists on: an alert, at once, on both sides. */
static void no_common_ground_is_said_at_once(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    scene->client.config.profiles = (struct vel_profile_list){{VEL_PROFILE_SECURE}, 1};
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene_start(scene, NULL);
    scene_wait_closed(scene, SECOND);
    EXPECT_NUMBER(scene->client.close.origin, ==, VEL_CLOSE_PEER);
    EXPECT(!scene->client.close.application && scene->client.close.code != 0);
    EXPECT_NUMBER(scene->client.closed_at - SIM_START, ==, 40 * MS);
    scene_free(scene);
}

/* A certificate from a CA the client does not know: the client ends it, and says why. */
static void a_stranger_is_refused(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    struct scene *other = scene_new(seed, VEL_PROFILE_LIGHT);
    scene->client.config.trust = other->client.config.trust;
    scene_free(other);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene_start(scene, NULL);
    scene_wait_closed(scene, 20 * SECOND);
    EXPECT(!scene->client.connected && !scene->server.connected);
    EXPECT_NUMBER(scene->client.close.verdict.check, ==, VEL_CERT_UNKNOWN_ISSUER);
    EXPECT_NUMBER(scene->client.closed_at - SIM_START, ==, 40 * MS);
    scene_free(scene);
}

/* VEL-TR-16: the server has lost its state; a client in the middle of something hears so after half a
 * round trip and a time-out, not after its idle time-out, and a client that was idle with its first
 * word. */
static void a_forgotten_connection_ends_at_once(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_LIGHT);
    struct vel_endpoint_stats stats;
    bool idle = seed % 2 == 0;
    scene->client.config.limits.keep_alive = 5 * SECOND;
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = idle ? 1000 : 50 * MIB});
    if (idle)
        scene_finish(scene, 5 * SECOND);
    else
        scene_connect(scene, 5 * SECOND);
    scene_run(scene, 300 * MS);
    peer_restart(&scene->server);
    scene_run(scene, idle ? 6 * SECOND : 200 * MS);
    EXPECT(scene->client.closed);
    EXPECT_NUMBER(scene->client.close.origin, ==, VEL_CLOSE_PEER);
    EXPECT_NUMBER(strcmp(scene->client.close.reason, "stateless reset"), ==, 0);
    vel_endpoint_get_stats(scene->server.endpoint, &stats);
    EXPECT_NUMBER(stats.resets_sent, >=, 1);
    EXPECT_NUMBER(stats.resets_sent, <=, 200);
    scene_free(scene);
}

/* VEL-TR-17: the token of one connection spares the next one its long first flight; the second time
 * it is worth nothing, and still costs no more than credit. */
static void a_token_opens_the_next_connection(uint64_t seed)
{
    uint8_t token[64];
    struct scene *scene = scene_new(seed, VEL_PROFILE_SECURE);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .up = 10, .down = 10});
    scene_finish(scene, 5 * SECOND);
    scene_run(scene, 1 * SECOND);
    struct vel_slice given = vel_conn_token(scene->client.conn);
    EXPECT(given.len > 0 && given.len <= sizeof token);
    memcpy(token, given.ptr, given.len);
    uint64_t flight = peer_stats(&scene->client)->handshake_datagrams_sent;

    for (unsigned use = 0; use < 2; use++) {
        vel_conn_close(scene->client.conn, 0, "again");
        scene_wait_closed(scene, 5 * SECOND);
        scene->client.config.token = vel_slice(token, given.len);
        peer_reconnect(&scene->client, &scene->server);
        scene_finish(scene, 5 * SECOND);
        const struct vel_conn_stats *stats = peer_stats(&scene->client);
        EXPECT_NUMBER(stats->handshake_datagrams_sent, <, flight);
        EXPECT_NUMBER(stats->handshake_round_trips, ==, 1);
        EXPECT_NUMBER(peer_stats(&scene->server)->handshake_round_trips, ==, 1 + use);
    }
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(closing_tells_the_peer, 4),
        SCENARIO(a_lost_close_is_repeated, 3),
        SCENARIO(silence_ends_it, 2),
        SCENARIO(a_dead_network_is_noticed, 2),
        SCENARIO(nobody_is_there, 2),
        SCENARIO(a_deaf_client_is_no_amplifier, 3),
        SCENARIO(a_single_datagram_earns_three, 2),
        SCENARIO(no_common_ground_is_said_at_once, 2),
        SCENARIO(a_stranger_is_refused, 2),
        SCENARIO(a_forgotten_connection_ends_at_once, 10),
        SCENARIO_V1(a_forgotten_connection_ends_at_once, 2),
        SCENARIO(a_token_opens_the_next_connection, 3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
