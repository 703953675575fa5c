/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Addresses that change, RFC 9000 section 9: by themselves, by somebody else's hand, by choice. Every
 * byte is checked by the exchange. */

/* VEL-TR-11: 40 ms, and a client that asks for a sign of life after a while: without it a reader that has
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
                       (struct ask){.streams = 4, .up = 750 * KIB, .down = 750 * KIB});
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

/* ---- a client's own moves ---- */

static bool is_at(const struct vel_addr *addr, struct vel_addr there)
{
    return vel_addr_equal(addr, &there);
}

static void expect_paths(struct scene *scene, unsigned client, unsigned server)
{
    struct vel_addr local = vel_conn_local(scene->client.conn);
    struct vel_addr remote = vel_conn_remote(scene->client.conn);
    EXPECT(is_at(&local, peer_addr(&scene->client, client)));
    EXPECT(is_at(&remote, peer_addr(&scene->server, server)));
    local = vel_conn_local(scene->server.conn);
    remote = vel_conn_remote(scene->server.conn);
    EXPECT(is_at(&local, peer_addr(&scene->server, server)));
    EXPECT(is_at(&remote, peer_addr(&scene->client, client)));
}

/* The network that the client came by is gone in the middle of a transfer, in both directions at
 * once; it goes on by another (RFC 9000 9.2). */
static void a_dying_path_is_left(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    struct vel_addr first = peer_addr(&scene->client, 0);
    sim_cut(scene->sim, &first, 700 * MS);
    sim_loss(scene->sim, SIM_BOTH, 5 * 1000);
    scene_start(scene, &(struct ask){.streams = 2, .up = MIB, .down = MIB});
    scene_run(scene, (vel_time)(700 + 37 * seed) * MS);
    peer_migrate(&scene->client, 1);
    scene_finish(scene, 30 * SECOND);
    EXPECT_NUMBER(scene->client.migrated, ==, 1);
    expect_paths(scene, 1, 0);
    EXPECT_NUMBER(scene->server.connections, ==, 1);
    scene_free(scene);
}

/* Nothing is lost when both work, and the client may move as often as it likes: each time with other
 * connection ids, which are retired and replaced (VEL-TR-14). */
static void a_client_wanders(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    scene_start(scene, &(struct ask){.streams = 2, .up = 3 * MIB, .down = 3 * MIB});
    scene_connect(scene, 5 * SECOND);
    for (unsigned move = 1; move <= 20; move++) {
        scene_run(scene, 200 * MS);
        if (scene->client.conn == NULL || exchange_is_done(&scene->client.exchange))
            break;
        peer_migrate(&scene->client, move % 2);
        scene_run(scene, 400 * MS); /* three trips, each behind a full queue */
        EXPECT_NUMBER(scene->client.migrated, ==, move);
        expect_paths(scene, move % 2, 0);
    }
    EXPECT_NUMBER(scene->client.migrated, >=, 5);
    scene_finish(scene, 30 * SECOND);
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

/* Where nobody answers, nobody goes. */
static void a_path_that_does_not_answer_is_not_taken(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    struct vel_addr second = peer_addr(&scene->client, 1);
    sim_cut(scene->sim, &second, 0);
    scene_start(scene, &(struct ask){.streams = 1, .up = 100 * KIB, .down = 3 * MIB});
    scene_connect(scene, 5 * SECOND);
    scene_run(scene, 200 * MS);
    peer_migrate(&scene->client, 1);
    scene_finish(scene, 30 * SECOND);
    scene_run(scene, 3 * SECOND);
    EXPECT_NUMBER(scene->client.migrated, ==, 0);
    EXPECT_NUMBER(scene->client.failed_migrations, ==, 1);
    EXPECT_NUMBER(peer_stats(&scene->client)->path_changes, ==, 0);
    EXPECT_NUMBER(peer_stats(&scene->server)->path_changes, ==, 0);
    expect_paths(scene, 0, 0);
    scene_free(scene);
}

/* VEL-TR-18 (RFC 9000 9.6): tested once the handshake is confirmed, and used from then on; also when
 * the client wanders afterwards, which disable_active_migration forbids only before. */
static void a_server_may_prefer_another_address(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    scene->server.config.preferred_ip4 = peer_addr(&scene->server, 1);
    scene->server.config.disable_active_migration = seed % 2 == 0;
    sim_loss(scene->sim, SIM_BOTH, (unsigned)(seed % 3) * 20 * 1000);
    scene_start(scene, &(struct ask){.streams = 2, .up = 500 * KIB, .down = 500 * KIB});
    scene_finish(scene, 30 * SECOND);
    EXPECT_NUMBER(scene->client.migrated, ==, 1);
    expect_paths(scene, 0, 1);
    peer_migrate(&scene->client, 1);
    exchange_more(&scene->client.exchange, &(struct ask){.streams = 1, .up = 1000, .down = 1000},
                  sim_now(scene->sim));
    scene_finish(scene, 30 * SECOND);
    scene_run(scene, 5 * SECOND);
    expect_paths(scene, 1, 1);
    scene_free(scene);
}

/* A client whose socket is connected to one address needs another one to go there from. */
static void a_client_may_follow_from_another_socket(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    struct vel_addr preferred = peer_addr(&scene->server, 1), told;
    struct vel_addr local = peer_addr(&scene->client, 1);
    scene->server.config.preferred_ip4 = preferred;
    scene->server.config.disable_active_migration = seed % 2 == 0;
    scene->client.config.keep_server_address = true;
    sim_loss(scene->sim, SIM_BOTH, (unsigned)(seed % 3) * 20 * 1000);
    scene_start(scene, &(struct ask){.streams = 2, .up = 500 * KIB, .down = 500 * KIB});
    EXPECT(!vel_conn_preferred(scene->client.conn, &told));
    ASSERT_ERR("too early", vel_conn_follow_preferred(scene->client.conn, &local),
               VEL_ERR_UNEXPECTED);
    scene_run(scene, 500 * MS);
    EXPECT(vel_conn_preferred(scene->client.conn, &told) && vel_addr_equal(&told, &preferred));
    expect_paths(scene, 0, 0);
    ASSERT_OK(vel_conn_follow_preferred(scene->client.conn, &local));
    local = peer_addr(&scene->client, 2);
    enum vel_err asked = vel_conn_migrate(scene->client.conn, &local);
    EXPECT(asked == (seed % 2 == 0 ? VEL_ERR_UNSUPPORTED : VEL_ERR_AGAIN));
    scene_finish(scene, 30 * SECOND);
    EXPECT_NUMBER(scene->client.migrated, ==, 1);
    expect_paths(scene, 1, 1);
    ASSERT_ERR("again", vel_conn_follow_preferred(scene->client.conn, &local), VEL_ERR_EXISTS);
    scene_free(scene);
}

/* VEL-TR-18: a server cannot send its clients to what stands nearer to them. */
static void nobody_follows_to_what_is_nearer(uint64_t seed)
{
    static const struct vel_addr offers[] = {
        {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}, .port = 53},
        {.family = VEL_ADDR_IP4, .ip = {169, 254, 0, 1}, .port = 80},
        {.family = VEL_ADDR_IP4, .ip = {255, 255, 255, 255}, .port = 9},
    };
    struct scene *scene = slow_network(seed, MIB);
    struct vel_addr told;
    scene->server.config.preferred_ip4 = offers[seed % VEL_COUNT(offers)];
    scene_start(scene, &(struct ask){.streams = 1, .up = 10 * KIB, .down = 10 * KIB});
    scene_finish(scene, 10 * SECOND);
    struct vel_addr local = peer_addr(&scene->client, 1);
    EXPECT(!vel_conn_preferred(scene->client.conn, &told));
    ASSERT_ERR("nowhere to go", vel_conn_follow_preferred(scene->client.conn, &local),
               VEL_ERR_NOT_FOUND);
    expect_paths(scene, 0, 0);
    scene_free(scene);
}

static void an_offer_may_be_declined_or_dead(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    struct vel_addr dead = peer_addr(&scene->server, 1);
    scene->server.config.preferred_ip4 = dead;
    scene->client.config.keep_server_address = seed % 2 == 0;
    sim_cut(scene->sim, &dead, 0);
    scene_start(scene, &(struct ask){.streams = 1, .up = 100 * KIB, .down = 100 * KIB});
    scene_finish(scene, 10 * SECOND);
    scene_run(scene, 4 * SECOND);
    EXPECT_NUMBER(scene->client.migrated + scene->client.failed_migrations, ==, 0);
    expect_paths(scene, 0, 0);
    scene_free(scene);
}

static void a_server_may_ask_to_stay(uint64_t seed)
{
    struct scene *scene = slow_network(seed, MIB);
    struct vel_addr here = peer_addr(&scene->client, 0), there = peer_addr(&scene->client, 1);
    scene->server.config.disable_active_migration = true;
    peer_start(&scene->server);
    peer_start(&scene->client);
    ASSERT_ERR("too early", vel_conn_migrate(scene->client.conn, &there), VEL_ERR_UNEXPECTED);
    scene_connect(scene, 5 * SECOND);
    scene_run(scene, 1 * SECOND);
    ASSERT_ERR("asked to stay", vel_conn_migrate(scene->client.conn, &there), VEL_ERR_UNSUPPORTED);
    ASSERT_ERR("a server", vel_conn_migrate(scene->server.conn, &here), VEL_ERR_UNSUPPORTED);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(download_survives_200_rebindings, 2),
        SCENARIO(upload_survives_200_rebindings, 2),
        SCENARIO(transfers_survive_200_new_addresses, 3),
        SCENARIO(rebindings_on_a_lossy_path, 10),
        SCENARIO(a_copying_attacker_neither_stops_nor_floods, 10),
        SCENARIO(a_dying_path_is_left, 10),
        SCENARIO(a_client_wanders, 3),
        SCENARIO(a_path_that_does_not_answer_is_not_taken, 3),
        SCENARIO(a_server_may_prefer_another_address, 12),
        SCENARIO(a_client_may_follow_from_another_socket, 6),
        SCENARIO(nobody_follows_to_what_is_nearer, 3),
        SCENARIO(an_offer_may_be_declined_or_dead, 4),
        SCENARIO(a_server_may_ask_to_stay, 1),
        SCENARIO_V1(download_survives_200_rebindings, 1),
        SCENARIO_V1(a_copying_attacker_neither_stops_nor_floods, 2),
        SCENARIO_V1(a_dying_path_is_left, 3),
        SCENARIO_V1(a_server_may_prefer_another_address, 3),
        SCENARIO_V2(a_dying_path_is_left, 2),
        SCENARIO_V2(a_server_may_prefer_another_address, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
