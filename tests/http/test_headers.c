/* SPDX-License-Identifier: MIT */
#include "http/headers.h"

#include "testing/test.h"

static struct vel_slice text(const char *s)
{
    return vel_slice_text(s);
}

static void fields_come_back_in_order(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_header_list list;
    vel_headers_init(&list, &t.env);
    ASSERT_OK(vel_headers_add(&list, text(":path"), text("/")));
    ASSERT_OK(vel_headers_add(&list, text("accept"), text("*/*")));
    ASSERT_OK(vel_headers_add(&list, text("empty"), text("")));
    ASSERT_OK(vel_headers_add(&list, text("accept"), text("second")));
    assert_int_equal(vel_headers_all(&list).count, 0); /* not sealed */
    ASSERT_OK(vel_headers_seal(&list));
    assert_int_equal(vel_headers_all(&list).count, 4);
    struct vel_fields regular = vel_headers_regular(&list);
    assert_int_equal(regular.count, 3);
    assert_true(vel_slice_equal(*vel_fields_find(regular, "accept"), text("*/*")));
    assert_int_equal(vel_fields_find(regular, "empty")->len, 0);
    assert_null(vel_fields_find(regular, ":path"));
    assert_null(vel_fields_find(regular, "accep"));
    ASSERT_ERR("sealed", vel_headers_add(&list, text("late"), text("")), VEL_ERR_UNEXPECTED);
    vel_headers_clear(&list);
    ASSERT_OK(vel_headers_add(&list, text("again"), text("works")));
    vel_headers_clear(&list);
    test_env_done(&t);
}

static void limits_hold(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_header_list list;
    vel_headers_init(&list, &t.env);
    for (int i = 0; i < VEL_HTTP_MAX_FIELDS; i++)
        ASSERT_OK(vel_headers_add(&list, text("a"), text("b")));
    ASSERT_ERR("too many", vel_headers_add(&list, text("a"), text("b")), VEL_ERR_LIMIT);
    vel_headers_clear(&list);
    uint8_t *large = test_malloc(VEL_HTTP_MAX_FIELD_SECTION);
    memset(large, 'x', VEL_HTTP_MAX_FIELD_SECTION);
    ASSERT_ERR("too large",
               vel_headers_add(&list, text("a"), vel_slice(large, VEL_HTTP_MAX_FIELD_SECTION - 32)),
               VEL_ERR_LIMIT);
    assert_int_equal(list.section_size, VEL_HTTP_MAX_FIELD_SECTION + 1);
    vel_headers_clear(&list);
    ASSERT_OK(vel_headers_add(&list, text("a"), vel_slice(large, VEL_HTTP_MAX_FIELD_SECTION - 33)));
    vel_headers_clear(&list);
    test_free(large);
    test_env_done(&t);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 0; n < 2; n++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_header_list list;
        vel_headers_init(&list, &t.env);
        t.fail_after = n;
        enum vel_err err = vel_headers_add(&list, text("name"), text("value"));
        if (err == VEL_OK)
            err = vel_headers_seal(&list);
        ASSERT_ERR("no memory", err, VEL_ERR_NOMEM);
        assert_int_equal(vel_headers_all(&list).count, 0);
        vel_headers_clear(&list);
        test_env_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_back_in_order),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
