/* SPDX-License-Identifier: MIT */
#include "transport/life.h"

#include "base/units.h"
#include "testing/test.h"

static const struct vel_close why = {.origin = VEL_CLOSE_LOCAL, .code = 7, .reason = "first"};

static void idle_deadline_moves(void **state)
{
    (void)state;
    struct vel_life life;
    vel_life_init(&life, 0, 10 * SECOND, 30 * SECOND);
    assert_int_equal(vel_life_deadline(&life), 10 * SECOND);
    (void)vel_life_step(&life, VEL_LIFE_CONNECTED);
    assert_int_equal(vel_life_deadline(&life), 30 * SECOND);

    vel_life_received(&life, 1 * SECOND, 1 * MS);
    assert_int_equal(vel_life_deadline(&life), 31 * SECOND);
    /* Only the first packet after a receipt counts, else a dead peer would be kept alive. */
    vel_life_sent_eliciting(&life, 2 * SECOND, 1 * MS);
    vel_life_sent_eliciting(&life, 9 * SECOND, 1 * MS);
    assert_int_equal(vel_life_deadline(&life), 32 * SECOND);

    vel_life_peer_idle_timeout(&life, 5 * SECOND);
    vel_life_received(&life, 10 * SECOND, 1 * MS);
    assert_int_equal(vel_life_deadline(&life), 15 * SECOND);
    /* Never under three probe time-outs. */
    vel_life_received(&life, 10 * SECOND, 4 * SECOND);
    assert_int_equal(vel_life_deadline(&life), 22 * SECOND);

    vel_life_expire(&life, 22 * SECOND);
    assert_int_equal(life.state, VEL_LIFE_DEAD);
    assert_int_equal(life.close.origin, VEL_CLOSE_IDLE);
}

static void handshake_gives_up(void **state)
{
    (void)state;
    struct vel_life life;
    vel_life_init(&life, 0, 10 * SECOND, 0);
    vel_life_expire(&life, 10 * SECOND - 1);
    assert_int_equal(life.state, VEL_LIFE_HANDSHAKE);
    vel_life_expire(&life, 10 * SECOND);
    assert_int_equal(life.state, VEL_LIFE_DEAD);
    assert_int_equal(life.close.origin, VEL_CLOSE_TIMEOUT);
    assert_int_equal(vel_life_deadline(&life), VEL_NEVER);
}

static void first_reason_stays(void **state)
{
    (void)state;
    struct vel_life life;
    vel_life_init(&life, 0, 10 * SECOND, 30 * SECOND);
    vel_life_close(&life, &why);
    assert_true(life.close_due);
    assert_int_equal(life.end, VEL_NEVER);
    vel_life_close_sent(&life, 0, 100 * MS);
    assert_false(life.close_due);
    assert_int_equal(vel_life_deadline(&life), 300 * MS);
    struct vel_close later = {.origin = VEL_CLOSE_PEER, .code = 9};
    vel_life_close(&life, &later);
    vel_life_peer_closed(&life, &later, 60 * MS, 100 * MS);
    assert_int_equal(life.state, VEL_LIFE_DRAINING);
    assert_false(life.close_due);
    assert_int_equal(life.close.code, 7);
    assert_int_equal(vel_life_deadline(&life), 300 * MS);
    vel_life_expire(&life, 300 * MS);
    assert_int_equal(life.state, VEL_LIFE_DEAD);
    assert_int_equal(life.close.code, 7);
}

static void answers_thin_out(void **state)
{
    (void)state;
    struct vel_life life;
    vel_life_init(&life, 0, 10 * SECOND, 30 * SECOND);
    vel_life_close(&life, &why);
    unsigned answers = 0;
    for (int i = 0; i < 1000; i++) {
        life.close_due = false;
        vel_life_answer_close(&life);
        answers += life.close_due;
    }
    assert_int_equal(answers, 10); /* 1, 2, 4, ... 512 */
}

static void reasons_are_printable(void **state)
{
    (void)state;
    struct vel_close close = {0};
    vel_close_set_reason(&close, BYTES('a', 0x1b, '[', 0xc3, 0, 'z'));
    assert_string_equal(close.reason, "a?[??z");
    uint8_t longest[400];
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = 'x';
    vel_close_set_reason(&close, vel_slice(longest, sizeof longest));
    assert_int_equal(strlen(close.reason), sizeof close.reason - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_deadline_moves),   cmocka_unit_test(handshake_gives_up),
        cmocka_unit_test(first_reason_stays),    cmocka_unit_test(answers_thin_out),
        cmocka_unit_test(reasons_are_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
