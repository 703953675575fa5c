/* SPDX-License-Identifier: MIT */
#include "transport/recovery_fixture.h"
#include "transport/recovery_internal.h"

/* 6.1.1: three packets later is lost, two is reordering. */
static void packet_threshold(void **state)
{
    (void)state;
    for (unsigned largest = 1; largest < 6; largest++) {
        struct fixture f;
        fix_established(&f, true);
        for (unsigned i = 0; i < 6; i++)
            fix_send(&f, APP, 0);
        ASSERT_OK(fix_ack(&f, APP, largest, largest, 0, 100 * MS));
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(f.heard[APP][i].lost, i + 3 <= largest);
        fix_done(&f);
    }
}

/* 6.1.2: sent 9/8 of a round trip before the acknowledgement of something later. */
static void time_threshold(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    fix_send(&f, APP, 0);
    fix_send(&f, APP, 5 * MS);
    fix_send(&f, APP, 10 * MS);
    ASSERT_OK(fix_ack(&f, APP, 2, 2, 0, 110 * MS));
    assert_int_equal(f.heard[APP][0].lost, 0);
    assert_int_equal(vel_recovery_deadline(&f.r), 112500 * US);

    struct vel_recovery_timeout timeout = vel_recovery_on_timeout(&f.r, 112500 * US - 1);
    assert_int_equal(timeout.action, VEL_RECOVERY_NOTHING);
    timeout = vel_recovery_on_timeout(&f.r, 112500 * US);
    assert_int_equal(timeout.action, VEL_RECOVERY_LOST);
    assert_int_equal(f.heard[APP][0].lost, 1);
    assert_int_equal(f.heard[APP][1].lost, 0);
    assert_int_equal(vel_recovery_deadline(&f.r), 117500 * US);
    assert_int_equal(f.r.pto_backoff, 0);
    fix_done(&f);
}

static void later_packets_are_not_lost(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 8; i++)
        fix_send(&f, APP, 0);
    ASSERT_OK(fix_ack(&f, APP, 3, 3, 0, 100 * MS));
    vel_recovery_on_timeout(&f.r, SECOND); /* however late */
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(f.heard[APP][i].lost, i < 3);
    assert_int_equal(f.r.in_flight, 4 * FIX_MTU);
    assert_int_equal(f.r.packets_lost, 3);
    fix_done(&f);
}

static void loss_is_one_congestion_event(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 10; i++)
        fix_send(&f, APP, i * MS);
    ASSERT_OK(fix_ack(&f, APP, 4, 4, 0, 104 * MS));
    assert_int_equal(f.r.cc.window, 5 * FIX_MTU);
    ASSERT_OK(fix_ack(&f, APP, 9, 9, 0, 109 * MS));
    assert_int_equal(f.r.packets_lost, 6);
    assert_int_equal(f.r.cc.window, 5 * FIX_MTU);
    fix_done(&f);
}

/* 7.3.2: what is lost first need not wait until the halved window has room again. */
static void one_packet_may_leave_a_full_window(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 10; i++)
        fix_send(&f, APP, 0);
    assert_int_equal(vel_recovery_room(&f.r), 0);
    ASSERT_OK(fix_ack(&f, APP, 3, 3, 0, 100 * MS));
    assert_int_equal(vel_recovery_room(&f.r), FIX_MTU);
    fix_send(&f, APP, 100 * MS);
    assert_int_equal(vel_recovery_room(&f.r), 0);
    ASSERT_OK(fix_ack(&f, APP, 4, 4, 0, 101 * MS)); /* more losses, the same period */
    assert_int_equal(vel_recovery_room(&f.r), 0);
    fix_done(&f);
}

/* What was acknowledged after being declared lost is not news. */
static void a_late_acknowledgement_is_ignored(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 4; i++)
        fix_send(&f, APP, 0);
    ASSERT_OK(fix_ack(&f, APP, 3, 3, 0, 100 * MS));
    assert_int_equal(f.heard[APP][0].lost, 1);
    ASSERT_OK(fix_ack(&f, APP, 0, 3, 0, 101 * MS));
    assert_int_equal(f.heard[APP][0].acked, 0);
    assert_int_equal(f.r.in_flight, 0);
    fix_done(&f);
}

static void lost_acknowledgements_are_not_congestion(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 5; i++)
        fix_send_as(&f, APP, false, VEL_ECN_NOT_ECT, 0);
    fix_send(&f, APP, 0);
    ASSERT_OK(fix_ack(&f, APP, 5, 5, 0, 100 * MS));
    assert_int_equal(f.heard[APP][0].lost, 1);
    assert_int_equal(f.r.packets_lost, 0);
    assert_true(f.r.cc.window >= 10 * FIX_MTU);
    fix_done(&f);
}

/*
 * 7.6: PTO is 125 ms here (RTT 100 ms, variance 0, but 1 ms of granularity), so persistent
 * congestion is a stretch of more than 378 ms. Twenty packets, one each `gap`; the last arrives,
 * perhaps one in the middle too.
 */
static void persistent_congestion(void **state)
{
    (void)state;
    const struct {
        const char *what;
        vel_time gap, first;
        bool middle_arrived, persistent;
    } rows[] = {
        {"a long stretch", 30 * MS, SECOND, false, true},
        {"too short", 21 * MS, SECOND, false, false},
        {"an arrival in between", 30 * MS, SECOND, true, false},
        {"before the first sample", 30 * MS, -600 * MS, false, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct fixture f;
        fix_established(&f, true);
        vel_time now = rows[i].first;
        for (unsigned k = 0; k < 20; k++, now += rows[i].gap)
            fix_send(&f, APP, now);
        if (rows[i].middle_arrived)
            ASSERT_OK(fix_ack_two(&f, APP, 19, 19, 9, 9, 0, now + 100 * MS));
        else
            ASSERT_OK(fix_ack(&f, APP, 19, 19, 0, now + 100 * MS));
        CHECK(rows[i].what, (f.r.cc.window == 2 * FIX_MTU) == rows[i].persistent);
        fix_done(&f);
    }
}

static void all_test_packets_lost_ends_marking(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 10; i++)
        fix_send_as(&f, APP, true, vel_ecn_mark(&f.r.ecn), 0);
    for (unsigned i = 0; i < 2; i++)
        fix_send_as(&f, APP, true, vel_ecn_mark(&f.r.ecn), 0);
    ASSERT_OK(fix_ack(&f, APP, 10, 11, 0, 100 * MS));
    assert_int_equal(f.r.ecn.state, VEL_ECN_UNKNOWN); /* the last one may be late */
    vel_recovery_on_timeout(&f.r, 200 * MS);
    assert_int_equal(f.r.ecn.state, VEL_ECN_FAILED);
    fix_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_threshold),
        cmocka_unit_test(time_threshold),
        cmocka_unit_test(later_packets_are_not_lost),
        cmocka_unit_test(loss_is_one_congestion_event),
        cmocka_unit_test(one_packet_may_leave_a_full_window),
        cmocka_unit_test(a_late_acknowledgement_is_ignored),
        cmocka_unit_test(lost_acknowledgements_are_not_congestion),
        cmocka_unit_test(persistent_congestion),
        cmocka_unit_test(all_test_packets_lost_ends_marking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
