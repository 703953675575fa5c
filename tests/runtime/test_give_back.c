/* SPDX-License-Identifier: MIT */
#include "runtime/give_back.h"

#include "base/units.h"
#include "testing/test.h"

static void few_are_kept(void **state)
{
    (void)state;
    struct vel_give_back g;
    vel_give_back_init(&g);
    for (size_t alive = 0; alive < 1000; alive++)
        vel_give_back_look(&g, alive, 1 * SECOND);
    vel_give_back_look(&g, 1000 - VEL_GIVE_BACK_AFTER, 2 * SECOND);
    assert_true(g.due == VEL_NEVER);
    assert_false(vel_give_back_take(&g, 100 * SECOND));
}

static void many_are_given_back_once_it_is_quiet(void **state)
{
    (void)state;
    struct vel_give_back g;
    vel_give_back_init(&g);
    vel_give_back_look(&g, 1000, 1 * SECOND);
    vel_give_back_look(&g, 500, 2 * SECOND);
    assert_true(g.due == 3 * SECOND);
    vel_give_back_look(&g, 400, 2 * SECOND + 500 * MS); /* more go: later */
    vel_give_back_look(&g, 400, 3 * SECOND);
    assert_false(vel_give_back_take(&g, 3 * SECOND));
    assert_true(vel_give_back_take(&g, 3 * SECOND + 500 * MS));
    assert_true(g.due == VEL_NEVER);
    vel_give_back_look(&g, 400, 4 * SECOND);
    assert_false(vel_give_back_take(&g, 100 * SECOND));
    vel_give_back_look(&g, 400 - VEL_GIVE_BACK_AFTER, 5 * SECOND); /* again */
    assert_true(vel_give_back_take(&g, 6 * SECOND));
}

static void what_comes_back_is_not_given_away(void **state)
{
    (void)state;
    struct vel_give_back g;
    vel_give_back_init(&g);
    vel_give_back_look(&g, 1000, 1 * SECOND);
    vel_give_back_look(&g, 500, 2 * SECOND);
    vel_give_back_look(&g, 900, 2 * SECOND + 100 * MS);
    assert_true(g.due == VEL_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_are_kept),
        cmocka_unit_test(many_are_given_back_once_it_is_quiet),
        cmocka_unit_test(what_comes_back_is_not_given_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
