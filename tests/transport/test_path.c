/* SPDX-License-Identifier: MIT */
#include "transport/path.h"

#include "base/units.h"
#include "testing/test.h"

static const struct vel_addr here = {.family = VEL_ADDR_MEMORY, .port = 1};
static const struct vel_addr there = {.family = VEL_ADDR_MEMORY, .port = 2};

/* VEL-TR-03 */
static void credit_is_three_times(void **state)
{
    (void)state;
    struct vel_path path;
    vel_path_init(&path, &here, &there, false, 0);
    assert_int_equal(vel_path_credit(&path), 0);
    vel_path_on_received(&path, 1200);
    assert_int_equal(vel_path_credit(&path), 3600);
    vel_path_on_sent(&path, 3000);
    assert_int_equal(vel_path_credit(&path), 600);
    vel_path_on_sent(&path, 3000);
    assert_int_equal(vel_path_credit(&path), 0);
    vel_path_validate(&path);
    assert_true(vel_path_credit(&path) == SIZE_MAX);
}

static void challenges_are_bounded_and_in_order(void **state)
{
    (void)state;
    struct vel_path path;
    vel_path_init(&path, &here, &there, true, 0);
    uint8_t data[VEL_CHALLENGE_SIZE] = {0};
    for (uint8_t i = 0; i < 100; i++) {
        data[0] = i;
        vel_path_challenged(&path, data, 100 * MS, SECOND);
    }
    for (uint8_t i = 0; i < VEL_PATH_RESPONSES_MAX; i++) {
        assert_true(vel_path_take_response(&path, data));
        assert_int_equal(data[0], i);
    }
    assert_false(vel_path_take_response(&path, data));
}

/* VEL-TR-13: taking the answers away at once does not make more of them. */
static void answers_are_bounded_in_time(void **state)
{
    (void)state;
    struct vel_path path;
    vel_path_init(&path, &here, &there, true, 0);
    uint8_t data[VEL_CHALLENGE_SIZE] = {0};
    unsigned taken = 0;
    for (vel_time now = 0; now < 1000 * MS; now += MS) {
        vel_path_challenged(&path, data, 100 * MS, now);
        taken += vel_path_take_response(&path, data);
    }
    assert_int_equal(taken, 10 * VEL_PATH_RESPONSES_PTO);
}

static void ports_do_not_make_hosts(void **state)
{
    (void)state;
    struct vel_path a, b, c;
    struct vel_addr other_port = there, other_host = there;
    other_port.port++;
    other_host.ip[3]++;
    vel_path_init(&a, &here, &there, true, 0);
    vel_path_init(&b, &here, &other_port, true, 0);
    vel_path_init(&c, &here, &other_host, true, 0);
    assert_true(vel_path_is_same_host(&a, &b));
    assert_false(vel_path_is_same_host(&a, &c));
    assert_false(vel_path_is_same_host(&c, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credit_is_three_times),
        cmocka_unit_test(challenges_are_bounded_and_in_order),
        cmocka_unit_test(answers_are_bounded_in_time),
        cmocka_unit_test(ports_do_not_make_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
