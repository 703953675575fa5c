/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/secret.h"
#include "testing/test.h"

static void grows_to_its_limit(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_buf buf = {.env = &t.env, .limit = 100};
    uint8_t bytes[60] = {[59] = 9};
    ASSERT_OK(vel_buf_append(&buf, vel_slice(bytes, sizeof bytes)));
    ASSERT_ERR("past the limit", vel_buf_append(&buf, vel_slice(bytes, 41)), VEL_ERR_LIMIT);
    assert_int_equal(buf.len, 60);
    ASSERT_OK(vel_buf_append(&buf, vel_slice(bytes, 40)));
    assert_int_equal(buf.len, 100);
    vel_buf_consume(&buf, 59);
    assert_int_equal(buf.ptr[0], 9);
    assert_int_equal(buf.len, 41);
    vel_buf_free(&buf);
    test_env_done(&t);
}

static void failed_allocation_changes_nothing(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_buf buf = {.env = &t.env, .limit = 10000};
    ASSERT_OK(vel_buf_append(&buf, vel_slice_text("abc")));
    t.fail_after = 0;
    uint8_t more[1000] = {0};
    ASSERT_ERR("no memory", vel_buf_append(&buf, vel_slice(more, sizeof more)), VEL_ERR_NOMEM);
    assert_true(vel_slice_equal(vel_buf_slice(&buf), vel_slice_text("abc")));
    vel_buf_free(&buf);
    test_env_done(&t);
}

static void secrets_compare_and_wipe(void **state)
{
    (void)state;
    assert_true(vel_equal_secret(BYTES(1, 2), BYTES(1, 2)));
    assert_false(vel_equal_secret(BYTES(1, 2), BYTES(1, 3)));
    assert_false(vel_equal_secret(BYTES(1, 2), BYTES(1)));
    struct vel_secret secret = {.bytes = {1, 2, 3}, .len = 3};
    vel_secret_clear(&secret);
    assert_int_equal(secret.len, 0);
    assert_int_equal(secret.bytes[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_limit),
        cmocka_unit_test(failed_allocation_changes_nothing),
        cmocka_unit_test(secrets_compare_and_wipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
