/* SPDX-License-Identifier: MIT */
#include "crypto/suite.h"

#include "base/units.h"
#include "crypto/fixture.h"

static void code_points_find_their_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_SUITE_COUNT; i++)
        CHECK(vel_suites[i].name, vel_suite_find(vel_suites[i].code) == &vel_suites[i]);
    for (size_t i = 0; i < VEL_GROUP_COUNT; i++)
        CHECK(vel_groups[i].name, vel_group_find(vel_groups[i].code) == &vel_groups[i]);
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++) {
        const struct vel_sig_suite *row = &vel_sig_suites[i];
        CHECK(row->label, vel_sig_suite_find(row->code) == row);
        CHECK(row->label, vel_sig_suite_of(row->classical, row->pq) == row);
    }
    assert_null(vel_suite_find(0x1301));
    assert_null(vel_group_find(0x001d));
    assert_null(vel_sig_suite_find(0x0403));
    assert_null(vel_sig_suite_of(VEL_P256, VEL_MLDSA87));
}

/* Strongest first, and every profile can be negotiated. */
static void tables_are_in_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < VEL_SUITE_COUNT; i++)
        assert_true(vel_suites[i - 1].profile >= vel_suites[i].profile);
    for (size_t i = 1; i < VEL_GROUP_COUNT; i++)
        assert_true(vel_groups[i - 1].profile >= vel_groups[i].profile);
    for (size_t i = 1; i < VEL_SIG_SUITE_COUNT; i++)
        assert_true(vel_sig_suites[i - 1].profile >= vel_sig_suites[i].profile);
    const uint16_t groups[VEL_PROFILE_COUNT] = {0xfe12, 0x11ec, 0x11ed};
    const unsigned datagrams[VEL_PROFILE_COUNT] = {3, 4, 5};
    for (size_t i = 0; i < VEL_PROFILE_COUNT; i++) {
        enum vel_profile profile = (enum vel_profile)i;
        CHECK(vel_profile_name(profile), vel_profile_group(profile)->code == groups[i]);
        CHECK(vel_profile_name(profile), vel_profile_hello_datagrams(profile) == datagrams[i]);
    }
}

static void profiles_have_names(void **state)
{
    (void)state;
    const struct {
        const char *name;
        enum vel_profile profile;
    } rows[] = {
        {"light", VEL_PROFILE_LIGHT},   {"turbo", VEL_PROFILE_LIGHT},
        {"fast", VEL_PROFILE_LIGHT},    {"balanced", VEL_PROFILE_BALANCED},
        {"secure", VEL_PROFILE_SECURE}, {"fortress", VEL_PROFILE_SECURE},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        enum vel_profile got = VEL_PROFILE_COUNT;
        ASSERT_ERR(rows[i].name, vel_profile_parse(rows[i].name, &got), VEL_OK);
        CHECK(rows[i].name, got == rows[i].profile);
        ASSERT_OK(vel_profile_parse(vel_profile_name(got), &got));
        CHECK(rows[i].name, got == rows[i].profile);
    }
    enum vel_profile untouched = VEL_PROFILE_COUNT;
    ASSERT_ERR("case", vel_profile_parse("Light", &untouched), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("empty", vel_profile_parse("", &untouched), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("start", vel_profile_parse("secur", &untouched), VEL_ERR_NOT_FOUND);
    assert_int_equal(untouched, VEL_PROFILE_COUNT);
}

static void lists_are_parsed(void **state)
{
    (void)state;
    const struct {
        const char *text;
        enum vel_err want;
        struct vel_profile_list list;
    } rows[] = {
        {"balanced", VEL_OK, {{VEL_PROFILE_BALANCED}, 1}},
        {"secure,light", VEL_OK, {{VEL_PROFILE_SECURE, VEL_PROFILE_LIGHT}, 2}},
        {"fast,fortress,balanced",
         VEL_OK,
         {{VEL_PROFILE_LIGHT, VEL_PROFILE_SECURE, VEL_PROFILE_BALANCED}, 3}},
        {"", VEL_ERR_ARGUMENT, {{0}, 0}},
        {"light,light", VEL_ERR_ARGUMENT, {{0}, 0}},
        {"light,turbo", VEL_ERR_ARGUMENT, {{0}, 0}},
        {"light,", VEL_ERR_NOT_FOUND, {{0}, 0}},
        {",light", VEL_ERR_NOT_FOUND, {{0}, 0}},
        {"light, secure", VEL_ERR_NOT_FOUND, {{0}, 0}},
        {"light,secure,balanced,light", VEL_ERR_ARGUMENT, {{0}, 0}},
        {"plain", VEL_ERR_NOT_FOUND, {{0}, 0}},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_profile_list list = {0};
        ASSERT_ERR(rows[i].text, vel_profile_list_parse(rows[i].text, &list), rows[i].want);
        CHECK(rows[i].text, list.count == rows[i].list.count);
        for (unsigned k = 0; k < list.count; k++)
            CHECK(rows[i].text, list.items[k] == rows[i].list.items[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_points_find_their_rows),
        cmocka_unit_test(tables_are_in_order),
        cmocka_unit_test(profiles_have_names),
        cmocka_unit_test(lists_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
