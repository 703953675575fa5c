/* SPDX-License-Identifier: MIT */
#include "transport/recovery_fixture.h"

/* VEL-TR-15 (RFC 9000 9.4): what was sent on one path says nothing about another. */

static void send_many(struct fixture *f, unsigned count, vel_time now)
{
    for (unsigned i = 0; i < count; i++)
        fix_send(f, APP, now);
}

static void a_new_path_starts_anew(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, false);
    uint64_t initial = vel_cc_window(&f.r.cc);
    send_many(&f, 5, 0);
    ASSERT_OK(fix_ack(&f, APP, 0, 4, 0, 100 * MS));
    assert_true(vel_cc_window(&f.r.cc) > initial);
    send_many(&f, 5, 100 * MS);

    vel_recovery_move(&f.r, FIX_MTU, 150 * MS);
    assert_int_equal(f.r.in_flight, 0);
    assert_int_equal(vel_cc_window(&f.r.cc), initial);
    assert_false(vel_rtt_has_sample(&f.r.rtt));

    /* Acknowledged, but neither round trip nor window. */
    ASSERT_OK(fix_ack(&f, APP, 5, 9, 0, 200 * MS));
    assert_int_equal(f.heard[APP][9].acked, 1);
    assert_false(vel_rtt_has_sample(&f.r.rtt));
    assert_int_equal(vel_cc_window(&f.r.cc), initial);
    assert_int_equal(f.r.in_flight, 0);

    send_many(&f, 1, 200 * MS);
    assert_int_equal(f.r.in_flight, FIX_MTU);
    ASSERT_OK(fix_ack(&f, APP, 10, 10, 0, 230 * MS));
    assert_int_equal(f.r.rtt.latest, 30 * MS);
    fix_done(&f);
}

static void losses_of_the_old_path_are_repaired_without_blame(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, false);
    send_many(&f, 5, 0);
    vel_recovery_move(&f.r, FIX_MTU, 10 * MS);
    uint64_t initial = vel_cc_window(&f.r.cc);
    send_many(&f, 4, 20 * MS);
    ASSERT_OK(fix_ack(&f, APP, 5, 8, 0, 50 * MS));
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(f.heard[APP][i].lost, 1);
    assert_int_equal(f.r.cc.reductions, 0);
    assert_true(vel_cc_window(&f.r.cc) > initial);
    assert_int_equal(f.r.in_flight, 0);
    fix_done(&f);
}

static void a_path_that_is_known_goes_on(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, false);
    send_many(&f, 5, 0);
    ASSERT_OK(fix_ack(&f, APP, 0, 4, 0, 100 * MS));
    uint64_t window = vel_cc_window(&f.r.cc);
    send_many(&f, 3, 105 * MS);
    vel_recovery_keep_path(&f.r);
    vel_recovery_move(&f.r, FIX_MTU, 110 * MS);
    send_many(&f, 2, 110 * MS);
    ASSERT_OK(fix_ack(&f, APP, 5, 5, 0, 115 * MS));
    vel_recovery_return(&f.r);
    assert_int_equal(f.r.in_flight, 2 * FIX_MTU); /* so returning admits no burst */
    ASSERT_OK(fix_ack(&f, APP, 6, 9, 0, 205 * MS));
    assert_int_equal(f.r.in_flight, 0);
    window += 2 * FIX_MTU;
    assert_int_equal(vel_cc_window(&f.r.cc), window);
    assert_true(vel_rtt_has_sample(&f.r.rtt));
    fix_done(&f);
}

/* BBR's model is allocated: each path has one, and the one that was left is nobody's else. */
static void a_model_stays_with_its_path(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, false);
    f.r.congestion = VEL_CC_BBR;
    vel_recovery_move(&f.r, FIX_MTU, 1 * MS);
    const struct vel_bbr *home = f.r.cc.bbr;
    vel_recovery_keep_path(&f.r);
    vel_recovery_move(&f.r, FIX_MTU, 2 * MS);
    assert_ptr_not_equal(f.r.cc.bbr, home);
    vel_recovery_return(&f.r);
    assert_ptr_equal(f.r.cc.bbr, home);
    vel_recovery_keep_path(&f.r);
    vel_recovery_move(&f.r, FIX_MTU, 3 * MS);
    vel_recovery_move(&f.r, FIX_MTU, 4 * MS);
    vel_recovery_keep_path(&f.r);
    vel_recovery_move(&f.r, FIX_MTU, 5 * MS);
    fix_done(&f);
}

/* Marks are tested again on each path, while the peer counts them all together. */
static void marks_are_tested_again(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, false);
    struct vel_frame_ack ack = {.has_ecn = true, .ecn = {.ect0 = 1}};
    fix_send_as(&f, APP, true, VEL_ECN_ECT0, 0);
    ASSERT_OK(vel_recovery_on_ack(&f.r, VEL_SPACE_APP, &ack, 0, 100 * MS));
    assert_int_equal(f.r.ecn.state, VEL_ECN_CAPABLE);
    vel_recovery_move(&f.r, FIX_MTU, 110 * MS);
    assert_int_equal(f.r.ecn.state, VEL_ECN_TESTING);
    fix_send_as(&f, APP, true, VEL_ECN_ECT0, 120 * MS);
    ack = (struct vel_frame_ack){.largest = 1, .has_ecn = true, .ecn = {.ect0 = 2}};
    ASSERT_OK(vel_recovery_on_ack(&f.r, VEL_SPACE_APP, &ack, 0, 200 * MS));
    assert_int_equal(f.r.ecn.state, VEL_ECN_CAPABLE);
    fix_done(&f);
}

/* A probe of another path is no reason to wait, nor a sample of this one. */
static void probes_aside_count_for_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, false);
    ASSERT_OK(vel_sent_begin(&f.r.space[APP].sent));
    vel_recovery_sent_aside(&f.r, VEL_SPACE_APP, 1200, 0);
    assert_int_equal(f.r.in_flight, 0);
    assert_true(vel_recovery_deadline(&f.r) == VEL_NEVER);
    vel_time latest = f.r.rtt.latest;
    ASSERT_OK(fix_ack(&f, APP, 0, 0, 0, 7 * MS));
    assert_int_equal(f.r.rtt.latest, latest);
    fix_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_path_starts_anew),
        cmocka_unit_test(losses_of_the_old_path_are_repaired_without_blame),
        cmocka_unit_test(a_path_that_is_known_goes_on),
        cmocka_unit_test(a_model_stays_with_its_path),
        cmocka_unit_test(marks_are_tested_again),
        cmocka_unit_test(probes_aside_count_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
