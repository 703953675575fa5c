/* SPDX-License-Identifier: MIT */
#include "transport/rate.h"

#include "base/units.h"
#include "testing/test.h"

enum { PACKET = 1000, WINDOW = 100 * PACKET };
#define RTT (100 * MS)

static struct vel_rate rate;

/* `count` packets leave, one each `gap`, and are acknowledged one by one a round trip later. Returns
 * the last sample. */
static struct vel_rate_sample flight(unsigned count, vel_time gap, vel_time start)
{
    struct vel_rate_sample sample = {0};
    for (unsigned i = 0; i < count; i++)
        vel_rate_on_sent(&rate, WINDOW, (uint64_t)i * PACKET, PACKET, start + i * gap);
    for (unsigned i = 0; i < count; i++)
        sample = vel_rate_on_ack(&rate, PACKET, start + i * gap, RTT, start + i * gap + RTT);
    return sample;
}

static void a_steady_flow_shows_its_rate(void **state)
{
    (void)state;
    vel_rate_init(&rate);
    /* One each millisecond for two seconds: a million bytes a second. */
    for (unsigned i = 0; i < 2000; i++) {
        vel_time now = i * MS;
        uint64_t in_flight = (uint64_t)VEL_MIN(i, 100U) * PACKET;
        if (i >= 100) {
            struct vel_rate_sample sample = vel_rate_on_ack(&rate, PACKET, now - RTT, RTT, now);
            in_flight -= PACKET;
            assert_true(sample.valid && !sample.app_limited);
            if (i > 300) {
                assert_in_range(sample.rate, 990 * 1000, 1010 * 1000);
                assert_in_range(sample.in_flight, 99 * PACKET, 101 * PACKET);
                assert_int_equal(sample.lost, 0);
            }
        }
        vel_rate_on_sent(&rate, WINDOW, in_flight, PACKET, now);
    }
    assert_int_equal(rate.delivered, 1900 * PACKET);
}

/* Acknowledgements that were held up and come at once do not make the path faster, and a sample shorter
 * than any round trip is none. */
static void what_is_gathered_is_not_fast(void **state)
{
    (void)state;
    vel_rate_init(&rate);
    for (unsigned i = 0; i < 50; i++)
        vel_rate_on_sent(&rate, WINDOW, (uint64_t)i * PACKET, PACKET, i * MS);
    struct vel_rate_sample sample = vel_rate_on_ack(&rate, 50 * PACKET, 49 * MS, RTT, 149 * MS);
    assert_int_equal(sample.delivered, 50 * PACKET);
    assert_in_range(sample.rate, 0, 50 * PACKET * 1000 / 149 + 1);
    vel_rate_on_sent(&rate, WINDOW, 0, PACKET, 150 * MS);
    sample = vel_rate_on_ack(&rate, PACKET, 150 * MS, RTT, 160 * MS);
    assert_true(sample.valid);
    assert_int_equal(sample.rate, 0);
}

static void silence_does_not_count(void **state)
{
    (void)state;
    vel_rate_init(&rate);
    struct vel_rate_sample before = flight(50, MS, 0);
    struct vel_rate_sample after = flight(50, MS, 3600 * SECOND);
    assert_in_range(after.rate, before.rate - before.rate / 50, before.rate + before.rate / 50);
}

/* From when there was nothing to send until what was in flight then has arrived. */
static void a_bubble_is_marked(void **state)
{
    (void)state;
    vel_rate_init(&rate);
    assert_false(flight(20, MS, 0).app_limited);
    vel_time now = SECOND;
    vel_rate_on_sent(&rate, WINDOW, 0, PACKET, now);
    vel_rate_on_app_limited(&rate, PACKET);
    vel_rate_on_sent(&rate, WINDOW, PACKET, PACKET, now + MS);
    assert_false(vel_rate_on_ack(&rate, PACKET, now, RTT, now + RTT).app_limited);
    vel_rate_on_sent(&rate, WINDOW, PACKET, PACKET, now + RTT);
    assert_true(vel_rate_on_ack(&rate, PACKET, now + MS, RTT, now + MS + RTT).app_limited);
    vel_rate_on_sent(&rate, WINDOW, PACKET, PACKET, now + 2 * MS + RTT);
    (void)vel_rate_on_ack(&rate, PACKET, now + RTT, RTT, now + 2 * RTT);
    assert_false(
        vel_rate_on_ack(&rate, PACKET, now + 2 * MS + RTT, RTT, now + 3 * RTT).app_limited);
}

static void losses_are_counted_since_a_packet(void **state)
{
    (void)state;
    vel_rate_init(&rate);
    for (unsigned i = 0; i < 10; i++)
        vel_rate_on_sent(&rate, WINDOW, (uint64_t)i * PACKET, PACKET, i * MS);
    struct vel_rate_sample lost = vel_rate_on_lost(&rate, PACKET, 3 * MS);
    assert_true(lost.valid);
    assert_int_equal(lost.lost, PACKET);
    assert_int_equal(lost.in_flight, 10 * PACKET);
    (void)vel_rate_on_ack(&rate, 5 * PACKET, 6 * MS, RTT, 106 * MS);
    rate.fresh = true;
    vel_rate_on_sent(&rate, WINDOW, 4 * PACKET, PACKET, 107 * MS);
    lost = vel_rate_on_lost(&rate, PACKET, 107 * MS);
    assert_int_equal(lost.lost, PACKET); /* the first was known when this one was sent */
    assert_int_equal(lost.in_flight, 5 * PACKET);
}

/* However many are in flight: what is kept does not grow, and what is too old is not guessed. */
static void the_oldest_are_forgotten(void **state)
{
    (void)state;
    vel_rate_init(&rate);
    for (unsigned i = 0; i < 10 * VEL_RATE_SNAPSHOTS; i++) {
        rate.fresh = true;
        vel_rate_on_sent(&rate, WINDOW, PACKET, PACKET, i * MS);
    }
    const vel_time oldest = 9 * VEL_RATE_SNAPSHOTS * MS;
    assert_false(vel_rate_on_lost(&rate, PACKET, oldest - 1).valid);
    assert_true(vel_rate_on_lost(&rate, PACKET, oldest).valid);
    assert_false(vel_rate_on_ack(&rate, PACKET, 0, RTT, SECOND).valid);
}

/* Nothing that a clock or a peer can do overflows. */
static void extremes(void **state)
{
    (void)state;
    vel_rate_init(&rate);
    vel_rate_on_sent(&rate, UINT64_MAX, 0, PACKET, 0);
    vel_rate_on_sent(&rate, UINT64_MAX, UINT64_MAX / 2, PACKET, 0);
    struct vel_rate_sample sample = vel_rate_on_ack(&rate, UINT64_C(1) << 60, 0, 0, 1);
    assert_true(sample.valid && sample.rate > 0);
    assert_int_equal(sample.in_flight, UINT32_MAX);
    sample = vel_rate_on_ack(&rate, PACKET, 0, 0, 0); /* no time at all */
    assert_int_equal(vel_rate_on_ack(&rate, PACKET, 0, 0, -5).rate, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_flow_shows_its_rate),
        cmocka_unit_test(what_is_gathered_is_not_fast),
        cmocka_unit_test(silence_does_not_count),
        cmocka_unit_test(a_bubble_is_marked),
        cmocka_unit_test(losses_are_counted_since_a_packet),
        cmocka_unit_test(the_oldest_are_forgotten),
        cmocka_unit_test(extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
