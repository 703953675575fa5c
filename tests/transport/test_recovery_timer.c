/* SPDX-License-Identifier: MIT */
#include "transport/recovery_fixture.h"
#include "transport/recovery_internal.h"

/* Before any sample the period is 333 + 4 * 166.5 = 999 ms (RFC 9002 6.2.2). */
#define FIRST_PTO (999 * MS)

static void expect_probe(struct fixture *f, vel_time when, unsigned space, unsigned probes)
{
    assert_int_equal(vel_recovery_deadline(&f->r), when);
    struct vel_recovery_timeout early = vel_recovery_on_timeout(&f->r, when - 1);
    assert_int_equal(early.action, VEL_RECOVERY_NOTHING);
    struct vel_recovery_timeout timeout = vel_recovery_on_timeout(&f->r, when);
    assert_int_equal(timeout.action, VEL_RECOVERY_PROBE);
    assert_int_equal(timeout.space, space);
    assert_int_equal(timeout.probes[space], probes);
}

static void nothing_in_flight_needs_no_probe(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    assert_true(vel_recovery_deadline(&f.r) == VEL_NEVER);
    fix_send_as(&f, APP, false, VEL_ECN_NOT_ECT, 0);
    assert_true(vel_recovery_deadline(&f.r) == VEL_NEVER);
    fix_done(&f);
    fix_init(&f, false);
    assert_true(vel_recovery_deadline(&f.r) == VEL_NEVER);
    fix_done(&f);
}

/* 6.2.1: each time-out doubles the period; an acknowledgement ends that. */
static void backoff(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    vel_time now = 0, period = 126 * MS; /* RTT 100, granularity 1, max_ack_delay 25 */
    assert_int_equal(vel_recovery_pto(&f.r), period);
    fix_send(&f, APP, now);
    for (unsigned i = 0; i < 5; i++) {
        expect_probe(&f, now + (period << i), APP, 2);
        now += period << i;
        fix_send(&f, APP, now);
        fix_send(&f, APP, now);
    }
    assert_int_equal(f.r.pto_fired, 5);
    ASSERT_OK(fix_ack(&f, APP, 9, 10, 0, now + 100 * MS));
    assert_int_equal(f.r.pto_backoff, 0);
    assert_int_equal(f.r.in_flight, 0); /* everything older was lost */
    fix_done(&f);
}

/* 6.2.4: probes carry what is oldest; nothing is lost yet, and nobody is asked twice. */
static void probes_hand_on_the_oldest(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 5; i++)
        fix_send(&f, APP, 0);
    expect_probe(&f, 126 * MS, APP, 2);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(f.heard[APP][i].lost, i < 2);
    assert_int_equal(f.r.in_flight, 5 * FIX_MTU);
    assert_int_equal(f.r.packets_lost, 0);
    fix_send(&f, APP, 126 * MS);
    ASSERT_OK(fix_ack(&f, APP, 5, 5, 0, 226 * MS));
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(f.heard[APP][i].lost, 1);
    assert_int_equal(f.r.packets_lost, 5);
    fix_done(&f);
}

static void the_original_may_still_arrive(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    fix_send(&f, APP, 0);
    expect_probe(&f, 126 * MS, APP, 2);
    ASSERT_OK(fix_ack(&f, APP, 0, 0, 0, 130 * MS));
    assert_int_equal(f.heard[APP][0].lost, 1);
    assert_int_equal(f.heard[APP][0].acked, 1);
    assert_int_equal(f.r.in_flight, 0);
    fix_done(&f);
}

/* 6.2.2.1: the client's hello was acknowledged, then silence: the server may be out of credit. */
static void the_client_breaks_the_deadlock(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, true);
    fix_send(&f, INITIAL, 0);
    ASSERT_OK(fix_ack(&f, INITIAL, 0, 0, 0, 100 * MS));
    expect_probe(&f, 400 * MS, INITIAL, 2); /* RTT 100, variance 50 */
    vel_recovery_set_handshake_keys(&f.r);
    expect_probe(&f, 400 * MS + 600 * MS, HANDSHAKE, 2);
    fix_send(&f, HANDSHAKE, 1000 * MS);
    ASSERT_OK(fix_ack(&f, HANDSHAKE, 0, 0, 0, 1100 * MS));
    assert_true(vel_recovery_deadline(&f.r) == VEL_NEVER); /* our address is validated */
    fix_done(&f);
}

/* VEL-TR-59: the first answers come at once, the next after signatures. */
static void a_near_peer_has_time_for_its_signatures(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, true);
    fix_send(&f, INITIAL, 0);
    ASSERT_OK(fix_ack(&f, INITIAL, 0, 0, 0, 1 * MS));
    vel_recovery_set_handshake_keys(&f.r);
    fix_send(&f, HANDSHAKE, 1 * MS);
    expect_probe(&f, 1 * MS + 26 * MS, HANDSHAKE, 2);
    fix_send(&f, HANDSHAKE, 27 * MS);
    expect_probe(&f, 27 * MS + 52 * MS, HANDSHAKE, 2);
    fix_done(&f);
    /* Far away it is the variance that counts, and afterwards what the peer has announced. */
    fix_init(&f, true);
    fix_send(&f, INITIAL, 0);
    ASSERT_OK(fix_ack(&f, INITIAL, 0, 0, 0, 20 * MS));
    fix_send(&f, INITIAL, 20 * MS);
    expect_probe(&f, 20 * MS + 60 * MS, INITIAL, 2);
    fix_done(&f);
}

/* Ours: however often it was in vain, a handshake is not silent for longer than two seconds. */
static void a_handshake_keeps_trying(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, true);
    vel_time now = 0;
    for (unsigned i = 0; i < 12; i++) {
        fix_send(&f, INITIAL, now);
        now += i == 0 ? FIRST_PTO : i == 1 ? 2 * FIRST_PTO : 2 * SECOND;
        expect_probe(&f, now, INITIAL, 2);
    }
    fix_done(&f);
}

/* An Initial acknowledgement does not show that the server has validated the client. */
static void initial_acknowledgements_keep_the_backoff(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, true);
    fix_send(&f, INITIAL, 0);
    expect_probe(&f, FIRST_PTO, INITIAL, 2);
    fix_send(&f, INITIAL, FIRST_PTO);
    ASSERT_OK(fix_ack(&f, INITIAL, 1, 1, 0, FIRST_PTO + 100 * MS));
    assert_int_equal(f.r.pto_backoff, 1);
    fix_done(&f);
    fix_init(&f, false);
    fix_send(&f, INITIAL, 0);
    expect_probe(&f, FIRST_PTO, INITIAL, 2);
    ASSERT_OK(fix_ack(&f, INITIAL, 0, 0, 0, FIRST_PTO + 100 * MS));
    assert_int_equal(f.r.pto_backoff, 0);
    fix_done(&f);
}

static void a_server_without_credit_does_not_probe(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, false);
    fix_send(&f, INITIAL, 0);
    vel_recovery_set_amplification_limited(&f.r, true);
    assert_true(vel_recovery_deadline(&f.r) == VEL_NEVER);
    vel_recovery_set_amplification_limited(&f.r, false);
    assert_int_equal(vel_recovery_deadline(&f.r), FIRST_PTO);
    fix_done(&f);
}

static void the_earliest_space_is_probed(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, false);
    fix_send(&f, HANDSHAKE, 0);
    fix_send(&f, INITIAL, 1 * MS);
    expect_probe(&f, FIRST_PTO, HANDSHAKE, 2);
    vel_recovery_discard(&f.r, VEL_SPACE_INITIAL);
    assert_int_equal(f.r.pto_backoff, 0);
    fix_done(&f);
}

/* 6.2.4: the peer may need the Initial packets to read the Handshake ones. */
static void handshake_spaces_help_each_other(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, false);
    fix_send(&f, INITIAL, 0);
    for (unsigned i = 0; i < 3; i++)
        fix_send(&f, HANDSHAKE, 0);
    struct vel_recovery_timeout timeout = vel_recovery_on_timeout(&f.r, FIRST_PTO);
    assert_int_equal(timeout.space, INITIAL);
    assert_int_equal(timeout.probes[INITIAL], 2);
    assert_int_equal(timeout.probes[HANDSHAKE], 1);
    assert_int_equal(timeout.probes[APP], 0);
    assert_int_equal(f.heard[INITIAL][0].lost, 1);
    assert_int_equal(f.heard[HANDSHAKE][0].lost, 1);
    assert_int_equal(f.heard[HANDSHAKE][1].lost, 0);
    fix_done(&f);
}

/* 6.2.1: 1-RTT packets wait for confirmation, then max_ack_delay counts. */
static void application_probes_wait_for_confirmation(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, false);
    fix_send(&f, APP, 0);
    assert_true(vel_recovery_deadline(&f.r) == VEL_NEVER);
    fix_send(&f, HANDSHAKE, 5 * MS);
    assert_int_equal(vel_recovery_deadline(&f.r), 5 * MS + FIRST_PTO);
    vel_recovery_discard(&f.r, VEL_SPACE_HANDSHAKE);
    vel_recovery_set_confirmed(&f.r);
    expect_probe(&f, FIRST_PTO + 25 * MS, APP, 2);
    fix_done(&f);
}

static void the_loss_timer_comes_first(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, false);
    fix_send(&f, HANDSHAKE, 0);
    fix_send(&f, HANDSHAKE, 0);
    fix_send(&f, HANDSHAKE, 0);
    ASSERT_OK(fix_ack(&f, HANDSHAKE, 1, 1, 0, 80 * MS));
    assert_int_equal(vel_recovery_deadline(&f.r), 90 * MS);
    assert_int_equal(vel_recovery_on_timeout(&f.r, 90 * MS).action, VEL_RECOVERY_LOST);
    assert_int_equal(vel_recovery_deadline(&f.r), 240 * MS); /* RTT 80, variance 40 */
    fix_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_in_flight_needs_no_probe),
        cmocka_unit_test(backoff),
        cmocka_unit_test(probes_hand_on_the_oldest),
        cmocka_unit_test(the_original_may_still_arrive),
        cmocka_unit_test(the_client_breaks_the_deadlock),
        cmocka_unit_test(a_near_peer_has_time_for_its_signatures),
        cmocka_unit_test(a_handshake_keeps_trying),
        cmocka_unit_test(initial_acknowledgements_keep_the_backoff),
        cmocka_unit_test(a_server_without_credit_does_not_probe),
        cmocka_unit_test(the_earliest_space_is_probed),
        cmocka_unit_test(handshake_spaces_help_each_other),
        cmocka_unit_test(application_probes_wait_for_confirmation),
        cmocka_unit_test(the_loss_timer_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
