/* SPDX-License-Identifier: MIT */
#include "transport/packet.h"

#include "testing/test.h"
#include "velocity/config.h"

#define V1 0, 0, 0, 1
#define DRAFT 0x56, 0x55, 0x31, 0x02
#define TAG 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define CID20 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20

static void parses_packets(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice datagram;
        enum vel_err want;
        enum vel_packet_type type;
        size_t number_offset, size;
    } rows[] = {
        {"smallest handshake", BYTES(0xe0, V1, 0, 0, 1, 0xaa), VEL_OK, VEL_PACKET_HANDSHAKE, 8, 9},
        {"ours", BYTES(0xe0, DRAFT, 0, 0, 1, 0xaa), VEL_OK, VEL_PACKET_HANDSHAKE, 8, 9},
        {"0-RTT", BYTES(0xd0, V1, 0, 0, 1, 0xaa), VEL_OK, VEL_PACKET_ZERO_RTT, 8, 9},
        {"another packet follows", BYTES(0xe0, V1, 0, 0, 1, 0xaa, 0x40), VEL_OK,
         VEL_PACKET_HANDSHAKE, 8, 9},
        {"initial with token", BYTES(0xc0, V1, 0, 0, 2, 7, 7, 1, 0xaa), VEL_OK, VEL_PACKET_INITIAL,
         11, 12},
        {"20-byte ids", BYTES(0xe0, V1, 20, CID20, 20, CID20, 0), VEL_OK, VEL_PACKET_HANDSHAKE, 48,
         48},
        {"retry", BYTES(0xf0, V1, 0, 0, 7, TAG), VEL_OK, VEL_PACKET_RETRY, 0, 24},
        {"negotiation", BYTES(0x80, 0, 0, 0, 0, 0, 1, 7, V1), VEL_OK,
         VEL_PACKET_VERSION_NEGOTIATION, 0, 12},
        {"short", BYTES(0x40, 1, 2, 3, 4, 5, 6, 7, 8, 9), VEL_OK, VEL_PACKET_ONE_RTT, 9, 10},
        {"empty", BYTES(0xe0), VEL_ERR_MALFORMED, 0, 0, 0},
        {"unknown version", BYTES(0xe0, 0xa, 0xa, 0xa, 0xa, 0, 0), VEL_ERR_UNSUPPORTED, 0, 0, 0},
        {"length past the end", BYTES(0xe0, V1, 0, 0, 2, 0xaa), VEL_ERR_MALFORMED, 0, 0, 0},
        {"token past the end", BYTES(0xc0, V1, 0, 0, 9, 7, 1, 0xaa), VEL_ERR_MALFORMED, 0, 0, 0},
        {"fixed bit clear", BYTES(0xa0, V1, 0, 0, 1, 0xaa), VEL_ERR_MALFORMED, 0, 0, 0},
        {"8-byte varint cut", BYTES(0xe0, V1, 0, 0, 0xff, 0xff), VEL_ERR_MALFORMED, 0, 0, 0},
        {"id of 21 bytes", BYTES(0xe0, V1, 21, 0, CID20, 0, 1, 0xaa), VEL_ERR_MALFORMED, 0, 0, 0},
        {"id runs off the end", BYTES(0xe0, V1, 5), VEL_ERR_MALFORMED, 0, 0, 0},
        {"retry without token", BYTES(0xf0, V1, 0, 0, TAG), VEL_ERR_MALFORMED, 0, 0, 0},
        {"negotiation of nothing", BYTES(0x80, 0, 0, 0, 0, 0, 0), VEL_ERR_MALFORMED, 0, 0, 0},
        {"uneven list", BYTES(0x80, 0, 0, 0, 0, 0, 0, V1, 1), VEL_ERR_MALFORMED, 0, 0, 0},
        {"short, fixed bit clear", BYTES(0x00, 1, 2, 3, 4, 5, 6, 7, 8), VEL_ERR_MALFORMED, 0, 0, 0},
        {"short, id cut", BYTES(0x40, 1, 2, 3, 4, 5, 6, 7), VEL_ERR_MALFORMED, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vel_packet_header h = {0};
        ASSERT_ERR(rows[i].what, vel_packet_parse(rows[i].datagram, &h), rows[i].want);
        CHECK(rows[i].what, h.type == rows[i].type);
        CHECK(rows[i].what, h.number_offset == rows[i].number_offset);
        CHECK(rows[i].what, h.size == rows[i].size);
    }
    struct vel_packet_header h;
    ASSERT_ERR("no bytes", vel_packet_parse((struct vel_slice){0}, &h), VEL_ERR_MALFORMED);
}

/* An unknown version may have longer ids, and must still be answered (RFC 8999). */
static void invariants_of_any_version(void **state)
{
    (void)state;
    uint8_t datagram[1 + 4 + 1 + 200 + 1 + 255] = {0x80, 0xba, 0xba, 0xba, 0xba, 200, [6] = 42};
    datagram[206] = 255;
    struct vel_invariants v = {0};
    ASSERT_OK(vel_packet_invariants(vel_slice(datagram, sizeof datagram), &v));
    assert_true(v.is_long);
    assert_int_equal(v.version, 0xbabababa);
    assert_int_equal(v.dcid.len, 200);
    assert_int_equal(v.dcid.ptr[0], 42);
    assert_int_equal(v.scid.len, 255);
    ASSERT_ERR("cut", vel_packet_invariants(vel_slice(datagram, sizeof datagram - 1), &v),
               VEL_ERR_MALFORMED);

    ASSERT_OK(vel_packet_invariants(BYTES(0x7f, 1, 2, 3, 4, 5, 6, 7, 8), &v));
    assert_false(v.is_long);
    assert_int_equal(v.dcid.len, VEL_CID_OURS);

    uint8_t answer[1024];
    struct vel_writer w = vel_writer(answer, sizeof answer);
    static const uint32_t versions[] = {VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V1};
    vel_packet_write_version_negotiation(&w, v.dcid, v.scid, versions, 2, 0x12345678);
    struct vel_packet_header h;
    ASSERT_OK(vel_packet_parse(vel_writer_slice(&w), &h));
    assert_int_equal(h.type, VEL_PACKET_VERSION_NEGOTIATION);
    assert_true(vel_slice_equal(h.scid, v.dcid));
    assert_int_equal(h.dcid.len, 0);
    assert_true(vel_slice_equal(h.versions, BYTES(0x1a, 0x3a, 0x5a, 0x7a, DRAFT, V1)));
}

static void writes_what_it_parses(void **state)
{
    (void)state;
    struct vel_cid dcid = vel_cid(BYTES(1, 2, 3, 4, 5, 6, 7, 8));
    struct vel_cid scid = vel_cid(BYTES(9));
    struct vel_slice token = BYTES(0xaa, 0xbb);
    static const enum vel_packet_type types[] = {VEL_PACKET_INITIAL, VEL_PACKET_ZERO_RTT,
                                                 VEL_PACKET_HANDSHAKE};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint8_t bytes[100];
        struct vel_writer w = vel_writer(bytes, sizeof bytes);
        vel_packet_write_long(&w, &vel_versions[0], types[i], &dcid, &scid, token, 0x12345, 3);
        size_t header_size = vel_written(&w);
        struct vel_packet_header h;
        bytes[header_size - 4] = 3; /* the Length, which sealing would write */
        ASSERT_OK(vel_packet_parse(vel_writer_slice(&w), &h));
        assert_int_equal(h.type, types[i]);
        assert_ptr_equal(h.version, &vel_versions[0]);
        assert_true(vel_slice_equal(h.dcid, vel_cid_slice(&dcid)));
        assert_true(vel_slice_equal(h.scid, vel_cid_slice(&scid)));
        assert_int_equal(h.token.len, types[i] == VEL_PACKET_INITIAL ? 2 : 0);
        assert_int_equal(h.number_offset, header_size - 3);
        assert_int_equal(h.size, header_size);
        assert_memory_equal(bytes + h.number_offset, "\x01\x23\x45", 3);
        assert_int_equal(bytes[0] & VEL_BITS_NUMBER_SIZE, 2);
    }

    uint8_t bytes[100];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    vel_packet_write_retry(&w, &vel_versions[1], &scid, &dcid, token);
    vel_write_fill(&w, 7, VEL_RETRY_TAG);
    struct vel_packet_header h;
    ASSERT_OK(vel_packet_parse(vel_writer_slice(&w), &h));
    assert_int_equal(h.type, VEL_PACKET_RETRY);
    assert_true(vel_slice_equal(h.token, token));
    assert_int_equal(h.retry_tag.ptr[0], 7);

    w = vel_writer(bytes, sizeof bytes);
    vel_packet_write_short(&w, &dcid, VEL_BIT_KEY_PHASE, 0x1234567890, 4);
    assert_true(vel_slice_equal(vel_writer_slice(&w),
                                BYTES(0x47, 1, 2, 3, 4, 5, 6, 7, 8, 0x34, 0x56, 0x78, 0x90)));
}

/* RFC 9000 A.2 and A.3 examples, and the edges. */
static void numbers_are_shortened(void **state)
{
    (void)state;
    static const struct {
        uint64_t number, acked;
        size_t size;
    } sizes[] = {
        {0xac5c02, 0xabe8b3, 2},   {0xace8fe, 0xabe8b3, 3},          {0, VEL_NUMBER_NONE, 1},
        {127, VEL_NUMBER_NONE, 1}, {128, VEL_NUMBER_NONE, 2},        {1000 + 128, 1000, 1},
        {1000 + 129, 1000, 2},     {UINT32_MAX, VEL_NUMBER_NONE, 4},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(vel_packet_number_size(sizes[i].number, sizes[i].acked), sizes[i].size);

    static const struct {
        uint64_t largest, truncated;
        size_t size;
        uint64_t number;
    } decodes[] = {
        {0xa82f30ea, 0x9b32, 2, 0xa82f9b32},
        {VEL_NUMBER_NONE, 0, 1, 0},
        {VEL_NUMBER_NONE, 0xff, 1, 0xff},
        {0xff, 0x00, 1, 0x100},
        {0x100, 0xff, 1, 0xff},
        {10, 0xfe, 1, 0xfe},
        {0x1ff, 0x80, 1, 0x280},
        {0x1ff, 0x81, 1, 0x181},
        {(UINT64_C(1) << 62) - 2, 0x01, 1, (UINT64_C(1) << 62) - 0xff},
    };
    for (size_t i = 0; i < sizeof decodes / sizeof decodes[0]; i++)
        assert_int_equal(
            vel_packet_number_decode(decodes[i].largest, decodes[i].truncated, decodes[i].size),
            decodes[i].number);
}

/* Whatever the peer has received of what was sent since the last acknowledgement, it decodes. */
static void shortened_numbers_decode(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 3);
    for (int i = 0; i < 20000; i++) {
        uint64_t random[3];
        vel_random(&t.env, random, sizeof random);
        uint64_t acked = random[0] >> (3 + random[2] % 60);
        uint64_t number = acked + 1 + (random[1] & 0x7fffffff) % (UINT64_C(1) << random[2] % 31);
        uint64_t largest = acked + (random[1] >> 32) % (number - acked); /* below number */
        size_t size = vel_packet_number_size(number, acked);
        uint64_t truncated = number & (UINT64_MAX >> (64 - 8 * size));
        assert_int_equal(vel_packet_number_decode(largest, truncated, size), number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_packets),           cmocka_unit_test(invariants_of_any_version),
        cmocka_unit_test(writes_what_it_parses),    cmocka_unit_test(numbers_are_shortened),
        cmocka_unit_test(shortened_numbers_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
