/* SPDX-License-Identifier: MIT */
/* VEL-CERT-01 and VEL-CERT-03: what does not parse. */
#include "pki/cert.h"

#include "base/units.h"
#include "pki/der.h"
#include "pki/dn.h"
#include "pki/ext.h"
#include "pki/forge.h"

static const char *const site[] = {"www.example.org"};

struct world {
    struct forge f;
    struct made leaf;
};

static int set_up(void **state)
{
    static struct world w;
    forge_open(&w.f);
    struct vel_cert_order leaf = forge_leaf(site, 1);
    leaf.profile = VEL_PROFILE_LIGHT;
    forge_make(&w.f, &leaf, NULL, &w.leaf);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    forge_unmake(&w->leaf);
    forge_close(&w->f);
    return 0;
}

/* One extension replaced; everything is signed well. */
static void extensions(void **state)
{
    struct world *w = *state;
    const struct {
        const char *what;
        unsigned n;
        struct vel_slice value;
        bool critical;
        enum vel_err want;
    } rows[] = {
        {"CA with a path length", VEL_EXT_BASIC, BYTES(0x30, 6, 1, 1, 0xff, 2, 1, 3), true, VEL_OK},
        {"path length without CA", VEL_EXT_BASIC, BYTES(0x30, 3, 2, 1, 3), true, VEL_ERR_MALFORMED},
        {"negative path length", VEL_EXT_BASIC, BYTES(0x30, 6, 1, 1, 0xff, 2, 1, 0x83), true,
         VEL_ERR_MALFORMED},
        {"CA as BER has it", VEL_EXT_BASIC, BYTES(0x30, 3, 1, 1, 1), true, VEL_ERR_MALFORMED},
        {"byte after the value", VEL_EXT_BASIC, BYTES(0x30, 0, 0), true, VEL_ERR_MALFORMED},
        {"nine usages", VEL_EXT_KEY_USAGE, BYTES(3, 3, 7, 0xff, 0x80), true, VEL_OK},
        {"no usage at all", VEL_EXT_KEY_USAGE, BYTES(3, 1, 0), true, VEL_ERR_MALFORMED},
        {"three bytes of usages", VEL_EXT_KEY_USAGE, BYTES(3, 4, 0, 1, 1, 1), true,
         VEL_ERR_MALFORMED},
        {"no purpose at all", VEL_EXT_PURPOSES, BYTES(0x30, 0), false, VEL_ERR_MALFORMED},
        {"purpose that is no OID", VEL_EXT_PURPOSES, BYTES(0x30, 2, 5, 0), false,
         VEL_ERR_MALFORMED},
        {"no name at all", VEL_EXT_NAMES, BYTES(0x30, 0), false, VEL_ERR_MALFORMED},
        {"address of five bytes", VEL_EXT_NAMES, BYTES(0x30, 7, 0x87, 5, 1, 2, 3, 4, 5), false,
         VEL_ERR_MALFORMED},
        {"names cut", VEL_EXT_NAMES, BYTES(0x30, 3, 0x82, 2, 'a'), false, VEL_ERR_MALFORMED},
        {"empty constraints", VEL_EXT_NAME_CONSTRAINTS, BYTES(0x30, 0), true, VEL_ERR_MALFORMED},
        {"critical key identifier", VEL_EXT_KEY_ID, BYTES(4, 1, 1), true, VEL_ERR_MALFORMED},
        {"alternative key that is none", VEL_EXT_ALT_KEY, BYTES(4, 1, 1), false, VEL_ERR_MALFORMED},
        {"alternative key without bits", VEL_EXT_ALT_KEY, BYTES(0x30, 4, 0x30, 0, 5, 0), false,
         VEL_ERR_MALFORMED},
        {"alternative key and more", VEL_EXT_ALT_KEY, BYTES(0x30, 7, 0x30, 0, 3, 1, 0, 5, 0), false,
         VEL_ERR_MALFORMED},
        {"alternative key unknown here", VEL_EXT_ALT_KEY, BYTES(0x30, 5, 0x30, 0, 3, 1, 0), false,
         VEL_OK},
        {"unknown, of any value", 99, BYTES(0xff), false, VEL_OK},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        const struct vel_dual_key *keys = vel_identity_keys(w->leaf.identity);
        struct vel_buf ext = forge_extension(&w->f, rows[i].n, rows[i].critical, rows[i].value);
        const struct forge_edit edit = {.classical = keys->classical,
                                        .pq = keys->pq,
                                        .drop = rows[i].n,
                                        .add = vel_buf_slice(&ext)};
        struct vel_buf der = forge_again(&w->f, &w->leaf.cert, &edit);
        struct vel_cert cert = {.path_length = 77};
        ASSERT_ERR(rows[i].what, vel_cert_parse(vel_buf_slice(&der), &cert), rows[i].want);
        CHECK(rows[i].what, (cert.path_length == 77) == (rows[i].want != VEL_OK));
        vel_buf_free(&der);
        vel_buf_free(&ext);
    }
}

static void explicit_default(void **state)
{
    (void)state;
    /* Extension with critical written as FALSE, which DER leaves out. */
    struct vel_reader r = vel_reader(BYTES(0x30, 11, 6, 3, 0x55, 0x1d, 99, 1, 1, 0, 4, 0, 0));
    vel_ext_next(&r);
    assert_false(vel_read_ok(&r));
}

static void too_many_extensions(void **state)
{
    struct world *w = *state;
    struct vel_buf all = {.env = &w->f.t.env, .limit = VEL_CERT_MAX_BYTES};
    const struct vel_dual_key *keys = vel_identity_keys(w->leaf.identity);
    for (unsigned n = 100; n < 130; n++) {
        struct vel_buf one = forge_extension(&w->f, n, false, BYTES(5, 0));
        ASSERT_OK(vel_buf_append(&all, vel_buf_slice(&one)));
        vel_buf_free(&one);
    }
    const struct forge_edit edit = {
        .classical = keys->classical, .pq = keys->pq, .add = vel_buf_slice(&all)};
    struct vel_buf der = forge_again(&w->f, &w->leaf.cert, &edit);
    struct vel_cert cert;
    ASSERT_ERR("38 extensions", vel_cert_parse(vel_buf_slice(&der), &cert), VEL_ERR_MALFORMED);
    vel_buf_free(&der);
    vel_buf_free(&all);
}

/* Every prefix is refused, and so is every longer certificate. */
static void cut_everywhere(void **state)
{
    struct world *w = *state;
    struct vel_cert cert;
    struct vel_slice der = w->leaf.cert.der;
    for (size_t len = 0; len < der.len; len++)
        ASSERT_ERR("prefix", vel_cert_parse(vel_slice(der.ptr, len), &cert), VEL_ERR_MALFORMED);
    ASSERT_OK(vel_cert_parse(der, &cert));
}

static void algorithms_must_agree(void **state)
{
    struct world *w = *state;
    struct vel_cert cert;
    struct vel_buf der = {.env = &w->f.t.env, .limit = VEL_CERT_MAX_BYTES};
    ASSERT_OK(vel_buf_append(&der, w->leaf.cert.der));
    size_t outer = (size_t)(w->leaf.cert.algorithm.ptr - w->leaf.cert.der.ptr);
    der.ptr[outer + w->leaf.cert.algorithm.len - 1] ^= 1; /* ecdsa-with-SHA384 outside only */
    ASSERT_ERR("differ", vel_cert_parse(vel_buf_slice(&der), &cert), VEL_ERR_MALFORMED);
    vel_buf_free(&der);
}

/* The serial number, too, is in its shortest form. */
static void padded_serial(void **state)
{
    struct world *w = *state;
    const struct {
        uint8_t first[2];
        enum vel_err want;
    } rows[] = {{{0x00, 0x7f}, VEL_ERR_MALFORMED},
                {{0xff, 0x80}, VEL_ERR_MALFORMED},
                {{0x00, 0x80}, VEL_OK},
                {{0x01, 0x00}, VEL_OK}};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_cert cert;
        struct vel_buf der = {.env = &w->f.t.env, .limit = VEL_CERT_MAX_BYTES};
        ASSERT_OK(vel_buf_append(&der, w->leaf.cert.der));
        memcpy(der.ptr + (w->leaf.cert.serial.ptr - w->leaf.cert.der.ptr), rows[i].first, 2);
        ASSERT_ERR("serial", vel_cert_parse(vel_buf_slice(&der), &cert), rows[i].want);
        vel_buf_free(&der);
    }
}

static void names_for_people(void **state)
{
    (void)state;
    char text[16];
    vel_dn_text(BYTES(0x30, 0), text, sizeof text);
    assert_string_equal(text, "(no name)");
    vel_dn_text(BYTES(0x30, 5), text, sizeof text);
    assert_string_equal(text, "(no name)");
    uint8_t der[100];
    struct vel_writer w = vel_writer(der, sizeof der);
    vel_dn_write(&w, vel_slice_text("a name that is cut"));
    vel_dn_text(vel_writer_slice(&w), text, sizeof text);
    assert_string_equal(text, "CN=a name that ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extensions),
        cmocka_unit_test(explicit_default),
        cmocka_unit_test(too_many_extensions),
        cmocka_unit_test(cut_everywhere),
        cmocka_unit_test(algorithms_must_agree),
        cmocka_unit_test(padded_serial),
        cmocka_unit_test(names_for_people),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
