/* SPDX-License-Identifier: MIT */
#include "transport/loss_share.h"

#include "testing/test.h"

/* Whoever loses a tenth all the time is said to, however many packets come in between. */
static void a_steady_share(void **state)
{
    (void)state;
    struct vel_loss_share l = {0};
    for (vel_time now = 5 * SECOND; now < 15 * SECOND; now += 10 * MS)
        vel_loss_share_count(&l, 9, 1, now);
    assert_in_range(vel_loss_share(&l, 15 * SECOND), 80 * 1000, 110 * 1000);
    vel_loss_share_count(&l, 1000 * 1000, 0, 15 * SECOND);
    assert_int_equal(vel_loss_share(&l, 15 * SECOND), 0);
}

/* VEL-TR-53: a bad beginning is forgotten, by use and by time alone. */
static void a_bad_beginning_is_forgotten(void **state)
{
    (void)state;
    struct vel_loss_share used = {0};
    vel_loss_share_count(&used, 410, 90, 0);
    assert_int_equal(vel_loss_share(&used, 0), 180 * 1000);
    struct vel_loss_share unused = used;
    for (unsigned i = 0; i < 200; i++)
        vel_loss_share_count(&used, 10, 0, MS);
    assert_in_range(vel_loss_share(&used, MS), 0, 10 * 1000);
    assert_in_range(vel_loss_share(&unused, 1 * SECOND), 170 * 1000, 190 * 1000);
    assert_in_range(vel_loss_share(&unused, 5 * SECOND), 1, 50 * 1000);
    assert_int_equal(vel_loss_share(&unused, 10 * SECOND), 0);
    assert_int_equal(vel_loss_share(&unused, VEL_NEVER), 0);
}

static void few_packets_say_little(void **state)
{
    (void)state;
    struct vel_loss_share l = {0};
    assert_int_equal(vel_loss_share(&l, 0), 0);
    vel_loss_share_count(&l, 0, 1, 0);
    assert_int_equal(vel_loss_share(&l, 0), 1000 * 1000 / VEL_LOSS_SHARE_LEAST);
}

static void a_mistake_is_taken_back(void **state)
{
    (void)state;
    struct vel_loss_share l = {0};
    vel_loss_share_count(&l, 90, 10, 0);
    vel_loss_share_mistaken(&l, 8);
    assert_int_equal(vel_loss_share(&l, 0), 20 * 1000);
    vel_loss_share_mistaken(&l, 100);
    assert_int_equal(vel_loss_share(&l, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_share),
        cmocka_unit_test(a_bad_beginning_is_forgotten),
        cmocka_unit_test(few_packets_say_little),
        cmocka_unit_test(a_mistake_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
