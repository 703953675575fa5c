/* SPDX-License-Identifier: MIT */
#include "http/h3.h"

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
    CHECK(what, fetch->end.code == VEL_H3_NO_ERROR);
    CHECK(what, fetch->end.body_received == size);
}

static void bodies_of_all_sizes_arrive(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t size;
        size_t buffer;
        size_t chunk;
    } rows[] = {
        {"/bytes/1", 1, 256 * KIB, 0},
        {"/bytes/2048", 2048, 256 * KIB, 0},
        {"/bytes/2049", 2049, 256 * KIB, 1},
        {"/bytes/16384", 16384, 256 * KIB, 7},
        {"/bytes/300000", 300000, 64 * KIB, 1200},
        {"/bytes/3000000", 3000000, 5000, 0},
        {"/bytes/20000000", 20000000, 256 * KIB, 0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct talk t;
        talk_start(&t, rows[i].buffer);
        t.pair.max_chunk = rows[i].chunk;
        struct talk_fetch fetch = {0};
        ASSERT_OK(talk_get(&t, rows[i].path, &fetch));
        talk_run(&t);
        check_fetched(rows[i].path, &fetch, rows[i].size);
        CHECK(rows[i].path, t.server_complete == 1);
        CHECK(rows[i].path, t.server_end.body_sent == rows[i].size);
        CHECK(rows[i].path, t.pair.most_queued <= rows[i].buffer);
        CHECK(rows[i].path, vel_http_active(t.client) == 0 && vel_http_active(t.server) == 0);
        talk_end(&t);
    }
}

static void an_answer_without_body_is_complete(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 256 * KIB);
    struct talk_fetch fetch = {0};
    ASSERT_OK(talk_get(&t, "/nowhere", &fetch));
    talk_run(&t);
    assert_int_equal(fetch.status, 404);
    assert_true(fetch.end.complete);
    talk_end(&t);
}

static void uploads_arrive_whole(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 5000, 1000000};
    for (size_t i = 0; i < VEL_COUNT(sizes); i++) {
        struct talk t;
        talk_start(&t, 20000);
        struct talk_fetch fetch = {0};
        struct talk_body body = {.talk = &t, .left = sizes[i]};
        struct vel_body_source source = talk_source(&body);
        struct vel_request request = talk_request("POST", "/upload");
        ASSERT_OK(vel_http_request(t.client, &request, &source, &fetch, &fetch.exchange));
        talk_run(&t);
        assert_int_equal(fetch.status, 200);
        assert_int_equal(strtoull(fetch.length, NULL, 10), sizes[i]);
        assert_true(fetch.end.complete);
        assert_int_equal(fetch.end.body_sent, sizes[i]);
        assert_true(body.done);
        talk_end(&t);
    }
}

/* RFC 9114 4.1: the answer may come before the request was sent, which then is not needed. */
static void check_early_answer(const char *path, uint64_t size)
{
    struct talk t;
    talk_start(&t, 20000);
    struct talk_fetch fetch = {.pattern_ok = true};
    struct talk_body body = {.talk = &t, .left = 100 * MIB};
    struct vel_body_source source = talk_source(&body);
    struct vel_request request = talk_request("POST", path);
    ASSERT_OK(vel_http_request(t.client, &request, &source, &fetch, &fetch.exchange));
    talk_run(&t);
    check_fetched(path, &fetch, size);
    CHECK(path, body.done);
    CHECK(path, body.left > 90 * MIB);
    CHECK(path, t.server_complete == 1);
    talk_end(&t);
}

static void an_early_answer_stops_the_upload(void **state)
{
    (void)state;
    check_early_answer("/early", 1000);
    check_early_answer("/page", 100);
}

static void a_hundred_requests_run_at_once(void **state)
{
    (void)state;
    enum { COUNT = 100, SIZE = 100000 };
    static struct talk_fetch fetches[COUNT];
    memset(fetches, 0, sizeof fetches);
    struct talk t;
    talk_start(&t, 64 * KIB);
    for (size_t i = 0; i < COUNT; i++)
        ASSERT_OK(talk_get(&t, "/bytes/100000", &fetches[i]));
    assert_int_equal(vel_http_active(t.client), COUNT);
    talk_run(&t);
    for (size_t i = 0; i < COUNT; i++)
        check_fetched("parallel", &fetches[i], SIZE);
    assert_int_equal(t.server_complete, COUNT);
    talk_end(&t);
}

/* Every stream's buffer alone would hold 25 MiB. */
static void pending_bodies_of_a_session_are_bounded(void **state)
{
    (void)state;
    enum { COUNT = 100, SIZE = 1000000 };
    static struct talk_fetch fetches[COUNT];
    memset(fetches, 0, sizeof fetches);
    struct talk t;
    talk_start(&t, 256 * KIB);
    for (size_t i = 0; i < COUNT; i++) {
        fetches[i].pause_after = 1;
        ASSERT_OK(talk_get(&t, "/bytes/1000000", &fetches[i]));
    }
    talk_run(&t);
    size_t bound = VEL_HTTP_MAX_BODY_PENDING + (COUNT + 1) * (size_t)VEL_HTTP_MIN_PIECE;
    assert_true(t.bytes_out_most <= bound);
    for (size_t i = 0; i < COUNT; i++) {
        assert_false(fetches[i].ended);
        fetches[i].pause_after = 0;
        vel_exchange_resume(fetches[i].exchange);
    }
    talk_run(&t);
    assert_true(t.bytes_out_most <= bound);
    for (size_t i = 0; i < COUNT; i++)
        check_fetched("bounded", &fetches[i], SIZE);
    talk_end(&t);
}

static void a_paused_reader_stops_the_sender(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    struct talk_fetch slow = {.pause_after = 100000}, fast = {0};
    ASSERT_OK(talk_get(&t, "/bytes/50000000", &slow));
    ASSERT_OK(talk_get(&t, "/bytes/50000", &fast));
    talk_run(&t);
    check_fetched("the other", &fast, 50000);
    assert_true(slow.received < 300000);
    assert_true(t.bytes_out <= 600000);
    slow.pause_after = 0;
    vel_exchange_resume(slow.exchange);
    talk_run(&t);
    check_fetched("resumed", &slow, 50000000);
    talk_end(&t);
}

/* A server that has handed over everything may close at once: nothing of it is lost. */
static void a_paused_reader_gets_what_arrived_before_the_end(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 256 * KIB);
    struct talk_fetch slow = {.pause_after = 1};
    ASSERT_OK(talk_get(&t, "/bytes/200000", &slow));
    talk_run(&t);
    assert_true(slow.received < 200000);
    struct vel_bytestreams server = fake_streams(&t.pair, FAKE_SERVER);
    server.ops->close(server.self, VEL_H3_NO_ERROR, "finished");
    talk_run(&t);
    assert_int_equal(slow.received, 200000);
    assert_true(slow.pattern_ok && slow.ended && slow.closed);
    talk_end(&t);
}

static void requests_wait_for_the_stream_limit(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    t.pair.max_bidi = 1;
    struct talk_fetch one = {0}, two = {0};
    ASSERT_OK(talk_get(&t, "/bytes/10", &one));
    ASSERT_ERR("limit", talk_get(&t, "/bytes/20", &two), VEL_ERR_AGAIN);
    talk_run(&t);
    check_fetched("one", &one, 10);
    ASSERT_OK(talk_get(&t, "/bytes/20", &two));
    talk_run(&t);
    check_fetched("two", &two, 20);
    talk_end(&t);
}

static void cancelled_requests_end_on_both_sides(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    struct talk_fetch fetch = {.pause_after = 1};
    ASSERT_OK(talk_get(&t, "/bytes/5000000", &fetch));
    talk_run(&t);
    assert_false(fetch.closed);
    vel_exchange_cancel(fetch.exchange, VEL_H3_REQUEST_CANCELLED);
    talk_run(&t);
    assert_true(fetch.closed);
    assert_false(fetch.end.complete);
    assert_false(fetch.end.by_peer);
    assert_int_equal(fetch.end.code, VEL_H3_REQUEST_CANCELLED);
    assert_int_equal(t.server_closed, 1);
    assert_true(t.server_end.by_peer);
    assert_int_equal(t.server_end.code, VEL_H3_REQUEST_CANCELLED);
    assert_int_equal(vel_http_active(t.server), 0);
    assert_false(t.pair.closed);
    talk_end(&t);
}

static void a_lost_body_resets_the_stream(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    struct talk_fetch broken = {0}, other = {0};
    ASSERT_OK(talk_get(&t, "/broken", &broken));
    ASSERT_OK(talk_get(&t, "/bytes/100000", &other));
    talk_run(&t);
    assert_true(broken.closed);
    assert_false(broken.ended);
    assert_false(broken.end.complete);
    assert_true(broken.end.by_peer);
    assert_int_equal(broken.end.code, VEL_H3_INTERNAL_ERROR);
    check_fetched("other", &other, 100000);
    talk_end(&t);
}

static void goaway_finishes_what_runs(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    struct talk_fetch running = {.pause_after = 1}, late = {0};
    ASSERT_OK(talk_get(&t, "/bytes/500000", &running));
    talk_run(&t);
    vel_http_finish(t.server);
    talk_run(&t);
    assert_false(t.pair.closed);
    ASSERT_ERR("after GOAWAY", talk_get(&t, "/bytes/1", &late), VEL_ERR_CLOSED);
    running.pause_after = 0;
    vel_exchange_resume(running.exchange);
    talk_run(&t);
    check_fetched("running", &running, 500000);
    assert_true(t.pair.closed);
    assert_int_equal(t.pair.closed_by, FAKE_SERVER);
    assert_int_equal(t.pair.close_code, VEL_H3_NO_ERROR);
    talk_end(&t);
}

/* RFC 9114 5.2: the first request that will not be processed, or the first push. */
static void goaway_tells_the_right_id(void **state)
{
    (void)state;
    static const uint8_t request[] = {0x01, 0x08, 0x00, 0x00, 0xd1, 0xd7, 0xc1, 0x50, 0x01, 'x'};
    struct talk t;
    uint8_t said[64];
    talk_start_server(&t, 64 * KIB);
    fake_write(&t.pair, FAKE_CLIENT, 0, vel_slice(request, 5), false); /* half of it */
    fake_run(&t.pair, NULL, t.server);
    vel_http_finish(t.server);
    vel_http_send(t.server);
    size_t size = fake_peek(&t.pair, FAKE_CLIENT, 3, said, sizeof said);
    assert_true(size > 3);
    assert_memory_equal(said + size - 3, "\x07\x01\x04", 3);
    /* One more is refused without a trace, the one that runs is finished. */
    fake_write(&t.pair, FAKE_CLIENT, 4, vel_slice(request, sizeof request), true);
    struct vel_event event;
    while (fake_next_event(&t.pair, FAKE_SERVER, &event))
        vel_http_event(t.server, &event);
    uint64_t code = 0;
    while (fake_next_event(&t.pair, FAKE_CLIENT, &event))
        if (event.type == VEL_EVENT_STREAM_RESET && event.stream == 4)
            code = event.code;
    assert_int_equal(code, VEL_H3_REQUEST_REJECTED);
    assert_int_equal(t.server_closed, 0);
    assert_int_equal(vel_http_active(t.server), 1);
    fake_write(&t.pair, FAKE_CLIENT, 0, vel_slice(request + 5, sizeof request - 5), true);
    fake_run(&t.pair, NULL, t.server);
    assert_true(fake_peek(&t.pair, FAKE_CLIENT, 0, said, sizeof said) > 4); /* the answer */
    assert_false(t.pair.closed);
    talk_end(&t);

    talk_start_client(&t, 64 * KIB);
    struct talk_fetch fetch = {0};
    ASSERT_OK(talk_get(&t, "/", &fetch));
    vel_http_finish(t.client);
    vel_http_send(t.client);
    size = fake_peek(&t.pair, FAKE_SERVER, 2, said, sizeof said);
    assert_true(size > 3);
    assert_memory_equal(said + size - 3, "\x07\x01\x00", 3);
    talk_end(&t);
}

static void the_end_of_the_connection_closes_exchanges(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    struct talk_fetch fetch = {.pause_after = 1};
    ASSERT_OK(talk_get(&t, "/bytes/500000", &fetch));
    talk_run(&t);
    struct vel_bytestreams streams = fake_streams(&t.pair, FAKE_SERVER);
    streams.ops->close(streams.self, VEL_H3_NO_ERROR, "");
    talk_run(&t);
    assert_true(fetch.closed);
    assert_false(fetch.end.complete);
    assert_int_equal(t.server_closed, 1);
    struct talk_fetch late = {0};
    ASSERT_ERR("closed", talk_get(&t, "/bytes/1", &late), VEL_ERR_CLOSED);
    talk_end(&t);
}

/* Pieces outlive their session until the transport lets go of them. */
static void sessions_may_be_freed_first(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    struct talk_fetch fetch = {.pause_after = 1};
    ASSERT_OK(talk_get(&t, "/bytes/500000", &fetch));
    talk_run(&t);
    vel_http_free(t.server);
    t.server = NULL;
    assert_true(t.pieces_out > 0);
    talk_end(&t);
}

/* RFC 9218: what the client says reaches the transport; without a word answers take turns. */
static void priorities_reach_the_transport(void **state)
{
    (void)state;
    static const struct {
        const char *priority; /* NULL: none */
        uint8_t urgency;
        bool incremental;
    } rows[] = {{NULL, 3, true},   {"u=1", 1, false}, {"u=5, i", 5, true}, {"i", 3, true},
                {"u=3", 3, false}, {"u=9", 3, false}, {"u=0", 0, false}};
    struct talk t;
    talk_start(&t, 64 * KIB);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct talk_fetch fetch = {.pause_after = 1};
        struct vel_request request = talk_request("GET", "/bytes/1000000");
        const char *text = rows[i].priority;
        struct vel_field field = {vel_slice_text("priority"), vel_slice_text(text ? text : "")};
        request.fields = (struct vel_fields){.items = &field, .count = text == NULL ? 0 : 1};
        ASSERT_OK(vel_http_request(t.client, &request, NULL, &fetch, &fetch.exchange));
        talk_run(&t);
        struct fake_stream *stream = fake_find(&t.pair, 4 * i);
        CHECK(text, stream->urgency == rows[i].urgency);
        CHECK(text, stream->incremental == rows[i].incremental);
        vel_exchange_cancel(fetch.exchange, VEL_H3_REQUEST_CANCELLED);
        talk_run(&t);
    }
    talk_end(&t);
}

/* PRIORITY_UPDATE, before its request and during the answer. */
static void priorities_change(void **state)
{
    (void)state;
    static const uint8_t early[] = {0x00, 0x04, 0x00, 0x80, 0x0f, 0x07,
                                    0x00, 0x04, 0x00, 'u',  '=',  '1'};
    static const uint8_t late[] = {0x80, 0x0f, 0x07, 0x00, 0x06, 0x00, 'u', '=', '6', ',', 'i'};
    static const uint8_t request[] = {0x01, 0x16, 0x00, 0x00, 0xd1, 0xd7, 0x50, 0x01,
                                      'x',  0x51, 0x0d, '/',  'b',  'y',  't',  'e',
                                      's',  '/',  '9',  '9',  '9',  '9',  '9',  '9'};
    struct talk t;
    talk_start_server(&t, 64 * KIB);
    fake_write(&t.pair, FAKE_CLIENT, 2, vel_slice(early, sizeof early), false);
    fake_run(&t.pair, NULL, t.server);
    fake_write(&t.pair, FAKE_CLIENT, 0, vel_slice(request, sizeof request), false);
    fake_run(&t.pair, NULL, t.server);
    struct fake_stream *stream = fake_find(&t.pair, 0);
    assert_int_equal(stream->urgency, 1);
    assert_false(stream->incremental);
    fake_write(&t.pair, FAKE_CLIENT, 2, vel_slice(late, sizeof late), false);
    fake_run(&t.pair, NULL, t.server);
    assert_int_equal(stream->urgency, 6);
    assert_true(stream->incremental);
    assert_false(t.pair.closed);
    talk_end(&t);
}

static void extended_connect_shows_its_protocol(void **state)
{
    (void)state;
    struct talk t;
    talk_start(&t, 64 * KIB);
    struct talk_fetch fetch = {0};
    struct vel_request request = talk_request("CONNECT", "/protocol");
    request.protocol = vel_slice_text("websocket");
    ASSERT_OK(vel_http_request(t.client, &request, NULL, &fetch, &fetch.exchange));
    talk_run(&t);
    assert_int_equal(fetch.status, 200);
    assert_string_equal(fetch.length, "9");
    talk_end(&t);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    bool finished = false;
    for (long n = 0; !finished && n < 500; n++) {
        struct talk t;
        talk_start(&t, 64 * KIB);
        struct talk_fetch fetch = {0};
        t.env.fail_after = n;
        enum vel_err err = talk_get(&t, "/bytes/100000", &fetch);
        talk_run(&t);
        finished = fetch.end.complete;
        CHECK("failed request", err == VEL_OK || err == VEL_ERR_NOMEM);
        CHECK("unfinished", finished || fetch.received < 100000 || !fetch.ended);
        t.env.fail_after = -1;
        talk_end(&t);
    }
    assert_true(finished);
}

static void a_session_is_small(void **state)
{
    (void)state;
    struct talk t;
    talk_start_server(&t, 64 * KIB);
    talk_run(&t);
    print_message("# idle HTTP/3 session: %zu bytes\n", t.env.outstanding);
    assert_true(t.env.outstanding < 1 * KIB);
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_all_sizes_arrive),
        cmocka_unit_test(an_answer_without_body_is_complete),
        cmocka_unit_test(uploads_arrive_whole),
        cmocka_unit_test(an_early_answer_stops_the_upload),
        cmocka_unit_test(a_hundred_requests_run_at_once),
        cmocka_unit_test(pending_bodies_of_a_session_are_bounded),
        cmocka_unit_test(a_paused_reader_stops_the_sender),
        cmocka_unit_test(a_paused_reader_gets_what_arrived_before_the_end),
        cmocka_unit_test(requests_wait_for_the_stream_limit),
        cmocka_unit_test(cancelled_requests_end_on_both_sides),
        cmocka_unit_test(a_lost_body_resets_the_stream),
        cmocka_unit_test(goaway_finishes_what_runs),
        cmocka_unit_test(goaway_tells_the_right_id),
        cmocka_unit_test(the_end_of_the_connection_closes_exchanges),
        cmocka_unit_test(sessions_may_be_freed_first),
        cmocka_unit_test(priorities_reach_the_transport),
        cmocka_unit_test(priorities_change),
        cmocka_unit_test(extended_connect_shows_its_protocol),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_session_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
