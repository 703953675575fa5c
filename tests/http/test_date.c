/* SPDX-License-Identifier: MIT */
#include "http/date.h"

#include "testing/test.h"

static const struct {
    const char *text;
    int64_t seconds;
    enum vel_err err;
    bool fixdate; /* also what is written for `seconds` */
} rows[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777, VEL_OK, true},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777, VEL_OK, false},
    {"Sun Nov  6 08:49:37 1994", 784111777, VEL_OK, false},
    {"Wed Nov 16 08:49:37 1994", 784975777, VEL_OK, false},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0, VEL_OK, true},
    {"Wed, 31 Dec 1969 23:59:59 GMT", -1, VEL_OK, true},
    {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600, VEL_OK, true},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799, VEL_OK, true},
    {"Mon, 01 Jan 0001 00:00:00 GMT", -62135596800, VEL_OK, true},
    {"Sat, 21 Nov 2026 01:44:01 GMT", 1795225441, VEL_OK, true},
    {"", 0, VEL_ERR_MALFORMED, false},
    {"Sun", 0, VEL_ERR_MALFORMED, false},
    {"Sun, 06 Nov 1994 08:49:37 UTC", 0, VEL_ERR_MALFORMED, false},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", 0, VEL_ERR_MALFORMED, false},
    {"Sun, 31 Nov 1994 08:49:37 GMT", 0, VEL_ERR_MALFORMED, false},
    {"Mon, 29 Feb 1900 08:49:37 GMT", 0, VEL_ERR_MALFORMED, false},
    {"Sun, 00 Nov 1994 08:49:37 GMT", 0, VEL_ERR_MALFORMED, false},
    {"Sun, 06 Nov 1994 24:49:37 GMT", 0, VEL_ERR_MALFORMED, false},
    {"Sun, 06 Nov 0000 08:49:37 GMT", 0, VEL_ERR_MALFORMED, false},
    {"Sun, 06 nov 1994 08:49:37 GMT", 0, VEL_ERR_MALFORMED, false},
    {"Sun, 0a Nov 1994 08:49:37 GMT", 0, VEL_ERR_MALFORMED, false},
    {"Foo, 06 Nov 1994 08:49:37 GMT", 0, VEL_ERR_MALFORMED, false},
};

static void all_forms_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t seconds = 42;
        ASSERT_ERR(rows[i].text, vel_http_date_parse(vel_slice_text(rows[i].text), &seconds),
                   rows[i].err);
        CHECK(rows[i].text, seconds == (rows[i].err == VEL_OK ? rows[i].seconds : 42));
    }
}

static void one_form_is_written(void **state)
{
    (void)state;
    char text[VEL_HTTP_DATE_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rows[i].fixdate)
            continue;
        vel_http_date_write(rows[i].seconds, text);
        assert_string_equal(text, rows[i].text);
    }
    vel_http_date_write(INT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    vel_http_date_write(INT64_MIN, text);
    assert_string_equal(text, "Mon, 01 Jan 0001 00:00:00 GMT");
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    for (int64_t seconds = -3000000000; seconds < 9000000000; seconds += 86399 * 7) {
        char text[VEL_HTTP_DATE_SIZE];
        int64_t back = 0;
        vel_http_date_write(seconds, text);
        ASSERT_OK(vel_http_date_parse(vel_slice_text(text), &back));
        assert_int_equal(back, seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_are_read),
        cmocka_unit_test(one_form_is_written),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
