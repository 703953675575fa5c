/* SPDX-License-Identifier: MIT */
#include "cli/bench_spread.h"

#include "base/units.h"
#include "testing/test.h"

static bool near(double value, double wanted)
{
    return value >= wanted * 0.96 && value <= wanted * 1.01;
}

static void what_is_read_is_right_within_a_bucket(void **state)
{
    (void)state;
    struct vel_bench_spread spread = {0};
    for (vel_time us = 1; us <= 1000; us++)
        vel_bench_spread_add(&spread, us * 1000);
    assert_int_equal(spread.count, 1000);
    assert_int_equal(spread.least, 1000);
    assert_int_equal(spread.most, 1000 * 1000);
    const double shares[] = {0.25, 0.5, 0.9, 0.99, 1};
    for (size_t i = 0; i < VEL_COUNT(shares); i++)
        assert_true(near(vel_bench_spread_at(&spread, shares[i]), 1000 * shares[i]));
}

static void any_time_has_a_bucket(void **state)
{
    (void)state;
    struct vel_bench_spread spread = {0};
    assert_true(vel_bench_spread_at(&spread, 0.5) <= 0);
    vel_bench_spread_add(&spread, 0);
    assert_true(vel_bench_spread_at(&spread, 0.5) < 0.1);
    vel_bench_spread_add(&spread, INT64_MAX);
    assert_int_equal(spread.least, 0);
    assert_int_equal(spread.most, INT64_MAX);
    assert_true(vel_bench_spread_at(&spread, 0.99) > 9e15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_right_within_a_bucket),
        cmocka_unit_test(any_time_has_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
