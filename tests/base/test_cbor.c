/* SPDX-License-Identifier: MIT */
#include "base/cbor.h"

#include "base/units.h"
#include "testing/test.h"

/* RFC 8949, appendix A: what it holds of our types. VEL-FB-01 */
static const struct {
    const char *hex;
    enum vel_cbor_major major;
    uint64_t value;
} heads[] = {
    {"00", VEL_CBOR_UINT, 0},
    {"01", VEL_CBOR_UINT, 1},
    {"0a", VEL_CBOR_UINT, 10},
    {"17", VEL_CBOR_UINT, 23},
    {"1818", VEL_CBOR_UINT, 24},
    {"1819", VEL_CBOR_UINT, 25},
    {"1864", VEL_CBOR_UINT, 100},
    {"18ff", VEL_CBOR_UINT, 255},
    {"190100", VEL_CBOR_UINT, 256},
    {"1903e8", VEL_CBOR_UINT, 1000},
    {"19ffff", VEL_CBOR_UINT, 65535},
    {"1a00010000", VEL_CBOR_UINT, 65536},
    {"1a000f4240", VEL_CBOR_UINT, 1000000},
    {"1affffffff", VEL_CBOR_UINT, UINT32_MAX},
    {"1b0000000100000000", VEL_CBOR_UINT, UINT64_C(1) << 32},
    {"1b000000e8d4a51000", VEL_CBOR_UINT, 1000000000000},
    {"1bffffffffffffffff", VEL_CBOR_UINT, UINT64_MAX},
    {"40", VEL_CBOR_BYTES, 0},
    {"60", VEL_CBOR_TEXT, 0},
    {"80", VEL_CBOR_ARRAY, 0},
    {"9819", VEL_CBOR_ARRAY, 25},
    {"a0", VEL_CBOR_MAP, 0},
    {"a5", VEL_CBOR_MAP, 5},
};

static void heads_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(heads); i++) {
        uint8_t want[16], got[16];
        size_t size = test_unhex(heads[i].hex, want, sizeof want);
        struct vel_writer w = vel_writer(got, sizeof got);
        vel_cbor_write_head(&w, heads[i].major, heads[i].value);
        CHECK(heads[i].hex, vel_slice_equal(vel_writer_slice(&w), vel_slice(want, size)));
        struct vel_reader r = vel_reader(vel_slice(want, size));
        CHECK(heads[i].hex, vel_cbor_read_head(&r, heads[i].major) == heads[i].value);
        CHECK(heads[i].hex, vel_read_done(&r));
    }
}

static void refuses_other_heads(void **state)
{
    (void)state;
    static const struct {
        const char *what, *hex;
        enum vel_cbor_major major;
    } rows[] = {
        {"nothing", "", VEL_CBOR_UINT},
        {"another type", "20", VEL_CBOR_UINT},
        {"a text for a byte string", "60", VEL_CBOR_BYTES},
        {"a value cut off", "18", VEL_CBOR_UINT},
        {"a value cut off", "1b00000000000000", VEL_CBOR_UINT},
        {"23 in two bytes", "1817", VEL_CBOR_UINT},
        {"255 in three bytes", "1900ff", VEL_CBOR_UINT},
        {"65535 in five bytes", "1a0000ffff", VEL_CBOR_UINT},
        {"2^32 - 1 in nine bytes", "1b00000000ffffffff", VEL_CBOR_UINT},
        {"a reserved head", "1c", VEL_CBOR_UINT},
        {"a reserved head", "1e", VEL_CBOR_UINT},
        {"an indefinite string", "5f", VEL_CBOR_BYTES},
        {"an indefinite array", "9f", VEL_CBOR_ARRAY},
        {"an indefinite map", "bf", VEL_CBOR_MAP},
        {"a tag", "c0", VEL_CBOR_UINT},
        {"null", "f6", VEL_CBOR_UINT},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t bytes[16];
        struct vel_reader r =
            vel_reader(vel_slice(bytes, test_unhex(rows[i].hex, bytes, sizeof bytes)));
        CHECK(rows[i].what, vel_cbor_read_head(&r, rows[i].major) == 0);
        CHECK(rows[i].what, !vel_read_ok(&r));
    }
}

static void strings_lie_inside(void **state)
{
    (void)state;
    uint8_t bytes[16];
    struct vel_reader r = vel_reader(vel_slice(bytes, test_unhex("63616263", bytes, 16)));
    struct vel_slice text = vel_cbor_read_string(&r, VEL_CBOR_TEXT);
    assert_true(vel_slice_equal(text, vel_slice_text("abc")));
    assert_true(vel_read_done(&r));

    r = vel_reader(vel_slice(bytes, test_unhex("646162", bytes, 16)));
    assert_int_equal(vel_cbor_read_string(&r, VEL_CBOR_TEXT).len, 0);
    assert_false(vel_read_ok(&r));
    r = vel_reader(vel_slice(bytes, test_unhex("5bffffffffffffffff", bytes, 16)));
    assert_int_equal(vel_cbor_read_string(&r, VEL_CBOR_BYTES).len, 0);
    assert_false(vel_read_ok(&r));
}

static void keys_are_the_ones_named(void **state)
{
    (void)state;
    uint8_t bytes[16];
    size_t size = test_unhex("63616263 01", bytes, sizeof bytes);
    struct vel_reader r = vel_reader(vel_slice(bytes, size));
    vel_cbor_read_key(&r, "abc");
    assert_int_equal(vel_cbor_read_head(&r, VEL_CBOR_UINT), 1);
    assert_true(vel_read_done(&r));
    r = vel_reader(vel_slice(bytes, size));
    vel_cbor_read_key(&r, "abd");
    assert_false(vel_read_ok(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_go_both_ways),
        cmocka_unit_test(refuses_other_heads),
        cmocka_unit_test(strings_lie_inside),
        cmocka_unit_test(keys_are_the_ones_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
