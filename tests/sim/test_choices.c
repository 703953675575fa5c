/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Paths chosen for a stream, or a datagram (VEL-TR-56): a client with two networks, whose paths are 0 and
 * 1. Every byte is checked by the exchange. */

#define MBIT (UINT64_C(1000000) / 8)

static const struct vel_path_choice by_first = {.count = 1, .paths = {0}};
static const struct vel_path_choice by_second = {.count = 1, .paths = {1}};
static const struct vel_path_choice in_turn = {.scheduler = VEL_SCHEDULE_ROUND_ROBIN};
static const struct vel_path_choice on_both = {.scheduler = VEL_SCHEDULE_REDUNDANT};

/* What is not data: acknowledgements of the other direction, control frames, tests of the path. */
enum { OVERHEAD = 60 * KIB };

struct two {
    struct scene *scene;
    struct sim_link *link[2];
};

/* Both paths work; the first one is slow, if so wanted. */
static struct two begin(uint64_t seed, bool slow)
{
    struct two two = {.scene = scene_new(seed, VEL_PROFILE_LIGHT)};
    struct peer *client = &two.scene->client;
    client->config.limits.max_paths = two.scene->server.config.limits.max_paths = 4;
    two.scene->server.config.limits.max_datagram_frame_size = 65535;
    for (unsigned i = 0; i < 2; i++) {
        struct vel_addr addr = peer_addr(client, i);
        two.link[i] = sim_link(two.scene->sim, &addr, 16 * MBIT, 128 * KIB, 10 * MS);
    }
    if (slow) {
        two.link[0]->delay = 150 * MS;
        two.link[0]->rate = 4 * MBIT;
    }
    scene_start(two.scene, &(struct ask){.streams = 1, .up = 100, .down = 100});
    scene_finish(two.scene, 5 * SECOND);
    EXPECT_NUMBER(peer_open_path(client, 1), ==, 1);
    scene_run(two.scene, 300 * MS);
    EXPECT_NUMBER(peer_path(client, 1).state, ==, VEL_PATH_WORKING);
    return two;
}

static struct two two_networks(uint64_t seed)
{
    return begin(seed, false);
}

static void ask(struct two *two, struct ask ask)
{
    exchange_more(&two->scene->client.exchange, &ask, sim_now(two->scene->sim));
}

static void end(struct two *two)
{
    EXPECT(!two->scene->client.closed && !two->scene->server.closed);
    EXPECT_NUMBER(two->scene->server.connections, ==, 1);
    scene_free(two->scene);
}

/* What names a path is only there, and only that. */
static void streams_stay_on_their_path(uint64_t seed)
{
    struct two two = two_networks(seed);
    unsigned chosen = seed % 2;
    two.link[0]->loss = two.link[1]->loss = 5 * 1000;
    uint64_t other = two.link[!chosen]->up.bytes;
    ask(&two, (struct ask){.streams = 3, .up = MIB, .paths = chosen == 0 ? &by_first : &by_second});
    scene_finish(two.scene, 60 * SECOND);
    EXPECT_NUMBER(two.link[!chosen]->up.bytes - other, <, OVERHEAD);
    end(&two);
}

/* Two streams, a path each: both are full. */
static void each_has_its_own(uint64_t seed)
{
    struct two two = two_networks(seed);
    uint64_t before[] = {two.link[0]->up.bytes, two.link[1]->up.bytes};
    vel_time start = scene_elapsed(two.scene);
    ask(&two,
        (struct ask){.streams = 2, .up = 3 * MIB, .paths = &by_first, .paths_of_last = &by_second});
    scene_finish(two.scene, 10 * SECOND);
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_NUMBER(two.link[i]->up.bytes - before[i], >, 3 * MIB);
        EXPECT_NUMBER(two.link[i]->up.bytes - before[i], <, 3 * MIB + 400 * KIB);
    }
    EXPECT_NUMBER(scene_elapsed(two.scene) - start, <, 2500 * MS);
    end(&two);
}

static bool works(const struct two *two, unsigned path)
{
    return peer_path(&two->scene->client, path).state == VEL_PATH_WORKING;
}

/* A path that dies hands on what it held at once, and has its stream again when it returns. */
static void they_leave_a_dead_path_and_return(uint64_t seed)
{
    struct two two = two_networks(seed);
    unsigned chosen = seed % 2;
    struct sim_link *link = two.link[chosen], *other = two.link[!chosen];
    ask(&two,
        (struct ask){.streams = 1, .up = 9 * MIB, .paths = chosen == 0 ? &by_first : &by_second});
    scene_run(two.scene, (vel_time)(300 + 40 * (seed % 5)) * MS);
    link->dead_from = scene_elapsed(two.scene);
    link->dead_until = link->dead_from + 1200 * MS;
    uint64_t before = other->up.bytes;
    scene_run(two.scene, 1000 * MS);
    EXPECT_NUMBER(peer_path(&two.scene->client, chosen).state, ==, VEL_PATH_SILENT);
    EXPECT_NUMBER(other->up.bytes - before, >, MIB); /* 1 s at 2 MB/s, less the time-out */
    for (unsigned wait = 0; wait < 40 && !works(&two, chosen); wait++)
        scene_run(two.scene, 50 * MS); /* it is asked less and less often */
    EXPECT(works(&two, chosen));
    before = other->up.bytes;
    scene_finish(two.scene, 20 * SECOND);
    EXPECT_NUMBER(other->up.bytes - before, <, OVERHEAD);
    end(&two);
}

/* The path is given up by the application: its stream goes on elsewhere. */
static void they_outlive_their_path(uint64_t seed)
{
    struct two two = two_networks(seed);
    unsigned chosen = seed % 2;
    ask(&two, (struct ask){.streams = 2, .up = MIB, .paths = chosen == 0 ? &by_first : &by_second});
    scene_run(two.scene, 200 * MS);
    struct peer *who = seed % 3 == 0 ? &two.scene->server : &two.scene->client;
    ASSERT_OK(vel_conn_abandon_path(who->conn, chosen));
    scene_finish(two.scene, 20 * SECOND);
    uint64_t stream;
    ASSERT_OK(vel_stream_open(two.scene->client.conn, false, &stream));
    EXPECT(vel_stream_set_paths(two.scene->client.conn, stream,
                                chosen == 0 ? &by_first : &by_second) == VEL_ERR_NOT_FOUND);
    end(&two);
}

/* A transfer that fills a slow path does not delay what takes the fast one, whatever is the order. */
static void bulk_does_not_delay_the_urgent(uint64_t seed)
{
    struct two two = begin(seed, true);
    ask(&two, (struct ask){.streams = 2,
                           .up = 2 * MIB,
                           .down = 100,
                           .paths = &by_first,
                           .paths_of_last = &by_second});
    vel_time start = scene_elapsed(two.scene);
    unsigned before = two.scene->client.exchange.finished;
    while (two.scene->client.exchange.finished == before && scene_elapsed(two.scene) < 20 * SECOND)
        scene_run(two.scene, 10 * MS);
    /* 2 MiB at 2 MB/s are 1.05 s; slow start and the answer come to it. */
    EXPECT_NUMBER(scene_elapsed(two.scene) - start, <, 1500 * MS);
    scene_finish(two.scene, 60 * SECOND);
    EXPECT_NUMBER(scene_elapsed(two.scene) - start, >, 3500 * MS); /* the other took its time */
    end(&two);
}

/* A scheduler of its own, while the config's would take one path. */
static void a_stream_takes_turns(uint64_t seed)
{
    struct two two = two_networks(seed);
    two.link[0]->queue = two.link[1]->queue = MIB;
    two.link[1]->delay = (vel_time)(10 + seed) * MS;
    uint64_t before[] = {two.link[0]->up.bytes, two.link[1]->up.bytes};
    for (unsigned i = 0; i < 60; i++) { /* less than either window holds */
        ask(&two, (struct ask){.streams = 1, .up = 20000, .paths = &in_turn});
        scene_run(two.scene, 120 * MS);
    }
    EXPECT(exchange_is_done(&two.scene->client.exchange));
    uint64_t first = two.link[0]->up.bytes - before[0], second = two.link[1]->up.bytes - before[1];
    EXPECT_NUMBER(second * 100, >=, first * 90);
    EXPECT_NUMBER(second * 100, <=, first * 110);
    end(&two);
}

/* One stream goes by both paths, and does not wait when one of them dies; another one is sent once. */
static void a_stream_goes_by_both(uint64_t seed)
{
    struct two two = two_networks(seed);
    uint64_t before[] = {two.link[0]->up.bytes, two.link[1]->up.bytes};
    for (unsigned i = 0; i < 40; i++) {
        if (i == 20) {
            for (unsigned k = 0; k < 2; k++)
                EXPECT_NUMBER(two.link[k]->up.bytes - before[k], >=, 20 * 3000);
            two.link[seed % 2]->dead_from = scene_elapsed(two.scene);
        }
        ask(&two, (struct ask){.streams = 1, .up = 3000, .paths = &on_both});
        scene_run(two.scene, 30 * MS); /* a round trip, and no time-out */
        EXPECT_NUMBER(two.scene->server.exchange.finished, ==, i + 2);
    }
    end(&two);
}

/* What is copied and what is not share the paths, whichever waits for whom. */
static void copies_and_others_share(uint64_t seed)
{
    struct two two = two_networks(seed);
    two.link[0]->loss = two.link[1]->loss = 20 * 1000;
    ask(&two, (struct ask){.streams = 2,
                           .up = 500 * KIB,
                           .down = 500 * KIB,
                           .urgency_of_last = seed % 2 == 0 ? 1 : 5,
                           .paths_of_last = &on_both});
    scene_finish(two.scene, 30 * SECOND);
    end(&two);
}

/* A backup of ours is used by who names it; a backup of the peer only in need. */
static void a_backup_is_used_by_name(uint64_t seed)
{
    struct two two = two_networks(seed);
    bool ours = seed % 2 == 0;
    struct peer *who = ours ? &two.scene->client : &two.scene->server;
    ASSERT_OK(vel_conn_set_path_backup(who->conn, 1, true));
    scene_run(two.scene, 200 * MS);
    uint64_t before[] = {two.link[0]->up.bytes, two.link[1]->up.bytes};
    ask(&two, (struct ask){.streams = 2, .up = MIB, .paths_of_last = &by_second});
    scene_finish(two.scene, 20 * SECOND);
    uint64_t first = two.link[0]->up.bytes - before[0], second = two.link[1]->up.bytes - before[1];
    EXPECT_NUMBER(first, >, ours ? MIB : 2 * MIB);
    EXPECT((second > MIB) == ours && (second < OVERHEAD) == !ours);
    two.link[0]->dead_from = scene_elapsed(two.scene);
    ask(&two, (struct ask){.streams = 2, .up = MIB, .paths = &by_first});
    scene_finish(two.scene, 20 * SECOND);
    end(&two);
}

/* Datagrams by name, while the other path is full of a stream: none waits for it. */
static void datagrams_stay_on_their_path(uint64_t seed)
{
    struct two two = two_networks(seed);
    unsigned chosen = seed % 2;
    struct vel_conn *client = two.scene->client.conn;
    const struct vel_path_choice *choices[] = {&by_first, &by_second};
    uint64_t before[] = {two.link[0]->up.bytes, two.link[1]->up.bytes};
    uint8_t bytes[1000] = {0};
    for (unsigned i = 0; i < 100; i++) {
        ASSERT_OK(vel_conn_send_datagram_by(client, vel_slice(bytes, sizeof bytes), 3, VEL_NEVER,
                                            choices[chosen], NULL));
        scene_run(two.scene, 5 * MS);
    }
    scene_run(two.scene, 200 * MS);
    EXPECT_NUMBER(peer_stats(&two.scene->server)->datagram_frames.received, ==, 100);
    EXPECT_NUMBER(two.link[chosen]->up.bytes - before[chosen], >, 100 * 1000);
    EXPECT_NUMBER(two.link[!chosen]->up.bytes - before[!chosen], <, 10 * 1000);
    end(&two);
}

/* VEL-TR-57: they go by both paths, arrive once, and none is missing when one of the paths dies. */
static void datagrams_go_by_both(uint64_t seed)
{
    struct two two = two_networks(seed);
    uint64_t before[] = {two.link[0]->up.bytes, two.link[1]->up.bytes};
    uint8_t bytes[1000] = {0};
    bool seen[200] = {false};
    unsigned arrived = 0;
    struct vel_slice got;
    two.link[1]->delay = 25 * MS;
    for (unsigned i = 0; i < VEL_COUNT(seen); i++) {
        if (i == 100)
            two.link[seed % 2]->dead_from = scene_elapsed(two.scene);
        bytes[0] = (uint8_t)i;
        ASSERT_OK(vel_conn_send_datagram_by(two.scene->client.conn, vel_slice(bytes, sizeof bytes),
                                            i % 8, VEL_NEVER, &on_both, NULL));
        scene_run(two.scene, 5 * MS);
        for (unsigned k = 0; i == 99 && k < 2; k++)
            EXPECT_NUMBER(two.link[k]->up.bytes - before[k], >=, 99 * 1000);
    }
    scene_run(two.scene, 100 * MS);
    while (vel_conn_receive_datagram(two.scene->server.conn, &got) == VEL_OK) {
        EXPECT(got.len == sizeof bytes && !seen[got.ptr[0]]);
        seen[got.ptr[0]] = true;
        arrived++;
    }
    EXPECT_NUMBER(arrived, ==, VEL_COUNT(seen));
    end(&two);
}

/* What cannot be chosen. */
static void choices_have_bounds(uint64_t seed)
{
    struct two two = two_networks(seed);
    struct vel_conn *client = two.scene->client.conn;
    uint64_t stream, other;
    ASSERT_OK(vel_stream_open(client, false, &stream));
    ASSERT_OK(vel_stream_open(client, false, &other));
    const struct vel_path_choice bad[] = {{.scheduler = VEL_SCHEDULE_REDUNDANT + 1},
                                          {.count = VEL_PATHS_OPEN_MAX + 1}};
    for (size_t i = 0; i < VEL_COUNT(bad); i++)
        EXPECT(vel_stream_set_paths(client, stream, &bad[i]) == VEL_ERR_ARGUMENT);
    const struct vel_path_choice unknown = {.count = 2, .paths = {0, 7}};
    EXPECT(vel_stream_set_paths(client, stream, &unknown) == VEL_ERR_NOT_FOUND);
    EXPECT(vel_stream_set_paths(client, 4000, &by_first) == VEL_ERR_NOT_FOUND);

    /* Seven at a time; one that nobody has any more makes room for another. */
    uint64_t held[VEL_PATH_CHOICES_MAX];
    for (unsigned i = 0; i < VEL_COUNT(held); i++) {
        struct vel_path_choice choice = {
            .scheduler = (enum vel_scheduler)(i % 5), .count = 1, .paths = {i / 5}};
        ASSERT_OK(vel_stream_open(client, false, &held[i]));
        ASSERT_OK(vel_stream_set_paths(client, held[i], &choice));
    }
    const struct vel_path_choice both = {.count = 2, .paths = {0, 1}};
    EXPECT(vel_stream_set_paths(client, other, &both) == VEL_ERR_LIMIT);
    ASSERT_OK(vel_stream_set_paths(client, other, &by_first)); /* one that is in use */
    ASSERT_OK(vel_stream_set_paths(client, held[3], NULL));
    ASSERT_OK(vel_stream_set_paths(client, other, &both));
    end(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(streams_stay_on_their_path, 4),
        SCENARIO(each_has_its_own, 2),
        SCENARIO(they_leave_a_dead_path_and_return, 6),
        SCENARIO(they_outlive_their_path, 6),
        SCENARIO(bulk_does_not_delay_the_urgent, 2),
        SCENARIO(a_stream_takes_turns, 3),
        SCENARIO(a_stream_goes_by_both, 4),
        SCENARIO(copies_and_others_share, 4),
        SCENARIO(a_backup_is_used_by_name, 4),
        SCENARIO(datagrams_stay_on_their_path, 2),
        SCENARIO(datagrams_go_by_both, 4),
        SCENARIO(choices_have_bounds, 1),
        SCENARIO_V1(they_leave_a_dead_path_and_return, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
