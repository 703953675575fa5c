/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "cli/bench_relay.h"
#include "testing/test.h"

enum { SIZE = 1200, COUNT = 100000 };

/* Bit i of *fate: datagram i of the first 64 came out. Returns how many of all were lost. */
static unsigned pass(int64_t seed, unsigned direction, int64_t loss, uint64_t *fate)
{
    const struct vel_bench_impairment network = {.loss = loss, .seed = seed};
    struct vel_bench_line line;
    unsigned lost = 0;
    vel_bench_line_init(&line, &network, direction);
    *fate = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        vel_time due;
        bool out = vel_bench_line_enter(&line, SIZE, SECOND, &due);
        lost += !out;
        if (i < 64 && out)
            *fate |= UINT64_C(1) << i;
    }
    return lost;
}

static void loses_as_often_as_asked(void **state)
{
    static const int64_t rows[] = {0, 100, 10 * 1000, 300 * 1000};
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint64_t fate;
        double wanted = (double)rows[i] * COUNT / 1e6;
        double lost = pass(7, 0, rows[i], &fate);
        assert_true(lost >= wanted * 0.9 - 10 && lost <= wanted * 1.1 + 10);
    }
}

static void the_seed_tells_which(void **state)
{
    uint64_t first, again, other_seed, other_way;
    (void)state;
    pass(1, 0, 300 * 1000, &first);
    pass(1, 0, 300 * 1000, &again);
    pass(2, 0, 300 * 1000, &other_seed);
    pass(1, 1, 300 * 1000, &other_way);
    assert_true(first == again);
    assert_true(first != other_seed && first != other_way && other_seed != other_way);
}

static void delays(void **state)
{
    const struct vel_bench_impairment network = {.delay = 20 * MS};
    struct vel_bench_line line;
    vel_time due = 0;
    (void)state;
    vel_bench_line_init(&line, &network, 0);
    assert_true(vel_bench_line_enter(&line, SIZE, SECOND, &due));
    assert_true(due == SECOND + 20 * MS);
}

/* 1,200 bytes at 9.6 Mbit/s take a millisecond; the queue holds two delays' worth. */
static void a_line_has_a_rate_and_a_queue(void **state)
{
    const struct vel_bench_impairment network = {.delay = 100 * MS, .rate = 9600 * 1000};
    struct vel_bench_line line;
    vel_time due = 0, last = 0;
    unsigned taken = 0;
    (void)state;
    vel_bench_line_init(&line, &network, 0);
    while (vel_bench_line_enter(&line, SIZE, SECOND, &due)) {
        taken++;
        assert_true(due > last);
        assert_true(due == SECOND + taken * MS + 100 * MS);
        last = due;
    }
    assert_int_equal(taken, 201);
    assert_int_equal(line.full, 1);
    assert_int_equal(line.lost, 0);
    /* A millisecond later there is room for one. */
    assert_true(vel_bench_line_enter(&line, SIZE, SECOND + MS, &due));
    assert_true(!vel_bench_line_enter(&line, SIZE, SECOND + MS, &due));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loses_as_often_as_asked),
        cmocka_unit_test(the_seed_tells_which),
        cmocka_unit_test(delays),
        cmocka_unit_test(a_line_has_a_rate_and_a_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
