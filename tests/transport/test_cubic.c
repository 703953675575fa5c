/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/units.h"
#include "testing/test.h"
#include "transport/cc.h"

enum { MTU = 1200 };

/* A window of `packets` that was just reduced to 0.7 of itself. */
static struct vel_cc reduced(uint64_t packets, vel_time now)
{
    struct vel_cc cc;
    vel_cc_init(&cc, NULL, VEL_CC_CUBIC, MTU, 0);
    cc.window = packets * MTU;
    vel_cc_on_congestion(&cc, now, now);
    return cc;
}

/* A round trip in which the whole window is acknowledged, two packets at a time. */
static void round_trip(struct vel_cc *cc, vel_time rtt, vel_time *now)
{
    struct vel_rtt measured;
    vel_rtt_init(&measured);
    vel_rtt_update(&measured, rtt, 0, 0);
    uint64_t acks = cc->window / (2 * MTU);
    for (uint64_t i = 0; i < acks; i++) {
        *now += rtt / (vel_time)acks;
        vel_cc_on_ack(cc, &measured,
                      &(struct vel_cc_ack){.bytes = 2 * MTU, .sent = *now - rtt, .now = *now});
    }
}

static double packets(const struct vel_cc *cc)
{
    return (double)cc->window / (double)MTU;
}

/* Against the curve of RFC 9438 4.2 in floating point, on a path where Reno is slower. */
static void follows_the_curve(void **state)
{
    (void)state;
    const vel_time rtt = 100 * MS;
    vel_time now = SECOND;
    struct vel_cc cc = reduced(1000, now);
    double k = cbrt(300 / 0.4);
    assert_float_equal(packets(&cc), 700, 1);

    vel_time epoch = VEL_NEVER;
    for (unsigned i = 0; i < 150; i++) {
        round_trip(&cc, rtt, &now);
        if (epoch == VEL_NEVER)
            epoch = cc.cubic.epoch;
        double t = (double)(now - epoch) / (double)SECOND;
        double want = 1000 + 0.4 * pow(t - k, 3);
        assert_true(fabs(packets(&cc) - want) < 0.05 * want + 8);
    }
    assert_true(packets(&cc) > 1050); /* past the plateau: probing */
}

static void the_plateau_is_at_the_old_window(void **state)
{
    (void)state;
    vel_time now = SECOND;
    struct vel_cc cc = reduced(1000, now);
    while (cc.cubic.epoch == VEL_NEVER || now < cc.cubic.epoch + cc.cubic.k)
        round_trip(&cc, 100 * MS, &now);
    assert_true(packets(&cc) > 980 && packets(&cc) < 1010);
}

/* 4.3: on a short path Reno is faster, so CUBIC does what Reno with beta 0.7 would. */
static void is_friendly_to_reno(void **state)
{
    (void)state;
    vel_time now = SECOND;
    struct vel_cc cc = reduced(20, now);
    double before = packets(&cc);
    for (unsigned i = 0; i < 8; i++)
        round_trip(&cc, 2 * MS, &now);
    double gained = packets(&cc) - before;
    assert_true(gained > 8 * 0.4 && gained < 8 * 0.6); /* alpha is 9/17 */
    for (unsigned i = 0; i < 8; i++)
        round_trip(&cc, 2 * MS, &now);
    before = packets(&cc);
    assert_true(before > 19); /* back at the old window: alpha is 1 */
    for (unsigned i = 0; i < 8; i++)
        round_trip(&cc, 2 * MS, &now);
    assert_true(packets(&cc) - before > 8 * 0.8 && packets(&cc) - before < 8 * 1.2);
}

/* 4.7: two reductions in a row without getting back up leave room for others. */
static void converges_fast(void **state)
{
    (void)state;
    struct vel_cc cc = reduced(1000, 1);
    assert_int_equal(cc.cubic.w_max, 1000 * MTU);
    vel_cc_on_congestion(&cc, 2, 2);
    assert_int_equal(cc.cubic.w_max, 595 * MTU);
    assert_int_equal(cc.window, 490 * MTU);
}

/* 5.8: pauses do not count, or the window would jump when data comes again. */
static void idle_time_is_not_on_the_curve(void **state)
{
    (void)state;
    vel_time now = SECOND;
    struct vel_cc cc = reduced(1000, now);
    for (unsigned i = 0; i < 5; i++)
        round_trip(&cc, 100 * MS, &now);
    vel_time elapsed = now - cc.cubic.epoch;
    double before = packets(&cc);
    now += 60 * SECOND;
    vel_cc_on_sent(&cc, 0, MTU, now);
    assert_int_equal(now - cc.cubic.epoch, elapsed);
    round_trip(&cc, 100 * MS, &now);
    assert_true(packets(&cc) < before * 1.1);
}

static void never_grows_by_more_than_half_a_round(void **state)
{
    (void)state;
    vel_time now = SECOND;
    struct vel_cc cc = reduced(100, now);
    round_trip(&cc, 100 * MS, &now);
    now += 90 * SECOND; /* the acknowledgements stopped, but the window stayed in use */
    double before = packets(&cc);
    round_trip(&cc, 100 * MS, &now);
    assert_true(packets(&cc) <= before * 1.66); /* a rise of e^(1/2) compounds over the round */
}

static void slow_start_without_loss_begins_at_the_plateau(void **state)
{
    (void)state;
    vel_time now = SECOND;
    struct vel_cc cc;
    vel_cc_init(&cc, NULL, VEL_CC_CUBIC, MTU, 0);
    cc.window = cc.ssthresh = 1000 * MTU; /* as HyStart++ leaves it */
    round_trip(&cc, 100 * MS, &now);
    assert_int_equal(cc.cubic.k, 0);
    assert_int_equal(cc.cubic.w_max, 1000 * MTU);
    assert_true(packets(&cc) < 1005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_curve),
        cmocka_unit_test(the_plateau_is_at_the_old_window),
        cmocka_unit_test(is_friendly_to_reno),
        cmocka_unit_test(converges_fast),
        cmocka_unit_test(idle_time_is_not_on_the_curve),
        cmocka_unit_test(never_grows_by_more_than_half_a_round),
        cmocka_unit_test(slow_start_without_loss_begins_at_the_plateau),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
