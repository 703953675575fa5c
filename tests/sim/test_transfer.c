/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Streams: bulk, many, limits, readers that stop. Every byte is checked by the exchange. */

/* 40 ms, 10 Mbyte/s with 100 ms of queue: nothing is lost unless it should be. */
static struct scene *good_network(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_bottleneck(scene->sim, SIM_BOTH, 10 * MIB, MIB, 0);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    return scene;
}

static void exchange_on_good_network(uint64_t seed, struct ask ask)
{
    struct scene *scene = good_network(seed);
    scene_start(scene, &ask);
    scene_finish(scene, 60 * SECOND);
    EXPECT_NUMBER(scene->client.exchange.received, ==, ask.streams * ask.down);
    EXPECT_NUMBER(scene->server.exchange.received, ==, ask.streams * (ask.up + 8));
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

static void downloads(uint64_t seed)
{
    exchange_on_good_network(seed, (struct ask){.streams = 1, .down = 4 * MIB});
}

static void uploads(uint64_t seed)
{
    exchange_on_good_network(seed, (struct ask){.streams = 1, .up = 4 * MIB});
}

static void uploads_on_unidirectional_streams(uint64_t seed)
{
    exchange_on_good_network(seed,
                             (struct ask){.streams = 20, .up = 50 * 1000, .unidirectional = true});
}

static void goes_both_ways_at_once(uint64_t seed)
{
    exchange_on_good_network(seed, (struct ask){.streams = 4, .up = MIB, .down = MIB});
}

/* More requests than may be open at a time: limits are raised as streams end. */
static void thousands_of_requests(uint64_t seed)
{
    exchange_on_good_network(seed, (struct ask){.streams = 2000, .up = 300, .down = 1500});
}

static void empty_streams(uint64_t seed)
{
    exchange_on_good_network(seed, (struct ask){.streams = 300});
}

static void many_streams_share_a_lossy_path(uint64_t seed)
{
    struct scene *scene = good_network(seed);
    sim_loss(scene->sim, SIM_BOTH, 20 * 1000);
    scene_start(scene, &(struct ask){.streams = 200, .up = 5000, .down = 20 * 1000});
    scene_finish(scene, 60 * SECOND);
    scene_free(scene);
}

/* Windows far smaller than the data: every byte waits for MAX_DATA and MAX_STREAM_DATA, which are
 * lost, too. */
static void small_windows(uint64_t seed)
{
    struct scene *scene = good_network(seed);
    struct vel_limits *limits[] = {&scene->client.config.limits, &scene->server.config.limits};
    for (size_t i = 0; i < VEL_COUNT(limits); i++) {
        limits[i]->max_data = 20 * 1000;
        limits[i]->max_stream_data = 8 * 1000;
        limits[i]->max_streams_bidi = 3;
    }
    sim_loss(scene->sim, SIM_BOTH, 30 * 1000);
    scene_start(scene, &(struct ask){.streams = 8, .up = 40 * 1000, .down = 60 * 1000});
    scene_finish(scene, 120 * SECOND);
    scene_free(scene);
}

/* Who does not read stops the sender at the window; reading on sets it going again. */
static void a_reader_that_stops_stops_the_sender(uint64_t seed)
{
    struct scene *scene = good_network(seed);
    const struct vel_limits *limits = &scene->client.config.limits;
    const uint64_t stall = 100 * 1000, size = 8 * MIB;
    scene->client.config.limits.max_stream_data = MIB;
    scene_start(scene, &(struct ask){.streams = 1, .down = size, .stall_at = stall});
    scene_run(scene, 10 * SECOND);
    uint64_t sent = scene->server.exchange.sent;
    uint64_t most = scene->client.exchange.received + limits->max_stream_data +
                    scene->server.config.limits.max_send_buffer;
    EXPECT_NUMBER(sent, <=, most);
    EXPECT_NUMBER(sent, <, size);
    uint64_t on_the_wire = peer_stats(&scene->server)->bytes_sent;
    scene_run(scene, 5 * SECOND);
    EXPECT_NUMBER(scene->server.exchange.sent, ==, sent);
    EXPECT_NUMBER(peer_stats(&scene->server)->bytes_sent - on_the_wire, <, 20 * 1000);

    exchange_resume(&scene->client.exchange, sim_now(scene->sim));
    scene_finish(scene, 60 * SECOND);
    EXPECT_NUMBER(scene->client.exchange.received, ==, size);
    scene_free(scene);
}

/* STOP_SENDING ends one stream and nothing else. */
static void a_reader_may_refuse_the_rest(uint64_t seed)
{
    struct scene *scene = good_network(seed);
    scene_start(scene, &(struct ask){.streams = 3, .down = 4 * MIB, .stop_at = 50 * 1000});
    scene_finish(scene, 20 * SECOND);
    scene_run(scene, 1 * SECOND);
    EXPECT_NUMBER(scene->server.exchange.stopped, ==, 3);
    EXPECT_NUMBER(scene->server.exchange.sent, <, 3 * 4 * MIB);
    exchange_more(&scene->client.exchange, &(struct ask){.streams = 1, .down = 100 * 1000},
                  sim_now(scene->sim));
    scene_finish(scene, 20 * SECOND);
    EXPECT(!scene->client.closed && !scene->server.closed);
    scene_free(scene);
}

/* RFC 9218: the urgent stream does not wait for bulk that was asked for before. */
static void urgent_streams_go_first(uint64_t seed)
{
    struct scene *scene = good_network(seed);
    scene_start(scene, &(struct ask){.streams = 4, .up = 200 * 1000, .urgency_of_last = 1});
    scene_connect(scene, 5 * SECOND);
    while (scene->server.exchange.finished == 0)
        EXPECT(sim_step(scene->sim, SIM_START + 60 * SECOND));
    EXPECT_NUMBER(scene->server.exchange.received, <, 300 * 1000);
    scene_finish(scene, 60 * SECOND);
    scene_free(scene);
}

/* All profiles, both ciphers' sizes, all congestion controls. */
static void transfers_in_all_profiles(uint64_t seed)
{
    for (int profile = 0; profile < VEL_PROFILE_COUNT; profile++) {
        struct scene *scene = scene_new(seed, (enum vel_profile)profile);
        scene->client.config.prefer_chacha = seed % 2 == 0;
        scene->server.config.congestion = (enum vel_congestion)(seed % VEL_CC_COUNT);
        sim_delay(scene->sim, SIM_BOTH, 5 * MS);
        sim_loss(scene->sim, SIM_DOWN, 10 * 1000);
        scene_start(scene, &(struct ask){.streams = 2, .up = 100 * 1000, .down = MIB});
        scene_finish(scene, 60 * SECOND);
        scene_free(scene);
    }
}

/* Trains of many datagrams in one call, as a socket with segmentation offload takes them. */
static void trains_carry_it_all(uint64_t seed)
{
    struct scene *scene = good_network(seed);
    scene->server.max_send_train = VEL_TRAIN_MAX;
    scene->client.max_send_train = VEL_TRAIN_MAX;
    sim_loss(scene->sim, SIM_BOTH, 5 * 1000);
    scene_start(scene, &(struct ask){.streams = 3, .up = MIB, .down = MIB});
    scene_finish(scene, 60 * SECOND);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(downloads, BULK_SEEDS),
        SCENARIO(uploads, BULK_SEEDS),
        SCENARIO(uploads_on_unidirectional_streams, BULK_SEEDS),
        SCENARIO(goes_both_ways_at_once, BULK_SEEDS),
        SCENARIO(thousands_of_requests, 2),
        SCENARIO(empty_streams, 2),
        SCENARIO(many_streams_share_a_lossy_path, BULK_SEEDS),
        SCENARIO(small_windows, BULK_SEEDS),
        SCENARIO(a_reader_that_stops_stops_the_sender, 2),
        SCENARIO(a_reader_may_refuse_the_rest, 2),
        SCENARIO(urgent_streams_go_first, 2),
        SCENARIO(transfers_in_all_profiles, BULK_SEEDS),
        SCENARIO(trains_carry_it_all, BULK_SEEDS),
        SCENARIO_V1(downloads, 2),
        SCENARIO_V1(goes_both_ways_at_once, 2),
        SCENARIO_V1(many_streams_share_a_lossy_path, 2),
        SCENARIO_V1(small_windows, 1),
        SCENARIO_V1(transfers_in_all_profiles, 2),
        SCENARIO_V2(goes_both_ways_at_once, 2),
        SCENARIO_V2(transfers_in_all_profiles, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
