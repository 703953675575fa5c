/* SPDX-License-Identifier: MIT */
#include "pki/time.h"

#include "base/units.h"
#include "pki/der.h"
#include "testing/test.h"

static void both_ways(void **state)
{
    (void)state;
    const struct {
        const char *der; /* contents */
        int64_t unix_time;
        const char *text;
    } rows[] = {
        {"500101000000Z", -631152000, "1950-01-01T00:00:00Z"},
        {"691231235959Z", -1, "1969-12-31T23:59:59Z"},
        {"700101000000Z", 0, "1970-01-01T00:00:00Z"},
        {"000229120000Z", 951825600, "2000-02-29T12:00:00Z"},
        {"270115080000Z", 1800000000, "2027-01-15T08:00:00Z"},
        {"491231235959Z", 2524607999, "2049-12-31T23:59:59Z"},
        {"20500101000000Z", 2524608000, "2050-01-01T00:00:00Z"},
        {"21000301000000Z", 4107542400, "2100-03-01T00:00:00Z"},
        {"99991231235959Z", VEL_CERT_TIME_MAX, "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t out[32];
        char text[VEL_TIME_TEXT];
        struct vel_writer w = vel_writer(out, sizeof out);
        vel_write_time(&w, rows[i].unix_time);
        assert_true(vel_write_ok(&w));
        CHECK(rows[i].der, vel_slice_equal(vel_slice(out + 2, vel_written(&w) - 2),
                                           vel_slice_text(rows[i].der)));
        struct vel_reader r = vel_reader(vel_writer_slice(&w));
        CHECK(rows[i].der, vel_read_time(&r) == rows[i].unix_time && vel_read_done(&r));
        vel_time_text(rows[i].unix_time, text);
        assert_string_equal(text, rows[i].text);
    }
}

/* Every day of a leap cycle goes there and back. */
static void every_day(void **state)
{
    (void)state;
    for (int64_t t = -631152000; t < -631152000 + INT64_C(86400) * 146097; t += 86400) {
        uint8_t out[32];
        struct vel_writer w = vel_writer(out, sizeof out);
        vel_write_time(&w, t);
        struct vel_reader r = vel_reader(vel_writer_slice(&w));
        assert_true(vel_read_time(&r) == t && vel_read_done(&r));
    }
}

static void refused(void **state)
{
    (void)state;
    const struct {
        uint8_t tag;
        const char *text;
    } rows[] = {
        {VEL_DER_UTC_TIME, "270229000000Z"},  {VEL_DER_UTC_TIME, "271301000000Z"},
        {VEL_DER_UTC_TIME, "270001000000Z"},  {VEL_DER_UTC_TIME, "270132000000Z"},
        {VEL_DER_UTC_TIME, "270100000000Z"},  {VEL_DER_UTC_TIME, "270101240000Z"},
        {VEL_DER_UTC_TIME, "270101006000Z"},  {VEL_DER_UTC_TIME, "270101000060Z"},
        {VEL_DER_UTC_TIME, "2701010000Z"},    {VEL_DER_UTC_TIME, "270101000000+0100"},
        {VEL_DER_UTC_TIME, "270101000000"},   {VEL_DER_UTC_TIME, "27010100000aZ"},
        {VEL_DER_UTC_TIME, "270101000000Z "}, {VEL_DER_TIME, "20500101000000.5Z"},
        {VEL_DER_TIME, "20500101000000"},     {VEL_DER_IA5, "270101000000Z"},
        {VEL_DER_TIME, "270101000000Z"},      {VEL_DER_UTC_TIME, ""},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t out[40];
        struct vel_writer w = vel_writer(out, sizeof out);
        vel_der_write(&w, rows[i].tag, vel_slice_text(rows[i].text));
        struct vel_reader r = vel_reader(vel_writer_slice(&w));
        vel_read_time(&r);
        CHECK(rows[i].text, !vel_read_ok(&r));
    }
    uint8_t out[40];
    struct vel_writer w = vel_writer(out, sizeof out);
    vel_write_time(&w, VEL_CERT_TIME_MAX + 1);
    assert_false(vel_write_ok(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(every_day),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
