/* SPDX-License-Identifier: MIT */
#include "transport/rtt.h"

#include "testing/test.h"

static void before_the_first_sample(void **state)
{
    (void)state;
    struct vel_rtt rtt;
    vel_rtt_init(&rtt);
    assert_false(vel_rtt_has_sample(&rtt));
    /* RFC 9002 6.2.2: 333 ms, so the first probe leaves after 999 ms. */
    assert_int_equal(vel_rtt_pto(&rtt), 333 * MS + 4 * (333 * MS / 2));
}

/* Samples one after the other, with what RFC 9002 5.3 makes of them. */
static void samples(void **state)
{
    (void)state;
    const struct {
        const char *what;
        vel_time latest, delay, min, smoothed, variance;
    } rows[] = {
        {"the first is taken whole", 80 * MS, 20 * MS, 80 * MS, 80 * MS, 40 * MS},
        {"no delay may push under min", 96 * MS, 20 * MS, 80 * MS, 82 * MS, 34 * MS},
        {"the delay is subtracted", 118 * MS, 20 * MS, 80 * MS, 84 * MS, 29500 * US},
        {"min ignores the delay", 68 * MS, 20 * MS, 68 * MS, 82 * MS, 26125 * US},
        {"a delay that just fits", 88 * MS, 20 * MS, 68 * MS, 80250 * US, 23093750},
    };
    struct vel_rtt rtt;
    vel_rtt_init(&rtt);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        vel_rtt_update(&rtt, rows[i].latest, rows[i].delay, (vel_time)(i + 1) * SECOND);
        CHECK(rows[i].what, rtt.latest == rows[i].latest);
        CHECK(rows[i].what, rtt.min == rows[i].min);
        CHECK(rows[i].what, rtt.smoothed == rows[i].smoothed);
        CHECK(rows[i].what, rtt.variance == rows[i].variance);
        CHECK(rows[i].what, rtt.first_sample == SECOND);
    }
}

static void the_variance_has_a_floor(void **state)
{
    (void)state;
    struct vel_rtt rtt;
    vel_rtt_init(&rtt);
    for (unsigned i = 0; i < 60; i++)
        vel_rtt_update(&rtt, 10 * MS, 0, i * SECOND);
    assert_int_equal(vel_rtt_pto(&rtt), 11 * MS);
}

static void min_can_be_forgotten(void **state)
{
    (void)state;
    struct vel_rtt rtt;
    vel_rtt_init(&rtt);
    vel_rtt_update(&rtt, 10 * MS, 0, 0);
    vel_rtt_forget_min(&rtt);
    vel_rtt_update(&rtt, 50 * MS, 0, SECOND);
    assert_int_equal(rtt.min, 50 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_sample),
        cmocka_unit_test(samples),
        cmocka_unit_test(the_variance_has_a_floor),
        cmocka_unit_test(min_can_be_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
