/* SPDX-License-Identifier: MIT */
#include "transport/pacer.h"

#include "base/units.h"
#include "testing/test.h"

enum { MTU = 1200 };

static struct vel_pacer paced(uint64_t rate)
{
    struct vel_pacer pacer;
    vel_pacer_init(&pacer, true, MTU, 0);
    vel_pacer_set_rate(&pacer, rate, 0, 0);
    return pacer;
}

static void unlimited_without_a_rate(void **state)
{
    (void)state;
    struct vel_pacer pacer = paced(0);
    assert_true(vel_pacer_budget(&pacer, 0) == UINT64_MAX);
    vel_pacer_sent(&pacer, 1 << 20, 0);
    assert_int_equal(vel_pacer_next(&pacer, 5), 5);
    vel_pacer_init(&pacer, false, MTU, 0);
    vel_pacer_set_rate(&pacer, 1000, 0, 0);
    assert_true(vel_pacer_budget(&pacer, 0) == UINT64_MAX);
}

/* The largest burst: 16 packets, more when a millisecond yields more, 64 at most. */
static void depth_follows_the_rate(void **state)
{
    (void)state;
    const struct {
        uint64_t rate, depth;
    } rows[] = {
        {1000, 16 * MTU},
        {16 * MTU * 1000, 16 * MTU},
        {20 * MTU * 1000, 20 * MTU},
        {UINT64_C(1) << 30, 64 * MTU},
        {UINT64_MAX, 64 * MTU},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_pacer pacer = paced(rows[i].rate);
        assert_int_equal(vel_pacer_depth(&pacer), rows[i].depth);
    }
}

/* A bucket that the congestion controller chooses, within bounds; it can always be filled. */
static void the_quantum_is_the_largest_burst(void **state)
{
    (void)state;
    const struct {
        uint64_t quantum, depth;
    } rows[] = {{1, 2 * MTU}, {5 * MTU, 5 * MTU}, {UINT64_MAX, 64 * MTU}};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_pacer pacer = paced(20 * MTU * 1000);
        vel_pacer_set_rate(&pacer, 20 * MTU * 1000, rows[i].quantum, 0);
        assert_int_equal(vel_pacer_depth(&pacer), rows[i].depth);
        vel_pacer_sent(&pacer, 64 * MTU, 0);
        vel_time next = vel_pacer_next(&pacer, 0);
        assert_true(next > 0 && vel_pacer_budget(&pacer, next) > 0);
        assert_int_equal(vel_pacer_next(&pacer, next), next);
    }
}

static void a_slow_sender_waits_for_one_packet(void **state)
{
    (void)state;
    struct vel_pacer pacer = paced(100 * MTU); /* 10 ms each */
    assert_int_equal(vel_pacer_budget(&pacer, 0), 16 * MTU);
    vel_pacer_sent(&pacer, 16 * MTU, 0);
    assert_int_equal(vel_pacer_budget(&pacer, 0), 0);
    assert_int_equal(vel_pacer_next(&pacer, 0), 10 * MS);
    assert_int_equal(vel_pacer_budget(&pacer, 10 * MS - 1), 0);
    assert_int_equal(vel_pacer_budget(&pacer, 10 * MS), MTU);
    assert_int_equal(vel_pacer_budget(&pacer, 100 * SECOND), 16 * MTU);
}

static void a_fast_sender_waits_for_a_train(void **state)
{
    (void)state;
    struct vel_pacer pacer = paced(30 * MTU * 1000); /* 30 packets a millisecond */
    assert_int_equal(vel_pacer_budget(&pacer, SECOND), 30 * MTU);
    vel_pacer_sent(&pacer, 30 * MTU, SECOND);
    assert_int_equal(vel_pacer_next(&pacer, SECOND), SECOND + MS);
    assert_int_equal(vel_pacer_budget(&pacer, SECOND + MS), 30 * MTU);
}

static void a_debt_is_paid_first(void **state)
{
    (void)state;
    struct vel_pacer pacer = paced(100 * MTU);
    vel_pacer_sent(&pacer, 20 * MTU, 0);
    assert_int_equal(vel_pacer_next(&pacer, 0), 50 * MS);
    assert_int_equal(vel_pacer_budget(&pacer, 49 * MS), 0);
    assert_int_equal(vel_pacer_budget(&pacer, 50 * MS), MTU);
}

/* 1,000 packets a second and a bucket of two, empty at time 0; it is full at 2 ms. */
static struct vel_pacer one_who_waits(void)
{
    struct vel_pacer pacer = paced(1000 * MTU);
    vel_pacer_set_rate(&pacer, 1000 * MTU, 2 * MTU, 0);
    vel_pacer_sent(&pacer, 2 * MTU, 0);
    return pacer;
}

/* It waits for a packet until 1 ms, and another one comes with each millisecond that it is late. */
static void who_comes_late_finds_what_it_missed(void **state)
{
    (void)state;
    const struct {
        vel_time back;
        uint64_t packets;
    } rows[] = {{1 * MS, 1},   {2 * MS, 2},   {3 * MS, 3},  {6 * MS, 6},
                {15 * MS, 15}, {17 * MS, 16}, {SECOND, 16}, {100 * SECOND, 16}};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_pacer pacer = one_who_waits();
        assert_int_equal(vel_pacer_wait(&pacer, 0), 1 * MS);
        assert_int_equal(vel_pacer_budget(&pacer, rows[i].back), rows[i].packets * MTU);
        assert_int_equal(vel_pacer_train(&pacer), VEL_MAX(rows[i].packets, 2u) * MTU);
    }
}

/* In time, or with nothing to wait for: the bucket is all. */
static void who_is_not_late_finds_the_bucket(void **state)
{
    (void)state;
    struct vel_pacer pacer = one_who_waits();
    assert_int_equal(vel_pacer_budget(&pacer, 10 * MS), 2 * MTU); /* never waited */

    pacer = one_who_waits();
    vel_pacer_wait(&pacer, 0);
    vel_pacer_rest(&pacer);
    assert_int_equal(vel_pacer_budget(&pacer, 10 * MS), 2 * MTU);

    pacer = one_who_waits();
    vel_pacer_wait(&pacer, 0);
    vel_pacer_sent(&pacer, 0, 1 * MS); /* a train was sent: the wait is over */
    assert_int_equal(vel_pacer_budget(&pacer, 10 * MS), 2 * MTU);
}

/* What it missed and does not send at once is not kept for later, and the rate is never exceeded. */
static void what_was_missed_comes_once(void **state)
{
    (void)state;
    struct vel_pacer pacer = one_who_waits();
    vel_pacer_wait(&pacer, 0);
    assert_int_equal(vel_pacer_budget(&pacer, 10 * MS), 10 * MTU);
    vel_pacer_sent(&pacer, 1 * MTU, 10 * MS);
    assert_int_equal(vel_pacer_budget(&pacer, 11 * MS), 2 * MTU);

    uint64_t sent = 0;
    pacer = one_who_waits();
    for (vel_time now = 0; now < SECOND; now += 5 * MS) {
        uint64_t budget = vel_pacer_budget(&pacer, now);
        vel_pacer_sent(&pacer, budget, now);
        sent += budget;
        vel_pacer_wait(&pacer, now);
    }
    assert_in_range(sent, 985 * MTU, 1000 * MTU);
}

/* However often it is asked, no credit is lost or made: depth + rate * t is the bound. */
static void greedy_sender_gets_exactly_the_rate(void **state)
{
    (void)state;
    const uint64_t rates[] = {12345, 1234567, 123456789, 2000000000};
    for (size_t i = 0; i < VEL_COUNT(rates); i++) {
        struct vel_pacer pacer = paced(rates[i]);
        uint64_t sent = 0;
        for (vel_time now = 0; now < SECOND; now += 37 * US) {
            uint64_t budget = vel_pacer_budget(&pacer, now);
            vel_pacer_sent(&pacer, budget, now);
            sent += budget;
            uint64_t earned = rates[i] * (uint64_t)now / (uint64_t)SECOND;
            assert_true(sent <= vel_pacer_depth(&pacer) + earned);
        }
        assert_true(sent + MTU + rates[i] / 10000 >= rates[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlimited_without_a_rate),
        cmocka_unit_test(depth_follows_the_rate),
        cmocka_unit_test(the_quantum_is_the_largest_burst),
        cmocka_unit_test(a_slow_sender_waits_for_one_packet),
        cmocka_unit_test(a_fast_sender_waits_for_a_train),
        cmocka_unit_test(a_debt_is_paid_first),
        cmocka_unit_test(who_comes_late_finds_what_it_missed),
        cmocka_unit_test(who_is_not_late_finds_the_bucket),
        cmocka_unit_test(what_was_missed_comes_once),
        cmocka_unit_test(greedy_sender_gets_exactly_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
