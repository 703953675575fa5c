/* SPDX-License-Identifier: MIT */
#include "pki/fallback_reason.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

/* VEL-FB-07 */
static void names_go_both_ways(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VEL_FALLBACK_COUNT; i++) {
        enum vel_fallback reason = (enum vel_fallback)i;
        const char *name = vel_fallback_name(reason);
        CHECK(name, vel_fallback_of_name(vel_slice_text(name)) == reason);
        CHECK(name, strlen(vel_fallback_text(reason)) > 0);
    }
}

static void refuses_other_names(void **state)
{
    (void)state;
    static const char *const names[] = {"", "None", "timeout ", "udp-blocked", "unknown"};
    for (size_t i = 0; i < VEL_COUNT(names); i++) {
        CHECK(names[i], vel_fallback_of_name(vel_slice_text(names[i])) == VEL_FALLBACK_COUNT);
    }
    assert_string_equal(vel_fallback_name(VEL_FALLBACK_COUNT), "unknown");
    assert_string_equal(vel_fallback_text(VEL_FALLBACK_COUNT), "unknown reason");
}

/* What only a client can observe is never signed. */
static void signs_no_observation_of_the_client(void **state)
{
    (void)state;
    assert_true(vel_fallback_is_signable(VEL_FALLBACK_NONE));
    assert_true(vel_fallback_is_signable(VEL_FALLBACK_MAINTENANCE_WINDOW));
    assert_false(vel_fallback_is_signable(VEL_FALLBACK_UDP_BLOCKED));
    assert_false(vel_fallback_is_signable(VEL_FALLBACK_TIMEOUT));
    assert_false(vel_fallback_is_signable(VEL_FALLBACK_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(refuses_other_names),
        cmocka_unit_test(signs_no_observation_of_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
