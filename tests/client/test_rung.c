/* SPDX-License-Identifier: MIT */
#include "client/rung.h"

#include "testing/test.h"
#include "transport/error.h"

static const struct {
    const char *what;
    struct vel_close close;
    enum vel_client_failure failure;
    enum vel_fallback reason;
} rows[] = {
    {"version negotiation",
     {.origin = VEL_CLOSE_VERSION},
     VEL_CLIENT_CONNECT,
     VEL_FALLBACK_VERSION_NEGOTIATION},
    {"silence", {.origin = VEL_CLOSE_TIMEOUT}, VEL_CLIENT_TIMEOUT, VEL_FALLBACK_TIMEOUT},
    {"idle", {.origin = VEL_CLOSE_IDLE}, VEL_CLIENT_TIMEOUT, VEL_FALLBACK_TIMEOUT},
    {"refused",
     {.origin = VEL_CLOSE_PEER, .code = VEL_WIRE_CONNECTION_REFUSED},
     VEL_CLIENT_CONNECT,
     VEL_FALLBACK_MAINTENANCE_WINDOW},
    {"profile",
     {.origin = VEL_CLOSE_PEER, .code = VEL_WIRE_PROFILE_POLICY_VIOLATION},
     VEL_CLIENT_PROFILE,
     VEL_FALLBACK_CLIENT_PROFILE_UNSUPPORTED},
    {"insufficient security",
     {.origin = VEL_CLOSE_PEER, .code = 0x100 + 71},
     VEL_CLIENT_PROFILE,
     VEL_FALLBACK_CLIENT_PROFILE_UNSUPPORTED},
    {"profile, refused by us",
     {.origin = VEL_CLOSE_LOCAL, .code = 0x100 + 71},
     VEL_CLIENT_PROFILE,
     VEL_FALLBACK_NONE},
    {"no such protocol",
     {.origin = VEL_CLOSE_PEER, .code = 0x100 + 120},
     VEL_CLIENT_HANDSHAKE,
     VEL_FALLBACK_POLICY_DISABLED},
    {"the protocol is missing",
     {.origin = VEL_CLOSE_PEER, .code = VEL_WIRE_ALPN_REQUIRED},
     VEL_CLIENT_HANDSHAKE,
     VEL_FALLBACK_POLICY_DISABLED},
    {"ECH is required",
     {.origin = VEL_CLOSE_PEER, .code = VEL_WIRE_ECH_REQUIRED},
     VEL_CLIENT_HANDSHAKE,
     VEL_FALLBACK_NONE},
    {"handshake failure",
     {.origin = VEL_CLOSE_PEER, .code = 0x100 + 40},
     VEL_CLIENT_HANDSHAKE,
     VEL_FALLBACK_NONE},
    {"expired certificate",
     {.origin = VEL_CLOSE_LOCAL, .code = 0x12d, .verdict = {.check = VEL_CERT_EXPIRED}},
     VEL_CLIENT_CERTIFICATE,
     VEL_FALLBACK_NONE},
    {"no alternative key: a certificate error, not a reason",
     {.origin = VEL_CLOSE_LOCAL,
      .code = VEL_WIRE_CERT_PQ_VALIDATION_FAILED,
      .verdict = {.check = VEL_CERT_ALT_MISSING}},
     VEL_CLIENT_CERTIFICATE,
     VEL_FALLBACK_NONE},
    {"version lists that do not agree",
     {.origin = VEL_CLOSE_LOCAL, .code = VEL_WIRE_VERSION_NEGOTIATION_ERROR},
     VEL_CLIENT_DOWNGRADE,
     VEL_FALLBACK_NONE},
    {"an application's code that looks like one",
     {.origin = VEL_CLOSE_PEER, .application = true, .code = VEL_WIRE_CONNECTION_REFUSED},
     VEL_CLIENT_HANDSHAKE,
     VEL_FALLBACK_NONE},
};

static void closes_have_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_rung_failure got = vel_rung_failure_of_close(&rows[i].close);
        if (got.failure != rows[i].failure || got.reason != rows[i].reason)
            fail_msg("%s: failure %d, reason %s", rows[i].what, (int)got.failure,
                     vel_fallback_name(got.reason));
    }
}

/* The names are an interface: scripts read them. */
static void names_are_as_published(void **state)
{
    (void)state;
    static const char *const names[VEL_FALLBACK_COUNT] = {"none",
                                                          "no_hybrid_cert",
                                                          "policy_disabled",
                                                          "client_profile_unsupported",
                                                          "maintenance_window",
                                                          "version_negotiation",
                                                          "udp_blocked",
                                                          "timeout"};
    for (unsigned i = 0; i < VEL_FALLBACK_COUNT; i++) {
        assert_string_equal(vel_fallback_name((enum vel_fallback)i), names[i]);
        assert_int_equal(vel_fallback_of_name(vel_slice_text(names[i])), i);
    }
    assert_int_equal(vel_fallback_of_name(vel_slice_text("whim")), VEL_FALLBACK_COUNT);
    assert_string_equal(vel_fallback_name(VEL_FALLBACK_COUNT), "unknown");
}

static void cool_downs_double_up_to_a_day(void **state)
{
    (void)state;
    assert_int_equal(vel_fallback_cool_down(VEL_FALLBACK_NONE, 5), 0);
    assert_int_equal(vel_fallback_cool_down(VEL_FALLBACK_TIMEOUT, 0), 0);
    assert_int_equal(vel_fallback_cool_down(VEL_FALLBACK_TIMEOUT, 1), 60 * SECOND);
    assert_int_equal(vel_fallback_cool_down(VEL_FALLBACK_TIMEOUT, 3), 240 * SECOND);
    assert_int_equal(vel_fallback_cool_down(VEL_FALLBACK_TIMEOUT, UINT32_MAX), 86400 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_have_reasons),
        cmocka_unit_test(names_are_as_published),
        cmocka_unit_test(cool_downs_double_up_to_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
