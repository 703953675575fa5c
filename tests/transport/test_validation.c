/* SPDX-License-Identifier: MIT */
#include "transport/validation.h"

#include "base/units.h"
#include "testing/test.h"

#define PTO (100 * MS)
#define GIVE_UP (3 * 999 * MS) /* kInitialRtt and four times half of it, three times */

struct fixture {
    struct test_env t;
    struct vel_validation v;
    uint8_t data[VEL_CHALLENGE_SIZE];
};

static void start(struct fixture *f)
{
    test_env_init(&f->t, 3);
    vel_validation_init(&f->v);
    vel_validation_start(&f->v, PTO, SECOND);
}

static void draw(struct fixture *f, bool full, vel_time now)
{
    vel_validation_draw(&f->v, &f->t.env, full, f->data, now);
}

static void an_answer_proves_the_path(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    assert_true(f.v.due);
    draw(&f, true, SECOND);
    assert_false(f.v.due);
    uint8_t other[VEL_CHALLENGE_SIZE] = {1};
    assert_int_equal(vel_validation_on_response(&f.v, other, SECOND), VEL_ANSWER_FOREIGN);
    assert_int_equal(vel_validation_on_response(&f.v, f.data, SECOND), VEL_ANSWER_PATH);
    assert_false(f.v.running);
    assert_true(vel_validation_deadline(&f.v) == VEL_NEVER);
    assert_int_equal(vel_validation_on_response(&f.v, f.data, SECOND), VEL_ANSWER_FOREIGN);
    test_env_done(&f.t);
}

/* RFC 9000 8.2.1 */
static void a_small_challenge_proves_the_address_only(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    draw(&f, false, SECOND);
    assert_int_equal(vel_validation_on_response(&f.v, f.data, SECOND), VEL_ANSWER_ADDRESS);
    assert_true(f.v.running && f.v.due);
    /* Once is enough. */
    assert_int_equal(vel_validation_on_response(&f.v, f.data, SECOND), VEL_ANSWER_FOREIGN);
    draw(&f, true, SECOND);
    assert_int_equal(vel_validation_on_response(&f.v, f.data, SECOND), VEL_ANSWER_PATH);
    test_env_done(&f.t);
}

/* RFC 9000 8.2.1, 8.2.4: repeated with other data and growing pauses, until three probe time-outs of
 * a new path are over. */
static void silence_is_failure(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    vel_time now = SECOND, pause = 0;
    uint8_t before[VEL_CHALLENGE_SIZE] = {0};
    for (;;) {
        if (f.v.due) {
            draw(&f, true, now);
            assert_memory_not_equal(f.data, before, sizeof before);
            memcpy(before, f.data, sizeof before);
        }
        vel_time next = vel_validation_deadline(&f.v);
        assert_true(next > now);
        if (next < f.v.deadline)
            assert_true(next - now > pause);
        pause = next - now;
        now = next;
        if (vel_validation_expire(&f.v, now))
            break;
    }
    assert_int_equal(now - SECOND, GIVE_UP);
    assert_in_range(f.v.sent, 4, 6);
    assert_int_equal(vel_validation_on_response(&f.v, f.data, now), VEL_ANSWER_FOREIGN);
    test_env_done(&f.t);
}

static void late_answers_to_the_newest_count(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t sent[VEL_CHALLENGES_KEPT + 1][VEL_CHALLENGE_SIZE];
    start(&f);
    for (unsigned i = 0; i <= VEL_CHALLENGES_KEPT; i++) {
        draw(&f, true, SECOND);
        memcpy(sent[i], f.data, sizeof sent[i]);
    }
    assert_int_equal(vel_validation_on_response(&f.v, sent[0], SECOND), VEL_ANSWER_FOREIGN);
    assert_int_equal(vel_validation_on_response(&f.v, sent[1], SECOND), VEL_ANSWER_PATH);
    test_env_done(&f.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_proves_the_path),
        cmocka_unit_test(a_small_challenge_proves_the_address_only),
        cmocka_unit_test(silence_is_failure),
        cmocka_unit_test(late_answers_to_the_newest_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
