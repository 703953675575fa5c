/* SPDX-License-Identifier: MIT */
#include "endpoint/backlog.h"

#include <string.h>

#include "testing/test.h"

static const struct vel_train from = {.remote = {.family = VEL_ADDR_IP4, .port = 7}, .ecn = 1};

static void first_come_first_served(void **state)
{
    (void)state;
    struct test_env t;
    struct vel_backlog backlog;
    test_env_init(&t, 1);
    vel_backlog_init(&backlog, &t.env, 10000);
    uint8_t bytes[100];
    for (uint8_t i = 0; i < 5; i++) {
        memset(bytes, i, sizeof bytes);
        assert_true(vel_backlog_add(&backlog, &from, bytes, 10U + i));
    }
    for (uint8_t i = 0; i < 3; i++) {
        struct vel_waiting *got = vel_backlog_take(&backlog);
        assert_int_equal(got->train.len, 10U + i);
        assert_int_equal(got->train.bytes[got->train.len - 1], i);
        assert_int_equal(got->train.remote.port, 7);
        assert_int_equal(got->train.ecn, 1);
        vel_backlog_free(&backlog, got);
    }
    assert_true(vel_backlog_add(&backlog, &from, bytes, 1));
    vel_backlog_clear(&backlog);
    assert_null(vel_backlog_take(&backlog));
    assert_int_equal(backlog.size, 0);
    test_env_done(&t);
}

static void it_is_bounded(void **state)
{
    (void)state;
    struct test_env t;
    struct vel_backlog backlog;
    uint8_t bytes[1200] = {0};
    test_env_init(&t, 1);
    vel_backlog_init(&backlog, &t.env, 0);
    assert_false(vel_backlog_add(&backlog, &from, bytes, 1));
    vel_backlog_init(&backlog, &t.env, 10000);
    unsigned count = 0;
    while (vel_backlog_add(&backlog, &from, bytes, sizeof bytes))
        count++;
    assert_in_range(count, 5, 8);
    assert_true(t.outstanding <= 10000);
    vel_backlog_free(&backlog, vel_backlog_take(&backlog));
    t.fail_after = 0;
    assert_false(vel_backlog_add(&backlog, &from, bytes, sizeof bytes));
    t.fail_after = -1;
    assert_true(vel_backlog_add(&backlog, &from, bytes, sizeof bytes));
    vel_backlog_clear(&backlog);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_first_served),
        cmocka_unit_test(it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
