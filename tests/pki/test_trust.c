/* SPDX-License-Identifier: MIT */
/* VEL-CERT-20: what an anchor is. */
#include "pki/trust.h"

#include "pki/forge.h"
#include "pki/pem.h"

struct world {
    struct forge f;
    struct made ca;
};

static int set_up(void **state)
{
    static struct world w;
    forge_open(&w.f);
    struct vel_cert_order ca = forge_ca("CA", 0);
    forge_make(&w.f, &ca, NULL, &w.ca);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    forge_unmake(&w->ca);
    forge_close(&w->f);
    return 0;
}

static void classical_root_is_kept_and_anchors_nothing(void **state)
{
    struct world *w = *state;
    const struct forge_edit edit = {.classical = vel_identity_keys(w->ca.identity)->classical,
                                    .drop = VEL_EXT_ALT_KEY};
    struct vel_buf der = forge_again(&w->f, &w->ca.cert, &edit);
    struct vel_buf pem = {.env = &w->f.t.env, .limit = VEL_CHAIN_PEM_MAX};
    ASSERT_OK(vel_pem_append(&pem, VEL_PEM_CERTIFICATE, vel_buf_slice(&der)));
    ASSERT_OK(vel_buf_append(&pem, vel_buf_slice(&w->ca.chain_pem)));

    struct vel_trust *trust = NULL;
    ASSERT_OK(vel_trust_new(&w->f.t.env, w->f.crypto, &trust));
    ASSERT_OK(vel_trust_add_pem(trust, vel_buf_slice(&pem)));
    assert_int_equal(vel_trust_anchor(trust, 0)->state, VEL_CERT_ALT_MISSING);
    assert_int_equal(vel_trust_anchor(trust, 1)->state, VEL_CERT_OK);
    assert_null(vel_trust_anchor(trust, 2));
    vel_trust_free(trust);
    vel_buf_free(&pem);
    vel_buf_free(&der);
}

static void failure_adds_nothing(void **state)
{
    struct world *w = *state;
    struct vel_trust *trust = NULL;
    struct vel_buf pem = {.env = &w->f.t.env, .limit = VEL_CHAIN_PEM_MAX};
    ASSERT_OK(vel_buf_append(&pem, vel_buf_slice(&w->ca.chain_pem)));
    ASSERT_OK(vel_pem_append(&pem, VEL_PEM_CERTIFICATE, BYTES(0x30, 0x00)));
    ASSERT_OK(vel_trust_new(&w->f.t.env, w->f.crypto, &trust));
    ASSERT_ERR("second is rubbish", vel_trust_add_pem(trust, vel_buf_slice(&pem)),
               VEL_ERR_MALFORMED);
    ASSERT_ERR("none", vel_trust_add_pem(trust, vel_slice_text("nothing")), VEL_ERR_MALFORMED);
    assert_null(vel_trust_anchor(trust, 0));
    vel_trust_free(trust);
    vel_trust_free(NULL);
    vel_buf_free(&pem);
}

static void anchors_are_limited(void **state)
{
    struct world *w = *state;
    struct vel_trust *trust = NULL;
    const struct forge_edit edit = {.classical = vel_identity_keys(w->ca.identity)->classical,
                                    .drop = VEL_EXT_ALT_KEY};
    struct vel_buf der = forge_again(&w->f, &w->ca.cert, &edit); /* small, and quickly judged */
    struct vel_buf pem = {.env = &w->f.t.env, .limit = VEL_CHAIN_PEM_MAX};
    ASSERT_OK(vel_pem_append(&pem, VEL_PEM_CERTIFICATE, vel_buf_slice(&der)));
    ASSERT_OK(vel_trust_new(&w->f.t.env, w->f.crypto, &trust));
    for (size_t i = 0; i < VEL_ANCHORS_MAX; i++)
        ASSERT_OK(vel_trust_add_pem(trust, vel_buf_slice(&pem)));
    ASSERT_ERR("one more", vel_trust_add_pem(trust, vel_buf_slice(&pem)), VEL_ERR_LIMIT);
    assert_non_null(vel_trust_anchor(trust, VEL_ANCHORS_MAX - 1));
    vel_trust_free(trust);
    vel_buf_free(&pem);
    vel_buf_free(&der);
}

static void allocation_fails(void **state)
{
    struct world *w = *state;
    struct vel_trust *trust = NULL;
    ASSERT_OK(vel_trust_new(&w->f.t.env, w->f.crypto, &trust));
    enum vel_err err = VEL_ERR_NOMEM;
    for (long n = 0; err == VEL_ERR_NOMEM && n < 50; n++) {
        w->f.t.fail_after = n;
        err = vel_trust_add_pem(trust, vel_buf_slice(&w->ca.chain_pem));
        w->f.t.fail_after = -1;
        assert_int_equal(vel_trust_anchor(trust, 0) == NULL, err != VEL_OK);
    }
    ASSERT_OK(err);
    vel_trust_free(trust);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classical_root_is_kept_and_anchors_nothing),
        cmocka_unit_test(failure_adds_nothing),
        cmocka_unit_test(anchors_are_limited),
        cmocka_unit_test(allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
