/* SPDX-License-Identifier: MIT */
#include "transport/streams.h"

#include "base/units.h"
#include "transport/stream.h"
#include "transport/streams_internal.h"
#include "transport/streams_pair.h"

/* Most tests: connected, with the small limits. */
static void start(struct pair *pair)
{
    struct vel_limits limits = pair_limits();
    ASSERT_OK(pair_init(pair, 1, &limits, -1));
    pair_connect(pair);
}

static struct vel_streams *client(struct pair *pair)
{
    return pair->side[PAIR_CLIENT].streams;
}

static struct vel_streams *server(struct pair *pair)
{
    return pair->side[PAIR_SERVER].streams;
}

static uint64_t open_stream(struct vel_streams *streams, bool bidirectional)
{
    uint64_t id = UINT64_MAX;
    ASSERT_OK(vel_streams_open(streams, bidirectional, &id));
    return id;
}

static size_t write_bytes(struct vel_streams *streams, uint64_t id, size_t len, bool fin)
{
    static const uint8_t bytes[256 * 1024];
    size_t accepted = 0;
    ASSERT_OK(vel_streams_write(streams, id, vel_slice(bytes, len), fin, &accepted));
    return accepted;
}

/* Read and consume everything that is there; *fin as shown last. */
static size_t read_all(struct vel_streams *streams, uint64_t id, bool *fin)
{
    size_t total = 0;
    struct vel_slice bytes;
    do {
        ASSERT_OK(vel_streams_read(streams, id, &bytes, fin));
        ASSERT_OK(vel_streams_consume(streams, id, bytes.len));
        total += bytes.len;
    } while (bytes.len > 0);
    return total;
}

static void expect_event(struct vel_streams *streams, enum vel_event_type type, uint64_t stream,
                         uint64_t code)
{
    struct vel_event event = {0};
    assert_true(vel_streams_has_events(streams));
    assert_true(vel_streams_next_event(streams, &event));
    assert_int_equal(event.type, type);
    assert_int_equal(event.stream, stream);
    assert_int_equal(event.code, code);
}

static void expect_silence(struct vel_streams *streams)
{
    struct vel_event event;
    assert_false(vel_streams_has_events(streams));
    assert_false(vel_streams_next_event(streams, &event));
}

/* A request and its answer, to the end of both directions, on both sides. */
static void request_and_answer(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    bool fin = false;
    int user = 0;
    uint64_t id = open_stream(client(&pair), true);
    assert_int_equal(id, 0);
    vel_streams_set_user(client(&pair), id, &user);
    assert_int_equal(write_bytes(client(&pair), id, 100, true), 100);
    pair_settle(&pair);

    expect_event(server(&pair), VEL_EVENT_STREAM_OPENED, id, 0);
    expect_event(server(&pair), VEL_EVENT_STREAM_READABLE, id, 0);
    expect_silence(server(&pair));
    assert_int_equal(read_all(server(&pair), id, &fin), 100);
    assert_true(fin);
    assert_int_equal(write_bytes(server(&pair), id, 5000, true), 5000);
    pair_settle(&pair);

    expect_event(client(&pair), VEL_EVENT_STREAM_READABLE, id, 0);
    expect_silence(client(&pair));
    assert_int_equal(read_all(client(&pair), id, &fin), 5000);
    assert_true(fin);
    expect_event(client(&pair), VEL_EVENT_STREAM_CLOSED, id, 0);
    assert_ptr_equal(vel_streams_user(client(&pair), id), &user); /* until the next event */
    expect_silence(client(&pair));
    assert_null(vel_streams_user(client(&pair), id));
    expect_event(server(&pair), VEL_EVENT_STREAM_CLOSED, id, 0);
    expect_silence(server(&pair));
    assert_int_equal(vel_streams_count(client(&pair)), 0);
    assert_int_equal(vel_streams_count(server(&pair)), 0);
    pair_free(&pair);
}

static void ids_are_the_wires(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    assert_int_equal(open_stream(client(&pair), true), 0);
    assert_int_equal(open_stream(client(&pair), true), 4);
    assert_int_equal(open_stream(client(&pair), false), 2);
    assert_int_equal(open_stream(server(&pair), true), 1);
    assert_int_equal(open_stream(server(&pair), false), 3);
    assert_int_equal(open_stream(server(&pair), false), 7);
    pair_free(&pair);
}

static void streams_before_the_parameters(void **state)
{
    (void)state;
    struct pair pair;
    struct vel_limits limits = pair_limits();
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    uint64_t id = 0;
    for (unsigned i = 0; i < 4; i++)
        write_bytes(client(&pair), id = open_stream(client(&pair), true), 10, true);
    ASSERT_ERR("a fifth", vel_streams_open(client(&pair), true, &id), VEL_ERR_AGAIN);
    ASSERT_OK(vel_streams_reset(client(&pair), 8, 9));
    assert_false(vel_streams_want_send(client(&pair), VEL_CHOICE_ALL));

    /* A server that allows only two: the others wait for MAX_STREAMS. */
    struct vel_params params = vel_params_default();
    vel_streams_fill_params(server(&pair), &params);
    params.initial_max_streams_bidi = 2;
    vel_streams_set_peer_params(client(&pair), &params);
    struct pair_packet packet;
    uint64_t wire_code = 0;
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &packet));
    assert_false(vel_streams_want_send(client(&pair), VEL_CHOICE_ALL));
    ASSERT_OK(pair_deliver(&pair, &packet, &wire_code));
    assert_int_equal(vel_streams_count(server(&pair)), 2);
    expect_silence(client(&pair));

    struct vel_frame more = {.type = VEL_FRAME_MAX_STREAMS,
                             .streams = {.bidirectional = true, .limit = 5}};
    ASSERT_OK(vel_streams_on_frame(client(&pair), &more, &wire_code));
    assert_true(vel_streams_want_send(client(&pair), VEL_CHOICE_ALL));
    expect_event(client(&pair), VEL_EVENT_STREAMS_AVAILABLE, 0, 0);
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &packet));
    struct vel_frame reset;
    assert_true(pair_find_frame(&packet, VEL_FRAME_RESET_STREAM, &reset));
    assert_int_equal(reset.reset.id, 8);
    assert_int_equal(reset.reset.final_size, 0);
    pair_free(&pair);
}

/* Credit for streams comes back as they are forgotten, announced by halves. */
static void stream_limit_moves(void **state)
{
    (void)state;
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_streams_uni = 8;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    uint64_t id = 0;
    bool fin = false;
    for (unsigned i = 0; i < 8; i++)
        write_bytes(client(&pair), open_stream(client(&pair), false), 1, true);
    ASSERT_ERR("a ninth", vel_streams_open(client(&pair), false, &id), VEL_ERR_AGAIN);
    ASSERT_ERR("again", vel_streams_open(client(&pair), false, &id), VEL_ERR_AGAIN);

    struct pair_packet packet;
    struct vel_frame frame;
    uint64_t wire_code = 0;
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &packet));
    assert_true(pair_find_frame(&packet, VEL_FRAME_STREAMS_BLOCKED, &frame));
    assert_int_equal(frame.streams.limit, 8);
    assert_false(frame.streams.bidirectional);
    ASSERT_OK(pair_deliver(&pair, &packet, &wire_code));
    ASSERT_OK(pair_acked(&pair, &packet));

    pair_drain_events(&pair, PAIR_SERVER);
    read_all(server(&pair), 2, &fin);
    pair_drain_events(&pair, PAIR_SERVER);
    assert_false(vel_streams_want_send(server(&pair), VEL_CHOICE_ALL)); /* one of eight: not yet */
    read_all(server(&pair), 6, &fin);
    pair_drain_events(&pair, PAIR_SERVER);
    ASSERT_OK(pair_write(&pair, PAIR_SERVER, PAIR_PACKET, &packet));
    assert_true(pair_find_frame(&packet, VEL_FRAME_MAX_STREAMS, &frame));
    assert_int_equal(frame.streams.limit, 10);
    ASSERT_OK(pair_lost(&pair, &packet));
    ASSERT_OK(pair_write(&pair, PAIR_SERVER, PAIR_PACKET, &packet));
    assert_true(pair_find_frame(&packet, VEL_FRAME_MAX_STREAMS, &frame)); /* again */
    ASSERT_OK(pair_deliver(&pair, &packet, &wire_code));
    pair_drain_events(&pair, PAIR_CLIENT);
    assert_int_equal(open_stream(client(&pair), false), 4 * 8 + 2);
    pair_free(&pair);
}

/* A reader that stops reading stops the writer; each side says why it waits. */
static void flow_control_of_a_stream(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    bool fin = false;
    uint64_t id = open_stream(client(&pair), true);
    assert_int_equal(write_bytes(client(&pair), id, 40 * KIB, false), 32 * KIB);
    assert_int_equal(vel_streams_writable(client(&pair), id), 0);
    struct pair_packet packet;
    struct vel_frame frame;
    uint64_t wire_code = 0;
    bool told_blocked = false;
    while (vel_streams_want_send(client(&pair), VEL_CHOICE_ALL)) {
        ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &packet));
        ASSERT_OK(pair_deliver(&pair, &packet, &wire_code));
        ASSERT_OK(pair_acked(&pair, &packet));
        told_blocked |= pair_find_frame(&packet, VEL_FRAME_STREAM_DATA_BLOCKED, &frame);
    }
    assert_true(told_blocked);
    expect_silence(client(&pair)); /* 16 KiB wait already */
    assert_int_equal(vel_streams_writable(client(&pair), id), 0);
    pair_settle(&pair);
    assert_int_equal(read_all(server(&pair), id, &fin), 16 * KIB);
    assert_true(vel_streams_want_send(server(&pair), VEL_CHOICE_ALL));
    pair_settle(&pair);
    expect_event(client(&pair), VEL_EVENT_STREAM_WRITABLE, id, 0);
    assert_in_range(vel_streams_writable(client(&pair), id), 16 * KIB, 32 * KIB);
    assert_int_equal(read_all(server(&pair), id, &fin), 16 * KIB);
    pair_free(&pair);
}

/* However much a path holds, little waits to be sent on it: what leaves makes room, without being
 * acknowledged. */
static void little_waits_on_a_wide_path(void **state)
{
    (void)state;
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_data = limits.max_stream_data = MIB;
    limits.max_send_buffer = 32 * KIB;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    vel_streams_set_window(client(&pair), MIB);
    uint64_t id = open_stream(client(&pair), true);
    assert_int_equal(write_bytes(client(&pair), id, 64 * KIB, false), 32 * KIB);
    struct vel_event event = {0};
    struct pair_packet packet;
    size_t packets = 0;
    for (; !vel_streams_next_event(client(&pair), &event); packets++)
        ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &packet));
    assert_int_equal(event.type, VEL_EVENT_STREAM_WRITABLE);
    assert_in_range(packets * PAIR_PACKET, 16 * KIB, 18 * KIB);
    assert_in_range(vel_streams_writable(client(&pair), id), 16 * KIB, 18 * KIB);
    pair_free(&pair);
}

/* A peer that grants nothing, on as many streams as it likes, pins little: not what it has asked
 * for. With credit for the connection all can go on. */
static void without_credit_little_is_queued(void **state)
{
    (void)state;
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_data = 1;
    limits.max_streams_bidi = 128;
    limits.max_send_buffer = MIB;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    uint64_t ids[128];
    size_t queued = 0;
    for (size_t i = 0; i < VEL_COUNT(ids); i++) {
        ids[i] = open_stream(client(&pair), true);
        queued += write_bytes(client(&pair), ids[i], 64 * KIB, false);
    }
    assert_in_range(queued, VEL_AHEAD_OF_CONN,
                    4 * VEL_AHEAD_OF_CONN + VEL_COUNT(ids) * VEL_AHEAD_ALWAYS);
    uint64_t wire_code = 0;
    struct vel_frame more = {.type = VEL_FRAME_MAX_DATA, .limit = MIB};
    pair_settle(&pair);
    ASSERT_OK(vel_streams_on_frame(client(&pair), &more, &wire_code));
    unsigned told = 0;
    for (struct vel_event event; vel_streams_next_event(client(&pair), &event);)
        told += event.type == VEL_EVENT_STREAM_WRITABLE;
    assert_in_range(told, VEL_COUNT(ids) - 2, VEL_COUNT(ids)); /* the first wait for themselves */

    struct vel_streams *streams = client(&pair);
    uint64_t unsent = streams->unsent[VEL_URGENCY_DEFAULT];
    for (size_t i = 0; i < VEL_COUNT(ids); i++)
        ASSERT_OK(vel_streams_reset(streams, ids[i], 0));
    assert_true(unsent > 0);
    assert_int_equal(streams->unsent[VEL_URGENCY_DEFAULT], 0);
    pair_free(&pair);
}

/* RFC 9000 4.6: a stream of the peer that has read and sent all gives its place back at once; as many
 * as may be open linger until they are acknowledged. */
static void places_come_back_before_the_acknowledgement(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    bool fin = false;
    const struct vel_streams_remote *remote = &server(&pair)->remote[0];
    uint64_t id = open_stream(client(&pair), true);
    write_bytes(client(&pair), id, 10, true);
    pair_settle(&pair);
    assert_int_equal(read_all(server(&pair), id, &fin), 10);
    write_bytes(server(&pair), id, 10, true);
    assert_int_equal(remote->over, 0);
    struct pair_packet packet;
    ASSERT_OK(pair_write(&pair, PAIR_SERVER, PAIR_PACKET, &packet));
    assert_int_equal(remote->over, 1);
    assert_int_equal(remote->lingering, 1);
    ASSERT_OK(pair_acked(&pair, &packet));
    for (struct vel_event event; vel_streams_next_event(server(&pair), &event);)
        continue;
    assert_int_equal(remote->over, 1);
    assert_int_equal(remote->lingering, 0);
    assert_int_equal(vel_streams_count(server(&pair)), 0);
    pair_free(&pair);
}

static void flow_control_of_the_connection(void **state)
{
    (void)state;
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_data = 20 * KIB;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    bool fin = false;
    uint64_t first = open_stream(client(&pair), true);
    uint64_t second = open_stream(client(&pair), true);
    write_bytes(client(&pair), first, 15 * KIB, true);
    write_bytes(client(&pair), second, 15 * KIB, true);
    pair_settle(&pair); /* says that it ends, blocked */
    size_t received = read_all(server(&pair), first, &fin) + read_all(server(&pair), second, &fin);
    assert_int_equal(received, 20 * KIB);
    pair_settle(&pair);
    assert_int_equal(read_all(server(&pair), first, &fin) + read_all(server(&pair), second, &fin),
                     10 * KIB);
    assert_true(fin);
    pair_free(&pair);
}

/* What is lost needs no new credit, even when all is used up. */
static void retransmission_needs_no_credit(void **state)
{
    (void)state;
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_data = 1000;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    uint64_t id = open_stream(client(&pair), true);
    write_bytes(client(&pair), id, 2000, false);
    struct pair_packet packet;
    struct vel_frame frame;
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &packet));
    assert_true(pair_find_frame(&packet, VEL_FRAME_DATA_BLOCKED, &frame));
    assert_int_equal(frame.limit, 1000);
    assert_false(vel_streams_want_send(client(&pair), VEL_CHOICE_ALL));
    ASSERT_OK(pair_lost(&pair, &packet));
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &packet));
    assert_true(pair_find_frame(&packet, VEL_FRAME_DATA_BLOCKED, &frame));
    assert_true(pair_find_frame(&packet, VEL_FRAME_STREAM, &frame));
    assert_int_equal(frame.stream.offset, 0);
    assert_int_equal(frame.stream.data.len, 1000);
    assert_false(vel_streams_want_send(client(&pair), VEL_CHOICE_ALL));
    pair_free(&pair);
}

/* RFC 9218: lower urgency first, equal ones in turn. */
static void urgency_then_turns(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    for (unsigned i = 0; i < 4; i++)
        write_bytes(client(&pair), open_stream(client(&pair), true), 3000, false);
    ASSERT_OK(vel_streams_set_priority(client(&pair), 8, 0, true));
    ASSERT_OK(vel_streams_set_priority(client(&pair), 0, 7, true));
    ASSERT_ERR("8", vel_streams_set_priority(client(&pair), 0, 8, true), VEL_ERR_ARGUMENT);
    const uint64_t want[] = {8, 8, 8, 4, 12, 4, 12, 4, 12, 0, 0, 0};
    struct pair_packet packet;
    for (size_t i = 0; i < VEL_COUNT(want); i++) {
        struct vel_frame frame;
        ASSERT_OK(pair_write(&pair, PAIR_CLIENT, 1008, &packet));
        assert_true(pair_find_frame(&packet, VEL_FRAME_STREAM, &frame));
        assert_int_equal(frame.stream.id, want[i]);
        if (vel_streams_want_send(client(&pair), VEL_CHOICE_ALL))
            assert_true(packet.len > 900);
    }
    pair_free(&pair);
}

/* Bulk streams have longer turns, once each has begun. */
static void long_streams_have_long_turns(void **state)
{
    (void)state;
    enum { STREAMS = 2, SIZE = 64 * 1024, TURN = 16 * 1024 };
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_data = limits.max_stream_data = limits.max_send_buffer = 1024 * 1024;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    uint64_t sent[STREAMS] = {0};
    for (unsigned i = 0; i < STREAMS; i++)
        assert_int_equal(write_bytes(client(&pair), open_stream(client(&pair), true), SIZE, false),
                         SIZE);
    uint64_t last = UINT64_MAX;
    unsigned changes = 0;
    struct pair_packet packet;
    while (vel_streams_want_send(client(&pair), VEL_CHOICE_ALL)) {
        struct vel_frame frame;
        ASSERT_OK(pair_write(&pair, PAIR_CLIENT, 1008, &packet));
        assert_true(pair_find_frame(&packet, VEL_FRAME_STREAM, &frame));
        uint64_t which = frame.stream.id / 4;
        if (sent[which] > 0 && sent[which] < TURN)
            assert_true(which != last);
        sent[which] += frame.stream.data.len;
        changes += which != last && sent[which] > TURN + PAIR_PACKET;
        last = which;
    }
    assert_in_range(changes, 4, 8); /* packet by packet they would be about 90 */
    for (unsigned i = 0; i < STREAMS; i++)
        assert_in_range(sent[i], SIZE - PAIR_PACKET, SIZE); /* the last packets hold two frames */
    pair_free(&pair);
}

/* The most bytes that one of two bulk streams sends before the other's turn. A third one that is more
 * urgent comes late, and is first. */
static uint64_t longest_turn(uint64_t rate)
{
    enum { SIZE = 120 * 1024 };
    struct pair pair;
    struct vel_limits limits = pair_limits();
    limits.max_data = limits.max_stream_data = limits.max_send_buffer = 1024 * 1024;
    ASSERT_OK(pair_init(&pair, 1, &limits, -1));
    pair_connect(&pair);
    vel_streams_set_rate(client(&pair), rate);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(write_bytes(client(&pair), open_stream(client(&pair), true), SIZE, false),
                         SIZE);
    uint64_t last = 0, turn = 0, longest = 0, total = 0;
    while (vel_streams_want_send(client(&pair), VEL_CHOICE_ALL)) {
        struct pair_packet packet;
        struct vel_frame frame;
        ASSERT_OK(pair_write(&pair, PAIR_CLIENT, 1008, &packet));
        assert_true(pair_find_frame(&packet, VEL_FRAME_STREAM, &frame));
        turn = (frame.stream.id == last ? turn : 0) + frame.stream.data.len;
        last = frame.stream.id;
        total += frame.stream.data.len;
        longest = VEL_MAX(longest, turn);
        if (total / 1000 == 180 && vel_streams_count(client(&pair)) == 2) {
            uint64_t urgent = open_stream(client(&pair), true);
            ASSERT_OK(vel_streams_set_priority(client(&pair), urgent, 0, true));
            write_bytes(client(&pair), urgent, 100, false);
            ASSERT_OK(pair_write(&pair, PAIR_CLIENT, 1008, &packet));
            assert_true(pair_find_frame(&packet, VEL_FRAME_STREAM, &frame));
            assert_int_equal(frame.stream.id, urgent);
        }
    }
    assert_int_equal(vel_streams_count(client(&pair)), 3);
    pair_free(&pair);
    return longest;
}

/* A millisecond's worth of the rate, within bounds. */
static void turns_are_longer_where_data_is_fast(void **state)
{
    (void)state;
    assert_in_range(longest_turn(0), 15 * 1024, 17 * 1024);
    assert_in_range(longest_turn(1000 * 1000), 15 * 1024, 17 * 1024);
    assert_in_range(longest_turn(32 * 1024 * 1000), 31 * 1024, 33 * 1024);
    /* The last turn of all is what is left. */
    assert_in_range(longest_turn(UINT64_MAX), 50 * 1024, 63 * 1024);
}

/* RFC 9218 10: those that are of no use in parts are sent one after the other. */
static void streams_that_keep_their_turn(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t id = open_stream(client(&pair), true);
        ASSERT_OK(vel_streams_set_priority(client(&pair), id, 3, i == 2));
        write_bytes(client(&pair), id, 3000, false);
    }
    const uint64_t want[] = {0, 0, 0, 4, 4, 4, 8, 8, 8};
    struct pair_packet packet;
    for (size_t i = 0; i < VEL_COUNT(want); i++) {
        struct vel_frame frame;
        ASSERT_OK(pair_write(&pair, PAIR_CLIENT, 1008, &packet));
        assert_true(pair_find_frame(&packet, VEL_FRAME_STREAM, &frame));
        assert_int_equal(frame.stream.id, want[i]);
    }
    pair_free(&pair);
}

static void reset_by_the_sender(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    uint64_t id = open_stream(client(&pair), true);
    write_bytes(client(&pair), id, 3000, false);
    struct pair_packet lost;
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &lost));
    ASSERT_OK(vel_streams_reset(client(&pair), id, 77));
    ASSERT_ERR("twice", vel_streams_reset(client(&pair), id, 78), VEL_ERR_CLOSED);
    size_t accepted = 0;
    ASSERT_ERR("write", vel_streams_write(client(&pair), id, BYTES(1), false, &accepted),
               VEL_ERR_CLOSED);
    ASSERT_OK(pair_lost(&pair, &lost)); /* its bytes are not sent again */

    struct pair_packet packet;
    struct vel_frame frame;
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &packet));
    assert_false(pair_find_frame(&packet, VEL_FRAME_STREAM, &frame));
    ASSERT_OK(pair_lost(&pair, &packet));
    pair_settle(&pair);
    expect_event(server(&pair), VEL_EVENT_STREAM_OPENED, id, 0);
    expect_event(server(&pair), VEL_EVENT_STREAM_RESET, id, 77);
    struct vel_slice bytes;
    bool fin = false;
    ASSERT_ERR("read", vel_streams_read(server(&pair), id, &bytes, &fin), VEL_ERR_CLOSED);

    write_bytes(server(&pair), id, 10, true); /* the other direction lives on */
    pair_settle(&pair);
    assert_int_equal(read_all(client(&pair), id, &fin), 10);
    expect_event(client(&pair), VEL_EVENT_STREAM_READABLE, id, 0);
    expect_event(client(&pair), VEL_EVENT_STREAM_CLOSED, id, 0);
    expect_event(server(&pair), VEL_EVENT_STREAM_CLOSED, id, 0);
    pair_free(&pair);
}

/* STOP_SENDING is answered with RESET_STREAM; bytes under way give their credit back. */
static void stopped_by_the_receiver(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    uint64_t id = open_stream(client(&pair), false);
    write_bytes(client(&pair), id, 10000, false);
    struct pair_packet first;
    struct pair_packet late;
    uint64_t wire_code = 0;
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &first));
    ASSERT_OK(pair_write(&pair, PAIR_CLIENT, PAIR_PACKET, &late));
    ASSERT_OK(pair_deliver(&pair, &first, &wire_code));
    ASSERT_OK(vel_streams_stop(server(&pair), id, 5));
    ASSERT_ERR("twice", vel_streams_stop(server(&pair), id, 5), VEL_ERR_CLOSED);
    struct vel_slice bytes;
    bool fin = false;
    ASSERT_ERR("read", vel_streams_read(server(&pair), id, &bytes, &fin), VEL_ERR_CLOSED);
    struct pair_packet stop;
    ASSERT_OK(pair_write(&pair, PAIR_SERVER, PAIR_PACKET, &stop));
    ASSERT_OK(pair_lost(&pair, &stop)); /* and again */
    ASSERT_OK(pair_deliver(&pair, &late, &wire_code));
    pair_settle(&pair);
    expect_event(client(&pair), VEL_EVENT_STREAM_STOPPED, id, 5);
    expect_event(client(&pair), VEL_EVENT_STREAM_CLOSED, id, 0);
    expect_event(server(&pair), VEL_EVENT_STREAM_OPENED, id, 0);
    expect_event(server(&pair), VEL_EVENT_STREAM_CLOSED, id, 0);
    assert_int_equal(vel_streams_count(server(&pair)), 1); /* until the next call */
    pair_drain_events(&pair, PAIR_SERVER);
    vel_streams_trim(server(&pair));
    pair_free(&pair);
}

/* WRITABLE is due, then the application resets the stream: nothing is left to tell. */
static void withdrawn_events(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    uint64_t id = open_stream(client(&pair), true);
    write_bytes(client(&pair), id, 40 * KIB, false);
    pair_settle(&pair);
    uint64_t wire_code = 0;
    struct vel_frame more = {.type = VEL_FRAME_MAX_STREAM_DATA,
                             .stream_limit = {.id = id, .limit = MIB}};
    ASSERT_OK(vel_streams_on_frame(client(&pair), &more, &wire_code));
    assert_true(vel_streams_has_events(client(&pair)));
    ASSERT_OK(vel_streams_reset(client(&pair), id, 1));
    expect_silence(client(&pair));
    ASSERT_OK(vel_streams_stop(server(&pair), id, 1)); /* before OPENED and READABLE are taken */
    pair_settle(&pair);
    expect_event(server(&pair), VEL_EVENT_STREAM_OPENED, id, 0);
    expect_silence(server(&pair));
    pair_free(&pair);
}

static void nothing_readable_on_what_is_not_ours(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    struct vel_slice bytes;
    size_t accepted = 0;
    bool fin = false;
    uint64_t id = open_stream(client(&pair), false);
    ASSERT_ERR("read", vel_streams_read(client(&pair), id, &bytes, &fin), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("stop", vel_streams_stop(client(&pair), id, 0), VEL_ERR_NOT_FOUND);
    write_bytes(client(&pair), id, 10, false);
    pair_settle(&pair);
    ASSERT_ERR("write", vel_streams_write(server(&pair), id, BYTES(1), false, &accepted),
               VEL_ERR_NOT_FOUND);
    ASSERT_ERR("reset", vel_streams_reset(server(&pair), id, 0), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("too much", vel_streams_consume(server(&pair), id, 11), VEL_ERR_ARGUMENT);
    ASSERT_ERR("none", vel_streams_read(client(&pair), 400, &bytes, &fin), VEL_ERR_NOT_FOUND);
    pair_free(&pair);
}

/* Idle connections give their memory back, open streams included. */
static void idle_memory(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    bool fin = false;
    uint64_t id = open_stream(client(&pair), true);
    for (unsigned i = 0; i < 10; i++) {
        write_bytes(client(&pair), id, 10000, false);
        pair_settle(&pair);
        assert_int_equal(read_all(server(&pair), id, &fin), 10000);
        pair_settle(&pair);
    }
    for (int i = 0; i < 2; i++) {
        pair_drain_events(&pair, i);
        vel_streams_trim(pair.side[i].streams);
        vel_sent_trim(&pair.side[i].sent);
    }
    assert_true(pair.t.outstanding < 5000);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_and_answer),
        cmocka_unit_test(ids_are_the_wires),
        cmocka_unit_test(streams_before_the_parameters),
        cmocka_unit_test(stream_limit_moves),
        cmocka_unit_test(flow_control_of_a_stream),
        cmocka_unit_test(little_waits_on_a_wide_path),
        cmocka_unit_test(without_credit_little_is_queued),
        cmocka_unit_test(places_come_back_before_the_acknowledgement),
        cmocka_unit_test(flow_control_of_the_connection),
        cmocka_unit_test(retransmission_needs_no_credit),
        cmocka_unit_test(urgency_then_turns),
        cmocka_unit_test(long_streams_have_long_turns),
        cmocka_unit_test(turns_are_longer_where_data_is_fast),
        cmocka_unit_test(streams_that_keep_their_turn),
        cmocka_unit_test(reset_by_the_sender),
        cmocka_unit_test(stopped_by_the_receiver),
        cmocka_unit_test(withdrawn_events),
        cmocka_unit_test(nothing_readable_on_what_is_not_ours),
        cmocka_unit_test(idle_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
