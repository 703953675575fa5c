/* SPDX-License-Identifier: MIT */
#include "transport/reordering.h"

#include "base/units.h"
#include "testing/test.h"
#include "transport/loss_based.h"

static struct test_env t;
static struct vel_reordering o;

static int begin(void **state)
{
    (void)state;
    test_env_init(&t, 1);
    vel_reordering_init(&o, &t.env);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    vel_reordering_clear(&o);
    test_env_done(&t);
    return 0;
}

static bool acked(uint64_t start, uint64_t end, uint64_t largest)
{
    return vel_reordering_acked(&o, VEL_SPACE_APP, (struct vel_range){start, end}, largest);
}

static uint64_t early(enum vel_space space, uint64_t start, uint64_t end, uint64_t largest)
{
    return vel_reordering_acked(&o, space, (struct vel_range){start, end}, largest);
}

static void thresholds_grow_with_what_was_seen(void **state)
{
    (void)state;
    assert_int_equal(o.threshold, VEL_PACKET_THRESHOLD);
    vel_reordering_lost(&o, VEL_SPACE_APP, 10);
    vel_reordering_event(&o, VEL_SPACE_APP, 10);
    assert_false(acked(0, 10, 200));
    assert_false(acked(11, 100, 200));
    assert_true(acked(0, 20, 210));
    assert_int_equal(o.threshold, 201);
    assert_false(acked(0, 20, 210)); /* once */
    assert_true(vel_reordering_learn(&o, 40 * MS));
    assert_int_equal(o.delay, 10 * MS);
    for (int i = 0; i < 10; i++)
        (void)vel_reordering_learn(&o, 40 * MS);
    assert_int_equal(o.delay, 40 * MS);
    vel_reordering_restart(&o);
    assert_int_equal(o.threshold, VEL_PACKET_THRESHOLD);
    assert_int_equal(o.delay, 0);
}

/* An event is forgiven when all of it has arrived, and not before. */
static void arrivals_are_counted(void **state)
{
    (void)state;
    vel_reordering_lost(&o, VEL_SPACE_APP, 5);
    vel_reordering_lost(&o, VEL_SPACE_APP, 6);
    vel_reordering_lost(&o, VEL_SPACE_APP, 9);
    vel_reordering_lost(&o, VEL_SPACE_APP, 12);
    assert_int_equal(vel_reordering_acked(&o, VEL_SPACE_APP, (struct vel_range){6, 12}, 30), 2);
    assert_int_equal(vel_reordering_acked(&o, VEL_SPACE_APP, (struct vel_range){0, 12}, 30), 1);
    assert_int_equal(vel_reordering_acked(&o, VEL_SPACE_APP, (struct vel_range){0, 12}, 30), 0);
}

static void real_losses_are_not_forgiven(void **state)
{
    (void)state;
    vel_reordering_lost(&o, VEL_SPACE_APP, 5); /* of an event before */
    for (uint64_t n = 20; n < 23; n++)
        vel_reordering_lost(&o, VEL_SPACE_APP, n);
    vel_reordering_event(&o, VEL_SPACE_APP, 20);
    assert_true(acked(20, 22, 40));
    assert_false(vel_reordering_learn(&o, MS));
    assert_true(acked(22, 30, 40));
    assert_true(vel_reordering_learn(&o, MS));
}

/* So are they when they are of the handshake; what is of another space says nothing about them. */
static void the_handshake_is_forgiven(void **state)
{
    (void)state;
    vel_reordering_lost(&o, VEL_SPACE_HANDSHAKE, 4);
    vel_reordering_lost(&o, VEL_SPACE_HANDSHAKE, 5);
    vel_reordering_event(&o, VEL_SPACE_HANDSHAKE, 4);
    vel_reordering_lost(&o, VEL_SPACE_APP, 0);
    assert_true(acked(0, 2, 9));
    assert_false(vel_reordering_learn(&o, MS));
    assert_int_equal(early(VEL_SPACE_INITIAL, 0, 100, 100), 0);
    assert_int_equal(early(VEL_SPACE_HANDSHAKE, 0, 5, 20), 1);
    assert_false(vel_reordering_learn(&o, MS));
    assert_int_equal(early(VEL_SPACE_HANDSHAKE, 0, 1000, 20), 1);
    assert_true(vel_reordering_learn(&o, MS));
    assert_int_equal(o.threshold, 20 - 4 + 1);
    vel_reordering_lost(&o, VEL_SPACE_HANDSHAKE, VEL_REORDERING_EARLY); /* is not remembered */
    vel_reordering_event(&o, VEL_SPACE_HANDSHAKE, VEL_REORDERING_EARLY);
    assert_int_equal(early(VEL_SPACE_HANDSHAKE, 0, 1000, 1000), 0);
    assert_false(vel_reordering_learn(&o, MS));
}

/* Whatever is lost, and whenever it is acknowledged. */
static void it_stays_small(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 100000; n += 2)
        vel_reordering_lost(&o, VEL_SPACE_APP, n);
    assert_int_equal(o.lost.count, VEL_REORDERING_LOST);
    assert_true(acked(0, 100000, 1000000));
    assert_int_equal(o.threshold, VEL_PACKET_THRESHOLD_MAX);
    assert_int_equal(o.lost.count, 0);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    t.fail_after = 0;
    for (uint64_t n = 0; n < 100; n += 2)
        vel_reordering_lost(&o, VEL_SPACE_APP, n);
    (void)acked(0, 100, 100);
    t.fail_after = -1;
}

static void a_window_comes_back_once(void **state)
{
    (void)state;
    struct vel_cc cc;
    vel_cc_init(&cc, NULL, VEL_CC_CUBIC, 1200, 0);
    uint64_t window = cc.window;
    vel_cc_undo(&cc, 5);
    assert_int_equal(cc.window, window);
    vel_cc_on_congestion(&cc, 1, 2);
    assert_true(cc.window < window);
    vel_cc_undo(&cc, 5);
    assert_int_equal(cc.window, window);
    assert_true(vel_cc_in_slow_start(&cc));
    vel_cc_on_congestion(&cc, 3, 4);
    vel_cc_on_persistent_congestion(&cc, 5);
    vel_cc_undo(&cc, 5);
    assert_true(cc.window < window);
}

#define WITH_REORDERING(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REORDERING(thresholds_grow_with_what_was_seen),
        WITH_REORDERING(real_losses_are_not_forgiven),
        WITH_REORDERING(the_handshake_is_forgiven),
        WITH_REORDERING(it_stays_small),
        WITH_REORDERING(memory_may_run_out),
        WITH_REORDERING(arrivals_are_counted),
        cmocka_unit_test(a_window_comes_back_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
