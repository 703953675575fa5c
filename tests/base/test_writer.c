/* SPDX-License-Identifier: MIT */
#include "base/writer.h"

#include "base/reader.h"
#include "base/units.h"
#include "testing/test.h"

static void varints_survive(void **state)
{
    (void)state;
    const uint64_t values[] = {0,     63,         64,         16383,
                               16384, 1073741823, 1073741824, UINT64_C(4611686018427387903)};
    const size_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8};
    for (size_t i = 0; i < VEL_COUNT(values); i++) {
        uint8_t bytes[8];
        struct vel_writer w = vel_writer(bytes, sizeof bytes);
        vel_write_varint(&w, values[i]);
        assert_true(vel_write_ok(&w));
        assert_int_equal(vel_written(&w), sizes[i]);
        struct vel_reader r = vel_reader(vel_writer_slice(&w));
        assert_int_equal(vel_read_varint(&r), values[i]);
        assert_true(vel_read_done(&r));
    }
}

static void what_does_not_fit_fails(void **state)
{
    (void)state;
    uint8_t bytes[4] = {0};
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    vel_write_varint(&w, UINT64_C(1) << 62);
    assert_false(vel_write_ok(&w));

    w = vel_writer(bytes, sizeof bytes);
    vel_write_uint(&w, 256, 1);
    assert_false(vel_write_ok(&w));

    w = vel_writer(bytes, 3);
    vel_write_uint(&w, 0x0a0b, 2);
    vel_write_uint(&w, 0x0c0d, 2);
    assert_false(vel_write_ok(&w));
    assert_int_equal(vel_written(&w), 2);
    assert_int_equal(bytes[2], 0);

    w = vel_writer(bytes, sizeof bytes);
    vel_write_varint_sized(&w, 64, 1);
    assert_false(vel_write_ok(&w));
}

static void vectors_nest(void **state)
{
    (void)state;
    uint8_t bytes[300];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    uint8_t *outer = vel_begin_vector(&w, 2);
    uint8_t *inner = vel_begin_vector(&w, 1);
    vel_write_uint(&w, 7, 1);
    vel_end_vector(&w, inner, 1);
    vel_end_vector(&w, outer, 2);
    assert_true(vel_write_ok(&w));
    assert_true(vel_slice_equal(vel_writer_slice(&w), BYTES(0, 2, 1, 7)));

    w = vel_writer(bytes, sizeof bytes);
    uint8_t *mark = vel_begin_vector(&w, 1);
    vel_write_fill(&w, 0, 256);
    vel_end_vector(&w, mark, 1);
    assert_false(vel_write_ok(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_survive),
        cmocka_unit_test(what_does_not_fit_fails),
        cmocka_unit_test(vectors_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
