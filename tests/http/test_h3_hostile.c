/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/h3.h"
#include "http/talk.h"

enum { REQUEST = 0 };

/* A request with `count` fields "a: (value of `size` bytes)" after the pseudo-header fields; or one
 * whose last byte is missing. */
static void write_bomb(struct talk *t, uint64_t stream, size_t count, size_t size, bool whole)
{
    static const uint8_t start[] = {0x00, 0x00, 0xd1, 0xd7, 0xc1, 0x50, 0x01, 'x'};
    size_t field = 3 + 4 + size;
    size_t total = sizeof start + count * field;
    uint8_t *bytes = test_malloc(5 + total);
    memset(bytes, 'v', 5 + total);
    bytes[0] = 0x01;
    for (size_t i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)((total | 0x80000000u) >> (24 - 8 * i));
    memcpy(bytes + 5, start, sizeof start);
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = bytes + 5 + sizeof start + i * field;
        size_t rest = size - 127; /* QPACK integer with a 7-bit prefix, padded to 5 bytes */
        at[0] = 0x21;
        at[1] = 'a';
        at[2] = 0x7f;
        at[3] = (uint8_t)(rest | 0x80);
        at[4] = (uint8_t)(rest >> 7 | 0x80);
        at[5] = (uint8_t)(rest >> 14 | 0x80);
        at[6] = 0;
    }
    fake_write(&t->pair, FAKE_CLIENT, stream, vel_slice(bytes, 5 + total - !whole), whole);
    test_free(bytes);
}

static void header_bombs_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t count, size;
        bool answered; /* with 431, or 404 when `fits` */
        bool fits;
    } bombs[] = {
        {"fits", 20, 200, true, true},
        {"too many", 200, 130, true, false},
        {"too large", 10, 8000, true, false},
        {"far too large", 40, 8000, false, false},
    };
    for (size_t i = 0; i < VEL_COUNT(bombs); i++) {
        struct talk t;
        talk_start_server(&t, MIB);
        write_bomb(&t, REQUEST, bombs[i].count, bombs[i].size, true);
        size_t before = t.env.outstanding;
        struct vel_event event;
        while (fake_next_event(&t.pair, FAKE_SERVER, &event)) {
            vel_http_event(t.server, &event);
            CHECK(bombs[i].what, t.env.outstanding < before + 256 * KIB);
            vel_http_send(t.server);
        }
        CHECK(bombs[i].what, t.pair.closed == !bombs[i].answered);
        if (t.pair.closed)
            CHECK(bombs[i].what, t.pair.close_code == VEL_H3_EXCESSIVE_LOAD);
        uint8_t answer[64];
        size_t got = fake_peek(&t.pair, FAKE_CLIENT, REQUEST, answer, sizeof answer);
        /* HEADERS; the status is a literal or static entry; both answers are short. */
        CHECK(bombs[i].what, t.pair.closed || (got > 4 && answer[0] == 0x01));
        CHECK(bombs[i].what, !bombs[i].answered || t.server_closed == 0);
        talk_end(&t);
    }
}

/* A request with a field whose text is coded in 28 bits a character: `size` bytes of code. */
static void write_long_code(struct talk *t, uint64_t stream, size_t size)
{
    static const uint8_t start[] = {0x00, 0x00, 0xd1, 0xd7, 0xc1, 0x50, 0x01, 'x', 0x21, 'a'};
    static const uint8_t two[] = {0xff, 0xff, 0xff, 0xdf, 0xff, 0xff, 0xfd}; /* 0xdc, twice */
    size_t total = sizeof start + 4 + size;
    uint8_t *bytes = test_malloc(5 + total);
    bytes[0] = 0x01;
    for (size_t i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)((total | 0x80000000u) >> (24 - 8 * i));
    memcpy(bytes + 5, start, sizeof start);
    uint8_t *at = bytes + 5 + sizeof start;
    size_t rest = size - 127;
    at[0] = 0xff;
    at[1] = (uint8_t)(rest | 0x80);
    at[2] = (uint8_t)(rest >> 7 | 0x80);
    at[3] = (uint8_t)(rest >> 14);
    for (size_t i = 0; i < size; i++)
        at[4 + i] = two[i % sizeof two];
    fake_write(&t->pair, FAKE_CLIENT, stream, vel_slice(bytes, 5 + total), true);
    test_free(bytes);
}

/* Many requests whose answers nobody reads, so that each keeps its head. */
static void whole_heads_are_bounded_together(void **state)
{
    (void)state;
    enum { REQUESTS = 128, FIELDS = 7, FIELD = 8000, CODE = 7 * 9000 };
    for (int coded = 0; coded < 2; coded++) {
        struct talk t;
        talk_start_server(&t, MIB);
        size_t before = t.env.outstanding;
        for (uint64_t i = 0; i < REQUESTS; i++) {
            if (coded)
                write_long_code(&t, 4 * i, CODE);
            else
                write_bomb(&t, 4 * i, FIELDS, FIELD, true);
            fake_run(&t.pair, NULL, t.server);
        }
        assert_false(t.pair.closed);
        assert_int_equal(vel_http_active(t.server), REQUESTS);
        assert_true(t.env.outstanding - before < 3 * MIB);
        talk_end(&t);
    }
}

/* Many requests whose header sections come to nearly the limit and never end. */
static void unfinished_heads_are_bounded_together(void **state)
{
    (void)state;
    enum { REQUESTS = 100, FIELDS = 7, FIELD = 8000 };
    struct talk t;
    talk_start_server(&t, MIB);
    size_t before = t.env.outstanding;
    for (uint64_t i = 0; i < REQUESTS; i++) {
        write_bomb(&t, 4 * i, FIELDS, FIELD, false);
        fake_run(&t.pair, NULL, t.server);
    }
    assert_false(t.pair.closed);
    assert_int_equal(vel_http_active(t.server), REQUESTS);
    assert_true(t.env.outstanding - before < 3 * MIB);
    talk_end(&t);
}

/* Of streams whose type does not come whole some are remembered, and the others not listened to. */
static void types_that_come_in_part_are_bounded(void **state)
{
    (void)state;
    enum { STREAMS = 16 };
    struct talk t;
    talk_start_server(&t, MIB);
    size_t before = t.env.outstanding;
    for (uint64_t i = 0; i < STREAMS; i++) {
        fake_write(&t.pair, FAKE_CLIENT, 2 + 4 * i, vel_slice("\x40", 1), false);
        fake_run(&t.pair, NULL, t.server);
    }
    size_t stopped = 0;
    for (uint64_t i = 0; i < STREAMS; i++)
        stopped += fake_find(&t.pair, 2 + 4 * i) == NULL; /* and so gone */
    assert_int_equal(stopped, STREAMS - 4);
    assert_int_equal(t.env.outstanding, before);
    fake_write(&t.pair, FAKE_CLIENT, 2, vel_slice("\0\4\0\7\0", 5), false);
    fake_run(&t.pair, NULL, t.server);
    assert_true(t.pair.closed); /* it was the control stream, with a GOAWAY of nothing */
    assert_int_equal(t.pair.close_code, VEL_H3_FRAME_ERROR);
    talk_end(&t);
}

/* The stream pays for them, not the connection. */
static void large_trailers_end_their_stream_only(void **state)
{
    (void)state;
    struct talk t;
    struct talk_fetch fetch = {0};
    talk_start(&t, MIB);
    fake_write(&t.pair, FAKE_CLIENT, 400,
               vel_slice("\x01\x10\0\0\xd4\xd7\x51\x07/upload\x50\x01x\x01\x80\x01\0\x01\0\0", 25),
               false);
    fake_run(&t.pair, NULL, t.server);
    assert_null(fake_find(&t.pair, 400));
    assert_int_equal(t.server_end.code, VEL_H3_EXCESSIVE_LOAD);
    assert_false(t.server_end.by_peer);
    ASSERT_OK(talk_get(&t, "/bytes/100", &fetch));
    talk_run(&t);
    assert_int_equal(fetch.received, 100);
    talk_end(&t);
}

static void floods_of_abandoned_requests_end_the_connection(void **state)
{
    (void)state;
    static const uint8_t half[] = {0x01, 0x08, 0x00};
    struct talk t;
    talk_start_server(&t, 64 * KIB);
    uint64_t id = 0;
    for (; !t.pair.closed && id < 4000; id += 4) {
        struct vel_bytestreams client = fake_streams(&t.pair, FAKE_CLIENT);
        fake_write(&t.pair, FAKE_CLIENT, id, vel_slice(half, sizeof half), false);
        ASSERT_OK(client.ops->reset(client.self, id, VEL_H3_REQUEST_CANCELLED));
        fake_run(&t.pair, NULL, t.server);
    }
    assert_true(t.pair.closed);
    assert_int_equal(t.pair.close_code, VEL_H3_EXCESSIVE_LOAD);
    assert_true(id / 4 < 200);
    talk_end(&t);
}

/* Malformed requests make us reset their streams: as dear as resets by the client. */
static void floods_of_malformed_requests_end_the_connection(void **state)
{
    (void)state;
    static const uint8_t no_path[] = {0x01, 0x07, 0x00, 0x00, 0xd1, 0xd7, 0x50, 0x01, 'x'};
    struct talk t;
    talk_start_server(&t, 64 * KIB);
    uint64_t id = 0;
    for (; !t.pair.closed && id < 4000; id += 4) {
        fake_write(&t.pair, FAKE_CLIENT, id, vel_slice(no_path, sizeof no_path), true);
        fake_run(&t.pair, NULL, t.server);
    }
    assert_true(t.pair.closed);
    assert_int_equal(t.pair.close_code, VEL_H3_EXCESSIVE_LOAD);
    assert_true(id / 4 < 200);
    talk_end(&t);
}

static vel_result refuse_to_stop(void *self, uint64_t stream, uint64_t code)
{
    (void)self, (void)stream, (void)code;
    return VEL_ERR_CLOSED;
}

/* A stream of a reserved type cannot be stopped once the connection is over: what follows its type
 * is still no type. */
static void the_rest_of_an_unknown_stream_is_no_type(void **state)
{
    (void)state;
    static const uint8_t push[] = {0x21, 0x01, 0x01};
    struct talk t = {0};
    test_env_init(&t.env, 7);
    fake_init(&t.pair, 64 * KIB);
    struct vel_bytestreams streams = fake_streams(&t.pair, FAKE_CLIENT);
    struct vel_bytestreams_ops ops = *streams.ops;
    struct vel_http_events events = talk_client_events(&t);
    ops.stop = refuse_to_stop;
    streams.ops = &ops;
    ASSERT_OK(vel_h3_new(&t.env.env, streams, true, &events, &t.client));
    fake_write(&t.pair, FAKE_SERVER, 3, vel_slice(push, sizeof push), false);
    fake_run(&t.pair, t.client, NULL);
    assert_false(t.pair.closed);
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_bombs_are_refused),
        cmocka_unit_test(whole_heads_are_bounded_together),
        cmocka_unit_test(unfinished_heads_are_bounded_together),
        cmocka_unit_test(the_rest_of_an_unknown_stream_is_no_type),
        cmocka_unit_test(types_that_come_in_part_are_bounded),
        cmocka_unit_test(large_trailers_end_their_stream_only),
        cmocka_unit_test(floods_of_abandoned_requests_end_the_connection),
        cmocka_unit_test(floods_of_malformed_requests_end_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
