/* SPDX-License-Identifier: MIT */
#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "base/units.h"
#include "http/talk.h"

/* A frame is length (3 bytes), type, flags, stream (4 bytes), payload (RFC 9113 4.1). */
#define PREFACE "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a"
#define SETTINGS "000000040000000000"
#define HELLO PREFACE SETTINGS

/* HPACK without new entries: GET https / localhost "x". */
#define GET "82"
#define HTTPS "87"
#define SLASH "84"
#define AUTHORITY "010178"
#define WHOLE GET HTTPS SLASH AUTHORITY /* 6 bytes */

/* HEADERS on stream 1 with END_HEADERS, and END_STREAM in 05. */
#define HEADERS_END(size) "0000" size "010500000001"
#define HEADERS_OPEN(size) "0000" size "010400000001"
#define REQUEST HEADERS_END("06") WHOLE
#define OPEN_REQUEST HEADERS_OPEN("06") WHOLE

enum { NOTHING = -1 };

struct row {
    const char *what;
    const char *hex;
    bool on_stream; /* RST_STREAM on 1, and the session goes on; else GOAWAY */
    int code;       /* NOTHING: no error */
};

static const struct row rows[] = {
    /* 3.4: the preface */
    {"not the preface", "474554202f20485454502f312e310d0a0d0a474554202f20", false,
     NGHTTP2_PROTOCOL_ERROR},
    {"first frame is not SETTINGS", PREFACE "0000080600000000000000000000000000", false,
     NGHTTP2_PROTOCOL_ERROR},
    /* 4.2: frame sizes */
    {"frame too large", HELLO "004001000000000001", false, NGHTTP2_FRAME_SIZE_ERROR},
    {"PING of 7 bytes", HELLO "00000706000000000000000000000000", false, NGHTTP2_FRAME_SIZE_ERROR},
    {"SETTINGS of 5 bytes", HELLO "0000050400000000000000000000", false, NGHTTP2_FRAME_SIZE_ERROR},
    {"SETTINGS ACK with payload", HELLO "000006040100000000000100000000", false,
     NGHTTP2_FRAME_SIZE_ERROR},
    {"WINDOW_UPDATE of 3 bytes", HELLO "000003080000000000000001", false, NGHTTP2_FRAME_SIZE_ERROR},
    {"RST_STREAM of 3 bytes", HELLO OPEN_REQUEST "000003030000000001000008", false,
     NGHTTP2_FRAME_SIZE_ERROR},
    {"GOAWAY of 4 bytes", HELLO "00000407000000000000000000", false, NGHTTP2_FRAME_SIZE_ERROR},
    /* 5.1: states */
    {"DATA on an idle stream", HELLO "00000100000000000100", false, NGHTTP2_PROTOCOL_ERROR},
    {"WINDOW_UPDATE on an idle stream", HELLO "00000408000000000100000001", false,
     NGHTTP2_PROTOCOL_ERROR},
    {"RST_STREAM on an idle stream", HELLO "00000403000000000100000008", false,
     NGHTTP2_PROTOCOL_ERROR},
    {"DATA after END_STREAM", HELLO REQUEST "00000100000000000100", false, NGHTTP2_STREAM_CLOSED},
    {"HEADERS after END_STREAM", HELLO REQUEST REQUEST, false, NGHTTP2_STREAM_CLOSED},
    {"even stream from a client", HELLO "000006010500000002" WHOLE, false, NGHTTP2_PROTOCOL_ERROR},
    /* 6: frames */
    {"DATA on stream 0", HELLO "00000100000000000000", false, NGHTTP2_PROTOCOL_ERROR},
    {"HEADERS on stream 0", HELLO "000006010500000000" WHOLE, false, NGHTTP2_PROTOCOL_ERROR},
    {"SETTINGS on a stream", HELLO "000000040000000001", false, NGHTTP2_PROTOCOL_ERROR},
    {"PING on a stream", HELLO "0000080600000000010000000000000000", false, NGHTTP2_PROTOCOL_ERROR},
    {"GOAWAY on a stream", HELLO "0000080700000000010000000000000000", false,
     NGHTTP2_PROTOCOL_ERROR},
    {"PUSH_PROMISE from a client", HELLO OPEN_REQUEST "00000a05040000000100000002" WHOLE, false,
     NGHTTP2_PROTOCOL_ERROR},
    {"padding longer than the frame", HELLO OPEN_REQUEST "0000020008000000010500", false,
     NGHTTP2_PROTOCOL_ERROR},
    {"window over 2^31-1", HELLO "000006040000000000000480000000", false,
     NGHTTP2_FLOW_CONTROL_ERROR},
    {"frame size of 0", HELLO "000006040000000000000500000000", false, NGHTTP2_PROTOCOL_ERROR},
    {"ENABLE_PUSH of 2", HELLO "000006040000000000000200000002", false, NGHTTP2_PROTOCOL_ERROR},
    {"WINDOW_UPDATE of nothing", HELLO "00000408000000000000000000", false, NGHTTP2_PROTOCOL_ERROR},
    {"WINDOW_UPDATE too far", HELLO "0000040800000000007fffffff", false,
     NGHTTP2_FLOW_CONTROL_ERROR},
    {"CONTINUATION alone", HELLO "000006090400000001" WHOLE, false, NGHTTP2_PROTOCOL_ERROR},
    {"PING inside a header section",
     HELLO "0000030101000000018287840000080600000000000000000000000000", false,
     NGHTTP2_PROTOCOL_ERROR},
    /* 4.3: HPACK */
    {"index outside of the tables", HELLO HEADERS_END("01") "ff", false, NGHTTP2_COMPRESSION_ERROR},
    {"table larger than allowed", HELLO HEADERS_END("09") "3fe21f" WHOLE, false,
     NGHTTP2_COMPRESSION_ERROR},
    /* 8.1.1: malformed messages */
    {"no path", HELLO HEADERS_END("05") GET HTTPS AUTHORITY, true, NGHTTP2_PROTOCOL_ERROR},
    {"no method", HELLO HEADERS_END("05") HTTPS SLASH AUTHORITY, true, NGHTTP2_PROTOCOL_ERROR},
    {"two methods", HELLO HEADERS_END("07") GET WHOLE, true, NGHTTP2_PROTOCOL_ERROR},
    {"status in a request", HELLO HEADERS_END("07") "88" WHOLE, true, NGHTTP2_PROTOCOL_ERROR},
    {"unknown pseudo-header field", HELLO HEADERS_END("0c") WHOLE "00023a610161", true,
     NGHTTP2_PROTOCOL_ERROR},
    {"pseudo-header field last", HELLO HEADERS_END("0b") GET HTTPS AUTHORITY "0001610161" SLASH,
     true, NGHTTP2_PROTOCOL_ERROR},
    {"upper case name", HELLO HEADERS_END("0b") WHOLE "0001410161", true, NGHTTP2_PROTOCOL_ERROR},
    {"line feed in a value", HELLO HEADERS_END("0b") WHOLE "000161010a", true,
     NGHTTP2_PROTOCOL_ERROR},
    {"connection field", HELLO HEADERS_END("14") WHOLE "000a636f6e6e656374696f6e0161", true,
     NGHTTP2_PROTOCOL_ERROR},
    {"te that is not trailers", HELLO HEADERS_END("0c") WHOLE "000274650161", true,
     NGHTTP2_PROTOCOL_ERROR},
    {"body longer than announced", HELLO HEADERS_OPEN("0a") WHOLE "0f0d013000000100010000000100",
     true, NGHTTP2_PROTOCOL_ERROR},
    {"body shorter than announced", HELLO HEADERS_OPEN("0a") WHOLE "0f0d013500000100010000000100",
     true, NGHTTP2_PROTOCOL_ERROR},
    {"request without a body that announces one", HELLO HEADERS_END("0a") WHOLE "0f0d0135", true,
     NGHTTP2_PROTOCOL_ERROR},
    {"WINDOW_UPDATE too far on a stream", HELLO OPEN_REQUEST "0000040800000000017fffffff", true,
     NGHTTP2_FLOW_CONTROL_ERROR},
    /* 5.5: extensions are ignored */
    {"unknown frame", HELLO "0000032a0000000000616263" REQUEST, false, NOTHING},
    {"unknown setting", HELLO "0000060400000000004a4a00000001" REQUEST, false, NOTHING},
    {"PRIORITY", HELLO "0000050200000000030000000510" REQUEST, false, NOTHING},
    {"PRIORITY_UPDATE", HELLO OPEN_REQUEST "00000710000000000000000001753d30", false, NOTHING},
    {"trailers", HELLO OPEN_REQUEST "000001000000000001000000050105000000010001610161", false,
     NOTHING},
};

/* ---- a server and what it says ---- */

struct said {
    int goaway; /* the last one's code; NOTHING */
    int reset;  /* of the last RST_STREAM */
    uint32_t reset_stream;
    size_t pings, heads;
};

static uint32_t number(const uint8_t *bytes, size_t size)
{
    uint32_t n = 0;
    for (size_t i = 0; i < size; i++)
        n = n << 8 | bytes[i];
    return n;
}

static void read_frames(struct vel_slice bytes, struct said *said)
{
    enum { HEAD = 9, TYPE = 3, STREAM = 5 };
    for (size_t at = 0; at + HEAD <= bytes.len;) {
        const uint8_t *frame = bytes.ptr + at;
        const uint8_t *payload = frame + HEAD;
        switch (frame[TYPE]) {
        case NGHTTP2_GOAWAY:
            said->goaway = (int)number(payload + 4, 4);
            break;
        case NGHTTP2_RST_STREAM:
            said->reset = (int)number(payload, 4);
            said->reset_stream = number(frame + STREAM, 4);
            break;
        case NGHTTP2_PING:
            said->pings++;
            break;
        case NGHTTP2_HEADERS:
            said->heads++;
            break;
        default:
            break;
        }
        at += HEAD + number(frame, 3);
    }
}

static void start(struct talk *t)
{
    *t = (struct talk){.now = 1};
    test_env_init(&t->env, 7);
    fake_init(&t->pair, 0);
    struct vel_http_stream_setup setup = talk_setup(t, VEL_HTTP_2, false);
    ASSERT_OK(vel_http_new_on_stream(&setup, t->now, &t->server));
}

static void say(struct talk *t, struct vel_slice bytes)
{
    size_t taken;
    vel_http_receive(t->server, bytes, &taken, t->now);
    assert_int_equal(taken, bytes.len);
}

static void say_hex(struct talk *t, const char *hex)
{
    uint8_t bytes[512];
    size_t size = test_unhex(hex, bytes, sizeof bytes);
    say(t, vel_slice(bytes, size));
}

/* Everything that the server says now. */
static struct said hear(struct talk *t)
{
    struct said said = {.goaway = NOTHING, .reset = NOTHING};
    struct vel_buf all = {.env = &t->env.env, .limit = 64 * MIB};
    struct vel_slice bytes;
    while ((bytes = vel_http_output(t->server, t->now)).len > 0) {
        ASSERT_OK(vel_buf_append(&all, bytes));
        vel_http_output_taken(t->server, bytes.len, t->now);
    }
    read_frames(vel_buf_slice(&all), &said);
    vel_buf_free(&all);
    return said;
}

static void check_row(const struct row *row, size_t chunk)
{
    uint8_t bytes[512];
    struct talk t;
    start(&t);
    size_t size = test_unhex(row->hex, bytes, sizeof bytes);
    for (size_t at = 0; at < size; at += chunk)
        say(&t, vel_slice(bytes + at, VEL_MIN(chunk, size - at)));
    struct said said = hear(&t);
    int goaway = row->on_stream ? NOTHING : row->code;
    int reset = row->on_stream ? row->code : said.reset;
    if (said.goaway != goaway || said.reset != reset)
        fail_msg("%s: GOAWAY %d, RST_STREAM %d", row->what, said.goaway, said.reset);
    CHECK(row->what, vel_http_is_over(t.server) == (goaway != NOTHING));
    CHECK(row->what, row->on_stream || row->code != NOTHING || said.heads == 1);
    CHECK(row->what, row->code == NOTHING || vel_http_active(t.server) == 0);
    talk_end(&t);
}

static void broken_rules_get_the_right_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        check_row(&rows[i], 512);
        check_row(&rows[i], 1);
    }
}

/* ---- floods ---- */

enum { ROUNDS_MAX = 200000 };

/* Send `frame` (with the stream's number at offset 5 when `streams`) until the session is failed;
 * the rounds that it took. */
struct flood {
    const char *what;
    const char *frame;
    bool streams;  /* each on the next stream */
    bool heard;    /* the answers are read */
    int code;      /* of GOAWAY */
    size_t rounds; /* at most */
};

static void number_streams(uint8_t *bytes, size_t size, uint32_t stream)
{
    for (size_t at = 0; at < size;) {
        for (size_t i = 0; i < 4; i++)
            bytes[at + 5 + i] = (uint8_t)(stream >> (24 - 8 * i));
        at += 9 + number(bytes + at, 3);
    }
}

static void check_flood(const struct flood *flood)
{
    struct talk t;
    struct said said = {.goaway = NOTHING};
    start(&t);
    say_hex(&t, HELLO);
    hear(&t);
    uint8_t bytes[256];
    size_t size = test_unhex(flood->frame, bytes, sizeof bytes);
    size_t before = t.env.outstanding;
    size_t rounds = 0;
    for (; rounds < ROUNDS_MAX && said.goaway == NOTHING; rounds++) {
        if (flood->streams)
            number_streams(bytes, size, (uint32_t)(1 + 2 * rounds));
        say(&t, vel_slice(bytes, size));
        CHECK(flood->what, t.env.outstanding < before + 512 * KIB);
        if (flood->heard || rounds % 512 == 511)
            said = hear(&t);
    }
    CHECK(flood->what, rounds <= flood->rounds);
    if (said.goaway != flood->code)
        fail_msg("%s: GOAWAY %d", flood->what, said.goaway);
    CHECK(flood->what, vel_http_is_over(t.server));
    talk_end(&t);
}

static void floods_end_the_session(void **state)
{
    (void)state;
    static const struct flood floods[] = {
        {"PING, answers unread", "0000080600000000000000000000000000", false, false,
         NGHTTP2_ENHANCE_YOUR_CALM, 512},
        {"PING, answers read", "0000080600000000000000000000000000", false, true,
         NGHTTP2_ENHANCE_YOUR_CALM, 20000},
        {"SETTINGS, answers unread", "000000040000000000", false, false, NGHTTP2_ENHANCE_YOUR_CALM,
         512},
        {"SETTINGS, answers read", "000000040000000000", false, true, NGHTTP2_ENHANCE_YOUR_CALM,
         40000},
        {"PRIORITY", "0000050200000000030000000010", false, true, NGHTTP2_ENHANCE_YOUR_CALM, 40000},
        {"unknown frames", "0000002a0000000000", false, true, NGHTTP2_ENHANCE_YOUR_CALM, 40000},
        {"WINDOW_UPDATE", "00000408000000000000000001", false, true, NGHTTP2_ENHANCE_YOUR_CALM,
         40000},
        /* Requests that are opened and reset at once. */
        {"rapid reset", OPEN_REQUEST "00000403000000000100000008", true, true,
         NGHTTP2_ENHANCE_YOUR_CALM, 200},
        /* Requests that the client makes us reset. */
        {"resets by WINDOW_UPDATE", OPEN_REQUEST "0000040800000000017fffffff", true, true,
         NGHTTP2_ENHANCE_YOUR_CALM, 200},
        {"malformed requests", HEADERS_END("05") GET HTTPS AUTHORITY, true, true,
         NGHTTP2_ENHANCE_YOUR_CALM, 200},
    };
    for (size_t i = 0; i < VEL_COUNT(floods); i++)
        check_flood(&floods[i]);
}

static void empty_data_floods_end_the_session(void **state)
{
    (void)state;
    struct talk t;
    start(&t);
    say_hex(&t, HELLO OPEN_REQUEST);
    struct said said = hear(&t);
    for (size_t i = 0; i < ROUNDS_MAX && said.goaway == NOTHING; i++) {
        say_hex(&t, "000000000000000001");
        said = hear(&t);
    }
    assert_int_equal(said.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    talk_end(&t);
}

static void too_many_streams_are_refused(void **state)
{
    (void)state;
    enum { ALLOWED = 128, MORE = 20 };
    /* POST /ignored, open: it waits for its body and gets no answer. */
    static const char post[] = "00000f010400000001838704082f69676e6f726564010178";
    uint8_t bytes[64];
    size_t size = test_unhex(post, bytes, sizeof bytes);
    struct talk t;
    start(&t);
    say_hex(&t, HELLO);
    hear(&t);
    say_hex(&t, "000000040100000000"); /* our SETTINGS are acknowledged: they bind */
    for (uint32_t i = 0; i < ALLOWED; i++) {
        number_streams(bytes, size, 1 + 2 * i);
        say(&t, vel_slice(bytes, size));
    }
    assert_int_equal(vel_http_active(t.server), ALLOWED);
    assert_int_equal(hear(&t).goaway, NOTHING);
    number_streams(bytes, size, 1 + 2 * ALLOWED);
    say(&t, vel_slice(bytes, size));
    struct said said = hear(&t);
    assert_true(said.goaway == NGHTTP2_PROTOCOL_ERROR || said.reset != NOTHING);
    assert_true(vel_http_active(t.server) <= ALLOWED);
    talk_end(&t);
}

/* ---- header sections ---- */

static void append(struct vel_buf *buf, const char *hex)
{
    uint8_t bytes[64];
    size_t size = test_unhex(hex, bytes, sizeof bytes);
    ASSERT_OK(vel_buf_append(buf, vel_slice(bytes, size)));
}

/* A frame on stream 1 of `size` bytes of payload, all `fill`. */
static void append_frame(struct vel_buf *buf, uint8_t type, uint8_t flags, size_t size,
                         uint8_t fill)
{
    uint8_t head[9] = {
        (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size, type, flags, 0, 0, 0, 1};
    ASSERT_OK(vel_buf_append(buf, vel_slice(head, sizeof head)));
    ASSERT_OK(vel_buf_reserve(buf, size));
    memset(buf->ptr + buf->len, fill, size);
    buf->len += size;
}

/* One entry of 3 kB goes into the table; each byte after it is that entry again. */
static void a_small_bomb_of_indexed_fields_is_refused(void **state)
{
    (void)state;
    enum { VALUE = 3000 };
    struct talk t;
    start(&t);
    struct vel_buf bomb = {.env = &t.env.env, .limit = MIB};
    append(&bomb, HELLO "000bc4010500000001" WHOLE "4001617fb916");
    append_frame(&bomb, 0, 0, VALUE, 'v');
    memmove(bomb.ptr + bomb.len - VALUE - 9, bomb.ptr + bomb.len - VALUE, VALUE);
    bomb.len -= 9;
    append_frame(&bomb, NGHTTP2_HEADERS, 0x05, 16000, 0xbe);
    size_t second = bomb.len - 16000 - 9;
    bomb.ptr[second + 8] = 3;
    uint8_t whole[6];
    test_unhex(WHOLE, whole, sizeof whole);
    memcpy(bomb.ptr + second + 9, whole, sizeof whole);
    size_t before = t.env.outstanding;
    say(&t, vel_buf_slice(&bomb));
    assert_true(t.env.outstanding < before + 256 * KIB);
    struct said said = hear(&t);
    assert_int_equal(said.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(vel_http_is_over(t.server));
    vel_buf_free(&bomb);
    talk_end(&t);
}

/* 200 fields: beyond the limit, not far beyond it. */
static void too_many_fields_are_answered_431(void **state)
{
    (void)state;
    struct talk t;
    start(&t);
    struct vel_buf bomb = {.env = &t.env.env, .limit = MIB};
    append(&bomb, HELLO "0003ee010500000001" WHOLE);
    for (size_t i = 0; i < 200; i++)
        append(&bomb, "0001610161");
    say(&t, vel_buf_slice(&bomb));
    struct said said = hear(&t);
    assert_int_equal(said.heads, 1);
    assert_int_equal(said.goaway, NOTHING);
    assert_int_equal(vel_http_active(t.server), 0);
    assert_int_equal(t.server_closed, 0); /* the application never heard of it */
    vel_buf_free(&bomb);
    talk_end(&t);
}

static void continuations_without_end_end_the_session(void **state)
{
    (void)state;
    struct talk t;
    start(&t);
    struct vel_buf flood = {.env = &t.env.env, .limit = MIB};
    append(&flood, HELLO "000003010100000001828784");
    for (size_t i = 0; i < 100; i++)
        append(&flood, "0000050900000000010001610161");
    say(&t, vel_buf_slice(&flood));
    assert_true(hear(&t).goaway != NOTHING);
    assert_true(vel_http_is_over(t.server));
    vel_buf_free(&flood);
    talk_end(&t);
}

/* ---- slow peers ---- */

static void slow_starts_and_heads_end_the_session(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *hex;
    } slow[] = {
        {"nothing at all", ""},
        {"half of the preface", "505249202a20"},
        {"preface without SETTINGS", PREFACE},
        {"a head that does not end", HELLO "000003010100000001828784"},
    };
    for (size_t i = 0; i < VEL_COUNT(slow); i++) {
        struct talk t;
        start(&t);
        say_hex(&t, slow[i].hex);
        hear(&t);
        t.now += 9 * SECOND;
        vel_http_expire(t.server, t.now);
        CHECK(slow[i].what, !vel_http_is_over(t.server));
        CHECK(slow[i].what, vel_http_deadline(t.server) <= t.now + SECOND);
        t.now += SECOND;
        vel_http_expire(t.server, t.now);
        CHECK(slow[i].what, hear(&t).goaway != NOTHING);
        CHECK(slow[i].what, vel_http_is_over(t.server));
        talk_end(&t);
    }
}

/* Windows of zero bytes, and PINGs that keep the connection busy: the answers do not wait. */
static void closed_windows_end_the_exchange(void **state)
{
    (void)state;
    struct talk t;
    start(&t);
    /* GET /bytes/9999 with an initial window of zero */
    say_hex(&t, PREFACE
            "0000060400000000000004000000000000120105000000018287040b2f62797465732f39393939010178");
    struct said said = hear(&t);
    assert_int_equal(said.heads, 1);
    assert_int_equal(vel_http_active(t.server), 1);
    for (int i = 0; i < 30; i++) {
        t.now += SECOND;
        say_hex(&t, "0000080600000000000000000000000000");
        vel_http_expire(t.server, t.now);
        said = hear(&t);
    }
    assert_int_equal(vel_http_active(t.server), 0);
    assert_int_equal(said.reset, NGHTTP2_CANCEL);
    assert_int_equal(said.goaway, NOTHING);
    assert_int_equal(t.pieces_out, 0);
    talk_end(&t);
}

static void a_body_that_stops_coming_ends_the_exchange(void **state)
{
    (void)state;
    struct talk t;
    start(&t);
    say_hex(&t, HELLO "00000e010400000001838704072f75706c6f6164010178");
    hear(&t);
    t.now += 29 * SECOND;
    say_hex(&t, "00000100000000000100");
    vel_http_expire(t.server, t.now);
    assert_int_equal(vel_http_active(t.server), 1);
    t.now += SECOND + SECOND / VEL_HTTP_MIN_RATE; /* of the byte */
    vel_http_expire(t.server, t.now);
    assert_int_equal(vel_http_active(t.server), 0);
    assert_int_equal(hear(&t).reset, NGHTTP2_CANCEL);
    talk_end(&t);
}

/* Answered at once, and the rest of the request never comes: the stream is closed all the same. */
static void an_answered_request_need_not_end(void **state)
{
    (void)state;
    struct talk t;
    start(&t);
    say_hex(&t, HELLO OPEN_REQUEST);
    struct said said = hear(&t);
    assert_int_equal(said.heads, 1);
    assert_int_equal(said.reset, NOTHING); /* clients may lose the answer */
    assert_int_equal(vel_http_active(t.server), 1);
    t.now += 30 * SECOND;
    vel_http_expire(t.server, t.now);
    said = hear(&t);
    assert_int_equal(said.reset, NGHTTP2_NO_ERROR);
    assert_int_equal(t.server_complete, 1);
    talk_end(&t);
}

/* ---- what a paused application holds ---- */

static void pause_it(void *self, struct vel_exchange *exchange)
{
    (void)self;
    vel_exchange_pause(exchange);
}

static void paused_bodies_are_bounded_together(void **state)
{
    (void)state;
    enum { STREAMS = 100, ROUNDS = 20, DATA = 16384 };
    struct talk t = {.now = 1};
    test_env_init(&t.env, 7);
    fake_init(&t.pair, 0);
    struct vel_http_stream_setup setup = talk_setup(&t, VEL_HTTP_2, false);
    setup.events = (struct vel_http_events){.head = pause_it};
    ASSERT_OK(vel_http_new_on_stream(&setup, t.now, &t.server));
    say_hex(&t, HELLO);
    uint8_t open[64];
    size_t size = test_unhex(OPEN_REQUEST, open, sizeof open);
    static uint8_t data[9 + DATA] = {0, 0x40, 0};
    struct said said = hear(&t);
    size_t before = t.env.outstanding;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < STREAMS && said.goaway == NOTHING; i++) {
            number_streams(open, size, 1 + 2 * i);
            number_streams(data, sizeof data, 1 + 2 * i);
            if (round == 0)
                say(&t, vel_slice(open, size));
            say(&t, vel_slice(data, sizeof data));
            said = hear(&t);
        }
    }
    /* A client that respects the windows stops; this one does not, and is ended. */
    assert_int_equal(said.goaway, NGHTTP2_FLOW_CONTROL_ERROR);
    assert_true(t.env.outstanding < before + 5 * MIB);
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_rules_get_the_right_code),
        cmocka_unit_test(floods_end_the_session),
        cmocka_unit_test(empty_data_floods_end_the_session),
        cmocka_unit_test(too_many_streams_are_refused),
        cmocka_unit_test(a_small_bomb_of_indexed_fields_is_refused),
        cmocka_unit_test(too_many_fields_are_answered_431),
        cmocka_unit_test(continuations_without_end_end_the_session),
        cmocka_unit_test(slow_starts_and_heads_end_the_session),
        cmocka_unit_test(closed_windows_end_the_exchange),
        cmocka_unit_test(a_body_that_stops_coming_ends_the_exchange),
        cmocka_unit_test(an_answered_request_need_not_end),
        cmocka_unit_test(paused_bodies_are_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
