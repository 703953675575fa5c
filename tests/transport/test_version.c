/* SPDX-License-Identifier: MIT */
#include "transport/version.h"

#include "crypto/hash.h"
#include "testing/test.h"
#include "velocity/config.h"

static void versions_are_found(void **state)
{
    (void)state;
    assert_int_equal(vel_version_find(VEL_VERSION_DRAFT)->number, 0x56553102);
    assert_string_equal(vel_version_find(VEL_VERSION_DRAFT)->name, "Velocity/1");
    assert_string_equal(vel_version_find(VEL_VERSION_QUIC_V1)->label_prefix, "tls13 ");
    assert_null(vel_version_find(VEL_VERSION_NEGOTIATION));
    assert_null(vel_version_find(0x56553101));
}

static void reserved_versions_are_known(void **state)
{
    (void)state;
    assert_true(vel_version_is_reserved(0x0a0a0a0a));
    assert_true(vel_version_is_reserved(0xfadacaba));
    assert_false(vel_version_is_reserved(0x0a0a0a0b));
    assert_false(vel_version_is_reserved(VEL_VERSION_DRAFT));
    assert_int_equal(vel_version_reserved(0), 0x0a0a0a0a);
    assert_int_equal(vel_version_reserved(0x12345678), 0x1a3a5a7a);
    assert_true(vel_version_is_reserved(vel_version_reserved(0xdeadbeef)));
}

/* The constants are what version.h says they are. */
static void check_derived(const struct vel_crypto *crypto, const char *origin, const char *info,
                          const uint8_t *constant, size_t size)
{
    struct vel_secret secret;
    uint8_t out[VEL_INITIAL_SALT];
    ASSERT_OK(vel_hkdf_extract(crypto, VEL_SHA256, (struct vel_slice){0}, vel_slice_text(origin),
                               &secret));
    ASSERT_OK(vel_hkdf_expand(crypto, VEL_SHA256, vel_secret_slice(&secret), vel_slice_text(info),
                              out, size));
    assert_memory_equal(out, constant, size);
}

static void constants_come_from_the_published_strings(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_crypto *crypto = NULL;
    ASSERT_OK(vel_crypto_new(&t.env, &crypto));
    const struct vel_version *v = vel_version_find(VEL_VERSION_DRAFT);
    check_derived(crypto, "Velocity/1 initial", "salt", v->initial_salt, VEL_INITIAL_SALT);
    check_derived(crypto, "Velocity/1 retry", "key", v->retry_key, VEL_RETRY_KEY);
    check_derived(crypto, "Velocity/1 retry", "nonce", v->retry_nonce, VEL_RETRY_NONCE);
    vel_crypto_free(crypto);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_found),
        cmocka_unit_test(reserved_versions_are_known),
        cmocka_unit_test(constants_come_from_the_published_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
