/* SPDX-License-Identifier: MIT */
/* What a strict classical verifier, libcrypto's own, says of our certificates (VEL-CERT-06). */
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/units.h"
#include "pki/forge.h"

static const char *const site[] = {"www.example.org", "*.example.net", "192.0.2.1", "2001:db8::1"};

static X509 *libcrypto_cert(const struct made *made)
{
    const uint8_t *der = made->cert.der.ptr;
    X509 *cert = d2i_X509(NULL, &der, (long)made->cert.der.len);
    assert_non_null(cert);
    return cert;
}

/* X509_V_OK, or why not; as `openssl verify -x509_strict -purpose sslserver` does it. */
static int verify(const struct made *root, const struct made *leaf, const char *dns, const char *ip)
{
    X509 *anchor = libcrypto_cert(root);
    X509 *cert = libcrypto_cert(leaf);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    assert_true(store != NULL && ctx != NULL && X509_STORE_add_cert(store, anchor) == 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_time(param, FORGE_NOW);
    if (root != leaf || dns != NULL || ip != NULL)
        X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    if (dns != NULL)
        X509_VERIFY_PARAM_set1_host(param, dns, 0);
    if (ip != NULL)
        X509_VERIFY_PARAM_set1_ip_asc(param, ip);
    int ok = X509_verify_cert(ctx);
    int why = X509_STORE_CTX_get_error(ctx);
    assert_int_equal(ok == 1, why == X509_V_OK);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(cert);
    X509_free(anchor);
    return why;
}

static void accepted(const char *what, int why)
{
    if (why != X509_V_OK)
        fail_msg("%s: %s", what, X509_verify_cert_error_string(why));
}

static void every_suite(void **state)
{
    (void)state;
    struct forge f;
    forge_open(&f);
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++) {
        const struct vel_sig_suite *suite = &vel_sig_suites[i];
        struct made root, leaf, self;
        struct vel_cert_order ca = forge_ca("Root", 0);
        struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
        ca.classical = order.classical = suite->classical;
        ca.profile = order.profile = suite->profile;
        forge_make(&f, &ca, NULL, &root);
        forge_make(&f, &order, &root, &leaf);
        forge_make(&f, &order, NULL, &self);
        accepted(suite->label, verify(&root, &root, NULL, NULL));
        accepted(suite->label, verify(&root, &leaf, "www.example.org", NULL));
        accepted(suite->label, verify(&root, &leaf, "a.example.net", NULL));
        accepted(suite->label, verify(&root, &leaf, NULL, "2001:db8::1"));
        accepted(suite->label, verify(&self, &self, "www.example.org", NULL));
        assert_int_equal(verify(&root, &leaf, "example.com", NULL), X509_V_ERR_HOSTNAME_MISMATCH);
        forge_unmake(&self);
        forge_unmake(&leaf);
        forge_unmake(&root);
    }
    forge_close(&f);
}

static void constrained_ca(void **state)
{
    (void)state;
    static const char *const domain[] = {"example.org"};
    struct forge f;
    struct made root, leaf;
    forge_open(&f);
    struct vel_cert_order ca = forge_ca("Root", 0);
    struct vel_cert_order order = forge_leaf(site, 1);
    ca.permitted = domain;
    ca.permitted_count = 1;
    forge_make(&f, &ca, NULL, &root);
    forge_make(&f, &order, &root, &leaf);
    accepted("inside", verify(&root, &leaf, "www.example.org", NULL));
    forge_unmake(&leaf);
    forge_unmake(&root);
    forge_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite),
        cmocka_unit_test(constrained_ca),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
