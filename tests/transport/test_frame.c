/* SPDX-License-Identifier: MIT */
#include "transport/frame.h"

#include "testing/test.h"

#define TOKEN 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define LAST 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff

enum {
    I = VEL_PACKET_INITIAL,
    H = VEL_PACKET_HANDSHAKE,
    Z = VEL_PACKET_ZERO_RTT,
    O = VEL_PACKET_ONE_RTT
};

static void every_frame_is_read_and_written(void **state)
{
    (void)state;
    const struct {
        const char *what;
        enum vel_frame_type type;
        struct vel_slice bytes; /* as the writer makes them */
    } rows[] = {
        {"PADDING", VEL_FRAME_PADDING, BYTES(0, 0, 0)},
        {"PING", VEL_FRAME_PING, BYTES(1)},
        {"ACK", VEL_FRAME_ACK, BYTES(2, 10, 5, 0, 3)},
        {"ACK with ranges", VEL_FRAME_ACK, BYTES(2, 10, 5, 2, 0, 1, 2, 0, 0)},
        {"ACK down to 0", VEL_FRAME_ACK, BYTES(2, 10, 5, 1, 5, 2, 1)},
        {"ACK with ECN", VEL_FRAME_ACK, BYTES(3, 10, 5, 0, 10, 1, 2, 3)},
        {"RESET_STREAM", VEL_FRAME_RESET_STREAM, BYTES(4, 1, 2, 3)},
        {"STOP_SENDING", VEL_FRAME_STOP_SENDING, BYTES(5, 1, 2)},
        {"CRYPTO", VEL_FRAME_CRYPTO, BYTES(6, 9, 2, 0xaa, 0xbb)},
        {"NEW_TOKEN", VEL_FRAME_NEW_TOKEN, BYTES(7, 1, 0xaa)},
        {"STREAM", VEL_FRAME_STREAM, BYTES(0x0a, 4, 1, 0xaa)},
        {"STREAM with offset and FIN", VEL_FRAME_STREAM, BYTES(0x0f, 4, 7, 1, 0xaa)},
        {"STREAM, only FIN", VEL_FRAME_STREAM, BYTES(0x0b, 4, 0)},
        {"MAX_DATA", VEL_FRAME_MAX_DATA, BYTES(0x10, LAST)},
        {"MAX_STREAM_DATA", VEL_FRAME_MAX_STREAM_DATA, BYTES(0x11, 4, 0x40, 0x64)},
        {"MAX_STREAMS", VEL_FRAME_MAX_STREAMS, BYTES(0x12, 0xd0, 0, 0, 0, 0, 0, 0, 0)},
        {"MAX_STREAMS, one way", VEL_FRAME_MAX_STREAMS, BYTES(0x13, 3)},
        {"DATA_BLOCKED", VEL_FRAME_DATA_BLOCKED, BYTES(0x14, 3)},
        {"STREAM_DATA_BLOCKED", VEL_FRAME_STREAM_DATA_BLOCKED, BYTES(0x15, 4, 3)},
        {"STREAMS_BLOCKED", VEL_FRAME_STREAMS_BLOCKED, BYTES(0x16, 3)},
        {"STREAMS_BLOCKED, one way", VEL_FRAME_STREAMS_BLOCKED, BYTES(0x17, 3)},
        {"NEW_CONNECTION_ID", VEL_FRAME_NEW_CONNECTION_ID, BYTES(0x18, 3, 3, 1, 0xaa, TOKEN)},
        {"RETIRE_CONNECTION_ID", VEL_FRAME_RETIRE_CONNECTION_ID, BYTES(0x19, 3)},
        {"PATH_CHALLENGE", VEL_FRAME_PATH_CHALLENGE, BYTES(0x1a, 1, 2, 3, 4, 5, 6, 7, 8)},
        {"PATH_RESPONSE", VEL_FRAME_PATH_RESPONSE, BYTES(0x1b, 1, 2, 3, 4, 5, 6, 7, 8)},
        {"CONNECTION_CLOSE", VEL_FRAME_CONNECTION_CLOSE, BYTES(0x1c, 10, 6, 2, 'n', 'o')},
        {"CONNECTION_CLOSE, application", VEL_FRAME_CONNECTION_CLOSE, BYTES(0x1d, 10, 0)},
        {"HANDSHAKE_DONE", VEL_FRAME_HANDSHAKE_DONE, BYTES(0x1e)},
        {"DATAGRAM", VEL_FRAME_DATAGRAM, BYTES(0x31, 2, 0xaa, 0xbb)},
        {"DATAGRAM_COPY", VEL_FRAME_DATAGRAM_COPY, BYTES(0x7d, 0x31, 9, 2, 0xaa, 0xbb)},
        {"IMMEDIATE_ACK", VEL_FRAME_IMMEDIATE_ACK, BYTES(0x1f)},
        {"ACK_FREQUENCY", VEL_FRAME_ACK_FREQUENCY, BYTES(0x40, 0xaf, 1, 10, 0x67, 0xd0, 3)},
        {"PATH_ACK", VEL_FRAME_PATH_ACK, BYTES(0x3e, 7, 10, 5, 1, 5, 2, 1)},
        {"PATH_ACK with ECN", VEL_FRAME_PATH_ACK, BYTES(0x3f, LAST, 10, 5, 0, 10, 1, 2, 3)},
        {"PATH_ABANDON", VEL_FRAME_PATH_ABANDON, BYTES(0x7e, 0x75, 1, 0x7e, 0x76)},
        {"PATH_STATUS_BACKUP", VEL_FRAME_PATH_STATUS_BACKUP, BYTES(0x7e, 0x76, 1, 2)},
        {"PATH_STATUS_AVAILABLE", VEL_FRAME_PATH_STATUS_AVAILABLE, BYTES(0x7e, 0x77, 1, 2)},
        {"PATH_NEW_CONNECTION_ID", VEL_FRAME_PATH_NEW_CONNECTION_ID,
         BYTES(0x7e, 0x78, 2, 3, 3, 1, 0xaa, TOKEN)},
        {"PATH_RETIRE_CONNECTION_ID", VEL_FRAME_PATH_RETIRE_CONNECTION_ID, BYTES(0x7e, 0x79, 2, 3)},
        {"MAX_PATH_ID", VEL_FRAME_MAX_PATH_ID, BYTES(0x7e, 0x7a, LAST)},
        {"PATHS_BLOCKED", VEL_FRAME_PATHS_BLOCKED, BYTES(0x7e, 0x7b, 3)},
        {"PATH_CIDS_BLOCKED", VEL_FRAME_PATH_CIDS_BLOCKED, BYTES(0x7e, 0x7c, 3, 4)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vel_reader r = vel_reader(rows[i].bytes);
        struct vel_frame frame;
        ASSERT_ERR(rows[i].what, vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame), VEL_OK);
        CHECK(rows[i].what, vel_read_done(&r));
        CHECK(rows[i].what, frame.type == rows[i].type);
        CHECK(rows[i].what, VEL_FRAME_INDEX(frame.type) < VEL_FRAME_INDEXES);
        const char *name = vel_frame_kind(frame.type)->name;
        CHECK(rows[i].what, strncmp(name, rows[i].what, strlen(name)) == 0);

        uint8_t bytes[64];
        for (size_t room = 0; room <= rows[i].bytes.len; room++) {
            struct vel_writer w = vel_writer(bytes, room);
            vel_frame_write(&w, &frame);
            CHECK(rows[i].what, vel_write_ok(&w) == (room == rows[i].bytes.len));
            if (vel_write_ok(&w))
                CHECK(rows[i].what, vel_slice_equal(vel_writer_slice(&w), rows[i].bytes));
        }
        /* Cut anywhere, it does not parse; PADDING and DATAGRAM are whole in every length. */
        for (size_t len = 1; len < rows[i].bytes.len && rows[i].bytes.ptr[0] != 0; len++) {
            r = vel_reader(vel_slice(rows[i].bytes.ptr, len));
            ASSERT_ERR(rows[i].what, vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame),
                       VEL_ERR_MALFORMED);
            CHECK(rows[i].what, r.pos == rows[i].bytes.ptr);
        }
    }
}

static void bad_frames_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice bytes;
        enum vel_err want;
    } rows[] = {
        {"nothing", {0}, VEL_ERR_MALFORMED},
        {"unknown type", BYTES(0x20), VEL_ERR_MALFORMED},
        {"unknown type behind DATAGRAM", BYTES(0x32), VEL_ERR_MALFORMED},
        {"unknown large type", BYTES(LAST), VEL_ERR_MALFORMED},
        {"unknown type before DATAGRAM_COPY", BYTES(0x7d, 0x30, 1, 0), VEL_ERR_MALFORMED},
        {"unknown type behind DATAGRAM_COPY", BYTES(0x7d, 0x32, 1, 0), VEL_ERR_MALFORMED},
        {"DATAGRAM_COPY cut short", BYTES(0x7d, 0x31, 1, 2, 0xaa), VEL_ERR_MALFORMED},
        {"unknown type before PATH_ABANDON", BYTES(0x7e, 0x74, 1, 1), VEL_ERR_MALFORMED},
        {"unknown type behind PATH_CIDS_BLOCKED", BYTES(0x7e, 0x7d, 1, 1), VEL_ERR_MALFORMED},
        {"PATH_ACK in two bytes", BYTES(0x40, 0x3e, 7, 10, 5, 0, 0), VEL_ERR_UNEXPECTED},
        {"PATH_ABANDON in four bytes", BYTES(0x80, 0, 0x3e, 0x75, 1, 1), VEL_ERR_UNEXPECTED},
        {"first PATH_ACK range below 0", BYTES(0x3e, 7, 10, 5, 0, 11), VEL_ERR_MALFORMED},
        {"a path's empty connection id", BYTES(0x7e, 0x78, 0, 3, 3, 0, TOKEN), VEL_ERR_MALFORMED},
        {"PING in two bytes", BYTES(0x40, 1), VEL_ERR_UNEXPECTED},
        {"first ACK range below 0", BYTES(2, 10, 5, 0, 11), VEL_ERR_MALFORMED},
        {"ACK gap below 0", BYTES(2, 10, 5, 1, 9, 0, 0), VEL_ERR_MALFORMED},
        {"ACK range below 0", BYTES(2, 10, 5, 1, 5, 2, 2), VEL_ERR_MALFORMED},
        {"huge count of ACK ranges", BYTES(2, 10, 5, LAST, 0, 0, 0, 0, 0), VEL_ERR_MALFORMED},
        {"CRYPTO past 2^62", BYTES(6, LAST, 1, 0xaa), VEL_ERR_MALFORMED},
        {"STREAM past 2^62", BYTES(0x0e, 4, LAST, 1, 0xaa), VEL_ERR_MALFORMED},
        {"empty token", BYTES(7, 0), VEL_ERR_MALFORMED},
        {"2^60 + 1 streams", BYTES(0x12, 0xd0, 0, 0, 0, 0, 0, 0, 1), VEL_ERR_MALFORMED},
        {"blocked at 2^60 + 1", BYTES(0x17, 0xd0, 0, 0, 0, 0, 0, 0, 1), VEL_ERR_MALFORMED},
        {"retires more than it gives", BYTES(0x18, 3, 4, 1, 0xaa, TOKEN), VEL_ERR_MALFORMED},
        {"empty connection id", BYTES(0x18, 3, 3, 0, TOKEN), VEL_ERR_MALFORMED},
        {"connection id of 21", BYTES(0x18, 3, 3, 21, TOKEN, TOKEN, TOKEN), VEL_ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vel_reader r = vel_reader(rows[i].bytes);
        const uint8_t *start = r.pos;
        struct vel_frame frame = {.type = VEL_FRAME_PING};
        ASSERT_ERR(rows[i].what, vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame), rows[i].want);
        CHECK(rows[i].what, r.pos == start && !r.failed && frame.type == VEL_FRAME_PING);
    }
}

static void frames_stay_in_their_packets(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice bytes;
        const char *packets; /* where it may be, as RFC 9000 table 3 writes it */
    } rows[] = {
        {"PADDING", BYTES(0), "IH01"},
        {"PING", BYTES(1), "IH01"},
        {"ACK", BYTES(2, 0, 0, 0, 0), "IH_1"},
        {"ACK with ECN", BYTES(3, 0, 0, 0, 0, 0, 0, 0), "IH_1"},
        {"RESET_STREAM", BYTES(4, 0, 0, 0), "__01"},
        {"STOP_SENDING", BYTES(5, 0, 0), "__01"},
        {"CRYPTO", BYTES(6, 0, 0), "IH_1"},
        {"NEW_TOKEN", BYTES(7, 1, 1), "___1"},
        {"STREAM", BYTES(8, 0), "__01"},
        {"STREAM with FIN", BYTES(9, 0), "__01"},
        {"MAX_DATA", BYTES(0x10, 0), "__01"},
        {"MAX_STREAM_DATA", BYTES(0x11, 0, 0), "__01"},
        {"MAX_STREAMS", BYTES(0x13, 0), "__01"},
        {"DATA_BLOCKED", BYTES(0x14, 0), "__01"},
        {"STREAM_DATA_BLOCKED", BYTES(0x15, 0, 0), "__01"},
        {"STREAMS_BLOCKED", BYTES(0x16, 0), "__01"},
        {"NEW_CONNECTION_ID", BYTES(0x18, 0, 0, 1, 1, TOKEN), "__01"},
        {"RETIRE_CONNECTION_ID", BYTES(0x19, 0), "___1"},
        {"PATH_CHALLENGE", BYTES(0x1a, 0, 0, 0, 0, 0, 0, 0, 0), "__01"},
        {"PATH_RESPONSE", BYTES(0x1b, 0, 0, 0, 0, 0, 0, 0, 0), "___1"},
        {"CONNECTION_CLOSE", BYTES(0x1c, 0, 0, 0), "IH01"},
        {"CONNECTION_CLOSE, application", BYTES(0x1d, 0, 0), "__01"},
        {"HANDSHAKE_DONE", BYTES(0x1e), "___1"},
        {"DATAGRAM", BYTES(0x30), "__01"},
        {"IMMEDIATE_ACK", BYTES(0x1f), "___1"},
        {"ACK_FREQUENCY", BYTES(0x40, 0xaf, 0, 0, 0, 0), "___1"},
        {"PATH_ACK", BYTES(0x3e, 0, 0, 0, 0, 0), "___1"},
        {"PATH_ACK with ECN", BYTES(0x3f, 0, 0, 0, 0, 0, 0, 0, 0), "___1"},
        {"PATH_ABANDON", BYTES(0x7e, 0x75, 0, 0), "___1"},
        {"PATH_STATUS_BACKUP", BYTES(0x7e, 0x76, 0, 0), "___1"},
        {"PATH_STATUS_AVAILABLE", BYTES(0x7e, 0x77, 0, 0), "___1"},
        {"PATH_NEW_CONNECTION_ID", BYTES(0x7e, 0x78, 0, 0, 0, 1, 1, TOKEN), "___1"},
        {"PATH_RETIRE_CONNECTION_ID", BYTES(0x7e, 0x79, 0, 0), "___1"},
        {"MAX_PATH_ID", BYTES(0x7e, 0x7a, 0), "___1"},
        {"PATHS_BLOCKED", BYTES(0x7e, 0x7b, 0), "___1"},
        {"PATH_CIDS_BLOCKED", BYTES(0x7e, 0x7c, 0, 0), "___1"},
    };
    static const enum vel_packet_type packets[] = {VEL_PACKET_INITIAL, VEL_PACKET_HANDSHAKE,
                                                   VEL_PACKET_ZERO_RTT, VEL_PACKET_ONE_RTT};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct vel_reader r = vel_reader(rows[i].bytes);
            struct vel_frame frame;
            ASSERT_ERR(rows[i].what, vel_frame_read(&r, packets[j], &frame),
                       rows[i].packets[j] == '_' ? VEL_ERR_UNEXPECTED : VEL_OK);
        }
    }
}

static void properties_are_the_table(void **state)
{
    (void)state;
    assert_false(vel_frame_kind(VEL_FRAME_PADDING)->elicits_ack);
    assert_true(vel_frame_kind(VEL_FRAME_PADDING)->in_flight);
    assert_false(vel_frame_kind(VEL_FRAME_ACK)->elicits_ack);
    assert_false(vel_frame_kind(VEL_FRAME_ACK)->in_flight);
    assert_false(vel_frame_kind(VEL_FRAME_CONNECTION_CLOSE)->elicits_ack);
    assert_true(vel_frame_kind(VEL_FRAME_PING)->elicits_ack);
    assert_true(vel_frame_kind(VEL_FRAME_PATH_CHALLENGE)->probing);
    assert_true(vel_frame_kind(VEL_FRAME_NEW_CONNECTION_ID)->probing);
    assert_false(vel_frame_kind(VEL_FRAME_STREAM)->probing);
    assert_false(vel_frame_kind(VEL_FRAME_PATH_ACK)->elicits_ack);
    assert_true(vel_frame_kind(VEL_FRAME_PATH_CIDS_BLOCKED)->elicits_ack);
}

/* A last STREAM or DATAGRAM frame without a length takes the rest. */
static void last_frames_take_the_rest(void **state)
{
    (void)state;
    struct vel_reader r = vel_reader(BYTES(1, 0x08, 4, 0xaa, 0xbb, 0xcc));
    struct vel_frame frame;
    ASSERT_OK(vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame));
    ASSERT_OK(vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame));
    assert_int_equal(frame.stream.data.len, 3);
    assert_true(vel_read_done(&r));
    r = vel_reader(BYTES(0x30, 0xaa, 0xbb));
    ASSERT_OK(vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame));
    assert_int_equal(frame.datagram.len, 2);
}

/* What vel_frame_write_ack wrote, read back, is the upper part of the set. */
static void check_ack(const struct vel_ranges *ranges, struct vel_slice bytes, size_t *count)
{
    struct vel_reader r = vel_reader(bytes);
    struct vel_frame frame;
    ASSERT_OK(vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame));
    assert_true(vel_read_done(&r));
    assert_int_equal(frame.ack.delay, 77);
    struct vel_ack_walk walk = vel_ack_walk(&frame.ack);
    struct vel_range range;
    for (*count = 0; vel_ack_next(&walk, &range); ++*count) {
        const struct vel_range *want = vel_ranges_at(ranges, ranges->count - 1 - *count);
        assert_int_equal(range.start, want->start);
        assert_int_equal(range.end, want->end);
    }
    assert_int_equal(*count, frame.ack.range_count + 1);
}

static void acknowledgements_fit_their_room(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 9);
    struct vel_ranges ranges = {.env = &t.env, .limit = 300};
    uint64_t at = 0;
    while (ranges.count < 200) {
        uint8_t random[2];
        vel_random(&t.env, random, sizeof random);
        ASSERT_OK(vel_ranges_add(&ranges, at, at + 1 + random[0]));
        at += 2u + random[0] + random[1];
    }
    const struct vel_ecn_counts ecn = {1, 100, 100000};
    size_t before = 0;
    for (size_t room = 0; room < 800; room++) {
        for (int with_ecn = 0; with_ecn < 2; with_ecn++) {
            uint8_t bytes[1000];
            struct vel_writer w = vel_writer(bytes, sizeof bytes);
            bool done = vel_frame_write_ack(&w, room, &ranges, 77, with_ecn ? &ecn : NULL);
            assert_true(vel_write_ok(&w));
            assert_true(vel_written(&w) <= room);
            assert_int_equal(done, vel_written(&w) > 0);
            size_t count = 0;
            if (done)
                check_ack(&ranges, vel_writer_slice(&w), &count);
            w = vel_writer(bytes, sizeof bytes);
            size_t path_count = 0;
            if (vel_frame_write_path_ack(&w, room + 2, 64, &ranges, 77, with_ecn ? &ecn : NULL))
                check_ack(&ranges, vel_writer_slice(&w), &path_count);
            assert_int_equal(count, path_count); /* two bytes hold the path identifier */
            if (with_ecn)
                continue;
            assert_true(count >= before); /* more room, no fewer ranges */
            before = count;
        }
    }
    assert_int_equal(before, ranges.count);

    uint8_t bytes[3];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    assert_false(vel_frame_write_ack(&w, 100, &ranges, 77, NULL));
    assert_true(vel_write_ok(&w));
    vel_ranges_free(&ranges);
    test_env_done(&t);
}

/* The size helpers promise exactly what the writers need. */
static void data_fills_the_room(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 63, 64, 16384, UINT64_C(1) << 30};
    static uint8_t bytes[20000];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        for (size_t room = 0; room < 17000; room += room < 200 || room > 16350 ? 1 : 977) {
            struct vel_writer w = vel_writer(bytes, room);
            size_t fit = vel_frame_stream_fit(numbers[i], numbers[5 - i], room);
            vel_frame_write_stream(&w, numbers[i], numbers[5 - i], fit, true);
            bool header_fits = room >= vel_frame_stream_header(numbers[i], numbers[5 - i]);
            assert_int_equal(vel_write_ok(&w), header_fits);
            assert_true(!header_fits || vel_room(&w) >= fit);
            assert_true(!header_fits || vel_room(&w) <= fit + 2); /* a length may jump by 2 */

            w = vel_writer(bytes, room);
            fit = vel_frame_crypto_fit(numbers[i], room);
            vel_frame_write_crypto(&w, numbers[i], fit);
            assert_true(fit == 0 || (vel_write_ok(&w) && vel_room(&w) >= fit));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_read_and_written),
        cmocka_unit_test(bad_frames_are_refused),
        cmocka_unit_test(frames_stay_in_their_packets),
        cmocka_unit_test(properties_are_the_table),
        cmocka_unit_test(last_frames_take_the_rest),
        cmocka_unit_test(acknowledgements_fit_their_room),
        cmocka_unit_test(data_fills_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
