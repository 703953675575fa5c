/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/talk.h"

static void check_fetched(const char *what, const struct talk_fetch *fetch, uint64_t size)
{
    CHECK(what, fetch->status == 200);
    CHECK(what, fetch->received == size);
    CHECK(what, fetch->pattern_ok);
    CHECK(what, fetch->ended);
    CHECK(what, fetch->closed);
    CHECK(what, fetch->end.complete);
    CHECK(what, fetch->end.body_received == size);
}

static void bodies_of_all_sizes_arrive_on_one_connection(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t size;
        size_t chunk;
    } rows[] = {
        {"/bytes/1", 1, 0},
        {"/bytes/2048", 2048, 1},
        {"/bytes/4096", 4096, 5000},
        {"/bytes/16384", 16384, 7},
        {"/bytes/300000", 300000, 1200},
        {"/bytes/20000000", 20000000, 0},
    };
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct talk_fetch fetch = {0};
        t.max_chunk = rows[i].chunk;
        ASSERT_OK(talk_get(&t, rows[i].path, &fetch));
        talk_run(&t);
        check_fetched(rows[i].path, &fetch, rows[i].size);
        CHECK(rows[i].path, t.server_complete == i + 1);
        CHECK(rows[i].path, t.server_end.body_sent == rows[i].size);
        CHECK(rows[i].path, vel_http_active(t.client) == 0 && vel_http_active(t.server) == 0);
    }
    assert_true(t.bytes_out_most <= VEL_HTTP_MAX_BODY_PENDING);
    assert_int_equal(vel_http_version(t.server), VEL_HTTP_1_1);
    talk_end(&t);
}

static vel_result upload(struct talk *t, const char *path, struct talk_body *body,
                         struct talk_fetch *fetch)
{
    struct vel_request request = talk_request("POST", path);
    struct vel_body_source source = talk_source(body);
    fetch->pattern_ok = true;
    return vel_http_request(t->client, &request, &source, fetch, &fetch->exchange);
}

static void uploads_arrive_whole(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 5000, 10000000};
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    for (size_t i = 0; i < VEL_COUNT(sizes); i++) {
        struct talk_fetch fetch = {0};
        struct talk_body body = {.talk = &t, .left = sizes[i]};
        ASSERT_OK(upload(&t, "/upload", &body, &fetch));
        talk_run(&t);
        assert_int_equal(fetch.status, 200);
        assert_int_equal(strtoull(fetch.length, NULL, 10), sizes[i]);
        assert_true(fetch.end.complete);
        assert_int_equal(fetch.end.body_sent, sizes[i]);
    }
    talk_end(&t);
}

static void one_request_at_a_time(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    struct talk_fetch first = {0}, second = {0};
    ASSERT_OK(talk_get(&t, "/bytes/10", &first));
    ASSERT_ERR("busy", talk_get(&t, "/bytes/10", &second), VEL_ERR_AGAIN);
    talk_run(&t);
    ASSERT_OK(talk_get(&t, "/bytes/10", &second));
    talk_run(&t);
    check_fetched("second", &second, 10);
    talk_end(&t);
}

/* RFC 9112 9.3: what is left of the request is not waited for, and nothing follows it. */
static void an_early_answer_ends_the_connection(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    struct talk_fetch fetch = {0};
    struct talk_body body = {.talk = &t, .left = 100 * MIB};
    ASSERT_OK(upload(&t, "/early", &body, &fetch));
    talk_run(&t);
    check_fetched("early", &fetch, 1000);
    assert_true(body.done);
    assert_true(body.left > 90 * MIB);
    assert_true(vel_http_is_over(t.server) && vel_http_is_over(t.client));
    talk_end(&t);
}

static void a_pause_holds_the_rest_back(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    struct talk_fetch fetch = {.pause_after = 100000};
    ASSERT_OK(talk_get(&t, "/bytes/3000000", &fetch));
    talk_run(&t);
    uint64_t before = fetch.received;
    assert_true(before >= 100000 && before < 100000 + 2 * 64 * KIB);
    talk_run(&t);
    assert_int_equal(fetch.received, before);
    fetch.pause_after = 0;
    size_t wakes = t.wakes;
    vel_exchange_resume(fetch.exchange);
    assert_true(t.wakes > wakes);
    talk_run(&t);
    check_fetched("resumed", &fetch, 3000000);
    talk_end(&t);
}

/* The last byte came while it was paused: the end needs no more bytes to be told. */
static void a_pause_at_the_very_end_loses_nothing(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    struct talk_fetch fetch = {.pause_after = 10};
    ASSERT_OK(talk_get(&t, "/bytes/10", &fetch));
    talk_run(&t);
    assert_int_equal(fetch.received, 10);
    vel_exchange_resume(fetch.exchange);
    talk_run(&t);
    check_fetched("resumed", &fetch, 10);
    talk_end(&t);
}

static void giving_up_ends_the_connection(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    struct talk_fetch fetch = {.pause_after = 1000};
    ASSERT_OK(talk_get(&t, "/bytes/3000000", &fetch));
    talk_run(&t);
    vel_exchange_cancel(fetch.exchange, VEL_H3_REQUEST_CANCELLED);
    assert_int_equal(vel_http_output(t.client, t.now).len, 0);
    assert_true(fetch.closed && !fetch.end.complete && !fetch.end.by_peer);
    assert_int_equal(fetch.end.code, VEL_H3_REQUEST_CANCELLED);
    assert_true(vel_http_is_over(t.client));
    struct talk_fetch next = {0};
    ASSERT_ERR("over", talk_get(&t, "/bytes/1", &next), VEL_ERR_CLOSED);
    talk_end(&t);
}

static void a_source_that_fails_cuts_the_answer(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    struct talk_fetch fetch = {0};
    ASSERT_OK(talk_get(&t, "/broken", &fetch));
    talk_run(&t);
    assert_true(vel_http_is_over(t.server));
    assert_int_equal(t.server_end.code, VEL_H3_INTERNAL_ERROR);
    vel_http_receive_end(t.client, false, t.now);
    assert_true(fetch.closed && !fetch.end.complete && fetch.end.by_peer);
    talk_end(&t);
}

static void finishing_ends_after_what_runs(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    struct talk_fetch fetch = {.pause_after = 1000};
    ASSERT_OK(talk_get(&t, "/bytes/3000000", &fetch));
    talk_run(&t);
    vel_http_finish(t.server);
    assert_false(vel_http_is_over(t.server));
    fetch.pause_after = 0;
    vel_exchange_resume(fetch.exchange);
    talk_run(&t);
    check_fetched("the last one", &fetch, 3000000);
    assert_true(vel_http_is_over(t.server));
    vel_http_finish(t.client); /* nothing runs: at once */
    assert_true(vel_http_is_over(t.client));
    talk_end(&t);
}

/* ---- the server alone ---- */

static void give(struct talk *t, const char *text)
{
    size_t taken;
    vel_http_receive(t->server, vel_slice_text(text), &taken, t->now);
    assert_int_equal(taken, strlen(text));
}

/* What the server has to say now begins with this. */
static void expect_answer(struct talk *t, const char *text)
{
    struct vel_slice bytes = vel_http_output(t->server, t->now);
    if (bytes.len < strlen(text) || memcmp(bytes.ptr, text, strlen(text)) != 0)
        fail_msg("wanted '%s', got '%.*s'", text, (int)bytes.len, (const char *)bytes.ptr);
    vel_http_output_taken(t->server, bytes.len, t->now);
}

static void slow_clients_are_cut_off(void **state)
{
    (void)state;
    static const struct {
        const char *what, *bytes;
        vel_time wait;
        const char *answer; /* NULL: none */
    } rows[] = {
        {"nothing", "", 60 * SECOND, NULL},
        {"an empty line", "\r\n", 60 * SECOND, NULL},
        {"half a line", "GET / HT", 10 * SECOND, "HTTP/1.1 408 "},
        {"half a head", "GET / HTTP/1.1\r\nHost: h\r\nX: ", 10 * SECOND, "HTTP/1.1 408 "},
        {"half a body", "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n",
         30 * SECOND, "HTTP/1.1 408 "},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct talk t;
        talk_start_bytes(&t, VEL_HTTP_1_1);
        give(&t, rows[i].bytes);
        t.now += rows[i].wait - 1;
        vel_http_expire(t.server, t.now);
        CHECK(rows[i].what, !vel_http_is_over(t.server));
        CHECK(rows[i].what, vel_http_deadline(t.server) == t.now + 1);
        t.now++;
        vel_http_expire(t.server, t.now);
        if (rows[i].answer != NULL)
            expect_answer(&t, rows[i].answer);
        CHECK(rows[i].what, vel_http_is_over(t.server));
        talk_end(&t);
    }
}

/* One byte now and then does not help within a head. */
static void a_head_has_ten_seconds_in_all(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    give(&t, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 9; i++) {
        t.now += SECOND;
        give(&t, "X: y\r\n");
        vel_http_expire(t.server, t.now);
        assert_false(vel_http_is_over(t.server));
    }
    t.now += SECOND;
    vel_http_expire(t.server, t.now);
    expect_answer(&t, "HTTP/1.1 408 Request Timeout\r\n");
    talk_end(&t);
}

/* Nor in what is left of a request that was answered. */
static void the_rest_of_an_answered_request_has_its_time(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    give(&t, "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\n\r\n");
    expect_answer(&t, "HTTP/1.1 200 OK\r\n");
    char byte[2] = "";
    for (size_t i = 0; i < 29; i++) {
        t.now += SECOND;
        byte[0] = (char)talk_pattern(i);
        size_t taken;
        vel_http_receive(t.server, vel_slice(byte, 1), &taken, t.now);
        vel_http_expire(t.server, t.now);
        assert_false(vel_http_is_over(t.server));
    }
    t.now += SECOND;
    vel_http_expire(t.server, t.now);
    assert_true(vel_http_is_over(t.server));
    assert_int_equal(vel_http_output(t.server, t.now).len, 0);
    talk_end(&t);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    give(&t, "GET /bytes/1000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(vel_http_output(t.server, t.now).len > 0);
    vel_http_output_taken(t.server, 1, t.now);
    assert_true(vel_http_output(t.server, t.now).len > 0);
    t.now += 30 * SECOND;
    vel_http_expire(t.server, t.now);
    assert_true(vel_http_is_over(t.server));
    assert_int_equal(t.server_closed, 1);
    assert_int_equal(t.server_complete, 0);
    talk_end(&t);
}

static void a_half_closed_client_gets_its_answer(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    give(&t, "GET /bytes/100 HTTP/1.1\r\nHost: h\r\n\r\n");
    vel_http_receive_end(t.server, false, t.now);
    assert_false(vel_http_is_over(t.server));
    expect_answer(&t, "HTTP/1.1 200 OK\r\n");
    assert_true(vel_http_is_over(t.server));
    assert_int_equal(t.server_complete, 1);
    talk_end(&t);

    talk_start_bytes(&t, VEL_HTTP_1_1);
    give(&t, "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
    vel_http_receive_end(t.server, false, t.now);
    expect_answer(&t, "HTTP/1.1 400 Bad Request\r\n");
    assert_true(vel_http_is_over(t.server));
    talk_end(&t);
}

static void pipelined_requests_wait_for_their_turn(void **state)
{
    (void)state;
    static const char one[] = "GET /bytes/5 HTTP/1.1\r\nHost: h\r\n\r\n";
    char text[2 * sizeof one];
    snprintf(text, sizeof text, "%s%s", one, one);
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    size_t taken;
    vel_http_receive(t.server, vel_slice_text(text), &taken, t.now);
    assert_int_equal(taken, strlen(one));
    size_t wakes = t.wakes;
    expect_answer(&t, "HTTP/1.1 200 OK\r\n");
    assert_int_equal(t.server_complete, 1);
    assert_true(t.wakes > wakes);
    give(&t, one);
    expect_answer(&t, "HTTP/1.1 200 OK\r\n");
    assert_int_equal(t.server_complete, 2);
    talk_end(&t);
}

/* ---- what an application may not do ---- */

static void nothing_that_is_given_can_split_a_message(void **state)
{
    (void)state;
    static const struct {
        const char *what, *name, *value, *path, *authority, *method;
    } rows[] = {
        {"CRLF in a value", "x", "a\r\nb: c", "/", "h", "GET"},
        {"LF in a value", "x", "a\nb", "/", "h", "GET"},
        {"CR in a value", "x", "a\rb", "/", "h", "GET"},
        {"white space in front", "x", " a", "/", "h", "GET"},
        {"colon in a name", "x: y", "a", "/", "h", "GET"},
        {"CRLF in a name", "x\r\n", "a", "/", "h", "GET"},
        {"empty name", "", "a", "/", "h", "GET"},
        {"space in the path", "x", "a", "/ HTTP/1.1", "h", "GET"},
        {"CRLF in the path", "x", "a", "/\r\n", "h", "GET"},
        {"no path", "x", "a", "", "h", "GET"},
        {"CRLF in the authority", "x", "a", "/", "h\r\n", "GET"},
        {"space in the method", "x", "a", "/", "h", "GET /"},
        {"length without a body", "content-length", "5", "/", "h", "GET"},
        {"length that is none", "content-length", "x", "/", "h", "GET"},
    };
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_1_1);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_field field = {vel_slice_text(rows[i].name), vel_slice_text(rows[i].value)};
        struct vel_request request = talk_request(rows[i].method, rows[i].path);
        struct vel_exchange *exchange;
        request.authority = vel_slice_text(rows[i].authority);
        request.fields = (struct vel_fields){.items = &field, .count = 1};
        ASSERT_ERR(rows[i].what, vel_http_request(t.client, &request, NULL, NULL, &exchange),
                   VEL_ERR_ARGUMENT);
        CHECK(rows[i].what, vel_http_output(t.client, t.now).len == 0);
    }
    talk_end(&t);
}

static void a_body_that_is_not_as_long_as_told_cuts_the_message(void **state)
{
    (void)state;
    static const char *const told[] = {"999", "1001"};
    for (size_t i = 0; i < VEL_COUNT(told); i++) {
        struct talk t;
        talk_start_bytes(&t, VEL_HTTP_1_1);
        struct vel_field field = {vel_slice_text("content-length"), vel_slice_text(told[i])};
        struct vel_request request = talk_request("POST", "/upload");
        request.fields = (struct vel_fields){.items = &field, .count = 1};
        struct talk_body body = {.talk = &t, .left = 1000};
        struct vel_body_source source = talk_source(&body);
        struct talk_fetch fetch = {.pattern_ok = true};
        ASSERT_OK(vel_http_request(t.client, &request, &source, &fetch, &fetch.exchange));
        talk_run(&t);
        CHECK(told[i], fetch.closed && !fetch.end.complete);
        CHECK(told[i], fetch.end.code == VEL_H3_INTERNAL_ERROR);
        CHECK(told[i], vel_http_is_over(t.client));
        talk_end(&t);
    }
}

static void failed_allocations_leak_nothing(void **state)
{
    (void)state;
    for (long n = 0; n < 40; n++) {
        struct talk t;
        talk_start_bytes(&t, VEL_HTTP_1_1);
        struct talk_fetch fetch = {0};
        t.env.fail_after = n;
        if (talk_get(&t, "/bytes/10000", &fetch) == VEL_OK) {
            talk_run(&t);
            vel_http_receive_end(t.client, false, t.now);
            assert_true(fetch.closed);
        }
        t.env.fail_after = -1;
        talk_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_all_sizes_arrive_on_one_connection),
        cmocka_unit_test(uploads_arrive_whole),
        cmocka_unit_test(one_request_at_a_time),
        cmocka_unit_test(an_early_answer_ends_the_connection),
        cmocka_unit_test(a_pause_holds_the_rest_back),
        cmocka_unit_test(a_pause_at_the_very_end_loses_nothing),
        cmocka_unit_test(giving_up_ends_the_connection),
        cmocka_unit_test(a_source_that_fails_cuts_the_answer),
        cmocka_unit_test(finishing_ends_after_what_runs),
        cmocka_unit_test(slow_clients_are_cut_off),
        cmocka_unit_test(a_head_has_ten_seconds_in_all),
        cmocka_unit_test(the_rest_of_an_answered_request_has_its_time),
        cmocka_unit_test(a_client_that_does_not_read_is_cut_off),
        cmocka_unit_test(a_half_closed_client_gets_its_answer),
        cmocka_unit_test(pipelined_requests_wait_for_their_turn),
        cmocka_unit_test(nothing_that_is_given_can_split_a_message),
        cmocka_unit_test(a_body_that_is_not_as_long_as_told_cuts_the_message),
        cmocka_unit_test(failed_allocations_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
