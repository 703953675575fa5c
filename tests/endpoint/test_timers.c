/* SPDX-License-Identifier: MIT */
#include "endpoint/timers.h"

#include "testing/test.h"

enum { TIMERS = 100 };

static vel_time earliest(const struct vel_timer *timers)
{
    vel_time first = VEL_NEVER;
    for (unsigned i = 0; i < TIMERS; i++)
        if (timers[i].place != 0 && timers[i].deadline < first)
            first = timers[i].deadline;
    return first;
}

/* Compared with a search through all of them while they are set, moved and taken out at random. */
static void first_is_always_the_earliest(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_timers timers = {.env = &t.env};
    struct vel_timer each[TIMERS] = {{0}};
    ASSERT_OK(vel_timers_reserve(&timers, TIMERS));
    assert_null(vel_timers_first(&timers));
    for (unsigned step = 0; step < 20000; step++) {
        uint32_t random;
        vel_random(&t.env, &random, sizeof random);
        vel_time deadline = random % 5 == 0 ? VEL_NEVER : (vel_time)(random >> 20);
        vel_timers_set(&timers, &each[random % TIMERS], deadline);
        const struct vel_timer *first = vel_timers_first(&timers);
        assert_true((first != NULL ? first->deadline : VEL_NEVER) == earliest(each));
    }
    for (unsigned i = 0; i < TIMERS; i++)
        vel_timers_set(&timers, &each[i], VEL_NEVER);
    assert_null(vel_timers_first(&timers));
    vel_timers_clear(&timers);
    test_env_done(&t);
}

static void room_is_reserved(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 2);
    struct vel_timers timers = {.env = &t.env};
    struct vel_timer one = {0};
    ASSERT_OK(vel_timers_reserve(&timers, 1));
    vel_timers_set(&timers, &one, 7);
    t.fail_after = 0;
    ASSERT_OK(vel_timers_reserve(&timers, timers.capacity));
    ASSERT_ERR("more", vel_timers_reserve(&timers, timers.capacity + 1), VEL_ERR_NOMEM);
    t.fail_after = -1;
    ASSERT_OK(vel_timers_reserve(&timers, timers.capacity + 1));
    assert_ptr_equal(vel_timers_first(&timers), &one);
    vel_timers_clear(&timers);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_is_always_the_earliest),
        cmocka_unit_test(room_is_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
