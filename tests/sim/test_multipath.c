/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Several paths at a time, draft-ietf-quic-multipath: a client with two networks. Every byte is checked by
 * the exchange. */

#define MBIT (UINT64_C(1000000) / 8)

struct two {
    struct scene *scene;
    struct sim_link *first, *second;
};

static struct two two_networks(uint64_t seed, enum vel_scheduler scheduler)
{
    struct two two = {.scene = scene_new(seed, VEL_PROFILE_LIGHT)};
    struct peer *peers[] = {&two.scene->client, &two.scene->server};
    for (size_t i = 0; i < VEL_COUNT(peers); i++) {
        peers[i]->config.limits.max_paths = 4;
        peers[i]->config.scheduler = scheduler;
    }
    struct vel_addr first = peer_addr(peers[0], 0), second = peer_addr(peers[0], 1);
    two.first = sim_link(two.scene->sim, &first, 50 * MBIT, 128 * KIB, 10 * MS);
    two.second = sim_link(two.scene->sim, &second, 50 * MBIT, 128 * KIB, 10 * MS);
    return two;
}

/* Connect by the first network, and open a path by the second: number 1. */
static void begin(struct two *two, struct ask ask)
{
    scene_start(two->scene, &ask);
    scene_connect(two->scene, 5 * SECOND);
    scene_run(two->scene, 100 * MS);
    EXPECT(vel_conn_is_multipath(two->scene->client.conn));
    EXPECT_NUMBER(peer_open_path(&two->scene->client, 1), ==, 1);
}

static void expect_alive(const struct two *two)
{
    EXPECT(!two->scene->client.closed && !two->scene->server.closed);
    EXPECT_NUMBER(two->scene->server.connections, ==, 1);
}

/* VEL-TR-53: two equal paths together carry nearly what both could. */
static void two_paths_add_up(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    struct ask ask = {.streams = 1, .up = 1000, .down = 24 * MIB};
    begin(&two, ask);
    vel_time start = scene_elapsed(two.scene);
    uint64_t before = two.scene->client.exchange.received;
    scene_finish(two.scene, 20 * SECOND);
    uint64_t rate =
        (ask.down - before) * (uint64_t)SECOND / (uint64_t)(scene_elapsed(two.scene) - start);
    EXPECT_NUMBER(rate, >=, 100 * MBIT * 8 / 10);
    expect_alive(&two);
    scene_free(two.scene);
}

/* VEL-TR-53: what a small answer needs goes by the faster path alone: its window is never full. */
static void little_takes_the_faster_path(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    two.first->delay = 60 * MS;
    begin(&two, (struct ask){.streams = 1, .up = 100, .down = 100});
    scene_finish(two.scene, 5 * SECOND);
    scene_run(two.scene, 1 * SECOND); /* the second is known to be faster now */
    uint64_t slow = two.first->down.bytes, fast = two.second->down.bytes;
    for (unsigned i = 0; i < 50; i++) {
        exchange_more(&two.scene->client.exchange,
                      &(struct ask){.streams = 1, .up = 100, .down = 3000},
                      sim_now(two.scene->sim));
        scene_run(two.scene, 100 * MS);
    }
    EXPECT(exchange_is_done(&two.scene->client.exchange));
    EXPECT_NUMBER(two.second->down.bytes - fast, >=, 50 * 3000);
    EXPECT_NUMBER(two.first->down.bytes - slow, <=, 3000);
    expect_alive(&two);
    scene_free(two.scene);
}

/* And a large one fills the faster path first, then takes the other as well. */
static void much_takes_the_slower_path_too(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    two.second->delay = 40 * MS;
    begin(&two, (struct ask){.streams = 1, .up = 1000, .down = 16 * MIB});
    scene_finish(two.scene, 20 * SECOND);
    EXPECT_NUMBER(two.first->down.bytes, >, two.second->down.bytes);
    EXPECT_NUMBER(two.second->down.bytes, >, 3 * MIB);
    expect_alive(&two);
    scene_free(two.scene);
}

/* VEL-TR-54: a path that dies in the middle of a transfer: what it held is sent on the other, and when
 * it is back it is used again. */
static void a_path_dies_and_returns(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    struct sim_link *dying = seed % 2 == 0 ? two.first : two.second;
    dying->dead_from = 800 * MS;
    dying->dead_until = (vel_time)(2500 + 100 * (seed % 7)) * MS;
    two.first->rate = two.second->rate = 8 * MBIT;
    begin(&two, (struct ask){.streams = 2, .up = 300 * KIB, .down = 5 * MIB});
    scene_run(two.scene, 2 * SECOND);
    EXPECT_NUMBER(peer_path(&two.scene->server, seed % 2 == 0 ? 0 : 1).state, ==, VEL_PATH_SILENT);
    uint64_t while_dead = dying->down.bytes;
    scene_finish(two.scene, 12 * SECOND);
    EXPECT_NUMBER(dying->down.bytes, >, while_dead + 500 * KIB);
    EXPECT_NUMBER(scene_elapsed(two.scene), <, 9 * SECOND);
    expect_alive(&two);
    scene_free(two.scene);
}

/* A path that never comes back is left behind with all it held. */
static void a_path_dies_for_good(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    struct sim_link *dying = seed % 2 == 0 ? two.first : two.second;
    dying->dead_from = (vel_time)(300 + 50 * seed) * MS;
    two.first->rate = two.second->rate = 8 * MBIT;
    two.first->loss = two.second->loss = 5 * 1000;
    begin(&two, (struct ask){.streams = 3, .up = MIB, .down = MIB});
    scene_finish(two.scene, 20 * SECOND);
    expect_alive(&two);
    scene_free(two.scene);
}

static bool both_work(const struct two *two, uint32_t path)
{
    return peer_path(&two->scene->client, path).state == VEL_PATH_WORKING &&
           peer_path(&two->scene->server, path).state == VEL_PATH_WORKING;
}

/* VEL-TR-52: the application gives a path up, opens another, and again: numbers are never used twice, and
 * the server's limit rises as they go. */
static void paths_come_and_go(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    two.first->loss = two.second->loss = (unsigned)(seed % 3) * 10 * 1000;
    two.first->rate = two.second->rate = 4 * MBIT;
    begin(&two, (struct ask){.streams = 1, .up = 4 * MIB, .down = 4 * MIB});
    uint32_t old = 0, young = 1;
    for (unsigned round = 0; round < 12; round++) {
        scene_run(two.scene, 500 * MS);
        for (unsigned wait = 0; wait < 20 && !both_work(&two, young); wait++) {
            scene_run(two.scene, 200 * MS); /* a challenge may have been lost, */
            if (peer_path(&two.scene->client, young).state == VEL_PATH_ABANDONED) /* or all */
                young = peer_open_path(&two.scene->client, (round + 1) % 2);
        }
        EXPECT(both_work(&two, young));
        struct peer *who = round % 3 == 1 ? &two.scene->server : &two.scene->client;
        ASSERT_OK(vel_conn_abandon_path(who->conn, old));
        old = young;
        scene_run(two.scene, 500 * MS);
        young = peer_open_path(&two.scene->client, round % 2);
        EXPECT_NUMBER(young, >, old);
    }
    EXPECT_NUMBER(young, >=, 12);
    scene_finish(two.scene, 40 * SECOND);
    expect_alive(&two);
    EXPECT(vel_conn_abandon_path(two.scene->client.conn, 0) == VEL_ERR_NOT_FOUND);
    scene_free(two.scene);
}

/* VEL-TR-51: a backup carries nothing while another works. */
static void a_backup_waits(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    two.second->delay = 2 * MS;
    begin(&two, (struct ask){.streams = 1, .up = 100, .down = 100});
    scene_run(two.scene, 200 * MS);
    ASSERT_OK(vel_conn_set_path_backup(two.scene->client.conn, 1, true));
    scene_run(two.scene, 200 * MS);
    EXPECT(peer_path(&two.scene->server, 1).peer_backup);
    uint64_t before = two.second->down.bytes;
    exchange_more(&two.scene->client.exchange, &(struct ask){.streams = 1, .up = MIB, .down = MIB},
                  sim_now(two.scene->sim));
    scene_finish(two.scene, 10 * SECOND);
    EXPECT_NUMBER(two.second->down.bytes - before, <, 3000);
    two.first->dead_from = scene_elapsed(two.scene);
    exchange_more(&two.scene->client.exchange, &(struct ask){.streams = 1, .up = MIB, .down = MIB},
                  sim_now(two.scene->sim));
    scene_finish(two.scene, 10 * SECOND);
    EXPECT_NUMBER(two.second->down.bytes - before, >, MIB);
    expect_alive(&two);
    scene_free(two.scene);
}

/* Each path moves by itself when a translator of addresses forgets (RFC 9000 9.3). */
static void paths_are_rebound(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_ROUND_ROBIN);
    two.scene->client.config.limits.keep_alive = 100 * MS;
    two.first->rate = two.second->rate = 4 * MBIT;
    begin(&two, (struct ask){.streams = 2, .up = 2 * MIB, .down = 2 * MIB});
    scene_run(two.scene, 300 * MS);
    for (unsigned i = 0; i < 5; i++) {
        peer_migrate(&two.scene->client, 1 - i % 2);
        scene_run(two.scene, 400 * MS);
    }
    EXPECT_NUMBER(two.scene->client.migrated, >=, 4);
    scene_finish(two.scene, 30 * SECOND);
    expect_alive(&two);
    scene_free(two.scene);
}

/* One round each in turn; weights divide it. */
static void in_turn(uint64_t seed, enum vel_scheduler scheduler, unsigned weight)
{
    struct two two = two_networks(seed, scheduler);
    two.first->queue = two.second->queue = MIB;
    begin(&two, (struct ask){.streams = 1, .up = 100, .down = 100});
    scene_run(two.scene, 300 * MS);
    ASSERT_OK(vel_conn_set_path_weight(two.scene->server.conn, 1, weight));
    uint64_t first = two.first->down.bytes, second = two.second->down.bytes;
    for (unsigned i = 0; i < 60; i++) { /* less than either window holds */
        exchange_more(&two.scene->client.exchange,
                      &(struct ask){.streams = 1, .up = 100, .down = 20000},
                      sim_now(two.scene->sim));
        scene_run(two.scene, 80 * MS);
    }
    EXPECT(exchange_is_done(&two.scene->client.exchange));
    first = two.first->down.bytes - first;
    second = two.second->down.bytes - second;
    uint64_t share = scheduler == VEL_SCHEDULE_ROUND_ROBIN ? 1 : weight;
    EXPECT_NUMBER(second * 100, >=, first * share * 93);
    EXPECT_NUMBER(second * 100, <=, first * share * 107);
    scene_free(two.scene);
}

static void round_robin_divides_evenly(uint64_t seed)
{
    in_turn(seed, VEL_SCHEDULE_ROUND_ROBIN, 3);
}

static void weights_divide(uint64_t seed)
{
    in_turn(seed, VEL_SCHEDULE_WEIGHTED_ROUND_ROBIN, 1 + (unsigned)(seed % 4));
}

/* VEL-TR-53: everything goes by both paths, so nothing waits when either loses packets, or dies. */
static void copies_arrive_by_either_path(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_REDUNDANT);
    two.second->delay = 20 * MS;
    begin(&two, (struct ask){.streams = 1, .up = 100, .down = 100});
    scene_run(two.scene, 300 * MS);
    EXPECT(exchange_is_done(&two.scene->client.exchange));
    uint64_t first = two.first->down.bytes, second = two.second->down.bytes;
    for (unsigned i = 0; i < 40; i++) {
        if (i == 20) /* one of them ends */
            *(seed % 2 == 0 ? &two.first->dead_from : &two.second->dead_from) =
                scene_elapsed(two.scene);
        exchange_more(&two.scene->client.exchange,
                      &(struct ask){.streams = 1, .up = 1500, .down = 3000},
                      sim_now(two.scene->sim));
        scene_run(two.scene, 50 * MS); /* a round trip of the slower one, and no time-out */
        EXPECT(exchange_is_done(&two.scene->client.exchange));
        if (i == 19) {
            EXPECT_NUMBER(two.first->down.bytes - first, >=, 20 * 3000);
            EXPECT_NUMBER(two.second->down.bytes - second, >=, 20 * 3000);
        }
    }
    expect_alive(&two);
    scene_free(two.scene);
}

static void copies_of_much(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_REDUNDANT);
    two.first->loss = two.second->loss = 50 * 1000;
    two.first->rate = two.second->rate = 16 * MBIT;
    begin(&two, (struct ask){.streams = 3, .up = 500 * KIB, .down = 500 * KIB});
    scene_finish(two.scene, 20 * SECOND);
    expect_alive(&two);
    scene_free(two.scene);
}

/* One path at a time: the one that delivers soonest, all things together. */
static void best_path_avoids_the_lossy_one(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_BEST_PATH);
    two.first->loss = 60 * 1000;
    two.second->delay = 15 * MS;
    begin(&two, (struct ask){.streams = 1, .up = 1000, .down = 6 * MIB});
    scene_finish(two.scene, 20 * SECOND);
    uint64_t lossy = two.first->down.bytes;
    exchange_more(&two.scene->client.exchange,
                  &(struct ask){.streams = 1, .up = 1000, .down = 4 * MIB},
                  sim_now(two.scene->sim));
    scene_finish(two.scene, 20 * SECOND);
    EXPECT_NUMBER(two.first->down.bytes - lossy, <, 200 * KIB);
    expect_alive(&two);
    scene_free(two.scene);
}

/* VEL-TR-50: without an offer of both ends there is one path, as ever. */
static void both_must_offer(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    struct peer *alone = seed % 2 == 0 ? &two.scene->client : &two.scene->server;
    alone->config.limits.max_paths = 1;
    scene_start(two.scene, &(struct ask){.streams = 1, .up = 1000, .down = 1000});
    scene_finish(two.scene, 5 * SECOND);
    struct vel_addr local = peer_addr(&two.scene->client, 1);
    uint32_t path;
    EXPECT(!vel_conn_is_multipath(two.scene->client.conn));
    EXPECT(vel_conn_open_path(two.scene->client.conn, &local, &path) == VEL_ERR_UNSUPPORTED);
    EXPECT_NUMBER(vel_conn_paths(two.scene->client.conn, NULL, 0), ==, 1);
    scene_free(two.scene);
}

/* VEL-TR-52: a path that is opened as early as can be: the ids that the server answers to come with the
 * first challenge, or are still on their way. */
static void a_path_opens_at_once(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    two.second->delay = (vel_time)(1 + seed % 3 * 7) * MS; /* ahead of the other, or behind */
    scene_start(two.scene, &(struct ask){.streams = 1, .up = 100, .down = MIB});
    scene_connect(two.scene, 5 * SECOND);
    struct vel_addr local = peer_addr(&two.scene->client, 1);
    uint32_t path;
    while (vel_conn_open_path(two.scene->client.conn, &local, &path) != VEL_OK)
        scene_run(two.scene, MS);
    EXPECT_NUMBER(path, ==, 1);
    scene_run(two.scene, 200 * MS);
    EXPECT(both_work(&two, 1));
    scene_finish(two.scene, 5 * SECOND);
    expect_alive(&two);
    scene_free(two.scene);
}

/* A path that nobody answers on is abandoned, and its number is gone. */
static void a_dead_path_is_abandoned(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_LOWEST_LATENCY);
    two.second->dead_from = 0;
    begin(&two, (struct ask){.streams = 1, .up = 300 * KIB, .down = MIB});
    scene_finish(two.scene, 20 * SECOND);
    scene_run(two.scene, 6 * SECOND);
    EXPECT_NUMBER(vel_conn_paths(two.scene->client.conn, NULL, 0), ==, 1);
    two.second->dead_from = VEL_NEVER;
    uint32_t path = peer_open_path(&two.scene->client, 1);
    EXPECT_NUMBER(path, >, 1);
    scene_run(two.scene, 300 * MS);
    EXPECT_NUMBER(peer_path(&two.scene->client, path).state, ==, VEL_PATH_WORKING);
    expect_alive(&two);
    scene_free(two.scene);
}

/* VEL-TR-58: a path that worked and dies is asked for a while, then abandoned by whoever opened it; a new
 * one takes its place when the network is back. */
static void a_silent_path_is_abandoned(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_ROUND_ROBIN);
    struct peer *peers[] = {&two.scene->client, &two.scene->server};
    for (size_t i = 0; i < VEL_COUNT(peers); i++)
        peers[i]->config.limits.idle_timeout = (vel_time)(4 + seed % 3) * SECOND;
    begin(&two, (struct ask){.streams = 1, .up = 100 * KIB, .down = 100 * KIB});
    scene_run(two.scene, 1 * SECOND);
    unsigned dead = seed % 2;
    struct sim_link *dying = dead == 0 ? two.first : two.second;
    dying->dead_from = scene_elapsed(two.scene);
    for (unsigned i = 0; i < 40; i++) {
        exchange_more(&two.scene->client.exchange,
                      &(struct ask){.streams = 1, .up = 20 * KIB, .down = 20 * KIB},
                      sim_now(two.scene->sim));
        scene_run(two.scene, 500 * MS);
        EXPECT(exchange_is_done(&two.scene->client.exchange));
        for (size_t k = 0; i == 3 && k < VEL_COUNT(peers); k++)
            EXPECT_NUMBER(peer_path(peers[k], dead).state, ==, VEL_PATH_SILENT);
    }
    for (size_t i = 0; i < VEL_COUNT(peers); i++)
        EXPECT_NUMBER(vel_conn_paths(peers[i]->conn, NULL, 0), ==, 1);
    dying->dead_from = VEL_NEVER;
    uint32_t path = peer_open_path(&two.scene->client, dead);
    scene_run(two.scene, 300 * MS);
    EXPECT(both_work(&two, path));
    expect_alive(&two);
    scene_free(two.scene);
}

/* VEL-TR-58: a path that goes dead in one direction alone, up or down: whoever has data finds the other one, and in the
 * end it is abandoned. */
static void a_path_dies_in_one_direction(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_ROUND_ROBIN);
    struct peer *peers[] = {&two.scene->client, &two.scene->server};
    for (size_t i = 0; i < VEL_COUNT(peers); i++)
        peers[i]->config.limits.idle_timeout = 4 * SECOND;
    two.first->rate = two.second->rate = 8 * MBIT;
    begin(&two, (struct ask){.streams = 1, .up = 2 * MIB, .down = 2 * MIB});
    scene_run(two.scene, 100 * MS);
    struct sim_link *dying = seed % 2 == 0 ? two.first : two.second;
    dying->dead_way = seed / 2 % 2 == 0 ? SIM_UP : SIM_DOWN;
    dying->dead_from = scene_elapsed(two.scene);
    vel_time start = scene_elapsed(two.scene);
    scene_finish(two.scene, 5 * SECOND);
    EXPECT_NUMBER(scene_elapsed(two.scene) - start, <, 3 * SECOND);
    for (unsigned i = 0; i < 30; i++) {
        exchange_more(&two.scene->client.exchange,
                      &(struct ask){.streams = 1, .up = 20 * KIB, .down = 20 * KIB},
                      sim_now(two.scene->sim));
        scene_run(two.scene, 500 * MS);
        EXPECT(exchange_is_done(&two.scene->client.exchange));
    }
    for (size_t i = 0; i < VEL_COUNT(peers); i++)
        EXPECT_NUMBER(vel_conn_paths(peers[i]->conn, NULL, 0), ==, 1);
    expect_alive(&two);
    scene_free(two.scene);
}

/* VEL-TR-58: when all are silent none is given up: the first that answers goes on. */
static void none_is_given_up_while_all_are_silent(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_ROUND_ROBIN);
    struct peer *peers[] = {&two.scene->client, &two.scene->server};
    for (size_t i = 0; i < VEL_COUNT(peers); i++)
        peers[i]->config.limits.idle_timeout = 9 * SECOND;
    begin(&two, (struct ask){.streams = 1, .up = 20 * MIB, .down = MIB});
    scene_run(two.scene, 600 * MS);
    two.first->dead_from = two.second->dead_from = scene_elapsed(two.scene);
    two.first->dead_until = two.second->dead_until =
        two.first->dead_from + (vel_time)(2 + seed % 3) * SECOND;
    scene_run(two.scene, 1500 * MS);
    for (uint32_t path = 0; path < 2; path++)
        EXPECT_NUMBER(peer_path(&two.scene->client, path).state, ==, VEL_PATH_SILENT);
    scene_finish(two.scene, 40 * SECOND);
    EXPECT(both_work(&two, 0) && both_work(&two, 1));
    expect_alive(&two);
    scene_free(two.scene);
}

/* VEL-TR-55: keys are the connection's: updates while both paths are busy, one much slower than the other. */
static void keys_are_updated_on_all_paths(uint64_t seed)
{
    struct two two = two_networks(seed, VEL_SCHEDULE_ROUND_ROBIN);
    struct peer *peers[] = {&two.scene->client, &two.scene->server};
    for (size_t i = 0; i < VEL_COUNT(peers); i++)
        peers[i]->config.limits.key_update_packets = 150;
    two.second->delay = 70 * MS;
    two.first->loss = two.second->loss = 3 * 1000;
    two.first->rate = two.second->rate = 16 * MBIT;
    begin(&two, (struct ask){.streams = 2, .up = 6 * MIB, .down = 6 * MIB});
    scene_finish(two.scene, 30 * SECOND);
    EXPECT_NUMBER(peer_stats(&two.scene->client)->key_updates, >=, 3);
    expect_alive(&two);
    scene_free(two.scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(two_paths_add_up, 2),
        SCENARIO(little_takes_the_faster_path, 3),
        SCENARIO(much_takes_the_slower_path_too, 2),
        SCENARIO(a_path_dies_and_returns, 6),
        SCENARIO(a_path_dies_for_good, 12),
        SCENARIO(paths_come_and_go, 6),
        SCENARIO(a_backup_waits, 3),
        SCENARIO(paths_are_rebound, 3),
        SCENARIO(round_robin_divides_evenly, 3),
        SCENARIO(weights_divide, 4),
        SCENARIO(best_path_avoids_the_lossy_one, 3),
        SCENARIO(copies_arrive_by_either_path, 4),
        SCENARIO(copies_of_much, 4),
        SCENARIO(both_must_offer, 2),
        SCENARIO(a_path_opens_at_once, 6),
        SCENARIO(a_dead_path_is_abandoned, 4),
        SCENARIO(a_silent_path_is_abandoned, 6),
        SCENARIO(a_path_dies_in_one_direction, 8),
        SCENARIO(none_is_given_up_while_all_are_silent, 3),
        SCENARIO(keys_are_updated_on_all_paths, 4),
        SCENARIO_V1(two_paths_add_up, 1),
        SCENARIO_V1(a_path_dies_and_returns, 2),
        SCENARIO_V1(paths_come_and_go, 2),
        SCENARIO_V2(a_path_dies_for_good, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
