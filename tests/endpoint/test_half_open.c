/* SPDX-License-Identifier: MIT */
#include "endpoint/half_open.h"

#include "endpoint/fixture.h"
#include "endpoint/limits.h"

enum { MAX = 16, MAX_SOURCE = 2 };

static void a_source_has_a_share(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_half_open half_open;
    vel_half_open_init(&half_open, &t.env, MAX, MAX / VEL_SOURCE_SHARE);
    const struct {
        const char *what;
        struct vel_addr first, other;
        bool same;
    } rows[] = {
        {"another port", fixture_ip4(7, 1), fixture_ip4(7, 2), true},
        {"another IPv4 address", fixture_ip4(7, 1), fixture_ip4(8, 1), false},
        {"the same /56", fixture_ip6(0x20010db800000100, 1), fixture_ip6(0x20010db8000001ff, 1),
         true},
        {"another /56", fixture_ip6(0x20010db800000100, 1), fixture_ip6(0x20010db800000200, 1),
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int n = 0; n < MAX_SOURCE; n++) {
            CHECK(rows[i].what, vel_half_open_has_room(&half_open, &rows[i].first));
            ASSERT_OK(vel_half_open_add(&half_open, &rows[i].first));
        }
        CHECK(rows[i].what, !vel_half_open_has_room(&half_open, &rows[i].first));
        CHECK(rows[i].what, vel_half_open_has_room(&half_open, &rows[i].other) != rows[i].same);
        vel_half_open_remove(&half_open, &rows[i].first);
        CHECK(rows[i].what, vel_half_open_has_room(&half_open, &rows[i].other));
        vel_half_open_remove(&half_open, &rows[i].first);
    }
    assert_int_equal(half_open.total, 0);
    assert_int_equal(half_open.sources.count, 0);
    vel_half_open_clear(&half_open);
    test_env_done(&t);
}

static void all_have_a_bound(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 2);
    struct vel_half_open half_open;
    vel_half_open_init(&half_open, &t.env, MAX, MAX / VEL_SOURCE_SHARE);
    for (uint32_t ip = 0; ip < MAX; ip++) {
        struct vel_addr addr = fixture_ip4(ip, 1);
        assert_true(vel_half_open_has_room(&half_open, &addr));
        ASSERT_OK(vel_half_open_add(&half_open, &addr));
    }
    struct vel_addr fresh = fixture_ip4(MAX, 1);
    assert_false(vel_half_open_has_room(&half_open, &fresh));
    for (uint32_t ip = 0; ip < MAX; ip++) {
        struct vel_addr addr = fixture_ip4(ip, 1);
        vel_half_open_remove(&half_open, &addr);
    }
    assert_true(vel_half_open_has_room(&half_open, &fresh));
    vel_half_open_clear(&half_open);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_has_a_share),
        cmocka_unit_test(all_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
