/* SPDX-License-Identifier: MIT */
#include "base/steering.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

/* The reference's vector for the key 00 01 .. 07 and the input 00 01 .. 07, whose words are
 * little-endian there. */
static void hash_is_halfsiphash_1_3(void **state)
{
    (void)state;
    const uint32_t key[2] = {0x03020100, 0x07060504};
    assert_int_equal(vel_steering_hash(key, 0x03020100, 0x07060504), 0x577999b1);
}

/* Each worker gets its share of ids that differ in one bit only, whichever bit it is. */
static void workers_share_ids(void **state)
{
    (void)state;
    const uint32_t counts[] = {1, 2, 3, 7, 64, VEL_WORKERS_MAX};
    for (size_t i = 0; i < VEL_COUNT(counts); i++) {
        const struct vel_steering steering = {{7, 11}, counts[i]};
        uint32_t share[VEL_WORKERS_MAX] = {0}, number = 0;
        enum { EACH = 1000 };
        for (; number < EACH * counts[i]; number++) {
            uint8_t id[VEL_STEERED_BYTES];
            memset(id, 0x5a, sizeof id);
            memcpy(id + i, &number, 2);
            memcpy(id + i / 2, (uint8_t *)&number + 2, 1);
            uint32_t worker = vel_steering_worker(&steering, id);
            assert_true(worker < counts[i]);
            share[worker]++;
        }
        for (uint32_t worker = 0; worker < counts[i]; worker++)
            assert_in_range(share[worker], EACH * 8 / 10, EACH * 12 / 10);
    }
}

/* Who does not have the key cannot tell which ids go together. */
static void another_key_shares_them_otherwise(void **state)
{
    (void)state;
    const struct vel_steering one = {{1, 2}, 2}, other = {{1, 3}, 2};
    uint32_t agreed = 0;
    enum { IDS = 10000 };
    for (uint32_t number = 0; number < IDS; number++) {
        uint8_t id[VEL_STEERED_BYTES] = {0};
        memcpy(id, &number, sizeof number);
        agreed += vel_steering_worker(&one, id) == vel_steering_worker(&other, id);
    }
    assert_in_range(agreed, IDS * 47 / 100, IDS * 53 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_halfsiphash_1_3),
        cmocka_unit_test(workers_share_ids),
        cmocka_unit_test(another_key_shares_them_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
