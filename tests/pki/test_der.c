/* SPDX-License-Identifier: MIT */
#include "pki/der.h"

#include "base/units.h"
#include "testing/test.h"

static void strict_elements(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice bytes;
        bool ok;
        size_t contents;
    } rows[] = {
        {"short length", BYTES(0x04, 0x02, 1, 2), true, 2},
        {"empty", BYTES(0x04, 0x00), true, 0},
        {"nothing", BYTES(0x04), false, 0},
        {"cut contents", BYTES(0x04, 0x03, 1, 2), false, 0},
        {"another tag", BYTES(0x02, 0x01, 1), false, 0},
        {"indefinite", BYTES(0x04, 0x80, 0, 0), false, 0},
        {"long form of a short length", BYTES(0x04, 0x81, 0x02, 1, 2), false, 0},
        {"leading zero in the length", BYTES(0x04, 0x82, 0x00, 0x81), false, 0},
        {"length of five bytes", BYTES(0x04, 0x85, 1, 0, 0, 0, 0), false, 0},
        {"length past the end", BYTES(0x04, 0x84, 0xff, 0xff, 0xff, 0xff), false, 0},
        {"tag of two bytes", BYTES(0x1f, 0x04, 0x00), false, 0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_reader r = vel_reader(rows[i].bytes);
        CHECK(rows[i].what, vel_der_read(&r, VEL_DER_OCTET_STRING).len == rows[i].contents);
        CHECK(rows[i].what, vel_read_done(&r) == rows[i].ok);
    }
}

static void strict_values(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice bytes;
        bool ok;
        uint32_t value;
    } rows[] = {
        {"true", BYTES(0x01, 0x01, 0xff), true, 1},
        {"false", BYTES(0x01, 0x01, 0x00), true, 0},
        {"true as BER has it", BYTES(0x01, 0x01, 0x01), false, 0},
        {"boolean of two bytes", BYTES(0x01, 0x02, 0xff, 0xff), false, 0},
        {"integer", BYTES(0x02, 0x02, 0x01, 0x00), true, 256},
        {"integer with its zero", BYTES(0x02, 0x02, 0x00, 0x80), true, 128},
        {"padded integer", BYTES(0x02, 0x02, 0x00, 0x7f), false, 0},
        {"negative integer", BYTES(0x02, 0x01, 0x80), false, 0},
        {"empty integer", BYTES(0x02, 0x00), false, 0},
        {"large integer", BYTES(0x02, 0x05, 1, 0, 0, 0, 0), false, 0},
        {"bits", BYTES(0x03, 0x02, 0x07, 0x80), true, 0x80},
        {"no bits", BYTES(0x03, 0x01, 0x00), true, 0},
        {"no bits, some unused", BYTES(0x03, 0x01, 0x01), false, 0},
        {"unused bit set", BYTES(0x03, 0x02, 0x01, 0x81), false, 0},
        {"eight unused bits", BYTES(0x03, 0x02, 0x08, 0x00), false, 0},
        {"no unused count", BYTES(0x03, 0x00), false, 0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_reader r = vel_reader(rows[i].bytes);
        uint32_t value = 0;
        unsigned unused = 0;
        if (vel_der_next(&r, VEL_DER_BOOLEAN)) {
            value = vel_der_bool(&r);
        } else if (vel_der_next(&r, VEL_DER_INTEGER)) {
            value = vel_der_uint(&r);
        } else {
            struct vel_slice bits = vel_der_bits(&r, &unused);
            value = bits.len > 0 ? bits.ptr[0] : 0;
        }
        CHECK(rows[i].what, value == rows[i].value);
        CHECK(rows[i].what, vel_read_done(&r) == rows[i].ok);
    }
}

static void keys_are_whole_bytes(void **state)
{
    (void)state;
    struct vel_reader r = vel_reader(BYTES(0x03, 0x02, 0x07, 0x80));
    vel_der_bytes(&r);
    assert_false(vel_read_ok(&r));
}

/* Every size around a change of the length field, written and read again, nested. */
static void written_is_read(void **state)
{
    (void)state;
    static uint8_t body[70000];
    static uint8_t out[sizeof body + 16];
    const size_t sizes[] = {0, 1, 126, 127, 128, 129, 255, 256, 257, 65535, 65536, sizeof body};
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < VEL_COUNT(sizes); i++) {
        struct vel_writer w = vel_writer(out, sizeof out);
        uint8_t *outer = vel_der_begin(&w, VEL_DER_SEQUENCE);
        vel_der_write(&w, VEL_DER_OCTET_STRING, vel_slice(body, sizes[i]));
        vel_der_end(&w, outer);
        assert_true(vel_write_ok(&w));

        struct vel_reader whole = vel_reader(vel_writer_slice(&w));
        struct vel_reader inner = vel_der_enter(&whole, VEL_DER_SEQUENCE);
        struct vel_slice got = vel_der_read(&inner, VEL_DER_OCTET_STRING);
        assert_true(vel_read_done(&inner) && vel_read_done(&whole));
        assert_true(vel_slice_equal(got, vel_slice(body, sizes[i])));
    }
}

static void no_room(void **state)
{
    (void)state;
    uint8_t out[200];
    static const uint8_t body[198];
    for (size_t room = 0; room < 201; room++) {
        struct vel_writer w = vel_writer(out, VEL_MIN(room, sizeof out));
        vel_der_write(&w, VEL_DER_OCTET_STRING, vel_slice(body, sizeof body));
        assert_false(vel_write_ok(&w)); /* needs 201 */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_elements),
        cmocka_unit_test(strict_values),
        cmocka_unit_test(keys_are_whole_bytes),
        cmocka_unit_test(written_is_read),
        cmocka_unit_test(no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
