/* SPDX-License-Identifier: MIT */
#include "pki/show.h"

#include "base/units.h"
#include "pki/forge.h"

static const char *const site[] = {
    "www.example.org", "192.0.2.1",        "2001:db8::1",         "::",
    "1:0:0:2::3",      "::ffff:192.0.2.1", "2001:db8:1:2:3:4:5:0"};

struct world {
    struct forge f;
    struct made ca;
    struct made leaf;
};

static int set_up(void **state)
{
    static struct world w;
    forge_open(&w.f);
    struct vel_cert_order ca = forge_ca("Show \x01\xff CA", 0);
    struct vel_cert_order leaf = forge_leaf(site, VEL_COUNT(site));
    forge_make(&w.f, &ca, NULL, &w.ca);
    forge_make(&w.f, &leaf, &w.ca, &w.leaf);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    forge_unmake(&w->leaf);
    forge_unmake(&w->ca);
    forge_close(&w->f);
    return 0;
}

static void both_halves(void **state)
{
    struct world *w = *state;
    struct vel_cert_info info;
    const struct vel_slice chain[] = {w->leaf.cert.der, BYTES(0x30, 0x00), w->ca.cert.der};
    ASSERT_OK(vel_cert_describe(&w->f.t.env, w->f.crypto, chain[0], chain, 3, &info));
    assert_string_equal(info.subject, "CN=www.example.org");
    assert_string_equal(info.issuer, "CN=Show ?? CA");
    assert_false(info.self_issued);
    assert_string_equal(info.suite->label, "VEL1-MLDSA65-P256");
    assert_int_equal(info.classical.key, VEL_P256);
    assert_int_equal(info.alternative.signature, VEL_MLDSA65);
    assert_int_equal(info.alternative.signature_size, 3309);
    assert_int_equal(info.classical.state, VEL_SIGNED_VALID);
    assert_int_equal(info.alternative.state, VEL_SIGNED_VALID);

    ASSERT_OK(vel_cert_describe(&w->f.t.env, w->f.crypto, chain[0], chain, 1, &info));
    assert_int_equal(info.classical.state, VEL_SIGNED_UNCHECKED);
    ASSERT_OK(vel_cert_describe(&w->f.t.env, w->f.crypto, chain[2], NULL, 0, &info));
    assert_true(info.self_issued && info.cert.ca);
    assert_int_equal(info.alternative.state, VEL_SIGNED_VALID);
    ASSERT_ERR("rubbish", vel_cert_describe(&w->f.t.env, w->f.crypto, chain[1], NULL, 0, &info),
               VEL_ERR_MALFORMED);
}

static void broken_half(void **state)
{
    struct world *w = *state;
    const struct forge_edit half = {.classical = vel_identity_keys(w->ca.identity)->classical,
                                    .pq = vel_identity_keys(w->leaf.identity)->pq};
    const struct forge_edit none = {.classical = half.classical};
    struct vel_buf broken = forge_again(&w->f, &w->leaf.cert, &half);
    struct vel_buf missing = forge_again(&w->f, &w->leaf.cert, &none);
    struct vel_slice ca = w->ca.cert.der;
    struct vel_cert_info info;
    ASSERT_OK(vel_cert_describe(&w->f.t.env, w->f.crypto, vel_buf_slice(&broken), &ca, 1, &info));
    assert_string_equal(vel_signed_name(info.classical.state), "valid");
    assert_string_equal(vel_signed_name(info.alternative.state), "broken");
    ASSERT_OK(vel_cert_describe(&w->f.t.env, w->f.crypto, vel_buf_slice(&missing), &ca, 1, &info));
    assert_string_equal(vel_signed_name(info.alternative.state), "missing");
    assert_true(info.alternative.present);
    vel_buf_free(&broken);
    vel_buf_free(&missing);
}

static void names_as_text(void **state)
{
    struct world *w = *state;
    char text[VEL_NAME_TEXT];
    struct vel_reader names = vel_reader(w->leaf.cert.names);
    static const char *const want[VEL_COUNT(site)] = {
        "www.example.org", "192.0.2.1",       "2001:db8::1",         "::",
        "1:0:0:2::3",      "::ffff:c000:201", "2001:db8:1:2:3:4:5:0"};
    for (size_t i = 0; i < VEL_COUNT(want); i++) {
        assert_true(vel_cert_next_name(&names, text));
        assert_string_equal(text, want[i]);
    }
    assert_false(vel_cert_next_name(&names, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves),
        cmocka_unit_test(broken_half),
        cmocka_unit_test(names_as_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
