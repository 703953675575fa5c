/* SPDX-License-Identifier: MIT */
#include "base/reader.h"

#include "base/units.h"
#include "testing/test.h"

/* RFC 9000 A.1: the examples of the variable-length integer. */
static void varint_examples(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice bytes;
        uint64_t want;
    } rows[] = {
        {"eight bytes", BYTES(0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c), 151288809941952652},
        {"four bytes", BYTES(0x9d, 0x7f, 0x3e, 0x7d), 494878333},
        {"two bytes", BYTES(0x7b, 0xbd), 15293},
        {"one byte", BYTES(0x25), 37},
        {"one in two", BYTES(0x40, 0x25), 37},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_reader r = vel_reader(rows[i].bytes);
        CHECK(rows[i].what, vel_read_varint(&r) == rows[i].want);
        CHECK(rows[i].what, vel_read_done(&r));
    }
}

static void failure_sticks(void **state)
{
    (void)state;
    struct vel_reader r = vel_reader(BYTES(1, 2, 3));
    assert_int_equal(vel_read_uint(&r, 2), 0x0102);
    assert_int_equal(vel_read_uint(&r, 2), 0);
    assert_false(vel_read_ok(&r));
    assert_int_equal(vel_read_uint(&r, 1), 0);
    assert_int_equal(vel_read_bytes(&r, 1).len, 0);
    assert_false(vel_read_done(&r));
}

static void lengths_past_the_end(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice bytes;
        size_t size;
    } rows[] = {
        {"vector of 1 with no body", BYTES(1), 1},
        {"vector length cut", BYTES(0), 2},
        {"largest length", BYTES(0xff, 0xff, 0xff, 1), 3},
        {"empty", BYTES(0), 3},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_reader r = vel_reader(rows[i].bytes);
        CHECK(rows[i].what, vel_read_vector(&r, rows[i].size).len == 0);
        CHECK(rows[i].what, !vel_read_ok(&r));
    }
    struct vel_reader nothing = vel_reader((struct vel_slice){0});
    assert_int_equal(vel_read_varint(&nothing), 0);
    assert_false(vel_read_ok(&nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varint_examples),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(lengths_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
