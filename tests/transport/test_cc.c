/* SPDX-License-Identifier: MIT */
#include "transport/loss_based.h"

#include "base/units.h"
#include "testing/test.h"
#include "transport/pacer.h"

/* What both algorithms have in common; then NewReno, whose avoidance is one line of arithmetic. */

enum { MTU = 1200 };
static const enum vel_congestion both[] = {VEL_CC_CUBIC, VEL_CC_NEWRENO};

static struct vel_rtt steady_rtt(vel_time value)
{
    struct vel_rtt rtt;
    vel_rtt_init(&rtt);
    vel_rtt_update(&rtt, value, 0, 0);
    return rtt;
}

static void ack(struct vel_cc *cc, uint64_t bytes, bool app_limited, vel_time now)
{
    struct vel_rtt rtt = steady_rtt(100 * MS);
    vel_cc_on_ack(cc, &rtt,
                  &(struct vel_cc_ack){.acked = bytes,
                                       .bytes = bytes,
                                       .sent = now - 100 * MS,
                                       .app_limited = app_limited,
                                       .now = now});
}

static void initial_windows(void **state)
{
    (void)state;
    const struct {
        uint32_t mtu;
        uint64_t window;
    } rows[] = {{1200, 12000}, {1452, 14520}, {1472, 14720}, {4000, 14720}, {9000, 18000}};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_cc cc;
        vel_cc_init(&cc, NULL, VEL_CC_NEWRENO, rows[i].mtu, 0);
        assert_int_equal(vel_cc_window(&cc), rows[i].window);
        assert_true(vel_cc_in_slow_start(&cc));
    }
}

static void slow_start_doubles(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(both); i++) {
        struct vel_cc cc;
        vel_cc_init(&cc, NULL, both[i], MTU, 0);
        uint64_t before = cc.window;
        for (uint64_t bytes = 0; bytes < before; bytes += 2 * MTU)
            ack(&cc, 2 * MTU, false, 100 * MS);
        assert_int_equal(cc.window, 2 * before);
    }
}

static void an_unused_window_does_not_grow(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(both); i++) {
        struct vel_cc cc;
        vel_cc_init(&cc, NULL, both[i], MTU, 0);
        ack(&cc, 12000, true, 100 * MS);
        assert_int_equal(cc.window, 12000);
        vel_cc_on_congestion(&cc, 100 * MS, 200 * MS);
        uint64_t reduced = cc.window;
        ack(&cc, 12000, true, 400 * MS);
        assert_int_equal(cc.window, reduced);
    }
}

static void one_reduction_per_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(both); i++) {
        struct vel_cc cc;
        vel_cc_init(&cc, NULL, both[i], MTU, 0);
        vel_cc_on_congestion(&cc, 50 * MS, 100 * MS);
        uint64_t reduced = cc.window;
        assert_int_equal(reduced, both[i] == VEL_CC_CUBIC ? 8400 : 6000);
        assert_false(vel_cc_in_slow_start(&cc));
        vel_cc_on_congestion(&cc, 100 * MS, 180 * MS); /* sent before the reduction */
        assert_int_equal(cc.window, reduced);
        vel_cc_on_congestion(&cc, 101 * MS, 210 * MS);
        assert_true(cc.window < reduced);
    }
}

static void never_under_two_packets(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(both); i++) {
        struct vel_cc cc;
        vel_cc_init(&cc, NULL, both[i], MTU, 0);
        for (vel_time now = 1; now < 20; now++)
            vel_cc_on_congestion(&cc, now, now);
        assert_int_equal(cc.window, 2 * MTU);
        assert_false(vel_cc_in_slow_start(&cc));
    }
}

static void persistent_congestion_starts_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(both); i++) {
        struct vel_cc cc;
        vel_cc_init(&cc, NULL, both[i], MTU, 0);
        vel_cc_on_congestion(&cc, 50 * MS, 100 * MS);
        uint64_t ssthresh = cc.ssthresh;
        vel_cc_on_persistent_congestion(&cc, 200 * MS);
        assert_int_equal(cc.window, 2 * MTU);
        assert_int_equal(cc.ssthresh, ssthresh);
        ack(&cc, 2 * MTU, false, SECOND);
        assert_int_equal(cc.window, 4 * MTU);
    }
}

static void crypto_window(void **state)
{
    (void)state;
    struct vel_cc cc;
    vel_cc_init(&cc, NULL, VEL_CC_CUBIC, MTU, 0);
    vel_cc_set_crypto_window(&cc, 100);
    assert_int_equal(vel_cc_window(&cc), 16 * MTU);
    vel_cc_set_crypto_window(&cc, 0);
    assert_int_equal(vel_cc_window(&cc), 10 * MTU);
    vel_cc_set_crypto_window(&cc, 14);
    assert_int_equal(vel_cc_window(&cc), 14 * MTU);
    vel_cc_on_congestion(&cc, 1, 2);
    assert_int_equal(vel_cc_window(&cc), 7 * MTU);
}

static void pacing_rates(void **state)
{
    (void)state;
    struct vel_cc cc;
    struct vel_rtt rtt = steady_rtt(100 * MS);
    vel_cc_init(&cc, NULL, VEL_CC_NEWRENO, MTU, 0);
    assert_int_equal(vel_cc_pacing(&cc, &rtt).rate, 240000);
    vel_cc_on_congestion(&cc, 1, 2);
    assert_int_equal(vel_cc_pacing(&cc, &rtt).rate, 75000);
    rtt.smoothed = 0; /* the same machine on a coarse clock */
    cc.window = VEL_CC_MAX_WINDOW;
    assert_true(vel_cc_pacing(&cc, &rtt).rate > UINT64_C(1) << 40);
}

/* A millisecond's worth in congestion avoidance, unless it is the application that holds back. */
static void pacing_bounds_the_train(void **state)
{
    (void)state;
    struct vel_cc cc;
    struct vel_rtt rtt = steady_rtt(100 * MS);
    vel_cc_init(&cc, NULL, VEL_CC_NEWRENO, MTU, 0);
    ack(&cc, MTU, false, 100 * MS);
    assert_int_equal(vel_cc_pacing(&cc, &rtt).quantum, VEL_PACER_MIN_PACKETS * MTU);
    cc.ssthresh = cc.window = 800 * MTU;
    ack(&cc, MTU, false, 200 * MS);
    assert_in_range(vel_cc_pacing(&cc, &rtt).quantum, 10 * MTU, 10 * MTU + 9);
    ack(&cc, MTU, true, 300 * MS);
    assert_int_equal(vel_cc_pacing(&cc, &rtt).quantum, VEL_PACER_MIN_PACKETS * MTU);
    cc.window = cc.ssthresh = 20 * MTU;
    ack(&cc, MTU, false, 400 * MS);
    assert_int_equal(vel_cc_pacing(&cc, &rtt).quantum, 2 * MTU); /* a quarter packet, else */
}

/* A quarter of what waits in a queue: of 40 packets 30 wait where the round trip is four times the least. */
static void a_queue_may_get_a_train(void **state)
{
    (void)state;
    struct vel_cc cc;
    struct vel_rtt rtt = steady_rtt(100 * MS);
    vel_cc_init(&cc, NULL, VEL_CC_CUBIC, MTU, 0);
    cc.ssthresh = cc.window = 40 * MTU;
    ack(&cc, MTU, false, 200 * MS);
    cc.window = 40 * MTU;
    assert_int_equal(vel_cc_pacing(&cc, &rtt).quantum, 2 * MTU);
    rtt.smoothed = 400 * MS;
    assert_in_range(vel_cc_pacing(&cc, &rtt).quantum, 30 * MTU / 4 - 1, 30 * MTU / 4);
    rtt.smoothed = 110 * MS;
    assert_int_equal(vel_cc_pacing(&cc, &rtt).quantum, 2 * MTU);
    cc.window = VEL_CC_MAX_WINDOW; /* nothing overflows */
    rtt.smoothed = 100 * SECOND;
    assert_in_range(vel_cc_pacing(&cc, &rtt).quantum, VEL_CC_MAX_WINDOW / 4 * 99 / 100,
                    VEL_CC_MAX_WINDOW / 4);
    cc.ssthresh = UINT64_MAX; /* in slow start, too */
    assert_in_range(vel_cc_pacing(&cc, &rtt).quantum, VEL_CC_MAX_WINDOW / 4 * 99 / 100,
                    VEL_CC_MAX_WINDOW / 4);
}

static void the_window_has_a_limit(void **state)
{
    (void)state;
    struct vel_cc cc;
    vel_cc_init(&cc, NULL, VEL_CC_CUBIC, MTU, 0);
    for (unsigned i = 0; i < 40; i++)
        ack(&cc, cc.window, false, 100 * MS);
    assert_int_equal(cc.window, VEL_CC_MAX_WINDOW);
}

static void newreno_adds_a_packet_per_window(void **state)
{
    (void)state;
    struct vel_cc cc;
    vel_cc_init(&cc, NULL, VEL_CC_NEWRENO, MTU, 0);
    vel_cc_on_congestion(&cc, 1, 2);
    assert_int_equal(cc.window, 5 * MTU);
    for (unsigned i = 0; i < 4; i++)
        ack(&cc, MTU, false, 200 * MS);
    assert_int_equal(cc.window, 5 * MTU);
    ack(&cc, MTU, false, 200 * MS);
    assert_int_equal(cc.window, 6 * MTU);
    for (unsigned i = 0; i < 6; i++)
        ack(&cc, MTU, false, 300 * MS);
    assert_int_equal(cc.window, 7 * MTU);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_windows),
        cmocka_unit_test(slow_start_doubles),
        cmocka_unit_test(an_unused_window_does_not_grow),
        cmocka_unit_test(one_reduction_per_round_trip),
        cmocka_unit_test(never_under_two_packets),
        cmocka_unit_test(persistent_congestion_starts_over),
        cmocka_unit_test(crypto_window),
        cmocka_unit_test(pacing_rates),
        cmocka_unit_test(pacing_bounds_the_train),
        cmocka_unit_test(a_queue_may_get_a_train),
        cmocka_unit_test(the_window_has_a_limit),
        cmocka_unit_test(newreno_adds_a_packet_per_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
