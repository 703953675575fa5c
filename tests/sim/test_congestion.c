/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* Loss recovery and congestion control on networks that lose, mark, delay and go dark. */

static const enum vel_congestion all[] = {VEL_CC_CUBIC, VEL_CC_NEWRENO, VEL_CC_BBR};

/* 2 MiB down with each congestion control through what `spoil` does to a path of 40 ms. */
static void downloads_through(uint64_t seed, void (*spoil)(struct sim *sim))
{
    for (size_t i = 0; i < VEL_COUNT(all); i++) {
        struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
        scene->server.config.congestion = all[i];
        sim_delay(scene->sim, SIM_BOTH, 20 * MS);
        spoil(scene->sim);
        scene_start(scene, &(struct ask){.streams = 1, .down = 2 * MIB});
        scene_finish(scene, 300 * SECOND);
        scene_free(scene);
    }
}

static void loss(struct sim *sim)
{
    sim_loss(sim, SIM_BOTH, 20 * 1000);
}

static void bursts_of_loss(struct sim *sim)
{
    sim_burst_loss(sim, SIM_BOTH, 2 * 1000, 300 * 1000);
}

static void reordering(struct sim *sim)
{
    sim_reorder(sim, SIM_BOTH, 100 * 1000, 3 * MS);
}

static void jitter(struct sim *sim)
{
    sim_jitter(sim, SIM_BOTH, 30 * MS);
}

static void duplication(struct sim *sim)
{
    sim_duplicate(sim, SIM_BOTH, 200 * 1000);
}

/* Packets that were changed never reach the application: the exchange checks each byte. */
static void corruption(struct sim *sim)
{
    sim_corrupt(sim, SIM_BOTH, 30 * 1000);
}

static void a_short_queue(struct sim *sim)
{
    sim_bottleneck(sim, SIM_BOTH, MIB, 20 * 1000, 0);
}

static void a_bloated_queue(struct sim *sim)
{
    sim_bottleneck(sim, SIM_BOTH, MIB, 2 * MIB, 0);
}

static void lost_acknowledgements(struct sim *sim)
{
    sim_loss(sim, SIM_UP, 400 * 1000);
}

static void three_dark_seconds(struct sim *sim)
{
    sim_bottleneck(sim, SIM_BOTH, MIB, 100 * 1000, 0);
    sim_blackout(sim, SIM_BOTH, SECOND, 4 * SECOND);
}

static void a_smaller_mtu(struct sim *sim)
{
    sim_mtu(sim, SIM_BOTH, 1300);
}

#define DOWNLOADS_THROUGH(network)                                                                 \
    static void downloads_through_##network(uint64_t seed)                                         \
    {                                                                                              \
        downloads_through(seed, network);                                                          \
    }
DOWNLOADS_THROUGH(loss)
DOWNLOADS_THROUGH(bursts_of_loss)
DOWNLOADS_THROUGH(reordering)
DOWNLOADS_THROUGH(jitter)
DOWNLOADS_THROUGH(duplication)
DOWNLOADS_THROUGH(corruption)
DOWNLOADS_THROUGH(a_short_queue)
DOWNLOADS_THROUGH(a_bloated_queue)
DOWNLOADS_THROUGH(lost_acknowledgements)
DOWNLOADS_THROUGH(three_dark_seconds)
DOWNLOADS_THROUGH(a_smaller_mtu)

/* 2 Mbyte/s, 40 ms, a queue of one bandwidth-delay product: most of the line is used. */
static void a_bottleneck_is_used(uint64_t seed)
{
    const uint64_t rate = 2 * MIB, size = 20 * MIB;
    for (size_t i = 0; i < VEL_COUNT(all); i++) {
        struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
        scene->server.config.congestion = all[i];
        sim_bottleneck(scene->sim, SIM_DOWN, rate, rate / 25, 0);
        sim_delay(scene->sim, SIM_BOTH, 20 * MS);
        scene_start(scene, &(struct ask){.streams = 1, .down = size});
        scene_finish(scene, 60 * SECOND);
        vel_time ideal = (vel_time)(size * (uint64_t)SECOND / rate);
        EXPECT_NUMBER(scene_elapsed(scene) / MS, <, ideal / MS * 100 / 80); /* 80 % */
        if (all[i] != VEL_CC_BBR)
            EXPECT_NUMBER(peer_stats(&scene->server)->packets_lost, >, 0);
        scene_free(scene);
    }
}

/* 100 Mbit/s and 100 ms: what a stream queues grows with the window, or 256 KiB would be all that
 * is ever under way. */
static void a_long_fat_path_is_used(uint64_t seed)
{
    const uint64_t rate = 12500000, size = 48 * MIB;
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_bottleneck(scene->sim, SIM_DOWN, rate, rate / 10, 0);
    sim_delay(scene->sim, SIM_BOTH, 50 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = size});
    scene_finish(scene, 60 * SECOND);
    vel_time ideal = (vel_time)(size * (uint64_t)SECOND / rate);
    EXPECT_NUMBER(scene_elapsed(scene) / MS, <, ideal / MS * 100 / 55); /* slow start included */
    scene_free(scene);
}

/* A queue that marks instead of dropping: the sender backs off and nothing is lost. */
static void marks_replace_losses(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_bottleneck(scene->sim, SIM_DOWN, 2 * MIB, 2 * MIB, 30 * 1000);
    struct sim_tap *tap = sim_tap(scene->sim, SIM_DOWN);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = 8 * MIB});
    scene_finish(scene, 60 * SECOND);
    EXPECT_NUMBER(tap->marked, >, 0);
    EXPECT_NUMBER(peer_stats(&scene->server)->ecn_ce, >, 0);
    EXPECT_NUMBER(peer_stats(&scene->server)->packets_lost, ==, 0);
    EXPECT_NUMBER(scene_elapsed(scene), <, 8 * SECOND);
    scene_free(scene);
}

static void a_path_that_clears_marks_still_works(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_bleach(scene->sim, SIM_BOTH);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = 2 * MIB});
    scene_finish(scene, 20 * SECOND);
    EXPECT_NUMBER(peer_stats(&scene->server)->ecn_ce, ==, 0);
    EXPECT_NUMBER(peer_stats(&scene->server)->packets_lost, ==, 0);
    scene_free(scene);
}

/* Networks that do to marks what they should not (RFC 9000 13.4.2): marking ends, the transfer does
 * not suffer. */
static void paths_that_mangle_marks_still_work(uint64_t seed)
{
    static const struct {
        uint8_t from, to;
        unsigned per_million;
    } rows[] = {
        {VEL_ECN_ECT0, VEL_ECN_ECT1, 1000 * 1000},   /* remarked */
        {VEL_ECN_ECT0, VEL_ECN_CE, 1000 * 1000},     /* all congested, it seems */
        {VEL_ECN_ECT0, VEL_ECN_NOT_ECT, 500 * 1000}, /* cleared on one of two routes */
        {VEL_ECN_ECT0, VEL_ECN_ECT1, 100 * 1000},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
        sim_remark(scene->sim, SIM_DOWN, rows[i].from, rows[i].to, rows[i].per_million);
        struct sim_tap *tap = sim_tap(scene->sim, SIM_DOWN);
        sim_delay(scene->sim, SIM_BOTH, 20 * MS);
        scene_start(scene, &(struct ask){.streams = 1, .down = 2 * MIB});
        scene_finish(scene, 5 * SECOND);
        EXPECT_NUMBER(tap->marked, <=, 20);
        EXPECT_NUMBER(peer_stats(&scene->server)->packets_lost, ==, 0);
        scene_free(scene);
    }
}

/* One packet in fifty is overtaken by 200 others: after a while that is known, and nothing is taken
 * for lost that is only late. */
static void reordering_is_not_loss(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_bottleneck(scene->sim, SIM_DOWN, 10 * MIB, 2 * MIB, 0);
    sim_reorder(scene->sim, SIM_DOWN, 20 * 1000, 28 * MS);
    sim_delay(scene->sim, SIM_BOTH, 30 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = 12 * MIB});
    scene_finish(scene, 60 * SECOND);
    EXPECT_NUMBER(scene_elapsed(scene), <, 5 * SECOND);
    EXPECT_NUMBER(peer_stats(&scene->server)->packets_spurious, <, 60);
    scene_free(scene);
}

/* On a path of 200 ms no millisecond carries more than a train of 16 packets and what the rate
 * yields meanwhile, although the window is far larger. */
static void pacing_bounds_bursts(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    struct sim_tap *tap = sim_tap(scene->sim, SIM_DOWN);
    sim_bottleneck(scene->sim, SIM_DOWN, MIB, 50 * 1000, 0);
    sim_delay(scene->sim, SIM_BOTH, 100 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = 8 * MIB});
    scene_finish(scene, 60 * SECOND);
    EXPECT_NUMBER(tap->window_most, >, 0);
    EXPECT_NUMBER(tap->window_most, <, 22 * 1452);
    EXPECT_NUMBER(peer_stats(&scene->server)->congestion_window, >, 40 * 1452);
    scene_free(scene);
}

/* Datagrams grow to what the path carries, and no datagram is larger than announced. */
static void the_path_mtu_is_found(uint64_t seed)
{
    const size_t carried[] = {1200, 1300, 1452, 9000};
    for (size_t i = 0; i < VEL_COUNT(carried); i++) {
        struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
        sim_mtu(scene->sim, SIM_BOTH, carried[i]);
        struct sim_tap *tap = sim_tap(scene->sim, SIM_DOWN);
        sim_delay(scene->sim, SIM_BOTH, 10 * MS);
        scene_start(scene, &(struct ask){.streams = 1, .down = 2 * MIB});
        scene_finish(scene, 60 * SECOND);
        const size_t most = VEL_MIN(carried[i], (size_t)1452);
        EXPECT_NUMBER(tap->largest, <=, most);
        EXPECT_NUMBER(tap->largest, >=, most - most / 64);
        scene_free(scene);
    }
}

/* Silence longer than everything in flight: the window shrinks to the least, and grows again. */
static void comes_back_after_persistent_congestion(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_bottleneck(scene->sim, SIM_DOWN, MIB, 100 * 1000, 0);
    sim_blackout(scene->sim, SIM_DOWN, 2 * SECOND, 5 * SECOND);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .down = 6 * MIB});
    scene_finish(scene, 20 * SECOND);
    EXPECT_NUMBER(peer_stats(&scene->server)->pto_count, >=, 3);
    scene_free(scene);
}

/* A pure receiver: its acknowledgements alone must not fill memory or need acknowledging. */
static void few_acknowledgements_suffice(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    struct sim_tap *up = sim_tap(scene->sim, SIM_UP), *down = sim_tap(scene->sim, SIM_DOWN);
    scene_start(scene, &(struct ask){.streams = 1, .down = 8 * MIB});
    scene_finish(scene, 60 * SECOND);
    EXPECT_NUMBER(up->datagrams, <, down->datagrams / 10);
    EXPECT_NUMBER(up->bytes, <, down->bytes / 100);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(downloads_through_loss, BULK_SEEDS),
        SCENARIO(downloads_through_bursts_of_loss, BULK_SEEDS),
        SCENARIO(downloads_through_reordering, BULK_SEEDS),
        SCENARIO(downloads_through_jitter, BULK_SEEDS),
        SCENARIO(downloads_through_duplication, BULK_SEEDS),
        SCENARIO(downloads_through_corruption, BULK_SEEDS),
        SCENARIO(downloads_through_a_short_queue, BULK_SEEDS),
        SCENARIO(downloads_through_a_bloated_queue, 2),
        SCENARIO(downloads_through_lost_acknowledgements, BULK_SEEDS),
        SCENARIO(downloads_through_three_dark_seconds, BULK_SEEDS),
        SCENARIO(downloads_through_a_smaller_mtu, 2),
        SCENARIO(a_bottleneck_is_used, 1),
        SCENARIO(a_long_fat_path_is_used, 1),
        SCENARIO(marks_replace_losses, 2),
        SCENARIO(paths_that_mangle_marks_still_work, BULK_SEEDS),
        SCENARIO(reordering_is_not_loss, 3),
        SCENARIO(a_path_that_clears_marks_still_works, 2),
        SCENARIO(pacing_bounds_bursts, 2),
        SCENARIO(the_path_mtu_is_found, 2),
        SCENARIO(comes_back_after_persistent_congestion, BULK_SEEDS),
        SCENARIO(few_acknowledgements_suffice, 1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
