/* SPDX-License-Identifier: MIT */
#include "web/range.h"

#include "testing/test.h"

static const struct {
    const char *value;
    uint64_t size;
    enum vel_range kind;
    uint64_t first, count;
} rows[] = {
    {"bytes=0-0", 10, VEL_RANGE_PART, 0, 1},
    {"bytes=0-9", 10, VEL_RANGE_PART, 0, 10},
    {"bytes=0-10", 10, VEL_RANGE_PART, 0, 10},
    {"bytes=0-99999999999999999999999", 10, VEL_RANGE_PART, 0, 10},
    {"bytes=3-5", 10, VEL_RANGE_PART, 3, 3},
    {"bytes=9-", 10, VEL_RANGE_PART, 9, 1},
    {"bytes=0-", 10, VEL_RANGE_PART, 0, 10},
    {"Bytes=0-", 10, VEL_RANGE_PART, 0, 10},
    {"bytes= 1-2", 10, VEL_RANGE_PART, 1, 2},
    {"bytes=-1", 10, VEL_RANGE_PART, 9, 1},
    {"bytes=-10", 10, VEL_RANGE_PART, 0, 10},
    {"bytes=-11", 10, VEL_RANGE_PART, 0, 10},
    {"bytes=-99999999999999999999999", 10, VEL_RANGE_PART, 0, 10},
    {"bytes=10-", 10, VEL_RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=10-12", 10, VEL_RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=99999999999999999999999-", 10, VEL_RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=-0", 10, VEL_RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=0-", 0, VEL_RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=-5", 0, VEL_RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=5-3", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes=-", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes=", 10, VEL_RANGE_WHOLE, 0, 0},
    {" ", 10, VEL_RANGE_WHOLE, 0, 0},
    {"12", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes", 10, VEL_RANGE_WHOLE, 0, 0},
    {"", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes=1", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes=a-b", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes=1-2x", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes=0-1,3-4", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes=0-1, 3-4", 10, VEL_RANGE_WHOLE, 0, 0},
    {"bytes=--1", 10, VEL_RANGE_WHOLE, 0, 0},
    {"lines=0-1", 10, VEL_RANGE_WHOLE, 0, 0},
};

static void ranges_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t first = 0, count = 0;
        enum vel_range kind =
            vel_range_parse(vel_slice_text(rows[i].value), rows[i].size, &first, &count);
        CHECK(rows[i].value, kind == rows[i].kind);
        CHECK(rows[i].value, first == rows[i].first);
        CHECK(rows[i].value, count == rows[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
