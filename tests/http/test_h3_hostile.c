/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/h3.h"
#include "http/talk.h"

/* Streams a client opens: requests 0 and 4; unidirectional 2, 6, 10. */
enum { REQUEST = 0, UNI_1 = 2, UNI_2 = 6 };

/* QPACK without a dynamic table: GET https / localhost "x". */
#define PREFIX "0000"
#define GET "d1"
#define HTTPS "d7"
#define SLASH "c1"
#define AUTHORITY "500178"

struct row {
    const char *what;
    uint64_t stream;
    const char *hex;
    bool fin;
    bool on_stream; /* the stream is reset, the connection goes on */
    uint64_t code;  /* 0: nothing happens */
};

static const struct row rows[] = {
    {"DATA before HEADERS", REQUEST, "000161", false, false, VEL_H3_FRAME_UNEXPECTED},
    {"SETTINGS on a request", REQUEST, "0400", false, false, VEL_H3_FRAME_UNEXPECTED},
    {"PUSH_PROMISE on a request", REQUEST, "0500", false, false, VEL_H3_FRAME_UNEXPECTED},
    {"GOAWAY on a request", REQUEST, "070100", false, false, VEL_H3_FRAME_UNEXPECTED},
    {"reserved HTTP/2 type", REQUEST, "0600", false, false, VEL_H3_FRAME_UNEXPECTED},
    {"frame cut off", REQUEST, "01080000", true, false, VEL_H3_FRAME_ERROR},
    {"length cut off", REQUEST, "0140", true, false, VEL_H3_FRAME_ERROR},
    {"no message at all", REQUEST, "", true, false, VEL_H3_FRAME_UNEXPECTED},
    {"first frame is not SETTINGS", UNI_1, "00070100", false, false, VEL_H3_MISSING_SETTINGS},
    {"second SETTINGS", UNI_1, "0004000400", false, false, VEL_H3_FRAME_UNEXPECTED},
    {"DATA on control", UNI_1, "0004000000", false, false, VEL_H3_FRAME_UNEXPECTED},
    {"HEADERS on control", UNI_1, "0004000100", false, false, VEL_H3_FRAME_UNEXPECTED},
    {"control stream ends", UNI_1, "000400", true, false, VEL_H3_CLOSED_CRITICAL_STREAM},
    {"setting of HTTP/2", UNI_1, "0004020200", false, false, VEL_H3_SETTINGS_ERROR},
    {"setting cut off", UNI_1, "00040106", false, false, VEL_H3_FRAME_ERROR},
    {"push stream from a client", UNI_1, "01", false, false, VEL_H3_STREAM_CREATION_ERROR},
    {"unknown stream type", UNI_1, "21aabbcc", false, false, 0},
    {"table capacity over zero", UNI_1, "023fe11f", false, false, VEL_QPACK_ENCODER_STREAM_ERROR},
    {"increment by nothing", UNI_1, "0300", false, false, VEL_QPACK_DECODER_STREAM_ERROR},
    {"encoder stream ends", UNI_1, "02", true, false, VEL_H3_CLOSED_CRITICAL_STREAM},
    {"static index 99", REQUEST, "01040000ff24", false, false, VEL_QPACK_DECOMPRESSION_FAILED},
    {"dynamic table", REQUEST, "0103020080", false, false, VEL_QPACK_DECOMPRESSION_FAILED},
    {"no path", REQUEST, "0107" PREFIX GET HTTPS AUTHORITY, true, true, VEL_H3_MESSAGE_ERROR},
    {"no authority", REQUEST, "0105" PREFIX GET HTTPS SLASH, true, true, VEL_H3_MESSAGE_ERROR},
    {"two methods", REQUEST, "0109" PREFIX GET GET HTTPS SLASH AUTHORITY, true, true,
     VEL_H3_MESSAGE_ERROR},
    {"status in a request", REQUEST, "0109" PREFIX GET HTTPS SLASH "d9" AUTHORITY, true, true,
     VEL_H3_MESSAGE_ERROR},
    {"upper case name", REQUEST, "010c" PREFIX GET HTTPS SLASH AUTHORITY "21580141", true, true,
     VEL_H3_MESSAGE_ERROR},
    {"line feed in a value: dropped", REQUEST, "010c" PREFIX GET HTTPS SLASH AUTHORITY "2178010a",
     true, false, 0},
    {"connection field", REQUEST,
     "0116" PREFIX GET HTTPS SLASH AUTHORITY "2703636f6e6e656374696f6e0161", true, false, 0},
    {"body longer than announced", REQUEST,
     "010b" PREFIX GET HTTPS SLASH AUTHORITY "540130"
     "000100",
     true, false, VEL_H3_MESSAGE_ERROR},
    {"body shorter than announced", REQUEST,
     "010b" PREFIX GET HTTPS SLASH AUTHORITY "540135"
     "000100",
     true, false, VEL_H3_MESSAGE_ERROR},
    {"unknown frame first", REQUEST,
     "210100"
     "0108" PREFIX GET HTTPS SLASH AUTHORITY,
     true, false, 0},
};

static void check_row(const struct row *row, size_t chunk)
{
    uint8_t bytes[128];
    struct talk t;
    talk_start_server(&t, 64 * KIB);
    t.pair.max_chunk = chunk;
    size_t size = test_unhex(row->hex, bytes, sizeof bytes);
    fake_write(&t.pair, FAKE_CLIENT, row->stream, vel_slice(bytes, size), row->fin);
    vel_http_send(t.server);
    struct vel_event event;
    uint64_t reset = 0;
    while (fake_next_event(&t.pair, FAKE_SERVER, &event)) {
        vel_http_event(t.server, &event);
        vel_http_send(t.server);
    }
    while (!t.pair.closed && fake_next_event(&t.pair, FAKE_CLIENT, &event))
        if (event.type == VEL_EVENT_STREAM_RESET)
            reset = event.code;
    bool ends = row->code != 0 && !row->on_stream;
    if (t.pair.closed != ends || (ends && t.pair.close_code != row->code))
        fail_msg("%s: connection %s with 0x%llx", row->what, t.pair.closed ? "closed" : "open",
                 (unsigned long long)t.pair.close_code);
    if (row->on_stream && reset != row->code)
        fail_msg("%s: stream reset with 0x%llx", row->what, (unsigned long long)reset);
    CHECK(row->what, vel_http_active(t.server) == 0 || row->code == 0);
    talk_end(&t);
}

static void broken_rules_get_the_right_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        check_row(&rows[i], 0);
        check_row(&rows[i], 1);
    }
}

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

static void a_server_may_not_open_requests(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    fake_write(&t.pair, FAKE_SERVER, 1, vel_slice_text("x"), false);
    talk_run(&t);
    assert_true(t.pair.closed);
    assert_int_equal(t.pair.closed_by, FAKE_CLIENT);
    assert_int_equal(t.pair.close_code, VEL_H3_STREAM_CREATION_ERROR);
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_rules_get_the_right_code),
        cmocka_unit_test(header_bombs_are_refused),
        cmocka_unit_test(unfinished_heads_are_bounded_together),
        cmocka_unit_test(floods_of_abandoned_requests_end_the_connection),
        cmocka_unit_test(a_server_may_not_open_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
