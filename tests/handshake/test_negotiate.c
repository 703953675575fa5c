/* SPDX-License-Identifier: MIT */
#include "handshake/negotiate.h"

#include "base/units.h"
#include "testing/test.h"

static struct vel_profile_list list(const char *text)
{
    struct vel_profile_list made;
    ASSERT_OK(vel_profile_list_parse(text, &made));
    return made;
}

static void offers(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *profiles;
        bool prefer_chacha;
        uint16_t grease;
        struct vel_slice suites, groups, signatures;
    } rows[] = {
        {"balanced", "balanced", false, 0, BYTES(0x56, 0x11, 0x56, 0x12), BYTES(0x11, 0xec),
         BYTES(0x56, 0x61, 0x56, 0x62, 0x56, 0x51, 0x56, 0x52)},
        {"balanced without AES", "balanced", true, 0x1a1a,
         BYTES(0x1a, 0x1a, 0x56, 0x12, 0x56, 0x11), BYTES(0x1a, 0x1a, 0x11, 0xec),
         BYTES(0x56, 0x61, 0x56, 0x62, 0x56, 0x51, 0x56, 0x52)},
        {"light, then secure", "light,secure", false, 0, BYTES(0x56, 0x01, 0x56, 0x02, 0x56, 0x21),
         BYTES(0xfe, 0x12, 0x11, 0xed, 0xfe, 0x14),
         BYTES(0x56, 0x61, 0x56, 0x62, 0x56, 0x51, 0x56, 0x52, 0x56, 0x41, 0x56, 0x42)},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_profile_list profiles = list(rows[i].profiles);
        struct vel_offer offer;
        vel_offer_suites(&profiles, rows[i].prefer_chacha, rows[i].grease, &offer);
        CHECK(rows[i].what, vel_slice_equal(vel_offer_slice(&offer), rows[i].suites));
        vel_offer_groups(&profiles, rows[i].grease, &offer);
        CHECK(rows[i].what, vel_slice_equal(vel_offer_slice(&offer), rows[i].groups));
        vel_offer_signatures(vel_profiles_floor(&profiles), &offer);
        CHECK(rows[i].what, vel_slice_equal(vel_offer_slice(&offer), rows[i].signatures));
    }
}

#define SHARE_LIGHT 0xfe, 0x12, 0, 1, 7
#define SHARE_BALANCED 0x11, 0xec, 0, 1, 7
#define SHARE_SECURE_2 0xfe, 0x14, 0, 1, 7

/* VEL-HS-20, VEL-HS-21, VEL-HS-24, from offers that our own client would not make. */
static void choices(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *kind; /* label of the certificate's suite */
        struct vel_slice suites, groups, shares;
        uint16_t suite, group;
        bool retry;
        uint64_t alert;
    } rows[] = {
        {"strongest with a share", "VEL1-MLDSA87-P384",
         BYTES(0x56, 0x01, 0x56, 0x12, 0x56, 0x11, 0x56, 0x21),
         BYTES(0xfe, 0x12, 0x11, 0xec, 0x11, 0xed), BYTES(SHARE_LIGHT, SHARE_BALANCED), 0x5612,
         0x11ec, false, 0},
        {"second group of secure", "VEL1-MLDSA87-P384", BYTES(0x56, 0x21),
         BYTES(0x11, 0xed, 0xfe, 0x14), BYTES(SHARE_SECURE_2), 0x5621, 0xfe14, false, 0},
        {"share without its suite", "VEL1-MLDSA65-P256", BYTES(0x56, 0x11),
         BYTES(0xfe, 0x12, 0x11, 0xec), BYTES(SHARE_LIGHT), 0x5611, 0x11ec, true, 0},
        {"no share at all",
         "VEL1-MLDSA65-P256",
         BYTES(0x56, 0x11),
         BYTES(0x11, 0xec),
         {0},
         0x5611,
         0x11ec,
         true,
         0},
        {"suite without a group", "VEL1-MLDSA65-P256", BYTES(0x56, 0x11), BYTES(0xfe, 0x12),
         BYTES(SHARE_LIGHT), 0, 0, false, VEL_ALERT_PROFILE_POLICY_VIOLATION},
        {"TLS's suites only", "VEL1-MLDSA65-P256", BYTES(0x13, 0x01), BYTES(0x11, 0xec),
         BYTES(SHARE_BALANCED), 0, 0, false, VEL_ALERT_PROFILE_POLICY_VIOLATION},
        {"kind of certificate not listed", "VEL1-MLDSA65-Ed25519", BYTES(0x56, 0x11),
         BYTES(0x11, 0xec), BYTES(SHARE_BALANCED), 0, 0, false, VEL_ALERT_HANDSHAKE_FAILURE},
    };
    const struct vel_profile_list permit = list("light,balanced,secure");
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        const struct vel_sig_suite *kind = NULL;
        for (size_t k = 0; k < VEL_SIG_SUITE_COUNT; k++)
            if (strcmp(vel_sig_suites[k].label, rows[i].kind) == 0)
                kind = &vel_sig_suites[k];
        const struct vel_client_hello hello = {
            .suites = rows[i].suites,
            .groups = rows[i].groups,
            .shares = rows[i].shares,
            .signatures = BYTES(0x56, 0x61, 0x56, 0x51),
        };
        struct vel_choice choice = {0};
        struct vel_handshake_failure why = {0};
        enum vel_err err = vel_negotiate(&permit, kind, &hello, &choice, &why);
        CHECK(rows[i].what, why.wire_code == rows[i].alert);
        CHECK(rows[i].what, (err == VEL_OK) == (rows[i].alert == 0));
        if (err == VEL_OK) {
            CHECK(rows[i].what, choice.suite->code == rows[i].suite);
            CHECK(rows[i].what, choice.group->code == rows[i].group);
            CHECK(rows[i].what, choice.retry == rows[i].retry);
            CHECK(rows[i].what, (choice.share.ptr == NULL) == rows[i].retry);
        } else {
            CHECK(rows[i].what, choice.suite == NULL); /* untouched */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers),
        cmocka_unit_test(choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
