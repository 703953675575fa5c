/* SPDX-License-Identifier: MIT */
#include "endpoint/keyed_hash.h"

#include "base/units.h"
#include "testing/test.h"

/* Vectors of the SipHash paper's reference: key 00 01 .. 0f, input 00 01 .. of so many bytes. */
static void hash_is_siphash_2_4(void **state)
{
    (void)state;
    const struct {
        const char *what;
        size_t len;
        uint64_t want;
    } rows[] = {
        {"empty", 0, UINT64_C(0x726fdb47dd0e0e31)},
        {"one byte", 1, UINT64_C(0x74f839c593dc67fd)},
        {"one word", 8, UINT64_C(0x93f5f5799a932462)},
        {"fifteen bytes", 15, UINT64_C(0xa129ca6149be45e5)},
    };
    const struct vel_hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    uint8_t bytes[16];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        CHECK(rows[i].what, vel_keyed_hash(&key, vel_slice(bytes, rows[i].len)) == rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_siphash_2_4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
