/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Attackers on the path, and memory that runs out. */

/* Every datagram is preceded by a damaged copy, from the first on. It must cost neither the
 * handshake nor its single round trip. */
static void forgeries_ahead_of_everything(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    sim_forge(scene->sim, SIM_BOTH, 1000 * 1000);
    scene_start(scene, &(struct ask){.streams = 2, .up = 20 * 1000, .down = 50 * 1000});
    scene_finish(scene, 10 * SECOND);
    EXPECT_NUMBER(scene->client.connected_at - SIM_START, ==, 40 * MS);
    EXPECT_NUMBER(peer_stats(&scene->client)->packets_dropped, >, 10);
    EXPECT_NUMBER(scene->server.connections, ==, 1);
    scene_free(scene);
}

/* Everything comes again within three seconds, in no order. Nothing happens twice. */
static void everything_is_replayed(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    sim_replay(scene->sim, SIM_BOTH, 1000 * 1000, 3 * SECOND);
    struct ask ask = {.streams = 5, .up = 20 * 1000, .down = 100 * 1000};
    scene_start(scene, &ask);
    scene_finish(scene, 10 * SECOND);
    scene_run(scene, 5 * SECOND);
    EXPECT_NUMBER(scene->server.exchange.received, ==, 5 * (20 * 1000 + 8));
    EXPECT_NUMBER(scene->client.exchange.received, ==, 5 * 100 * 1000);
    EXPECT_NUMBER(scene->server.connections, ==, 1);
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

/* Replays of a connection that is over must not bring it back or wake the application. */
static void a_finished_connection_stays_finished(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    sim_replay(scene->sim, SIM_UP, 1000 * 1000, 20 * SECOND);
    scene_start(scene, &(struct ask){.streams = 1, .up = 1000, .down = 1000});
    scene_finish(scene, 10 * SECOND);
    vel_conn_close(scene->client.conn, 0, "done");
    scene_wait_closed(scene, 5 * SECOND);
    scene_run(scene, 40 * SECOND);
    EXPECT_NUMBER(scene->server.connections, ==, 1);
    scene_free(scene);
}

/* From its nth on, every allocation of one side fails: in the handshake or later. Nothing leaks or
 * crashes, and both sides come to an end: the exchange's or the connection's. */
static void memory_may_run_out_anywhere(uint64_t seed)
{
    for (long n = 0; n < 60; n++) {
        struct scene *scene = scene_new(seed, VEL_PROFILE_LIGHT);
        struct peer *poor = seed % 2 == 0 ? &scene->client : &scene->server;
        scene->client.config.limits.idle_timeout = 5 * SECOND;
        sim_delay(scene->sim, SIM_BOTH, 20 * MS);
        scene_start(scene, &(struct ask){.streams = 3, .up = 5000, .down = 50 * 1000});
        poor->t.fail_after = n;
        scene_run(scene, 40 * SECOND);
        EXPECT(scene->client.closed && scene->client.conn == NULL && scene->server.conn == NULL);
        poor->t.fail_after = -1;
        scene_free(scene);
    }
}

/* Another client of the same address began a handshake and fell silent, and the server keeps only
 * one of those: it demands a Retry. That costs one round trip and proves the address (VEL-TR-07,
 * VEL-TR-08). */
static void a_busy_server_demands_a_retry(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    struct vel_endpoint_stats stats;
    scene->server.max_half_open = 1;
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    peer_start(&scene->server);
    peer_hear_stranger(&scene->server, &scene->client.config, sim_now(scene->sim));
    scene->client.ask = (struct ask){.streams = 1, .up = 1000, .down = 10 * 1000};
    peer_start(&scene->client);
    scene_finish(scene, 10 * SECOND);
    vel_endpoint_get_stats(scene->server.endpoint, &stats);
    EXPECT_NUMBER(stats.retries_sent, >=, 1);
    EXPECT_NUMBER(scene->client.connected_at - SIM_START, ==, 80 * MS);
    EXPECT_NUMBER(peer_stats(&scene->client)->handshake_round_trips, ==, 2);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(forgeries_ahead_of_everything, 20),
        SCENARIO(everything_is_replayed, 10),
        SCENARIO(a_finished_connection_stays_finished, 10),
        SCENARIO(memory_may_run_out_anywhere, 2),
        SCENARIO(a_busy_server_demands_a_retry, 3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
