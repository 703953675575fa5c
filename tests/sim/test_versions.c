/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Ends that speak several versions: who follows whom (RFC 9368 2.3, RFC 9369 4.1), and who does
 * not. */

#define VELOCITY VEL_VERSION_DRAFT
#define V1 VEL_VERSION_QUIC_V1
#define V2 VEL_VERSION_QUIC_V2

static const struct vel_version_list only_velocity = {{VELOCITY}, 1};
static const struct vel_version_list v1_first = {{V1, V2}, 2};
static const struct vel_version_list v2_first = {{V2, V1}, 2};
static const struct vel_version_list all = {{VELOCITY, V2, V1}, 3};

static struct scene *scene_between(uint64_t seed, const struct vel_version_list *client,
                                   const struct vel_version_list *server)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    scene->client.config.versions = *client;
    scene->server.config.versions = *server;
    scene->client.config.limits.handshake_timeout = 60 * SECOND;
    scene->server.config.limits.handshake_timeout = 60 * SECOND;
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    return scene;
}

static bool lists(const struct vel_version_list *list, uint32_t version)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->items[i] == version)
            return true;
    return false;
}

/* An exchange that ends well, in this version on both sides. */
static void agrees_on(struct scene *scene, uint32_t version)
{
    scene_start(scene, &(struct ask){.streams = 2, .up = 5000, .down = 50 * 1000});
    scene_finish(scene, 50 * SECOND);
    EXPECT_NUMBER(scene->client.facts.version, ==, version);
    EXPECT_NUMBER(scene->server.facts.version, ==, version);
    for (unsigned i = 0; i < scene->server.config.versions.count; i++)
        EXPECT(lists(&scene->client.facts.peer_versions, scene->server.config.versions.items[i]));
    EXPECT_NUMBER(scene->client.facts.peer_versions.count, ==, scene->server.config.versions.count);
    scene_free(scene);
}

static void the_server_has_its_wish(uint64_t seed)
{
    agrees_on(scene_between(seed, &v1_first, &all), V2);
    agrees_on(scene_between(seed, &v1_first, &v2_first), V2);
    agrees_on(scene_between(seed, &v2_first, &v1_first), V1);
    agrees_on(scene_between(seed, &v1_first, &v1_first), V1);
    agrees_on(scene_between(seed, &v2_first, &v2_first), V2);
}

static void velocity_stays_velocity(uint64_t seed)
{
    agrees_on(scene_between(seed, &all, &all), VELOCITY);
    const struct vel_version_list last = {{V1, V2, VELOCITY}, 3};
    agrees_on(scene_between(seed, &all, &last), VELOCITY);
    agrees_on(scene_between(seed, &last, &all), V2);
}

/* The move costs no round trip. */
static void following_is_free(uint64_t seed)
{
    struct scene *scene = scene_between(seed, &v1_first, &v2_first);
    scene_start(scene, NULL);
    scene_connect(scene, SECOND);
    EXPECT_NUMBER(scene->client.connected_at - SIM_START, <=, 80 * MS);
    EXPECT_NUMBER(peer_stats(&scene->client)->pto_count, ==, 0);
    EXPECT_NUMBER(peer_stats(&scene->client)->packets_dropped, ==, 0);
    EXPECT_NUMBER(peer_stats(&scene->server)->packets_dropped, ==, 0);
    scene_free(scene);
}

static void follows_on_a_bad_network(uint64_t seed)
{
    struct scene *scene = scene_between(seed, &v1_first, &v2_first);
    sim_loss(scene->sim, SIM_BOTH, 200 * 1000);
    sim_duplicate(scene->sim, SIM_BOTH, 100 * 1000);
    sim_reorder(scene->sim, SIM_BOTH, 200 * 1000, 10 * MS);
    sim_corrupt(scene->sim, SIM_BOTH, 50 * 1000);
    agrees_on(scene, V2);
}

/* Old datagrams of either version come again. */
static void follows_in_spite_of_echoes(uint64_t seed)
{
    struct scene *scene = scene_between(seed, &v1_first, &v2_first);
    sim_replay(scene->sim, SIM_BOTH, 300 * 1000, 100 * MS);
    sim_forge(scene->sim, SIM_BOTH, 300 * 1000);
    agrees_on(scene, V2);
}

static void any_datagram_may_meet_a_mishap(uint64_t seed)
{
    enum { POSITIONS = 8 };
    static const enum sim_mishap mishaps[] = {SIM_DROP_IT, SIM_DOUBLE_IT, SIM_SWAP_IT};
    for (unsigned i = 0; i < 2 * POSITIONS; i++) {
        struct scene *scene = scene_between(seed, &v1_first, &v2_first);
        sim_nth(scene->sim, i % 2 == 0 ? SIM_UP : SIM_DOWN, i / 2,
                mishaps[seed % VEL_COUNT(mishaps)]);
        agrees_on(scene, V2);
    }
}

/* A Retry is of the version that the client began with; the move comes after it. */
static void follows_after_a_retry(uint64_t seed)
{
    for (int i = 0; i < 2; i++) {
        struct scene *scene = scene_between(seed, i == 0 ? &v1_first : &v2_first, &all);
        scene->server.max_half_open = 1;
        peer_start(&scene->server);
        peer_hear_stranger(&scene->server, &scene->client.config, sim_now(scene->sim));
        scene->client.ask = (struct ask){.streams = 1, .down = 5000};
        peer_start(&scene->client);
        scene_finish(scene, 10 * SECOND);
        struct vel_endpoint_stats stats;
        vel_endpoint_get_stats(scene->server.endpoint, &stats);
        EXPECT_NUMBER(stats.retries_sent, >=, 1);
        EXPECT_NUMBER(scene->client.facts.version, ==, V2);
        scene_free(scene);
    }
}

/* Without a version in common: told by Version Negotiation, and nothing else is tried. */
static void no_version_in_common(uint64_t seed)
{
    const struct vel_version_list *const pairs[][2] = {
        {&v1_first, &only_velocity}, {&only_velocity, &v1_first}, {&only_velocity, &v2_first}};
    for (size_t i = 0; i < VEL_COUNT(pairs); i++) {
        struct scene *scene = scene_between(seed, pairs[i][0], pairs[i][1]);
        scene_start(scene, NULL);
        scene_wait_closed(scene, SECOND);
        EXPECT_NUMBER(scene->client.close.origin, ==, VEL_CLOSE_VERSION);
        EXPECT(!scene->client.connected && scene->server.connections == 0);
        scene_free(scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(the_server_has_its_wish, 3),     SCENARIO(velocity_stays_velocity, 2),
        SCENARIO(following_is_free, 3),           SCENARIO(follows_on_a_bad_network, 20),
        SCENARIO(follows_in_spite_of_echoes, 10), SCENARIO(any_datagram_may_meet_a_mishap, 3),
        SCENARIO(follows_after_a_retry, 3),       SCENARIO(no_version_in_common, 1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
