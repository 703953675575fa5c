/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/error.h"
#include "transport/stream.h"
#include "transport/streams_pair.h"

static struct vel_frame stream_frame(uint64_t id, uint64_t offset, size_t len, bool fin)
{
    static const uint8_t bytes[64 * 1024];
    return (struct vel_frame){
        .type = VEL_FRAME_STREAM,
        .stream = {.id = id, .offset = offset, .data = vel_slice(bytes, len), .fin = fin}};
}

static struct vel_frame reset_frame(uint64_t id, uint64_t final_size)
{
    return (struct vel_frame){.type = VEL_FRAME_RESET_STREAM,
                              .reset = {.id = id, .code = 1, .final_size = final_size}};
}

static struct vel_frame id_frame(enum vel_frame_type type, uint64_t id)
{
    if (type == VEL_FRAME_STOP_SENDING)
        return (struct vel_frame){.type = type, .stop = {.id = id, .code = 1}};
    return (struct vel_frame){.type = type, .stream_limit = {.id = id, .limit = 1 << 20}};
}

/*
 * What a server answers to one frame after another. It has opened stream 1 and stream 3 itself;
 * the limits are those of pair_limits(): 4 streams of a kind, 16 KiB each, 64 KiB in all.
 */
static void refusals(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_frame frames[2];
        enum vel_err want;
        uint64_t wire_code;
    } rows[] = {
        {"last stream", {stream_frame(12, 0, 1, false)}, VEL_OK, 0},
        {"a fifth stream",
         {stream_frame(16, 0, 1, false)},
         VEL_ERR_LIMIT,
         VEL_WIRE_STREAM_LIMIT_ERROR},
        {"largest id",
         {stream_frame(VEL_VARINT_LAST - 3, 0, 1, false)},
         VEL_ERR_LIMIT,
         VEL_WIRE_STREAM_LIMIT_ERROR},
        {"reset of a fifth", {reset_frame(18, 0)}, VEL_ERR_LIMIT, VEL_WIRE_STREAM_LIMIT_ERROR},
        {"stop of a fifth",
         {id_frame(VEL_FRAME_STOP_SENDING, 16)},
         VEL_ERR_LIMIT,
         VEL_WIRE_STREAM_LIMIT_ERROR},
        {"on our own stream", {stream_frame(1, 0, 1, false)}, VEL_OK, 0},
        {"on one we never opened",
         {stream_frame(5, 0, 1, false)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_STREAM_STATE_ERROR},
        {"credit for one we never opened",
         {id_frame(VEL_FRAME_MAX_STREAM_DATA, 5)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_STREAM_STATE_ERROR},
        {"data on our sending stream",
         {stream_frame(3, 0, 1, false)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_STREAM_STATE_ERROR},
        {"reset of our sending stream",
         {reset_frame(3, 0)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_STREAM_STATE_ERROR},
        {"blocked on our sending stream",
         {id_frame(VEL_FRAME_STREAM_DATA_BLOCKED, 3)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_STREAM_STATE_ERROR},
        {"stop of its own sending stream",
         {id_frame(VEL_FRAME_STOP_SENDING, 2)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_STREAM_STATE_ERROR},
        {"credit for its own sending stream",
         {id_frame(VEL_FRAME_MAX_STREAM_DATA, 2)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_STREAM_STATE_ERROR},
        {"all of a stream's credit", {stream_frame(0, 0, 16 * 1024, true)}, VEL_OK, 0},
        {"a byte more",
         {stream_frame(0, 0, 16 * 1024 + 1, true)},
         VEL_ERR_LIMIT,
         VEL_WIRE_FLOW_CONTROL_ERROR},
        {"far beyond",
         {stream_frame(0, VEL_VARINT_LAST - 1, 1, true)},
         VEL_ERR_LIMIT,
         VEL_WIRE_FLOW_CONTROL_ERROR},
        {"reset beyond the credit",
         {reset_frame(0, 16 * 1024 + 1)},
         VEL_ERR_LIMIT,
         VEL_WIRE_FLOW_CONTROL_ERROR},
        {"past the end",
         {stream_frame(0, 0, 10, true), stream_frame(0, 10, 1, false)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_FINAL_SIZE_ERROR},
        {"two ends",
         {stream_frame(0, 0, 10, true), stream_frame(0, 0, 9, true)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_FINAL_SIZE_ERROR},
        {"reset to another end",
         {stream_frame(0, 5, 5, true), reset_frame(0, 11)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_FINAL_SIZE_ERROR},
        {"reset below what came",
         {stream_frame(0, 0, 10, false), reset_frame(0, 9)},
         VEL_ERR_UNEXPECTED,
         VEL_WIRE_FINAL_SIZE_ERROR},
        {"reset after everything", {stream_frame(0, 0, 10, true), reset_frame(0, 10)}, VEL_OK, 0},
        {"data after a reset", {reset_frame(0, 10), stream_frame(0, 0, 10, true)}, VEL_OK, 0},
        {"a frame of others",
         {{.type = VEL_FRAME_PING}},
         VEL_ERR_ARGUMENT,
         VEL_WIRE_INTERNAL_ERROR},
        {"a datagram", {{.type = VEL_FRAME_DATAGRAM}}, VEL_ERR_ARGUMENT, VEL_WIRE_INTERNAL_ERROR},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct pair pair;
        struct vel_limits limits = pair_limits();
        ASSERT_OK(pair_init(&pair, 1, &limits, -1));
        pair_connect(&pair);
        struct vel_streams *server = pair.side[PAIR_SERVER].streams;
        uint64_t id = 0;
        ASSERT_OK(vel_streams_open(server, true, &id));
        ASSERT_OK(vel_streams_open(server, false, &id));
        bool two = rows[i].frames[1].type != VEL_FRAME_PADDING;
        uint64_t wire_code = 0;
        if (two)
            ASSERT_OK(vel_streams_on_frame(server, &rows[i].frames[0], &wire_code));
        ASSERT_ERR(rows[i].what, vel_streams_on_frame(server, &rows[i].frames[two], &wire_code),
                   rows[i].want);
        CHECK(rows[i].what, wire_code == rows[i].wire_code);
        pair_free(&pair);
    }
}

/* All streams together may not exceed the connection's credit, whatever each may take. */
static void connection_credit(void **state)
{
    (void)state;
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_data = 20 * KIB;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    struct vel_streams *server = pair.side[PAIR_SERVER].streams;
    uint64_t wire_code = 0;
    struct vel_frame first = stream_frame(0, 15 * KIB, 1 * KIB, false);
    struct vel_frame second = stream_frame(4, 3 * KIB, 1 * KIB, false);
    struct vel_frame third = stream_frame(4, 4 * KIB, 1, false);
    ASSERT_OK(vel_streams_on_frame(server, &first, &wire_code));
    ASSERT_OK(vel_streams_on_frame(server, &first, &wire_code)); /* twice counts once */
    ASSERT_OK(vel_streams_on_frame(server, &second, &wire_code));
    ASSERT_ERR("one byte more", vel_streams_on_frame(server, &third, &wire_code), VEL_ERR_LIMIT);
    assert_int_equal(wire_code, VEL_WIRE_FLOW_CONTROL_ERROR);
    pair_free(&pair);
}

/* Frames for a stream that was forgotten are late, not wrong: RFC 9000 3.2. */
static void late_frames_are_ignored(void **state)
{
    (void)state;
    struct pair pair;
    pair_begin(&pair);
    struct vel_streams *server = pair.side[PAIR_SERVER].streams;
    uint64_t wire_code = 0;
    struct vel_frame frames[] = {
        reset_frame(2, 5),
        stream_frame(2, 0, 5, true),
        stream_frame(2, 0, 50, true),
        reset_frame(2, 7),
        id_frame(VEL_FRAME_STREAM_DATA_BLOCKED, 2),
    };
    for (size_t i = 0; i < VEL_COUNT(frames); i++) {
        ASSERT_OK(vel_streams_on_frame(server, &frames[i], &wire_code));
        pair_drain_events(&pair, PAIR_SERVER);
        assert_int_equal(vel_streams_count(server), 0);
    }
    pair_free(&pair);
}

/* The highest id opens all below it: so many, and no more, whatever is sent. */
static void opening_floods_are_bounded(void **state)
{
    (void)state;
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_streams_bidi = 128;
    limits.max_streams_uni = 128;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    struct vel_streams *server = pair.side[PAIR_SERVER].streams;
    size_t before = pair.t.outstanding;
    uint64_t wire_code = 0;
    for (uint64_t id = 4 * 127; id <= 4 * 127 + 2; id += 2) {
        struct vel_frame frame = id_frame(VEL_FRAME_STREAM_DATA_BLOCKED, id);
        ASSERT_OK(vel_streams_on_frame(server, &frame, &wire_code));
    }
    assert_int_equal(vel_streams_count(server), 256);
    assert_true(pair.t.outstanding - before <= 256 * (sizeof(struct vel_stream) + 32));
    struct vel_event event;
    for (uint64_t i = 0; i < 128; i++) {
        assert_true(vel_streams_next_event(server, &event));
        assert_int_equal(event.type, VEL_EVENT_STREAM_OPENED);
        assert_int_equal(event.stream, 4 * i);
    }
    pair_free(&pair);
}

/* One byte frames at every second offset of every stream: closed at the limit of holes, with no
 * more memory than the windows and the sets of holes. */
static void tiny_frames_are_bounded(void **state)
{
    (void)state;
    struct pair pair;
    pair_begin(&pair);
    struct vel_streams *server = pair.side[PAIR_SERVER].streams;
    uint64_t wire_code = 0;
    enum vel_err err = VEL_OK;
    for (uint64_t offset = 1; offset < 16 * KIB && err == VEL_OK; offset += 2) {
        for (uint64_t id = 0; id < 16 && err == VEL_OK; id += 4) {
            struct vel_frame frame = stream_frame(id, offset, 1, false);
            err = vel_streams_on_frame(server, &frame, &wire_code);
        }
    }
    assert_int_equal(err, VEL_ERR_LIMIT);
    assert_int_equal(wire_code, VEL_WIRE_INTERNAL_ERROR);
    assert_true(pair.t.outstanding < 4 * (16 * KIB + 16 * VEL_RECV_GAPS_MAX) + 16 * KIB);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),
        cmocka_unit_test(connection_credit),
        cmocka_unit_test(late_frames_are_ignored),
        cmocka_unit_test(opening_floods_are_bounded),
        cmocka_unit_test(tiny_frames_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
