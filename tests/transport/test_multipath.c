/* SPDX-License-Identifier: MIT */
#include "transport/multipath.h"

#include "testing/test.h"

/* VEL-TR-50: as many alive as may be open, whatever has gone. */
static void limits_rise_as_paths_go(void **state)
{
    (void)state;
    struct vel_multipath m;
    vel_multipath_init(&m, 3);
    assert_int_equal(m.highest, 2);
    assert_int_equal(vel_multipath_slot(&m, 2), 2);
    assert_int_equal(vel_multipath_slot(&m, 3), VEL_TRACKS_MAX);
    vel_multipath_agree(&m, 100);
    for (uint64_t id = 0; id < 50; id++) {
        unsigned slot = vel_multipath_slot(&m, id);
        assert_true(slot < 3);
        vel_multipath_use_up(&m, slot);
        assert_int_equal(m.highest, id + 3);
        assert_int_equal(vel_multipath_slot(&m, id), VEL_TRACKS_MAX);
    }
    assert_true(m.limit_due);
    assert_true(vel_multipath_admits(&m, 52));
    assert_false(vel_multipath_admits(&m, 53));
}

static void the_last_number_is_the_last(void **state)
{
    (void)state;
    struct vel_multipath m;
    vel_multipath_init(&m, 2);
    m.highest = m.ids[1] = UINT32_MAX;
    vel_multipath_use_up(&m, 0);
    assert_int_equal(m.highest, UINT32_MAX);
    assert_true(m.ids[0] == VEL_NO_PATH_ID);
    assert_false(m.limit_due);
}

static void both_ends_limit(void **state)
{
    (void)state;
    struct vel_multipath m;
    vel_multipath_init(&m, 8);
    assert_false(vel_multipath_admits(&m, 0)); /* not agreed */
    vel_multipath_agree(&m, 1);
    assert_true(vel_multipath_admits(&m, 1));
    assert_false(vel_multipath_admits(&m, 2));
    vel_multipath_on_limit(&m, 3);
    vel_multipath_on_limit(&m, 2); /* came late */
    assert_true(vel_multipath_admits(&m, 3));
    vel_multipath_init(&m, 1000);
    assert_int_equal(m.slots, VEL_TRACKS_MAX);
    vel_multipath_init(&m, 0);
    assert_int_equal(m.slots, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_rise_as_paths_go),
        cmocka_unit_test(the_last_number_is_the_last),
        cmocka_unit_test(both_ends_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
