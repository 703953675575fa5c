/* SPDX-License-Identifier: MIT */
#include "qlog/json.h"

#include <string.h>

#include "testing/test.h"

static const struct {
    const char *what;
    struct vel_slice text;
    const char *json;
} texts[] = {
    {"empty", {0}, "\"\""},
    {"plain", {(const uint8_t *)"abc", 3}, "\"abc\""},
    {"quote and backslash", {(const uint8_t *)"\"\\/", 3}, "\"\\\"\\\\/\""},
    {"controls", {(const uint8_t *)"\0\n\x1e\x7f", 4}, "\"\\u0000\\u000a\\u001e\\u007f\""},
    {"UTF-8 of each length", {(const uint8_t *)"é€𝄞", 9}, "\"é€𝄞\""},
    {"control of a terminal", {(const uint8_t *)"\xc2\x9b", 2}, "\"\\u009b\""},
    {"no-break space", {(const uint8_t *)"\xc2\xa0", 2}, "\"\xc2\xa0\""},
    {"lone continuation", {(const uint8_t *)"a\x80z", 3}, "\"a\\ufffdz\""},
    {"overlong", {(const uint8_t *)"\xc0\xaf", 2}, "\"\\ufffd\\ufffd\""},
    {"overlong of three", {(const uint8_t *)"\xe0\x9f\xbf", 3}, "\"\\ufffd\\ufffd\\ufffd\""},
    {"surrogate", {(const uint8_t *)"\xed\xa0\x80", 3}, "\"\\ufffd\\ufffd\\ufffd\""},
    {"above U+10FFFF",
     {(const uint8_t *)"\xf4\x90\x80\x80", 4},
     "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
    {"cut short", {(const uint8_t *)"\xe2\x82", 2}, "\"\\ufffd\\ufffd\""},
};

static void assert_json(const char *what, const struct vel_json *j, const char *want)
{
    CHECK(what, vel_write_ok(&j->w));
    CHECK(what, vel_slice_equal(vel_writer_slice(&j->w), vel_slice_text(want)));
}

static void texts_are_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t space[100];
        struct vel_json j = vel_json(space, sizeof space);
        vel_json_text(&j, NULL, texts[i].text);
        assert_json(texts[i].what, &j, texts[i].json);
    }
}

static void values_are_nested_and_separated(void **state)
{
    (void)state;
    uint8_t space[200];
    struct vel_json j = vel_json(space, sizeof space);
    vel_json_open(&j, NULL, '{');
    vel_json_word(&j, "a", "b");
    vel_json_open(&j, "list", '[');
    vel_json_uint(&j, NULL, 1);
    vel_json_open(&j, NULL, '{');
    vel_json_close(&j, '}');
    vel_json_bool(&j, NULL, false);
    vel_json_close(&j, ']');
    vel_json_hex(&j, "id", BYTES(0x0a, 0xff));
    vel_json_close(&j, '}');
    assert_json("nested", &j, "{\"a\":\"b\",\"list\":[1,{},false],\"id\":\"0aff\"}");
}

static void numbers_keep_their_value(void **state)
{
    (void)state;
    uint8_t space[200];
    struct vel_json j = vel_json(space, sizeof space);
    vel_json_open(&j, NULL, '[');
    vel_json_uint(&j, NULL, 0);
    vel_json_uint(&j, NULL, (UINT64_C(1) << 53) - 1);
    vel_json_uint(&j, NULL, UINT64_C(1) << 53);
    vel_json_uint(&j, NULL, UINT64_MAX);
    vel_json_close(&j, ']');
    assert_json("integers", &j,
                "[0,9007199254740991,\"9007199254740992\",\"18446744073709551615\"]");
    j = vel_json(space, sizeof space);
    vel_json_open(&j, NULL, '[');
    vel_json_ms(&j, NULL, 0);
    vel_json_ms(&j, NULL, 1);
    vel_json_ms(&j, NULL, 1500000);
    vel_json_ms(&j, NULL, -2000001);
    vel_json_ms(&j, NULL, INT64_MIN);
    vel_json_close(&j, ']');
    assert_json("times", &j, "[0,0.000001,1.5,-2.000001,-9223372036854.775808]");
}

/* At every size short of enough the writer fails and stays inside. */
static void what_does_not_fit_fails(void **state)
{
    (void)state;
    const char *whole = "{\"key\":\"a\\u0001\\ufffd\",\"n\":12.5}";
    for (size_t size = 0; size <= strlen(whole); size++) {
        uint8_t space[64];
        memset(space, 0x55, sizeof space);
        struct vel_json j = vel_json(space, size);
        vel_json_open(&j, NULL, '{');
        vel_json_text(&j, "key", BYTES('a', 1, 0xff));
        vel_json_ms(&j, "n", 12500000);
        vel_json_close(&j, '}');
        assert_true(vel_write_ok(&j.w) == (size == strlen(whole)));
        assert_int_equal(space[size], 0x55);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(values_are_nested_and_separated),
        cmocka_unit_test(numbers_keep_their_value),
        cmocka_unit_test(what_does_not_fit_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
