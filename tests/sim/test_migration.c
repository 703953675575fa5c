/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Addresses that change, RFC 9000 section 9: by themselves, by somebody else's hand, by choice. Every
 * byte is checked by the exchange. */

/* 40 ms, and a client that asks for a sign of life after a while: without it a reader that has
 * nothing to acknowledge never shows where it is now. */
static struct scene *slow_network(uint64_t seed, uint64_t rate)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_LIGHT);
    scene->client.config.limits.keep_alive = 100 * MS;
    sim_bottleneck(scene->sim, SIM_BOTH, rate, 64 * KIB, 0);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    return scene;
}

/* The bar of the project: 200 rebindings in one transfer. */
static void survive_rebindings(uint64_t seed, vel_time every, bool hosts, struct ask ask)
{
    struct scene *scene = slow_network(seed, 300 * KIB);
    struct sim_nat *nat = sim_nat(scene->sim, every, hosts);
    scene_start(scene, &ask);
    scene_finish(scene, 120 * SECOND);
    EXPECT_NUMBER(nat->rebindings, >=, 200);
    EXPECT_NUMBER(peer_stats(&scene->server)->path_changes, >=, 190);
    EXPECT_NUMBER(peer_stats(&scene->client)->path_changes, ==, 0);
    EXPECT_NUMBER(scene->server.connections, ==, 1);
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

static void download_survives_200_rebindings(uint64_t seed)
{
    survive_rebindings(seed, 200 * MS, false, (struct ask){.streams = 1, .down = 4 * MIB});
}

static void upload_survives_200_rebindings(uint64_t seed)
{
    survive_rebindings(seed, 60 * MS, false, (struct ask){.streams = 1, .up = 4 * MIB});
}

/* Another host half of the time: the congestion window starts anew with it (RFC 9000 9.4). */
static void transfers_survive_200_new_addresses(uint64_t seed)
{
    survive_rebindings(seed, 150 * MS, true,
                       (struct ask){.streams = 4, .up = 700 * KIB, .down = 700 * KIB});
}

/* Loss in both directions takes challenges and answers with it. */
static void rebindings_on_a_lossy_path(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    sim_loss(scene->sim, SIM_BOTH, 50 * 1000);
    sim_nat(scene->sim, 500 * MS, true);
    scene_start(scene, &(struct ask){.streams = 3, .up = 200 * KIB, .down = 400 * KIB});
    scene_finish(scene, 60 * SECOND);
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

/* VEL-TR-10, VEL-TR-12: somebody has copies of the client's packets arrive first, from a victim's
 * address. The victim gets three times what came in its name at most, and the transfer goes on. */
static void a_copying_attacker_neither_stops_nor_floods(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    struct vel_addr victim = {.family = VEL_ADDR_MEMORY, .ip = {66}, .port = 53};
    struct sim_spoof *spoof = sim_spoof(scene->sim, 100 * 1000, &victim);
    scene_start(scene, &(struct ask){.streams = 2, .up = 300 * KIB, .down = 300 * KIB});
    scene_finish(scene, 60 * SECOND);
    EXPECT_NUMBER(spoof->sent_as_victim, >, 0);
    EXPECT_NUMBER(spoof->sent_to_victim, <=, 3 * spoof->sent_as_victim);
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(download_survives_200_rebindings, 3),
        SCENARIO(upload_survives_200_rebindings, 3),
        SCENARIO(transfers_survive_200_new_addresses, 3),
        SCENARIO(rebindings_on_a_lossy_path, 10),
        SCENARIO(a_copying_attacker_neither_stops_nor_floods, 10),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
