/* SPDX-License-Identifier: MIT */
/* What a certificate that we make looks like. */
#include "pki/issue.h"

#include "base/units.h"
#include "pki/algorithm.h"
#include "pki/alt.h"
#include "pki/forge.h"
#include "pki/pem.h"
#include "pki/signature.h"

static const char *const site[] = {"www.example.org", "192.0.2.1"};

/* VEL-CERT-02, VEL-CERT-06, VEL-CERT-07: in every suite the halves verify, and a verifier that
 * trusts it takes it. */
static void every_suite(void **state)
{
    (void)state;
    struct forge f;
    forge_open(&f);
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++) {
        const struct vel_sig_suite *suite = &vel_sig_suites[i];
        struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
        struct made made;
        enum vel_cert_check check = VEL_CERT_OK;
        order.classical = suite->classical;
        order.profile = suite->profile;
        forge_make(&f, &order, NULL, &made);
        const struct vel_dual_key *keys = vel_identity_keys(made.identity);
        CHECK(suite->label, keys->suite == suite);
        ASSERT_OK(vel_cert_signed_by(&f.t.env, f.crypto, &made.cert, keys, &check));
        CHECK(suite->label, vel_algorithm_of(made.cert.alt_algorithm) == suite->pq);
        CHECK(suite->label, made.cert.serial.len == 16 && (made.cert.serial.ptr[0] & 0x80) == 0);
        CHECK(suite->label, made.cert.key_usage == VEL_USAGE_SIGNATURE && !made.cert.ca);
        CHECK(suite->label, made.cert.purposes == (VEL_PURPOSE_SERVER | VEL_PURPOSE_CLIENT));
        forge_unmake(&made);
    }
    forge_close(&f);
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    struct made made[2];
    struct forge f[2];
    struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
    for (size_t i = 0; i < 2; i++) {
        forge_open(&f[i]);
        forge_make(&f[i], &order, NULL, &made[i]);
    }
    assert_true(
        vel_slice_equal(vel_buf_slice(&made[0].chain_pem), vel_buf_slice(&made[1].chain_pem)));
    assert_true(vel_slice_equal(vel_buf_slice(&made[0].key_pem), vel_buf_slice(&made[1].key_pem)));
    for (size_t i = 0; i < 2; i++) {
        forge_unmake(&made[i]);
        forge_close(&f[i]);
    }
}

/* VEL-CERT-05: the covered bytes hold everything but `signature` and extension 74. */
static void covered_bytes(void **state)
{
    (void)state;
    struct forge f;
    struct made made;
    forge_open(&f);
    struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
    forge_make(&f, &order, NULL, &made);
    const struct vel_cert *cert = &made.cert;
    const struct vel_alt_parts parts = {cert->head, cert->middle, cert->extensions};
    struct vel_buf message = {.env = &f.t.env, .limit = VEL_CERT_MAX_BYTES};
    ASSERT_OK(vel_alt_message(&parts, &message));
    /* Extension 74: headers of its SEQUENCE, OCTET STRING and BIT STRING, an OID of 5 bytes. The
     * lengths around it take as many bytes with and without it. */
    size_t extension = 3 * 4 + 5 + 1 + cert->alt_signature.len;
    assert_int_equal(message.len, cert->tbs.len - cert->algorithm.len - extension);
    vel_buf_free(&message);
    forge_unmake(&made);
    forge_close(&f);
}

/* VEL-CERT-08, VEL-CERT-09 */
static void under_a_ca(void **state)
{
    (void)state;
    struct forge f;
    struct made root, sub, leaf;
    forge_open(&f);
    struct vel_cert_order order = forge_ca("Root", 1);
    forge_make(&f, &order, NULL, &root);
    order = forge_ca("Sub", 0);
    forge_make(&f, &order, &root, &sub);
    order = forge_leaf(site, VEL_COUNT(site));
    order.validity = 1000 * FORGE_DAY;
    forge_make(&f, &order, &sub, &leaf);

    assert_true(root.cert.ca && root.cert.path_length == 1);
    assert_int_equal(root.cert.key_usage, VEL_USAGE_CERT_SIGN | VEL_USAGE_CRL_SIGN);
    assert_false(root.cert.has_purposes);
    size_t count = 0;
    vel_identity_chain(leaf.identity, &count);
    assert_int_equal(count, 2); /* the leaf and the intermediate, not the root */
    assert_int_equal(leaf.cert.not_after, sub.cert.not_after);
    assert_true(vel_slice_equal(leaf.cert.issuer, sub.cert.subject));
    forge_unmake(&leaf);
    forge_unmake(&sub);
    forge_unmake(&root);
    forge_close(&f);
}

static void refused(void **state)
{
    (void)state;
    struct forge f;
    struct made ca, leaf, narrow;
    forge_open(&f);
    static const char *const domain[] = {"example.com"};
    struct vel_cert_order ca_order = forge_ca("Root", 0);
    struct vel_cert_order good = forge_leaf(site, VEL_COUNT(site));
    forge_make(&f, &ca_order, NULL, &ca);
    forge_make(&f, &good, NULL, &leaf);
    struct vel_cert_order narrow_order = ca_order;
    narrow_order.permitted = domain;
    narrow_order.permitted_count = 1;
    forge_make(&f, &narrow_order, NULL, &narrow);

    static const char *const bad_name[] = {"a b"};
    static const char *const bad_wildcard[] = {"*.org"};
    struct vel_cert_order no_names = good, wrong_name = good, wide = good, no_time = good;
    struct vel_cert_order early = good, late = good, no_suite = good, named_ca = ca_order;
    no_names.name_count = 0;
    wrong_name.names = bad_name;
    wrong_name.name_count = 1;
    wide.names = bad_wildcard;
    wide.name_count = 1;
    no_time.validity = 0;
    early.not_before = FORGE_NOW - 2 * FORGE_DAY;
    late.not_before = FORGE_NOW + 100 * FORGE_DAY;
    no_suite.classical = VEL_P384;
    named_ca.names = site;
    named_ca.name_count = 1;
    struct vel_cert_order long_name = good;
    struct vel_cert_order strong = good;
    strong.profile = VEL_PROFILE_SECURE;
    strong.classical = VEL_P384;
    long_name.common_name = "12345678901234567890123456789012345678901234567890123456789012345";

    const struct {
        const char *what;
        const struct vel_cert_order *order;
        const struct made *issuer;
        enum vel_err want;
    } rows[] = {
        {"no names", &no_names, NULL, VEL_ERR_ARGUMENT},
        {"not a name", &wrong_name, NULL, VEL_ERR_ARGUMENT},
        {"wildcard over a top-level domain", &wide, NULL, VEL_ERR_ARGUMENT},
        {"no validity", &no_time, NULL, VEL_ERR_ARGUMENT},
        {"before its issuer", &early, &ca, VEL_ERR_ARGUMENT},
        {"after its issuer", &late, &ca, VEL_ERR_ARGUMENT},
        {"P-384 in balanced", &no_suite, NULL, VEL_ERR_ARGUMENT},
        {"CA with names", &named_ca, NULL, VEL_ERR_ARGUMENT},
        {"common name of 65 bytes", &long_name, NULL, VEL_ERR_ARGUMENT},
        {"issuer is a leaf", &good, &leaf, VEL_ERR_UNSUPPORTED},
        {"issuer is weaker than the profile", &strong, &ca, VEL_ERR_UNSUPPORTED},
        {"CA below path length 0", &ca_order, &ca, VEL_ERR_UNSUPPORTED},
        {"outside the issuer's domain", &good, &narrow, VEL_ERR_AUTH},
    };
    struct vel_buf chain = {.env = &f.t.env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_buf keys = {.env = &f.t.env, .limit = VEL_KEY_PEM_MAX};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        const struct vel_identity *issuer =
            rows[i].issuer != NULL ? rows[i].issuer->identity : NULL;
        ASSERT_ERR(rows[i].what,
                   vel_cert_issue(&f.t.env, f.crypto, rows[i].order, issuer, &chain, &keys),
                   rows[i].want);
        CHECK(rows[i].what, chain.len == 0 && keys.len == 0);
    }
    forge_unmake(&narrow);
    forge_unmake(&leaf);
    forge_unmake(&ca);
    forge_close(&f);
}

static void allocation_fails(void **state)
{
    (void)state;
    struct forge f;
    forge_open(&f);
    struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
    struct vel_buf chain = {.env = &f.t.env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_buf keys = {.env = &f.t.env, .limit = VEL_KEY_PEM_MAX};
    enum vel_err err = VEL_ERR_NOMEM;
    for (long n = 0; err == VEL_ERR_NOMEM && n < 100; n++) {
        f.t.fail_after = n;
        err = vel_cert_issue(&f.t.env, f.crypto, &order, NULL, &chain, &keys);
        f.t.fail_after = -1;
        if (err != VEL_OK) {
            ASSERT_ERR("nth allocation", err, VEL_ERR_NOMEM);
            assert_true(chain.len == 0 && keys.len == 0);
        }
    }
    ASSERT_OK(err);
    vel_buf_free(&chain);
    vel_buf_free(&keys);
    forge_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite),   cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(covered_bytes), cmocka_unit_test(under_a_ca),
        cmocka_unit_test(refused),       cmocka_unit_test(allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
