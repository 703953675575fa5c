/* SPDX-License-Identifier: MIT */
/* The framing rules of RFC 9112, and those of RFC 9110 that framing hangs on: one row each. Every row
 * runs with its bytes whole, one by one, and in threes, with the same outcome. */
#include <string.h>

#include "base/units.h"
#include "http/session.h"
#include "testing/test.h"

enum { TEXT = 8192 };

/* What came of the bytes, as text. */
struct outcome {
    struct test_env t;
    struct vel_http *http;
    char requests[TEXT]; /* "GET /path[body] " for each that came whole, "(cut)" else */
    char statuses[TEXT]; /* "200 400 " as they were sent */
    char output[TEXT];
    size_t output_len;
    char body[TEXT]; /* of the message being received */
    bool over;
};

static struct outcome o;

static void add(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text + used, TEXT - used, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && (size_t)size < TEXT - used);
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    (void)self;
    (void)exchange;
    if (strlen(o.body) + bytes.len < 100)
        add(o.body, "%.*s", (int)bytes.len, (const char *)bytes.ptr);
}

static void on_end(void *self, struct vel_exchange *exchange)
{
    (void)self;
    const struct vel_request *request = vel_exchange_request(exchange);
    if (request == NULL)
        return;
    static const struct vel_field length = {{(const uint8_t *)"content-length", 14},
                                            {(const uint8_t *)"0", 1}};
    struct vel_response response = {.status = 200, .fields = {.items = &length, .count = 1}};
    add(o.requests, "%.*s %.*s", (int)request->method.len, (const char *)request->method.ptr,
        (int)VEL_MIN(request->path.len, (size_t)40), (const char *)request->path.ptr);
    if (!vel_slice_equal(request->authority, vel_slice_text("h")))
        add(o.requests, "@%.*s", (int)request->authority.len, (const char *)request->authority.ptr);
    if (o.body[0] != '\0')
        add(o.requests, "[%s]", o.body);
    add(o.requests, " ");
    o.body[0] = '\0';
    ASSERT_OK(vel_exchange_respond(exchange, &response, NULL));
}

static void on_server_closed(void *self, struct vel_exchange *exchange,
                             const struct vel_exchange_end *end)
{
    (void)self;
    (void)exchange;
    if (!end->complete)
        add(o.requests, "(cut) ");
    o.body[0] = '\0';
}

static void begin(bool client, struct vel_http_events events)
{
    memset(&o, 0, sizeof o);
    test_env_init(&o.t, 1);
    const struct vel_http_stream_setup setup = {.env = &o.t.env,
                                                .version = VEL_HTTP_1_1,
                                                .client = client,
                                                .secure = true,
                                                .events = events};
    ASSERT_OK(vel_http_new_on_stream(&setup, 0, &o.http));
}

static void done(void)
{
    vel_http_free(o.http);
    test_env_done(&o.t);
}

static void drain(void)
{
    struct vel_slice bytes;
    while ((bytes = vel_http_output(o.http, 0)).len > 0) {
        assert_true(o.output_len + bytes.len < TEXT);
        memcpy(o.output + o.output_len, bytes.ptr, bytes.len);
        o.output_len += bytes.len;
        vel_http_output_taken(o.http, bytes.len, 0);
    }
}

/* Gives everything in slices of at most `step`; what is not taken waits for the answer to go out. */
static void feed(const char *input, size_t size, size_t step)
{
    size_t at = 0;
    while (at < size) {
        size_t taken;
        vel_http_receive(o.http, vel_slice(input + at, VEL_MIN(step, size - at)), &taken, 0);
        at += taken;
        drain();
        if (vel_http_is_over(o.http))
            return;
    }
}

static void read_statuses(void)
{
    const char *at = o.output;
    while ((at = strstr(at, "HTTP/1.1 ")) != NULL) {
        add(o.statuses, "%.3s ", at + 9);
        at += 9;
    }
}

#define HOST "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct {
    const char *section;
    const char *what;
    const char *input;
    const char *requests;
    const char *statuses;
    bool over; /* no more requests on this connection */
} requests[] = {
    /* 2: messages */
    {"2.1", "a request", GET "\r\n", "GET / ", "200 ", false},
    {"2.1", "two in a row", GET "\r\n" GET "\r\n", "GET / GET / ", "200 200 ", false},
    {"2.2", "empty line before it", "\r\n" GET "\r\n", "GET / ", "200 ", false},
    {"2.2", "empty lines without end", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n" GET "\r\n", "",
     "400 ", true},
    {"2.2", "bare LF ends the start line", "GET / HTTP/1.1\nHost: h\r\n\r\n", "", "400 ", true},
    {"2.2", "bare LF ends a field", "GET / HTTP/1.1\r\nHost: h\n\r\n", "", "400 ", true},
    {"2.2", "bare LF ends the head", GET "\n", "", "400 ", true},
    {"2.2", "bare CR in the start line", "GET /\rx HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"2.2", "bare CR in a value", GET "X: a\rb\r\n\r\n", "", "400 ", true},
    {"2.2", "white space before the first field", "GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n", "",
     "400 ", true},
    {"2.3", "HTTP/1.0 closes", "GET / HTTP/1.0\r\n" HOST "\r\n" GET "\r\n", "GET / ", "200 ", true},
    {"2.3", "HTTP/1.0 needs no host", "GET / HTTP/1.0\r\n\r\n", "GET /@ ", "200 ", true},
    {"2.3", "HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", "", "505 ", true},
    {"2.3", "HTTP/0.9", "GET / HTTP/0.9\r\n" HOST "\r\n", "", "505 ", true},
    {"2.3", "HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", "", "505 ", true},
    {"2.3", "no version", "GET /\r\n" HOST "\r\n", "", "400 ", true},
    {"2.3", "lower case", "GET / http/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"2.3", "another protocol", "OPTIONS * RTSP/1.0\r\n" HOST "\r\n", "", "400 ", true},
    {"2.3", "two digits", "GET / HTTP/1.10\r\n" HOST "\r\n", "", "400 ", true},
    {"2.3", "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", "505 ", true},
    /* 3: request lines */
    {"3", "two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3", "trailing space", "GET / HTTP/1.1 \r\n" HOST "\r\n", "", "400 ", true},
    {"3", "tab", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3", "leading space", " GET / HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3", "TLS", "\x16\x03\x01\x02\r\n\r\n", "", "400 ", true},
    {"3.1", "unknown method", "FROB / HTTP/1.1\r\n" HOST "\r\n", "", "501 ", true},
    {"3.1", "lower-case method", "get / HTTP/1.1\r\n" HOST "\r\n", "", "501 ", true},
    {"3.1", "method that is no token", "G(T / HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3.2", "no target", "GET  HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3.2", "control character", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3.2", "beyond ASCII", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3.2", "fragment", "GET /#x HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3.2", "no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", "", "400 ", true},
    {"3.2", "two hosts", GET HOST "\r\n", "", "400 ", true},
    {"3.2", "two hosts in HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", "", "400 ", true},
    {"3.2", "empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "", "400 ", true},
    {"3.2", "host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", "", "400 ", true},
    {"3.2", "host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", "", "400 ", true},
    {"3.2", "list of hosts", "GET / HTTP/1.1\r\nHost: h h\r\n\r\n", "", "400 ", true},
    {"3.2", "host with a port", "GET / HTTP/1.1\r\nHost: h:1\r\n\r\n", "GET /@h:1 ", "200 ", false},
    {"3.2", "host with a bad port", "GET / HTTP/1.1\r\nHost: h:1x\r\n\r\n", "", "400 ", true},
    {"3.2", "IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", "GET /@[::1]:1 ", "200 ",
     false},
    {"3.2.1", "origin form with query", "GET /a?b HTTP/1.1\r\n" HOST "\r\n", "GET /a?b ", "200 ",
     false},
    {"3.2.1", "relative path", "GET a HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3.2.2", "absolute form wins over host", "GET https://o/a HTTP/1.1\r\n" HOST "\r\n",
     "GET /a@o ", "200 ", false},
    {"3.2.2", "absolute form without path", "GET https://o HTTP/1.1\r\n" HOST "\r\n", "GET /@o ",
     "200 ", false},
    {"3.2.2", "absolute form still needs a host", "GET https://o/ HTTP/1.1\r\n\r\n", "", "400 ",
     true},
    {"3.2.2", "another scheme", "GET http://o/ HTTP/1.1\r\n" HOST "\r\n", "", "421 ", true},
    {"3.2.2", "user in the authority", "GET https://u@o/ HTTP/1.1\r\n" HOST "\r\n", "", "400 ",
     true},
    {"3.2.2", "scheme of something else", "GET ftp://o/ HTTP/1.1\r\n" HOST "\r\n", "", "400 ",
     true},
    {"3.2.3", "CONNECT", "CONNECT o:443 HTTP/1.1\r\n" HOST "\r\n", "", "501 ", true},
    {"3.2.3", "authority form elsewhere", "GET o:443 HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    {"3.2.4", "asterisk form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * ", "200 ", false},
    {"3.2.4", "asterisk form elsewhere", "GET * HTTP/1.1\r\n" HOST "\r\n", "", "400 ", true},
    /* 5: fields */
    {"5", "no colon", GET "X\r\n\r\n", "", "400 ", true},
    {"5", "no name", GET ": a\r\n\r\n", "", "400 ", true},
    {"5", "name that is no token", GET "X(: a\r\n\r\n", "", "400 ", true},
    {"5.1", "space before the colon", GET "X : a\r\n\r\n", "", "400 ", true},
    {"5.1", "tab before the colon", GET "X\t: a\r\n\r\n", "", "400 ", true},
    {"5.1", "no space after it", GET "X:a\r\n\r\n", "GET / ", "200 ", false},
    {"5.1", "empty value", GET "X:\r\n\r\n", "GET / ", "200 ", false},
    {"5.1", "space around the value", GET "X: \t a \t\r\n\r\n", "GET / ", "200 ", false},
    {"5.2", "folded line", GET "X: a\r\n b\r\n\r\n", "", "400 ", true},
    {"5.2", "folded line by a tab", GET "X: a\r\n\tb\r\n\r\n", "", "400 ", true},
    {"9110 5.5", "control character", GET "X: a\x01\r\n\r\n", "", "400 ", true},
    {"9110 5.5", "obs-text", GET "X: \xff\r\n\r\n", "GET / ", "200 ", false},
    {"9110 5.5", "DEL", GET "X: \x7f\r\n\r\n", "", "400 ", true},
    /* 6: bodies */
    {"6", "no length, no body", POST "\r\n" GET "\r\n", "POST / GET / ", "200 200 ", false},
    {"6.1", "transfer coding and length",
     POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"
          "\r\n0\r\n\r\n",
     "", "400 ", true},
    {"6.1", "length and transfer coding",
     POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
          "\r\n0\r\n\r\n",
     "", "400 ", true},
    {"6.1", "unknown coding", POST "Transfer-Encoding: gzip\r\n\r\n", "", "501 ", true},
    {"6.1", "unknown coding below chunked",
     POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "", "501 ", true},
    {"6.1", "chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "",
     "400 ", true},
    {"6.1", "two such fields",
     POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
          "0\r\n\r\n",
     "", "400 ", true},
    {"6.1", "chunked is not last", POST "Transfer-Encoding: chunked, gzip\r\n\r\n", "", "400 ",
     true},
    {"6.1", "almost chunked", POST "Transfer-Encoding: xchunked\r\n\r\n", "", "501 ", true},
    {"6.1", "chunked in quotes", POST "Transfer-Encoding: \"chunked\"\r\n\r\n", "", "501 ", true},
    {"6.1", "empty coding", POST "Transfer-Encoding:\r\n\r\n", "", "501 ", true},
    {"6.1", "identity", POST "Transfer-Encoding: identity\r\n\r\n", "", "501 ", true},
    {"6.1", "in any case", POST "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n", "POST / ", "200 ",
     false},
    {"6.1", "in HTTP/1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "", "400 ", true},
    {"6.1", "hidden in a name", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "", "400 ",
     true},
    {"6.2", "length", POST "Content-Length: 3\r\n\r\nabc" GET "\r\n", "POST /[abc] GET / ",
     "200 200 ", false},
    {"6.2", "length of nothing", POST "Content-Length: 0\r\n\r\n" GET "\r\n", "POST / GET / ",
     "200 200 ", false},
    {"6.2", "GET with a body", GET "Content-Length: 3\r\n\r\nabc" GET "\r\n", "GET /[abc] GET / ",
     "200 200 ", false},
    {"6.3", "two lengths", POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "", "400 ",
     true},
    {"6.3", "the same length twice", POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "",
     "400 ", true},
    {"6.3", "list of lengths", POST "Content-Length: 3, 3\r\n\r\nabc", "", "400 ", true},
    {"6.3", "signed length", POST "Content-Length: +3\r\n\r\nabc", "", "400 ", true},
    {"6.3", "negative length", POST "Content-Length: -3\r\n\r\nabc", "", "400 ", true},
    {"6.3", "hexadecimal length", POST "Content-Length: 0x3\r\n\r\nabc", "", "400 ", true},
    {"6.3", "fraction", POST "Content-Length: 3.0\r\n\r\nabc", "", "400 ", true},
    {"6.3", "empty length", POST "Content-Length:\r\n\r\n", "", "400 ", true},
    {"6.3", "space in it", POST "Content-Length: 3 0\r\n\r\nabc", "", "400 ", true},
    {"6.3", "length beyond 64 bits", POST "Content-Length: 18446744073709551617\r\n\r\na", "",
     "400 ", true},
    /* 7: chunks */
    {"7.1", "chunks", CHUNKED "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n" GET "\r\n", "POST /[abcd] GET / ",
     "200 200 ", false},
    {"7.1", "size in hexadecimal", CHUNKED "a\r\n0123456789\r\n0\r\n\r\n", "POST /[0123456789] ",
     "200 ", false},
    {"7.1", "leading zeros", CHUNKED "003\r\nabc\r\n000\r\n\r\n", "POST /[abc] ", "200 ", false},
    {"7.1", "size is no number", CHUNKED "x\r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "size with 0x", CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "signed size", CHUNKED "+3\r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "negative size", CHUNKED "-3\r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "empty size", CHUNKED "\r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "space before the size", CHUNKED " 3\r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "space behind the size", CHUNKED "3 \r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "size beyond 64 bits", CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n", "", "400 ",
     true},
    {"7.1", "LF behind the size", CHUNKED "3\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "CR alone behind the size", CHUNKED "3\rabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "too much data", CHUNKED "3\r\nabcd\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "LF behind the data", CHUNKED "3\r\nabc\n0\r\n\r\n", "", "400 ", true},
    {"7.1", "nothing behind the data", CHUNKED "3\r\nabc0\r\n\r\n", "", "400 ", true},
    {"7.1.1", "extension", CHUNKED "3;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n", "POST /[abc] ", "200 ",
     false},
    {"7.1.1", "LF in an extension", CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1.1", "CR in an extension", CHUNKED "3;a\rb\r\nabc\r\n0\r\n\r\n", "", "400 ", true},
    {"7.1.2", "trailer", CHUNKED "0\r\nX: y\r\n\r\n" GET "\r\n", "POST / GET / ", "200 200 ",
     false},
    {"7.1.2", "length in a trailer", CHUNKED "0\r\nContent-Length: 9\r\n\r\n", "", "400 ", true},
    {"7.1.2", "bad trailer", CHUNKED "0\r\nX y\r\n\r\n", "", "400 ", true},
    {"7.1.2", "LF in the trailer", CHUNKED "0\r\n\n", "", "400 ", true},
    /* 9: connections */
    {"9.3", "close", GET "Connection: close\r\n\r\n" GET "\r\n", "GET / ", "200 ", true},
    {"9.3", "close in a list", GET "Connection: x, Close\r\n\r\n" GET "\r\n", "GET / ", "200 ",
     true},
    {"9.3", "keep-alive", GET "Connection: keep-alive\r\n\r\n" GET "\r\n", "GET / GET / ",
     "200 200 ", false},
    {"9.3.2", "pipelined", GET "\r\n" POST "Content-Length: 1\r\n\r\nx" GET "\r\n",
     "GET / POST /[x] GET / ", "200 200 200 ", false},
    {"9.6", "garbage after close", GET "Connection: close\r\n\r\n\x01\x02\x03", "GET / ", "200 ",
     true},
    {"9110 7.8", "upgrade is ignored", GET "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n" GET "\r\n",
     "GET / GET / ", "200 200 ", false},
    {"9110 7.8", "upgrade with a body",
     POST "Connection: upgrade\r\nUpgrade: websocket\r\n"
          "Content-Length: 2\r\n\r\nab" GET "\r\n",
     "POST /[ab] GET / ", "200 200 ", false},
    {"9110 9.3.2", "HEAD", "HEAD / HTTP/1.1\r\n" HOST "\r\n", "HEAD / ", "200 ", false},
    {"9110 10.1.1", "expectation", POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
     "POST /[ab] ", "100 200 ", false},
    {"9110 10.1.1", "expectation without a body", GET "Expect: 100-continue\r\n\r\n", "GET / ",
     "200 ", false},
    {"9110 10.1.1", "unknown expectation", POST "Expect: x\r\nContent-Length: 2\r\n\r\nab", "",
     "417 ", true},
    {"9110 10.1.1", "in HTTP/1.0",
     "POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\n"
     "Content-Length: 2\r\n\r\nab",
     "POST /[ab] ", "200 ", true},
    /* 11: attacks */
    {"11.2", "a second request behind a body of length 0 and chunks",
     POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n", "",
     "400 ", true},
    {"11.2", "a request hidden behind bare CR", GET "X: a\r\rGET /x HTTP/1.1\r\n\r\n", "", "400 ",
     true},
};

/* A request that was cut off in its body had been told: "(cut)" says so; rows need not. */
static void without_cuts(char *text)
{
    char *at;
    while ((at = strstr(text, "(cut) ")) != NULL)
        memmove(at, at + 6, strlen(at + 6) + 1);
}

static void requests_follow_the_rules(void **state)
{
    (void)state;
    static const size_t steps[] = {SIZE_MAX, 1, 3};
    const struct vel_http_events events = {
        .body = on_body, .end = on_end, .closed = on_server_closed};
    for (size_t i = 0; i < VEL_COUNT(requests); i++) {
        for (size_t j = 0; j < VEL_COUNT(steps); j++) {
            char what[160];
            snprintf(what, sizeof what, "RFC 9112 %s, %s, step %zu", requests[i].section,
                     requests[i].what, j);
            begin(false, events);
            feed(requests[i].input, strlen(requests[i].input), steps[j]);
            read_statuses();
            without_cuts(o.requests);
            if (strcmp(o.requests, requests[i].requests) != 0 ||
                strcmp(o.statuses, requests[i].statuses) != 0)
                fail_msg("%s: requests '%s', statuses '%s'", what, o.requests, o.statuses);
            CHECK(what, vel_http_is_over(o.http) == requests[i].over);
            done();
        }
    }
}

/* NUL ends the rows above, so it has its own. */
static void a_nul_is_refused_everywhere(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n";
    const struct vel_http_events events = {
        .body = on_body, .end = on_end, .closed = on_server_closed};
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char copy[sizeof text];
        memcpy(copy, text, sizeof text);
        copy[i] = '\0';
        begin(false, events);
        feed(copy, sizeof text - 1, 5);
        assert_string_equal(o.requests, "");
        read_statuses();
        CHECK(o.statuses, strcmp(o.statuses, "400 ") == 0 || strcmp(o.statuses, "501 ") == 0);
        done();
    }
}

/* ---- limits ---- */

static void feed_many(const char *head, const char *unit, size_t count, const char *tail)
{
    static char text[2 * 1024 * 1024];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", head);
    for (size_t i = 0; i < count; i++) {
        assert_true(used + strlen(unit) < sizeof text);
        memcpy(text + used, unit, strlen(unit));
        used += strlen(unit);
    }
    memcpy(text + used, tail, strlen(tail));
    used += strlen(tail);
    const struct vel_http_events events = {
        .body = on_body, .end = on_end, .closed = on_server_closed};
    begin(false, events);
    feed(text, used, 1500);
    read_statuses();
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what, *head, *unit;
        size_t count;
        const char *tail, *statuses;
    } rows[] = {
        {"long target", "GET /", "0123456789", 1000, " HTTP/1.1\r\n" HOST "\r\n", "200 "},
        {"too long target", "GET /", "0123456789", 1700, " HTTP/1.1\r\n" HOST "\r\n", "414 "},
        {"endless method", "", "X", 20000, "", "414 "},
        {"many fields", GET, "A: b\r\n", 100, "\r\n", "200 "},
        {"too many fields", GET, "A: b\r\n", 200, "\r\n", "431 "},
        {"endless fields", GET, "Abcdefghij: klmnopqrst\r\n", 50000, "\r\n", "431 "},
        {"long value", GET "A: ", "0123456789", 6000, "\r\n\r\n", "200 "},
        {"too long value", GET "A: ", "0123456789", 7000, "\r\n\r\n", "431 "},
        {"endless value", GET "A: ", "0123456789", 50000, "\r\n\r\n", "431 "},
        {"too long name", GET, "0123456789", 7000, ": a\r\n\r\n", "431 "},
        {"extensions", CHUNKED "1;", "abcdefghij", 1000, "\r\nx\r\n0\r\n\r\n", "200 "},
        {"endless extension", CHUNKED "1;", "abcdefghij", 2000, "\r\nx\r\n0\r\n\r\n", "400 "},
        {"extensions in every chunk", CHUNKED, "1;abcdefghij\r\nx\r\n", 2000, "0\r\n\r\n", "400 "},
        {"trailers", CHUNKED "0\r\n", "A: b\r\n", 100, "\r\n", "200 "},
        {"endless trailers", CHUNKED "0\r\n", "Abcdefghij: klmnopqrst\r\n", 50000, "\r\n", "431 "},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        feed_many(rows[i].head, rows[i].unit, rows[i].count, rows[i].tail);
        if (strcmp(o.statuses, rows[i].statuses) != 0)
            fail_msg("%s: '%s'", rows[i].what, o.statuses);
        CHECK(rows[i].what, vel_http_is_over(o.http) == (rows[i].statuses[0] != '2'));
        done();
    }
}

/* ---- responses ---- */

static void on_client_head(void *self, struct vel_exchange *exchange)
{
    (void)self;
    add(o.requests, "%u", vel_exchange_response(exchange)->status);
}

static void on_client_closed(void *self, struct vel_exchange *exchange,
                             const struct vel_exchange_end *end)
{
    (void)self;
    (void)exchange;
    add(o.requests, "[%s]%s", o.body, end->complete ? "" : " cut");
    o.body[0] = '\0';
}

#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH "Content-Length: 3\r\n"

static const struct {
    const char *section;
    const char *what;
    const char *method;
    const char *input;
    bool ended; /* the connection, after it */
    const char *outcome;
    bool over;
} responses[] = {
    {"4", "a response", "GET", OK LENGTH "\r\nabc", false, "200[abc]", false},
    {"4", "no reason", "GET", "HTTP/1.1 200 \r\n" LENGTH "\r\nabc", false, "200[abc]", false},
    {"4", "no reason and no space", "GET", "HTTP/1.1 200\r\n" LENGTH "\r\nabc", false, "200[abc]",
     false},
    {"4", "two digits", "GET", "HTTP/1.1 20 OK\r\n" LENGTH "\r\nabc", false, "[] cut", true},
    {"4", "four digits", "GET", "HTTP/1.1 2000 OK\r\n" LENGTH "\r\nabc", false, "[] cut", true},
    {"4", "status 600", "GET", "HTTP/1.1 600 OK\r\n" LENGTH "\r\nabc", false, "[] cut", true},
    {"4", "status 099", "GET", "HTTP/1.1 099 OK\r\n" LENGTH "\r\nabc", false, "[] cut", true},
    {"4", "bare LF", "GET", "HTTP/1.1 200 OK\n" LENGTH "\r\nabc", false, "[] cut", true},
    {"4", "something else", "GET", "SSH-2.0-OpenSSH\r\n\r\n", false, "[] cut", true},
    {"2.3", "HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\n" LENGTH "\r\nabc", false, "200[abc]", true},
    {"2.3", "HTTP/2.0", "GET", "HTTP/2.0 200 OK\r\n" LENGTH "\r\nabc", false, "[] cut", true},
    {"5.2", "folded line", "GET", OK "X: a\r\n b\r\n" LENGTH "\r\nabc", false, "[] cut", true},
    {"6.1", "both framings", "GET", OK LENGTH "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false,
     "[] cut", true},
    {"6.1", "unknown coding", "GET", OK "Transfer-Encoding: gzip\r\n\r\nabc", true, "[] cut", true},
    {"6.1", "chunked in HTTP/1.0", "GET",
     "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, "[] cut", true},
    {"6.3", "two lengths", "GET", OK LENGTH "Content-Length: 4\r\n\r\nabcd", false, "[] cut", true},
    {"6.3", "HEAD has no body", "HEAD", OK LENGTH "\r\n", false, "200[]", false},
    {"6.3", "HEAD of chunks", "HEAD", OK "Transfer-Encoding: chunked\r\n\r\n", false, "200[]",
     false},
    {"6.3", "HEAD without length", "HEAD", OK "\r\n", false, "200[]", false},
    {"6.3", "204 has no body", "GET", "HTTP/1.1 204 No Content\r\n\r\n", false, "204[]", false},
    {"6.3", "304 has no body", "GET", "HTTP/1.1 304 Not Modified\r\n" LENGTH "\r\n", false, "304[]",
     false},
    {"6.3", "body until the end", "GET", OK "\r\nabc", true, "200[abc]", true},
    {"6.3", "empty body until the end", "GET", OK "\r\n", true, "200[]", true},
    {"6.3", "body until an end that did not come", "GET", OK "\r\nabc", false, "200", false},
    {"7.1", "chunks", "GET", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false,
     "200[abc]", false},
    {"7.1", "bad chunk", "GET", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
     false, "200[abc] cut", true},
    {"8", "end in the body", "GET", OK LENGTH "\r\nab", true, "200[ab] cut", true},
    {"8", "end in a chunk", "GET", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nab", true,
     "200[ab] cut", true},
    {"8", "end before the last chunk", "GET", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
     true, "200[abc] cut", true},
    {"8", "end in the trailer", "GET", OK "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n", true,
     "200[] cut", true},
    {"8", "end in the head", "GET", OK "X: y", true, "[] cut", true},
    {"8", "end before anything", "GET", "", true, "[] cut", true},
    {"9.2", "a response to nothing", "GET", OK LENGTH "\r\nabc" OK LENGTH "\r\nabc", false,
     "200[abc]", true},
    {"9.3", "close", "GET", OK LENGTH "Connection: close\r\n\r\nabc", false, "200[abc]", true},
    {"9110 15.2", "informational ones are skipped", "GET",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK LENGTH "\r\nabc",
     false, "200[abc]", false},
    {"9110 15.2", "informational with a length", "GET",
     "HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\n" OK LENGTH "\r\nabc", false, "200[abc]",
     false},
    {"9110 15.2.2", "nobody asked to switch", "GET",
     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false,
     "[] cut", true},
};

static struct vel_request request_of(const char *method)
{
    return (struct vel_request){.method = vel_slice_text(method),
                                .scheme = vel_slice_text("https"),
                                .authority = vel_slice_text("h"),
                                .path = vel_slice_text("/")};
}

static const struct vel_http_events client_events = {
    .head = on_client_head, .body = on_body, .closed = on_client_closed};

static void responses_follow_the_rules(void **state)
{
    (void)state;
    static const size_t steps[] = {SIZE_MAX, 1, 3};
    for (size_t i = 0; i < VEL_COUNT(responses); i++) {
        for (size_t j = 0; j < VEL_COUNT(steps); j++) {
            char what[160];
            snprintf(what, sizeof what, "RFC 9112 %s, %s, step %zu", responses[i].section,
                     responses[i].what, j);
            struct vel_request request = request_of(responses[i].method);
            struct vel_exchange *exchange;
            begin(true, client_events);
            ASSERT_OK(vel_http_request(o.http, &request, NULL, NULL, &exchange));
            drain();
            feed(responses[i].input, strlen(responses[i].input), steps[j]);
            if (responses[i].ended)
                vel_http_receive_end(o.http, false, 0);
            drain();
            if (strcmp(o.requests, responses[i].outcome) != 0)
                fail_msg("%s: '%s'", what, o.requests);
            CHECK(what, vel_http_is_over(o.http) == responses[i].over);
            done();
        }
    }
}

static void a_truncation_ends_no_body(void **state)
{
    (void)state;
    static const char input[] = OK "\r\nabc";
    struct vel_request request = request_of("GET");
    struct vel_exchange *exchange;
    begin(true, client_events);
    ASSERT_OK(vel_http_request(o.http, &request, NULL, NULL, &exchange));
    drain();
    feed(input, strlen(input), SIZE_MAX);
    vel_http_receive_end(o.http, true, 0);
    assert_string_equal(o.requests, "200[abc] cut");
    done();
}

static void pause_at_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    on_body(self, exchange, bytes);
    vel_exchange_pause(exchange);
}

/* Servers often close without close_notify: an answer that came whole is whole, also when the application
 * paused at its last bytes. */
static void the_end_comes_while_an_answer_is_paused(void **state)
{
    (void)state;
    static const char input[] = OK LENGTH "\r\nabc";
    struct vel_http_events events = client_events;
    events.body = pause_at_body;
    for (int truncated = 0; truncated <= 1; truncated++) {
        struct vel_request request = request_of("GET");
        struct vel_exchange *exchange;
        begin(true, events);
        ASSERT_OK(vel_http_request(o.http, &request, NULL, NULL, &exchange));
        drain();
        feed(input, strlen(input), SIZE_MAX);
        vel_http_receive_end(o.http, truncated != 0, 0);
        assert_string_equal(o.requests, "200[abc]");
        done();
    }
}

static void informational_responses_without_end_are_refused(void **state)
{
    (void)state;
    struct vel_request request = request_of("GET");
    struct vel_exchange *exchange;
    begin(true, client_events);
    ASSERT_OK(vel_http_request(o.http, &request, NULL, NULL, &exchange));
    drain();
    for (int i = 0; i < 100 && !vel_http_is_over(o.http); i++)
        feed("HTTP/1.1 100 Continue\r\n\r\n", 25, SIZE_MAX);
    assert_string_equal(o.requests, "[] cut");
    assert_true(vel_http_is_over(o.http));
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_follow_the_rules),
        cmocka_unit_test(a_nul_is_refused_everywhere),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(responses_follow_the_rules),
        cmocka_unit_test(a_truncation_ends_no_body),
        cmocka_unit_test(the_end_comes_while_an_answer_is_paused),
        cmocka_unit_test(informational_responses_without_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
