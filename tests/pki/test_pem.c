/* SPDX-License-Identifier: MIT */
#include "pki/pem.h"

#include "base/units.h"
#include "testing/test.h"

#define CERT(body) "-----BEGIN CERTIFICATE-----\n" body "-----END CERTIFICATE-----\n"

static void blocks(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *text;
        enum vel_err want;
        const char *bytes;
    } rows[] = {
        {"three bytes", CERT("YWJj\n"), VEL_OK, "abc"},
        {"two bytes", CERT("YWI=\n"), VEL_OK, "ab"},
        {"one byte", CERT("YQ==\n"), VEL_OK, "a"},
        {"other line ends", CERT("YW\r\nJj \t\r\n"), VEL_OK, "abc"},
        {"text around", "words\n" CERT("YWJj\n") "words", VEL_OK, "abc"},
        {"other label before",
         "-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n" CERT("YQ==\n"), VEL_OK,
         "a"},
        {"nothing", "", VEL_ERR_NOT_FOUND, NULL},
        {"only text", "no certificate here", VEL_ERR_NOT_FOUND, NULL},
        {"no end", "-----BEGIN CERTIFICATE-----\nYWJj\n", VEL_ERR_MALFORMED, NULL},
        {"empty", CERT("\n"), VEL_ERR_MALFORMED, NULL},
        {"cut group", CERT("YWJ\n"), VEL_ERR_MALFORMED, NULL},
        {"padding too early", CERT("Y===\n"), VEL_ERR_MALFORMED, NULL},
        {"padding inside", CERT("YQ==YQ==\n"), VEL_ERR_MALFORMED, NULL},
        {"three pads", CERT("YQ===\n"), VEL_ERR_MALFORMED, NULL},
        {"digit after a pad", CERT("YQ=a\n"), VEL_ERR_MALFORMED, NULL},
        {"unused bits set", CERT("YR==\n"), VEL_ERR_MALFORMED, NULL},
        {"not base64", CERT("YW-j\n"), VEL_ERR_MALFORMED, NULL},
        {"header line", CERT("Proc-Type: 4\n\nYWJj\n"), VEL_ERR_MALFORMED, NULL},
    };
    struct test_env t;
    test_env_init(&t, 1);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_buf der = {.env = &t.env, .limit = 64};
        struct vel_reader text = vel_reader(vel_slice_text(rows[i].text));
        const uint8_t *start = text.pos;
        ASSERT_ERR(rows[i].what, vel_pem_next(&text, VEL_PEM_CERTIFICATE, &der), rows[i].want);
        CHECK(rows[i].what, vel_slice_equal(vel_buf_slice(&der), vel_slice_text(rows[i].bytes)));
        CHECK(rows[i].what, (text.pos == start) == (rows[i].want != VEL_OK));
        vel_buf_free(&der);
    }
    test_env_done(&t);
}

static void written_is_read(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 2);
    uint8_t bytes[200];
    vel_random(&t.env, bytes, sizeof bytes);
    struct vel_buf text = {.env = &t.env, .limit = 1 << 17};
    for (size_t size = 1; size <= sizeof bytes; size++)
        ASSERT_OK(vel_pem_append(&text, VEL_PEM_PRIVATE_KEY, vel_slice(bytes, size)));
    struct vel_reader r = vel_reader(vel_buf_slice(&text));
    for (size_t size = 1; size <= sizeof bytes; size++) {
        struct vel_buf der = {.env = &t.env, .limit = 300};
        ASSERT_OK(vel_pem_next(&r, VEL_PEM_PRIVATE_KEY, &der));
        assert_true(vel_slice_equal(vel_buf_slice(&der), vel_slice(bytes, size)));
        vel_buf_free(&der);
    }
    vel_buf_free(&text);
    test_env_done(&t);
}

static void the_next_label_is_known(void **state)
{
    (void)state;
    static const char *const labels[] = {"A", "B C"};
#define BLOCK(label) "-----BEGIN " label "-----\nYWJj\n-----END " label "-----\n"
    static const struct {
        const char *text;
        const char *label;
    } rows[] = {
        {"", NULL},
        {BLOCK("A"), "A"},
        {BLOCK("B C") BLOCK("A"), "B C"},
        {BLOCK("A") BLOCK("B C"), "A"},
        {BLOCK("C") BLOCK("X A") "words\n" BLOCK("B C"), "B C"},
        {BLOCK("C") BLOCK("AB"), NULL},
    };
#undef BLOCK
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        const char *label = vel_pem_peek(vel_slice_text(rows[i].text), labels, VEL_COUNT(labels));
        CHECK(rows[i].text, (label == NULL) == (rows[i].label == NULL));
        CHECK(rows[i].text, label == NULL || strcmp(label, rows[i].label) == 0);
    }
}

static void limits(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 3);
    struct vel_buf small = {.env = &t.env, .limit = 4};
    struct vel_reader text = vel_reader(vel_slice_text(CERT("YWJjYWJjYWJj\n")));
    ASSERT_ERR("read", vel_pem_next(&text, VEL_PEM_CERTIFICATE, &small), VEL_ERR_LIMIT);
    ASSERT_ERR("written", vel_pem_append(&small, VEL_PEM_CERTIFICATE, BYTES(1)), VEL_ERR_LIMIT);
    assert_int_equal(small.len, 0);
    vel_buf_free(&small);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(written_is_read),
        cmocka_unit_test(the_next_label_is_known),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
