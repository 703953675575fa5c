/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* The full handshake over good and bad networks, in all profiles. */

enum { TLS_SEEDS = 8 };

static const enum vel_profile profiles[] = {VEL_PROFILE_LIGHT, VEL_PROFILE_BALANCED,
                                            VEL_PROFILE_SECURE};

/* The seed decides the profile, so that each gets its share. */
static struct scene *scene_of(uint64_t seed)
{
    return scene_new(seed, profiles[seed % VEL_COUNT(profiles)]);
}

/* Bad networks take more time than the usual limits admit. */
static void be_patient(struct scene *scene)
{
    scene->client.config.limits.handshake_timeout = 120 * SECOND;
    scene->server.config.limits.handshake_timeout = 120 * SECOND;
    scene->client.config.limits.idle_timeout = 120 * SECOND;
    scene->server.config.limits.idle_timeout = 120 * SECOND;
}

static void check_facts(const struct scene *scene, enum vel_profile profile)
{
    bool velocity = scenario_version() == VEL_VERSION_DRAFT;
    EXPECT_NUMBER(scene->client.facts.version, ==, scenario_version());
    EXPECT_NUMBER(scene->server.facts.version, ==, scenario_version());
    EXPECT(!velocity || scene->client.facts.profile == profile);
    EXPECT(!velocity || scene->server.facts.profile == profile);
    EXPECT(scene->client.facts.peer_authenticated);
    EXPECT(!scene->client.facts.hello_retry);
    EXPECT(strcmp(scene->client.facts.suite, scene->server.facts.suite) == 0);
}

/* VEL-TR-01, VEL-TR-02: enough credit and window for the whole hybrid flight. The client is done
 * when one round trip has passed, to the nanosecond; the server half a trip later. */
static void takes_one_round_trip(uint64_t seed)
{
    for (size_t i = 0; i < VEL_COUNT(profiles); i++) {
        struct scene *scene = scene_new(seed, profiles[i]);
        sim_delay(scene->sim, SIM_BOTH, 50 * MS);
        scene_start(scene, NULL);
        scene_connect(scene, 10 * SECOND);
        EXPECT_NUMBER(scene->client.connected_at - SIM_START, ==, 100 * MS);
        EXPECT_NUMBER(scene->server.connected_at - SIM_START, ==, 150 * MS);
        EXPECT_NUMBER(peer_stats(&scene->client)->handshake_round_trips, ==, 1);
        EXPECT_NUMBER(peer_stats(&scene->server)->handshake_round_trips, ==, 1);
        EXPECT_NUMBER(peer_stats(&scene->client)->pto_count, ==, 0);
        EXPECT_NUMBER(peer_stats(&scene->server)->packets_lost, ==, 0);
        check_facts(scene, profiles[i]);
        scene_free(scene);
    }
}

/* A TLS client does not pay for the server's flight in advance, and one of nearly 10 kB is more than
 * its credit: the rest comes when the client has answered the beginning, without a time-out. */
static void a_large_flight_waits_for_credit(uint64_t seed)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_SECURE);
    sim_delay(scene->sim, SIM_BOTH, 50 * MS);
    scene_start(scene, NULL);
    scene_connect(scene, 10 * SECOND);
    EXPECT_NUMBER(scene->client.facts.peer_chain_bytes, >, 7200);
    EXPECT_NUMBER(scene->client.connected_at - SIM_START, ==, 200 * MS);
    EXPECT_NUMBER(peer_stats(&scene->server)->handshake_round_trips, ==, 2);
    EXPECT_NUMBER(peer_stats(&scene->client)->pto_count, ==, 0);
    EXPECT_NUMBER(peer_stats(&scene->server)->pto_count, ==, 0);
    scene_free(scene);
}

/* Data of the client leaves with its Finished, so the answer is there after two round trips. */
static void answers_come_in_the_second_round_trip(uint64_t seed)
{
    struct scene *scene = scene_of(seed);
    sim_delay(scene->sim, SIM_BOTH, 50 * MS);
    scene_start(scene, &(struct ask){.streams = 1, .up = 500, .down = 5000});
    scene_finish(scene, 10 * SECOND);
    EXPECT_NUMBER(scene->client.exchange.last_finish - SIM_START, ==, 200 * MS);
    scene_free(scene);
}

/* An exchange must come to its end through what `spoil` does to the network. */
static void survives(uint64_t seed, void (*spoil)(struct sim *sim))
{
    struct scene *scene = scene_of(seed);
    be_patient(scene);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    spoil(scene->sim);
    scene_start(scene, &(struct ask){.streams = 1, .up = 1000, .down = 10 * 1000});
    scene_finish(scene, 110 * SECOND);
    check_facts(scene, profiles[seed % VEL_COUNT(profiles)]);
    scene_free(scene);
}

/* A client that says much fills its window with packets that mean nothing until its Finished has
 * come: a lost one must not wait for them. */
static void a_lost_finished_goes_ahead(uint64_t seed)
{
    struct scene *scene = scene_of(seed);
    be_patient(scene);
    sim_delay(scene->sim, SIM_BOTH, 20 * MS);
    sim_loss(scene->sim, SIM_BOTH, 300 * 1000);
    scene_start(scene, &(struct ask){.streams = 2, .up = 10 * 1000});
    scene_finish(scene, 110 * SECOND);
    scene_free(scene);
}

static void jitter(struct sim *sim)
{
    sim_jitter(sim, SIM_BOTH, 100 * MS);
}

static void ten_percent_loss(struct sim *sim)
{
    sim_loss(sim, SIM_BOTH, 100 * 1000);
}

static void thirty_percent_loss(struct sim *sim)
{
    sim_loss(sim, SIM_BOTH, 300 * 1000);
}

static void bursts_of_loss(struct sim *sim)
{
    sim_burst_loss(sim, SIM_BOTH, 50 * 1000, 200 * 1000);
}

static void reordering(struct sim *sim)
{
    sim_reorder(sim, SIM_BOTH, 300 * 1000, 15 * MS);
}

static void duplication(struct sim *sim)
{
    sim_duplicate(sim, SIM_BOTH, 300 * 1000);
}

static void corruption(struct sim *sim)
{
    sim_corrupt(sim, SIM_BOTH, 150 * 1000);
}

static void everything_at_once(struct sim *sim)
{
    sim_jitter(sim, SIM_BOTH, 10 * MS);
    sim_loss(sim, SIM_BOTH, 50 * 1000);
    sim_duplicate(sim, SIM_BOTH, 50 * 1000);
    sim_reorder(sim, SIM_BOTH, 50 * 1000, 10 * MS);
    sim_corrupt(sim, SIM_BOTH, 50 * 1000);
}

/* The server's flight takes a second and more on this link, and its queue is short. */
static void a_slow_link(struct sim *sim)
{
    sim_bottleneck(sim, SIM_BOTH, 10 * 1000, 8 * 1000, 0);
}

static void the_smallest_mtu(struct sim *sim)
{
    sim_mtu(sim, SIM_BOTH, 1200);
}

static void only_the_first_second_is_dark(struct sim *sim)
{
    sim_blackout(sim, SIM_BOTH, 10 * MS, 1010 * MS);
}

static void answers_are_dark_at_first(struct sim *sim)
{
    sim_blackout(sim, SIM_DOWN, 0, 2 * SECOND);
}

#define SURVIVES(network)                                                                          \
    static void survives_##network(uint64_t seed)                                                  \
    {                                                                                              \
        survives(seed, network);                                                                   \
    }
SURVIVES(jitter)
SURVIVES(ten_percent_loss)
SURVIVES(thirty_percent_loss)
SURVIVES(bursts_of_loss)
SURVIVES(reordering)
SURVIVES(duplication)
SURVIVES(corruption)
SURVIVES(everything_at_once)
SURVIVES(a_slow_link)
SURVIVES(the_smallest_mtu)
SURVIVES(only_the_first_second_is_dark)
SURVIVES(answers_are_dark_at_first)

/* One mishap to each datagram of the handshake in turn, up and down. Whatever is missing is
 * repaired by the first probes at the latest. */
static void survives_mishap(uint64_t seed, enum sim_mishap mishap)
{
    enum { POSITIONS = 16 };
    for (unsigned i = 0; i < 2 * POSITIONS; i++) {
        struct scene *scene = scene_of(seed);
        sim_delay(scene->sim, SIM_BOTH, 20 * MS);
        sim_nth(scene->sim, i % 2 == 0 ? SIM_UP : SIM_DOWN, i / 2, mishap);
        scene_start(scene, &(struct ask){.streams = 1, .up = 1000, .down = 10 * 1000});
        scene_finish(scene, 5 * SECOND);
        scene_free(scene);
    }
}

static void any_datagram_may_be_dropped(uint64_t seed)
{
    survives_mishap(seed, SIM_DROP_IT);
}

static void any_datagram_may_come_twice(uint64_t seed)
{
    survives_mishap(seed, SIM_DOUBLE_IT);
}

static void any_datagram_may_be_damaged(uint64_t seed)
{
    survives_mishap(seed, SIM_DAMAGE_IT);
}

static void any_datagram_may_come_late(uint64_t seed)
{
    survives_mishap(seed, SIM_SWAP_IT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(takes_one_round_trip, 3),
        SCENARIO(answers_come_in_the_second_round_trip, 6),
        SCENARIO(a_lost_finished_goes_ahead, HANDSHAKE_SEEDS),
        SCENARIO(survives_jitter, HANDSHAKE_SEEDS),
        SCENARIO(survives_ten_percent_loss, HANDSHAKE_SEEDS),
        SCENARIO(survives_thirty_percent_loss, HANDSHAKE_SEEDS),
        SCENARIO(survives_bursts_of_loss, HANDSHAKE_SEEDS),
        SCENARIO(survives_reordering, HANDSHAKE_SEEDS),
        SCENARIO(survives_duplication, HANDSHAKE_SEEDS),
        SCENARIO(survives_corruption, HANDSHAKE_SEEDS),
        SCENARIO(survives_everything_at_once, HANDSHAKE_SEEDS),
        SCENARIO(survives_a_slow_link, 6),
        SCENARIO(survives_the_smallest_mtu, 3),
        SCENARIO(survives_only_the_first_second_is_dark, 6),
        SCENARIO(survives_answers_are_dark_at_first, 6),
        SCENARIO(any_datagram_may_be_dropped, 3),
        SCENARIO(any_datagram_may_come_twice, 3),
        SCENARIO(any_datagram_may_be_damaged, 6),
        SCENARIO(any_datagram_may_come_late, 3),
        SCENARIO_V1(a_large_flight_waits_for_credit, 2),
        SCENARIO_V1(survives_jitter, TLS_SEEDS),
        SCENARIO_V1(survives_thirty_percent_loss, TLS_SEEDS),
        SCENARIO_V1(survives_bursts_of_loss, TLS_SEEDS),
        SCENARIO_V1(survives_reordering, TLS_SEEDS),
        SCENARIO_V1(survives_duplication, TLS_SEEDS),
        SCENARIO_V1(survives_corruption, TLS_SEEDS),
        SCENARIO_V1(survives_everything_at_once, TLS_SEEDS),
        SCENARIO_V1(survives_a_slow_link, 3),
        SCENARIO_V1(survives_the_smallest_mtu, 3),
        SCENARIO_V1(survives_answers_are_dark_at_first, 3),
        SCENARIO_V1(any_datagram_may_be_dropped, 3),
        SCENARIO_V1(any_datagram_may_come_twice, 1),
        SCENARIO_V1(any_datagram_may_be_damaged, 2),
        SCENARIO_V1(any_datagram_may_come_late, 2),
        SCENARIO_V2(survives_thirty_percent_loss, TLS_SEEDS),
        SCENARIO_V2(survives_everything_at_once, TLS_SEEDS),
        SCENARIO_V2(any_datagram_may_be_dropped, 1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
