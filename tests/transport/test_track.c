/* SPDX-License-Identifier: MIT */
#include "transport/track.h"

#include "base/units.h"
#include "testing/test.h"
#include "velocity/config.h"

static void nothing(void *self, enum vel_space space, const struct vel_record *record)
{
    (void)self, (void)space, (void)record;
}

static void starts_idle(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_addr addr = {.family = VEL_ADDR_IP4, .port = 1};
    struct vel_path path;
    vel_path_init(&path, &addr, &addr, true, 1452);
    struct vel_limits limits = {.pacing = true};
    const struct vel_ack_policy policy = vel_ack_policy(25 * MS);
    struct vel_track_setup setup = {
        .id = 3,
        .ack_policy = &policy,
        .path = &path,
        .limits = &limits,
        .recovery = {.env = &t.env,
                     .hooks = {.acked = nothing, .lost = nothing},
                     .congestion = VEL_CC_CUBIC,
                     .mtu = path.pmtud.mtu},
    };
    struct vel_track track;
    vel_track_init(&track, &setup, 5 * SECOND);
    assert_int_equal(track.id, 3);
    assert_ptr_equal(track.paths.active, &track.paths.slot[0]);
    assert_int_equal(vel_recovery_deadline(&track.recovery), VEL_NEVER);
    assert_int_equal(track.pace_until, VEL_NEVER);
    /* Only acknowledgements of 1-RTT packets may wait for more to acknowledge. */
    assert_int_equal(track.space[VEL_SPACE_INITIAL].acks.policy->max_delay, 0);
    assert_ptr_equal(track.space[VEL_SPACE_APP].acks.policy, &policy);
    vel_track_clear(&track);
    test_env_done(&t);
}

static void clears_zeroed_memory(void **state)
{
    (void)state;
    struct vel_track track = {0};
    vel_track_clear(&track);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_idle),
        cmocka_unit_test(clears_zeroed_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
