/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Datagram sizes on paths that carry more, or less, or something else than before (RFC 8899). */

enum { JUMBO = 8972 };

static struct scene *network(uint64_t seed, uint64_t ceiling)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    scene->server.config.limits.max_datagram_payload = ceiling;
    scene->client.config.limits.max_datagram_payload = ceiling;
    sim_bottleneck(scene->sim, SIM_BOTH, 10 * MIB, MIB, 0);
    sim_delay(scene->sim, SIM_BOTH, 10 * MS);
    return scene;
}

/* Large datagrams are used where both ends and the path allow them. */
static void large_datagrams_are_found(uint64_t seed)
{
    static const struct {
        unsigned path, server, client, least, most; /* bytes of UDP payload */
    } rows[] = {
        {65507, 65507, 65527, 65507, 65507}, {8952, 65507, 65527, 8952, 8952},
        {65507, 65507, 9000, 9000, 9000},    {4000, 9000, 65527, 3900, 4000},
        {65507, 1452, 65527, 1452, 1452},    {65507, 65507, 1200, 1200, 1200},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct scene *scene = network(seed, rows[i].server);
        scene->client.config.limits.max_udp_payload = rows[i].client;
        sim_mtu(scene->sim, SIM_BOTH, rows[i].path);
        struct sim_tap *tap = sim_tap(scene->sim, SIM_DOWN);
        scene_start(scene, &(struct ask){.streams = 1, .down = 16 * MIB});
        scene_finish(scene, 60 * SECOND);
        EXPECT_NUMBER(tap->largest, >=, rows[i].least);
        EXPECT_NUMBER(tap->largest, <=, rows[i].most);
        scene_free(scene);
    }
}

/* From jumbo frames to the least that IPv6 carries, in the middle of a transfer both ways: the
 * connection goes on with what fits, and every byte is right. */
static void the_path_shrinks(uint64_t seed)
{
    const size_t least = 1280 - 48;
    struct scene *scene = network(seed, JUMBO);
    struct sim_tap *before = sim_tap(scene->sim, SIM_DOWN);
    sim_mtu_from(scene->sim, SIM_BOTH, least, 500 * MS);
    sim_loss(scene->sim, SIM_BOTH, (unsigned)(seed % 3) * 1000);
    struct ask ask = {.streams = 2, .up = 4 * MIB, .down = 4 * MIB};
    scene_start(scene, &ask);
    scene_finish(scene, 30 * SECOND);
    EXPECT_NUMBER(before->largest, >=, JUMBO - JUMBO / 64);
    EXPECT_NUMBER(scene->client.exchange.received, ==, 2 * ask.down);
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

/* It takes a probe time-out or two, not the idle time-out, to leave a black hole. */
static void a_black_hole_costs_little(uint64_t seed)
{
    struct scene *scene = network(seed, 1452);
    sim_mtu_from(scene->sim, SIM_DOWN, 1300, 300 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = 8 * MIB});
    scene_finish(scene, 4 * SECOND);
    scene_free(scene);
}

/* Losses of any size leave the size alone for the most part. */
static void loss_is_not_taken_for_a_black_hole(uint64_t seed)
{
    struct scene *scene = network(seed, 1452);
    sim_loss(scene->sim, SIM_DOWN, 50 * 1000);
    scene_start(scene, &(struct ask){.streams = 1, .down = 4 * MIB});
    scene_finish(scene, 60 * SECOND);
    const struct vel_conn_stats *stats = peer_stats(&scene->server);
    EXPECT_NUMBER(stats->bytes_sent / stats->datagrams_sent, >, 1300);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(large_datagrams_are_found, 1),
        SCENARIO(the_path_shrinks, BULK_SEEDS),
        SCENARIO(a_black_hole_costs_little, BULK_SEEDS),
        SCENARIO(loss_is_not_taken_for_a_black_hole, BULK_SEEDS),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
