/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Key updates (RFC 9001 section 6) during transfers: on networks that lose and reorder, begun by
 * either side, by both, and by the application. Every byte is checked by the exchange. */

static struct scene *network(uint64_t seed, uint64_t client_every, uint64_t server_every)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    scene->client.config.limits.key_update_packets = client_every;
    scene->server.config.limits.key_update_packets = server_every;
    scene->client.config.prefer_chacha = seed % 2 == 0;
    sim_bottleneck(scene->sim, SIM_BOTH, 2 * MIB, 300 * 1000, 0);
    sim_delay(scene->sim, SIM_BOTH, 5 * MS);
    return scene;
}

static void finish(struct scene *scene, struct ask ask, uint64_t least)
{
    scene_start(scene, &ask);
    scene_finish(scene, 60 * SECOND);
    const struct vel_conn_stats *client = peer_stats(&scene->client);
    const struct vel_conn_stats *server = peer_stats(&scene->server);
    EXPECT_NUMBER(client->key_updates, >=, least);
    EXPECT_NUMBER(server->key_updates, >=, least);
    EXPECT_NUMBER(client->key_updates - server->key_updates + 1, <=, 2);
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

static const struct ask both_ways = {.streams = 2, .up = MIB, .down = MIB};

static void the_server_updates(uint64_t seed)
{
    finish(network(seed, 0, 100), both_ways, 3);
}

static void the_client_updates(uint64_t seed)
{
    finish(network(seed, 100, 0), both_ways, 3);
}

/* Both want to at the same time, as often as they may. */
static void both_update(uint64_t seed)
{
    finish(network(seed, 1, 1), both_ways, 3);
}

/* A side that only acknowledges follows as well. */
static void downloads_are_one_sided(uint64_t seed)
{
    finish(network(seed, 0, 50), (struct ask){.streams = 1, .down = 4 * MIB}, 4);
}

/* Packets of three generations at once: 200 packets late, and some are lost. */
static void through_loss_and_reordering(uint64_t seed)
{
    struct scene *scene = network(seed, 70, 90);
    sim_loss(scene->sim, SIM_BOTH, 20 * 1000);
    sim_reorder(scene->sim, SIM_BOTH, 50 * 1000, 140 * MS);
    finish(scene, both_ways, 3);
}

/* Forged copies ahead of everything, replays behind it: no phase is changed by them. */
static void attackers_cannot_update(uint64_t seed)
{
    struct scene *scene = network(seed, 0, 0);
    sim_forge(scene->sim, SIM_BOTH, 500 * 1000);
    sim_replay(scene->sim, SIM_BOTH, 100 * 1000, 300 * MS);
    scene_start(scene, &both_ways);
    scene_finish(scene, 60 * SECOND);
    EXPECT_NUMBER(peer_stats(&scene->client)->key_updates, ==, 0);
    EXPECT_NUMBER(peer_stats(&scene->server)->key_updates, ==, 0);
    EXPECT_NUMBER(peer_stats(&scene->server)->packets_dropped, >, 100);
    scene_free(scene);
}

/* The application asks; too early is told so, and a quiet connection updates as well. */
static void applications_update(uint64_t seed)
{
    struct scene *scene = network(seed, 0, 0);
    scene_start(scene, NULL);
    scene_connect(scene, 5 * SECOND);
    scene_run(scene, 1 * SECOND);
    uint64_t dropped = peer_stats(&scene->client)->packets_dropped;
    for (uint64_t updates = 1; updates <= 10; updates++) {
        struct peer *peer = updates % 2 == 0 ? &scene->server : &scene->client;
        EXPECT(vel_conn_update_keys(peer->conn) == VEL_OK);
        EXPECT(vel_conn_update_keys(peer->conn) == VEL_ERR_AGAIN);
        scene_run(scene, 1 * SECOND);
        EXPECT_NUMBER(peer_stats(&scene->client)->key_updates, ==, updates);
        EXPECT_NUMBER(peer_stats(&scene->server)->key_updates, ==, updates);
    }
    exchange_more(&scene->client.exchange, &both_ways, sim_now(scene->sim));
    scene_finish(scene, 20 * SECOND);
    EXPECT_NUMBER(peer_stats(&scene->client)->packets_dropped, ==, dropped);
    scene_free(scene);
}

/* An update whose answer is lost, with everything else for a while, is still one update. */
static void an_outage_in_the_middle(uint64_t seed)
{
    struct scene *scene = network(seed, 0, 150);
    sim_blackout(scene->sim, SIM_UP, 100 * MS, 700 * MS);
    finish(scene, both_ways, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(the_server_updates, BULK_SEEDS),  SCENARIO(the_client_updates, BULK_SEEDS),
        SCENARIO(both_update, BULK_SEEDS),         SCENARIO(downloads_are_one_sided, BULK_SEEDS),
        SCENARIO(through_loss_and_reordering, 10), SCENARIO(attackers_cannot_update, BULK_SEEDS),
        SCENARIO(applications_update, BULK_SEEDS), SCENARIO(an_outage_in_the_middle, BULK_SEEDS),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
