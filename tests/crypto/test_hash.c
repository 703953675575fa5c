/* SPDX-License-Identifier: MIT */
#include "crypto/hash.h"

#include "base/units.h"
#include "crypto/fixture.h"

static const char *const abc[VEL_HASH_COUNT] = {
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
    "8086072ba1e7cc2358baeca134c825a7",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"};

/* FIPS 180-4's "abc", in any split. */
static void digests_are_fips_180(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 1);
    const struct vel_slice parts[] = {BYTES('a'), {0}, BYTES('b', 'c')};
    for (size_t i = 0; i < VEL_HASH_COUNT; i++) {
        uint8_t want[VEL_HASH_MAX], got[VEL_HASH_MAX];
        size_t size = test_unhex(abc[i], want, sizeof want);
        ASSERT_OK(vel_digest(f.crypto, (enum vel_hash_id)i, parts, VEL_COUNT(parts), got));
        assert_int_equal(size, vel_hash_size((enum vel_hash_id)i));
        CHECK(abc[i], memcmp(got, want, size) == 0);
    }
    fixture_close(&f);
}

static void a_running_hash_can_be_read(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 2);
    for (size_t i = 0; i < VEL_HASH_COUNT; i++) {
        enum vel_hash_id hash = (enum vel_hash_id)i;
        uint8_t want[VEL_HASH_MAX], empty[VEL_HASH_MAX], got[VEL_HASH_MAX];
        size_t size = test_unhex(abc[i], want, sizeof want);
        struct vel_hasher *hasher = NULL;
        ASSERT_OK(vel_hasher_new(f.crypto, hash, &hasher));
        ASSERT_OK(vel_hasher_peek(hasher, got));
        ASSERT_OK(vel_digest(f.crypto, hash, NULL, 0, empty));
        CHECK(abc[i], memcmp(got, empty, size) == 0);
        ASSERT_OK(vel_hasher_update(hasher, BYTES('a', 'b')));
        ASSERT_OK(vel_hasher_peek(hasher, got));
        CHECK(abc[i], memcmp(got, want, size) != 0);
        ASSERT_OK(vel_hasher_update(hasher, vel_slice(NULL, 0)));
        ASSERT_OK(vel_hasher_update(hasher, BYTES('c')));
        for (int again = 0; again < 2; again++) {
            ASSERT_OK(vel_hasher_peek(hasher, got));
            CHECK(abc[i], memcmp(got, want, size) == 0);
        }
        vel_hasher_free(hasher);
    }
    vel_hasher_free(NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_fips_180),
        cmocka_unit_test(a_running_hash_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
