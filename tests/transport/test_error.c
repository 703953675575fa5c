/* SPDX-License-Identifier: MIT */
#include "transport/error.h"

#include "testing/test.h"

static void codes_have_names(void **state)
{
    (void)state;
    static const struct {
        uint64_t code;
        const char *name;
    } rows[] = {
        {VEL_WIRE_NO_ERROR, "NO_ERROR"},
        {0x0a, "PROTOCOL_VIOLATION"},
        {0x11, "VERSION_NEGOTIATION_ERROR"},
        {0x12, "unknown"},
        {0x0100, "CRYPTO_ERROR"},
        {0x01ff, "CRYPTO_ERROR"},
        {0x0200, "unknown"},
        {0x56553101, "ALPN_REQUIRED"},
        {0x56553177, "VELOCITY_PROTOCOL_VIOLATION"},
        {UINT64_C(0x156553101), "unknown"},
        {UINT64_MAX, "unknown"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(vel_wire_error_name(rows[i].code), rows[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
