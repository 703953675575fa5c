/* SPDX-License-Identifier: MIT */
#include "transport/hystart.h"

#include "base/units.h"
#include "testing/test.h"

/* A round: `acks` acknowledgements of packets sent in it, all with the same RTT. Returns whether
 * slow start ended. Rounds last a second; the packets of a round are sent when it starts. */
static bool run_round(struct vel_hystart *hystart, unsigned number, unsigned acks, vel_time rtt)
{
    vel_time sent = number * SECOND;
    bool ended = false;
    for (unsigned i = 0; i < acks; i++)
        ended |= vel_hystart_on_ack(hystart, sent, rtt, sent + SECOND - 1);
    return ended;
}

static void growing_round_trips_end_slow_start(void **state)
{
    (void)state;
    struct vel_hystart hystart;
    vel_hystart_init(&hystart, 0);
    assert_false(run_round(&hystart, 1, 10, 40 * MS));
    assert_false(run_round(&hystart, 2, 10, 44 * MS)); /* under 40 / 8 more */
    assert_int_equal(hystart.phase, VEL_HYSTART_SLOW_START);
    assert_int_equal(vel_hystart_growth(&hystart, 1200), 1200);
    assert_false(run_round(&hystart, 3, 10, 50 * MS));
    assert_int_equal(hystart.phase, VEL_HYSTART_CSS);
    assert_int_equal(vel_hystart_growth(&hystart, 1200), 300);
    for (unsigned round = 4; round < 8; round++)
        assert_false(run_round(&hystart, round, 10, 55 * MS));
    assert_true(run_round(&hystart, 8, 10, 60 * MS)); /* five rounds, the partial one counted */
    assert_int_equal(hystart.phase, VEL_HYSTART_DONE);
    assert_int_equal(vel_hystart_growth(&hystart, 1200), 1200);
}

static void a_false_alarm_resumes_slow_start(void **state)
{
    (void)state;
    struct vel_hystart hystart;
    vel_hystart_init(&hystart, 0);
    run_round(&hystart, 1, 10, 40 * MS);
    run_round(&hystart, 2, 10, 50 * MS);
    assert_int_equal(hystart.phase, VEL_HYSTART_CSS);
    run_round(&hystart, 3, 10, 49 * MS);
    assert_int_equal(hystart.phase, VEL_HYSTART_SLOW_START);
}

/* RFC 9406 4.2: when a rise of the smallest RTT counts. */
static void thresholds(void **state)
{
    (void)state;
    const struct {
        const char *what;
        unsigned acks;
        vel_time before, after;
        enum vel_hystart_phase phase;
    } rows[] = {
        {"4 ms at least", 8, 8 * MS, 11 * MS, VEL_HYSTART_SLOW_START},
        {"4 ms", 8, 8 * MS, 12 * MS, VEL_HYSTART_CSS},
        {"an eighth, not quite", 8, 80 * MS, 89 * MS, VEL_HYSTART_SLOW_START},
        {"an eighth", 8, 80 * MS, 90 * MS, VEL_HYSTART_CSS},
        {"16 ms at most", 8, 400 * MS, 416 * MS, VEL_HYSTART_CSS},
        {"too few samples", 7, 80 * MS, 160 * MS, VEL_HYSTART_SLOW_START},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_hystart hystart;
        vel_hystart_init(&hystart, 0);
        run_round(&hystart, 1, 8, rows[i].before);
        run_round(&hystart, 2, rows[i].acks, rows[i].after);
        CHECK(rows[i].what, hystart.phase == rows[i].phase);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_round_trips_end_slow_start),
        cmocka_unit_test(a_false_alarm_resumes_slow_start),
        cmocka_unit_test(thresholds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
