/* SPDX-License-Identifier: MIT */
#include "transport/flow.h"

#include "base/units.h"
#include "testing/test.h"

static void sending_credit(void **state)
{
    (void)state;
    struct vel_flow_out f = {0};
    assert_true(vel_flow_out_blocked(&f)); /* also at the limit zero */
    assert_false(vel_flow_out_blocked(&f));
    assert_true(vel_flow_out_grant(&f, 100));
    assert_false(vel_flow_out_grant(&f, 100));
    assert_false(vel_flow_out_grant(&f, 99)); /* an old frame, out of order */
    assert_int_equal(vel_flow_out_left(&f), 100);
    assert_false(vel_flow_out_blocked(&f));
    f.used = 100;
    assert_int_equal(vel_flow_out_left(&f), 0);
    assert_true(vel_flow_out_blocked(&f));
    assert_false(vel_flow_out_blocked(&f));
    assert_true(vel_flow_out_grant(&f, 150));
    assert_int_equal(vel_flow_out_left(&f), 50);
}

static void receiving_never_exceeds_the_limit(void **state)
{
    (void)state;
    struct vel_flow_in f;
    vel_flow_in_init(&f, 1000);
    assert_int_equal(f.limit, 1000);
    assert_true(vel_flow_in_receive(&f, 1000));
    assert_true(vel_flow_in_receive(&f, 0));
    assert_false(vel_flow_in_receive(&f, 1));
    assert_false(vel_flow_in_receive(&f, UINT64_MAX));
    assert_int_equal(f.received, 1000);
}

/* Announced when half of the window is consumed: neither at each byte nor when it is too late. */
static void announced_by_half_windows(void **state)
{
    (void)state;
    struct vel_flow_in f;
    vel_flow_in_init(&f, 1000);
    assert_true(vel_flow_in_receive(&f, 1000));
    assert_false(vel_flow_in_consume(&f, 499));
    assert_true(vel_flow_in_consume(&f, 1));
    assert_int_equal(f.limit, 1500);
    assert_false(vel_flow_in_consume(&f, 400));
    assert_true(vel_flow_in_consume(&f, 100));
    assert_int_equal(f.limit, 2000);
}

static void window_grows_to_its_maximum(void **state)
{
    (void)state;
    uint64_t most = 6 * MIB;
    struct vel_flow_in f;
    vel_flow_in_init(&f, most);
    uint64_t start = f.limit;
    assert_int_equal(start, vel_flow_initial_window(most));
    assert_true(start < most);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(vel_flow_in_receive(&f, 16 * KIB));
        vel_flow_in_consume(&f, 16 * KIB);
        assert_true(f.limit - f.consumed <= most);
    }
    assert_int_equal(f.window, most);

    /* An application that stops reading bounds what the peer can send. */
    assert_true(vel_flow_in_receive(&f, f.limit - f.received));
    assert_false(vel_flow_in_receive(&f, 1));
}

static void nothing_allowed(void **state)
{
    (void)state;
    struct vel_flow_in f;
    vel_flow_in_init(&f, 0);
    assert_false(vel_flow_in_receive(&f, 1));
    assert_false(vel_flow_in_consume(&f, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sending_credit),
        cmocka_unit_test(receiving_never_exceeds_the_limit),
        cmocka_unit_test(announced_by_half_windows),
        cmocka_unit_test(window_grows_to_its_maximum),
        cmocka_unit_test(nothing_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
