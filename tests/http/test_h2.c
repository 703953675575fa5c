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
    CHECK(what, fetch->end.code == VEL_H3_NO_ERROR);
    CHECK(what, fetch->end.body_received == size);
}

static void bodies_of_all_sizes_arrive(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t size;
        size_t chunk;
    } rows[] = {
        {"/bytes/1", 1, 0},
        {"/bytes/2048", 2048, 1},
        {"/bytes/16384", 16384, 7},
        {"/bytes/300000", 300000, 1200},
        {"/bytes/20000000", 20000000, 0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct talk t;
        talk_start_bytes(&t, VEL_HTTP_2);
        t.max_chunk = rows[i].chunk;
        struct talk_fetch fetch = {0};
        ASSERT_OK(talk_get(&t, rows[i].path, &fetch));
        talk_run(&t);
        check_fetched(rows[i].path, &fetch, rows[i].size);
        CHECK(rows[i].path, t.server_complete == 1);
        CHECK(rows[i].path, t.server_end.body_sent == rows[i].size);
        CHECK(rows[i].path, vel_http_active(t.client) == 0 && vel_http_active(t.server) == 0);
        CHECK(rows[i].path, vel_http_version(t.server) == VEL_HTTP_2);
        talk_end(&t);
    }
}

static void an_answer_without_body_is_complete(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch fetch = {0};
    ASSERT_OK(talk_get(&t, "/nowhere", &fetch));
    talk_run(&t);
    assert_int_equal(fetch.status, 404);
    assert_true(fetch.end.complete);
    talk_end(&t);
}

static vel_result upload(struct talk *t, const char *path, struct vel_body_source source,
                         struct talk_fetch *fetch)
{
    struct vel_request request = talk_request("POST", path);
    fetch->pattern_ok = true;
    return vel_http_request(t->client, &request, &source, fetch, &fetch->exchange);
}

static void uploads_arrive_whole(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 5000, 10000000};
    for (size_t i = 0; i < VEL_COUNT(sizes); i++) {
        struct talk t;
        talk_start_bytes(&t, VEL_HTTP_2);
        struct talk_fetch fetch = {0};
        struct talk_body body = {.talk = &t, .left = sizes[i]};
        ASSERT_OK(upload(&t, "/upload", talk_source(&body), &fetch));
        talk_run(&t);
        assert_int_equal(fetch.status, 200);
        assert_int_equal(strtoull(fetch.length, NULL, 10), sizes[i]);
        assert_true(fetch.end.complete);
        assert_int_equal(fetch.end.body_sent, sizes[i]);
        assert_true(body.done);
        talk_end(&t);
    }
}

/* RFC 9113 8.1: the answer may come before the request was sent, which then is not needed. */
static void check_early_answer(const char *path, uint64_t size)
{
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch fetch = {0};
    struct talk_body body = {.talk = &t, .left = 100 * MIB};
    ASSERT_OK(upload(&t, path, talk_source(&body), &fetch));
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

/* A reset would cost some clients the answer. */
static void a_short_body_is_taken_after_an_early_answer(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct vel_field field = {vel_slice_text("content-length"), vel_slice_text("40000")};
    struct vel_request request = talk_request("POST", "/early");
    request.fields = (struct vel_fields){.items = &field, .count = 1};
    struct talk_fetch fetch = {.pattern_ok = true};
    struct talk_body body = {.talk = &t, .left = 40000};
    struct vel_body_source source = talk_source(&body);
    ASSERT_OK(vel_http_request(t.client, &request, &source, &fetch, &fetch.exchange));
    talk_run(&t);
    check_fetched("early", &fetch, 1000);
    assert_int_equal(body.left, 0);
    assert_int_equal(fetch.end.body_sent, 40000);
    assert_int_equal(t.server_end.body_received, 40000);
    talk_end(&t);
}

static void a_hundred_requests_run_at_once(void **state)
{
    (void)state;
    enum { COUNT = 100, SIZE = 100000 };
    static struct talk_fetch fetches[COUNT];
    memset(fetches, 0, sizeof fetches);
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    for (size_t i = 0; i < COUNT; i++)
        ASSERT_OK(talk_get(&t, "/bytes/100000", &fetches[i]));
    assert_int_equal(vel_http_active(t.client), COUNT);
    talk_run(&t);
    for (size_t i = 0; i < COUNT; i++)
        check_fetched("parallel", &fetches[i], SIZE);
    assert_int_equal(t.server_complete, COUNT);
    talk_end(&t);
}

/* Each exchange of the server holds one piece at most, those of a deaf client too. */
static void pending_bodies_of_a_session_are_bounded(void **state)
{
    (void)state;
    enum { COUNT = 100, SIZE = 1000000 };
    static struct talk_fetch fetches[COUNT];
    memset(fetches, 0, sizeof fetches);
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    for (size_t i = 0; i < COUNT; i++)
        ASSERT_OK(talk_get(&t, "/bytes/1000000", &fetches[i]));
    t.client_deaf = true;
    talk_run(&t);
    t.client_deaf = false;
    talk_run(&t);
    size_t bound = VEL_HTTP_MAX_BODY_PENDING + (COUNT + 1) * (size_t)VEL_HTTP_MIN_PIECE;
    assert_true(t.bytes_out_most <= bound);
    for (size_t i = 0; i < COUNT; i++)
        check_fetched("bounded", &fetches[i], SIZE);
    talk_end(&t);
}

static void a_paused_reader_stops_the_sender(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch slow = {.pause_after = 100000}, fast = {0};
    ASSERT_OK(talk_get(&t, "/bytes/50000000", &slow));
    ASSERT_OK(talk_get(&t, "/bytes/50000", &fast));
    talk_run(&t);
    check_fetched("the other", &fast, 50000);
    assert_true(slow.received < 120000);
    assert_true(t.moved[FAKE_SERVER] < 5 * MIB);
    slow.pause_after = 0;
    vel_exchange_resume(slow.exchange);
    talk_run(&t);
    check_fetched("resumed", &slow, 50000000);
    talk_end(&t);
}

/* The end of the message, and of the stream, waits behind what a paused reader has not seen. */
static void a_paused_reader_gets_the_end_later(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch slow = {.pause_after = 1};
    ASSERT_OK(talk_get(&t, "/bytes/200000", &slow));
    talk_run(&t);
    assert_true(slow.received < 200000);
    assert_false(slow.ended || slow.closed);
    assert_int_equal(t.server_complete, 1);
    for (int i = 0; i < 100 && !slow.closed; i++) {
        assert_false(slow.ended);
        vel_exchange_resume(slow.exchange);
        talk_run(&t);
    }
    check_fetched("slow", &slow, 200000);
    talk_end(&t);
}

static void requests_wait_for_the_stream_limit(void **state)
{
    (void)state;
    enum { LIMIT = 128 };
    static struct talk_fetch fetches[LIMIT];
    memset(fetches, 0, sizeof fetches);
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    talk_run(&t); /* SETTINGS */
    for (size_t i = 0; i < LIMIT; i++)
        ASSERT_OK(talk_get(&t, "/bytes/10", &fetches[i]));
    struct talk_fetch late = {0};
    ASSERT_ERR("limit", talk_get(&t, "/bytes/20", &late), VEL_ERR_AGAIN);
    talk_run(&t);
    ASSERT_OK(talk_get(&t, "/bytes/20", &late));
    talk_run(&t);
    check_fetched("late", &late, 20);
    talk_end(&t);
}

static void cancelled_requests_end_on_both_sides(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch fetch = {.pause_after = 1}, other = {0};
    ASSERT_OK(talk_get(&t, "/bytes/50000000", &fetch));
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
    /* What was held is back in the session's window. */
    ASSERT_OK(talk_get(&t, "/bytes/20000000", &other));
    talk_run(&t);
    check_fetched("other", &other, 20000000);
    talk_end(&t);
}

static void a_lost_body_resets_the_stream(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
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
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch running = {.pause_after = 1}, late = {0};
    ASSERT_OK(talk_get(&t, "/bytes/50000000", &running));
    talk_run(&t);
    vel_http_finish(t.server);
    talk_run(&t);
    assert_false(vel_http_is_over(t.server) || vel_http_is_over(t.client));
    ASSERT_ERR("after GOAWAY", talk_get(&t, "/bytes/1", &late), VEL_ERR_CLOSED);
    running.pause_after = 0;
    vel_exchange_resume(running.exchange);
    talk_run(&t);
    check_fetched("running", &running, 50000000);
    assert_true(vel_http_is_over(t.server) && vel_http_is_over(t.client));
    assert_int_equal(vel_http_deadline(t.server), VEL_NEVER);
    talk_end(&t);
}

/* Requests that were on their way when the server began to finish are served (RFC 9113 6.8). */
static void requests_that_cross_goaway_are_answered(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    talk_run(&t);
    struct talk_fetch crossing = {0};
    vel_http_finish(t.server);
    ASSERT_OK(talk_get(&t, "/bytes/1000", &crossing));
    talk_run(&t);
    check_fetched("crossing", &crossing, 1000);
    assert_true(vel_http_is_over(t.server));
    talk_end(&t);
}

static void a_client_finishes_too(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch running = {0}, late = {0};
    ASSERT_OK(talk_get(&t, "/bytes/1000", &running));
    vel_http_finish(t.client);
    ASSERT_ERR("finishing", talk_get(&t, "/bytes/1", &late), VEL_ERR_CLOSED);
    talk_run(&t);
    check_fetched("running", &running, 1000);
    assert_true(vel_http_is_over(t.client) && vel_http_is_over(t.server));
    talk_end(&t);
}

static void the_end_of_the_stream_closes_exchanges(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch fetch = {.pause_after = 1};
    ASSERT_OK(talk_get(&t, "/bytes/50000000", &fetch));
    talk_run(&t);
    vel_http_receive_end(t.client, false, t.now);
    assert_true(fetch.closed && fetch.end.by_peer && !fetch.end.complete);
    assert_int_equal(vel_http_output(t.client, t.now).len > 0, 1); /* RST_STREAM */
    /* The server goes on with an answer to a request that it has whole. */
    vel_http_receive_end(t.server, false, t.now);
    assert_int_equal(vel_http_active(t.server), 1);
    talk_end(&t);
}

static void sessions_may_be_freed_first(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch fetch = {.pause_after = 1};
    ASSERT_OK(talk_get(&t, "/bytes/50000000", &fetch));
    talk_run(&t);
    vel_http_free(t.server);
    t.server = NULL;
    talk_end(&t);
}

static void get_with(struct talk *t, const char *path, const char *priority,
                     struct talk_fetch *fetch)
{
    struct vel_request request = talk_request("GET", path);
    struct vel_field field = {vel_slice_text("priority"), vel_slice_text(priority)};
    request.fields = (struct vel_fields){.items = &field, .count = priority[0] == 0 ? 0 : 1};
    fetch->pattern_ok = true;
    ASSERT_OK(vel_http_request(t->client, &request, NULL, fetch, &fetch->exchange));
}

/* RFC 9218: urgent ones first; of equal ones those that are not incremental one by one; without a
 * word a small one does not wait for a large one. */
static void answers_go_out_by_priority(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second; /* priorities */
        bool second_first;
    } rows[] = {{"u=6", "u=1", true}, {"u=1", "u=6", false}, {"u=2", "u=2", false},
                {"", "", true},       {"i", "i", true},      {"", "u=5", false}};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct talk t;
        talk_start_bytes(&t, VEL_HTTP_2);
        struct talk_fetch large = {0}, small = {0};
        get_with(&t, "/bytes/1000000", rows[i].first, &large);
        get_with(&t, "/bytes/300000", rows[i].second, &small);
        talk_run(&t);
        check_fetched(rows[i].first, &large, 1000000);
        check_fetched(rows[i].second, &small, 300000);
        if ((small.order < large.order) != rows[i].second_first)
            fail_msg("'%s' and '%s'", rows[i].first, rows[i].second);
        talk_end(&t);
    }
}

static void extended_connect_shows_its_protocol(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    talk_run(&t);
    struct talk_fetch fetch = {0};
    struct vel_request request = talk_request("CONNECT", "/protocol");
    request.protocol = vel_slice_text("websocket");
    ASSERT_OK(vel_http_request(t.client, &request, NULL, &fetch, &fetch.exchange));
    talk_run(&t);
    assert_int_equal(fetch.status, 200);
    assert_string_equal(fetch.length, "9");
    talk_end(&t);
}

/* ---- time ---- */

static void pass(struct talk *t, vel_time time)
{
    t->now += time;
    vel_http_expire(t->server, t->now);
    vel_http_expire(t->client, t->now);
    talk_run(t);
}

static void quiet_sessions_end(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch fetch = {0};
    talk_run(&t);
    pass(&t, 50 * SECOND);
    ASSERT_OK(talk_get(&t, "/bytes/1", &fetch));
    talk_run(&t);
    pass(&t, 59 * SECOND);
    assert_false(vel_http_is_over(t.server));
    assert_true(vel_http_deadline(t.server) <= t.now + SECOND);
    pass(&t, SECOND);
    assert_true(vel_http_is_over(t.server) && vel_http_is_over(t.client));
    assert_int_equal(vel_http_deadline(t.server), VEL_NEVER);
    talk_end(&t);
}

/* The client neither reads the body nor ends: its window stays closed. */
static void a_reader_that_stalls_loses_its_answer(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch stalled = {.pause_after = 1};
    ASSERT_OK(talk_get(&t, "/bytes/50000000", &stalled));
    talk_run(&t);
    pass(&t, 29 * SECOND);
    assert_int_equal(vel_http_active(t.server), 1);
    pass(&t, SECOND);
    assert_int_equal(vel_http_active(t.server), 0);
    assert_false(t.server_end.complete);
    assert_true(stalled.closed && stalled.end.by_peer);
    assert_false(vel_http_is_over(t.server));
    talk_end(&t);
}

/* Nothing that the server says is taken from it. */
static void a_peer_that_takes_nothing_loses_the_session(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch fetch = {0};
    ASSERT_OK(talk_get(&t, "/bytes/50000000", &fetch));
    t.client_deaf = true;
    talk_run(&t);
    assert_true(vel_http_output(t.server, t.now).len > 0);
    pass(&t, 30 * SECOND);
    assert_true(vel_http_is_over(t.server));
    assert_int_equal(t.server_closed, 1);
    talk_end(&t);
}

/* ---- failures ---- */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    bool finished = false;
    for (long n = 0; !finished && n < 500; n++) {
        struct talk t;
        talk_start_bytes(&t, VEL_HTTP_2);
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

static void starting_may_fail(void **state)
{
    (void)state;
    for (long n = 0; n < 100; n++) {
        struct talk t = {0};
        test_env_init(&t.env, 7);
        struct vel_http_stream_setup setup = talk_setup(&t, VEL_HTTP_2, n % 2 == 0);
        t.env.fail_after = n;
        enum vel_err err = vel_http_new_on_stream(&setup, 1, &t.server);
        CHECK("start", err == VEL_OK || (err == VEL_ERR_NOMEM && t.server == NULL));
        vel_http_free(t.server);
        test_env_done(&t.env);
    }
}

static void a_session_is_small(void **state)
{
    (void)state;
    struct talk t;
    talk_start_bytes(&t, VEL_HTTP_2);
    struct talk_fetch fetch = {0};
    ASSERT_OK(talk_get(&t, "/bytes/1000000", &fetch));
    talk_run(&t);
    vel_http_free(t.client);
    t.client = NULL;
    print_message("# idle HTTP/2 session: %zu bytes\n", t.env.outstanding);
    assert_true(t.env.outstanding < 64 * KIB);
    talk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_all_sizes_arrive),
        cmocka_unit_test(an_answer_without_body_is_complete),
        cmocka_unit_test(uploads_arrive_whole),
        cmocka_unit_test(an_early_answer_stops_the_upload),
        cmocka_unit_test(a_short_body_is_taken_after_an_early_answer),
        cmocka_unit_test(a_hundred_requests_run_at_once),
        cmocka_unit_test(pending_bodies_of_a_session_are_bounded),
        cmocka_unit_test(a_paused_reader_stops_the_sender),
        cmocka_unit_test(a_paused_reader_gets_the_end_later),
        cmocka_unit_test(requests_wait_for_the_stream_limit),
        cmocka_unit_test(cancelled_requests_end_on_both_sides),
        cmocka_unit_test(a_lost_body_resets_the_stream),
        cmocka_unit_test(goaway_finishes_what_runs),
        cmocka_unit_test(requests_that_cross_goaway_are_answered),
        cmocka_unit_test(a_client_finishes_too),
        cmocka_unit_test(the_end_of_the_stream_closes_exchanges),
        cmocka_unit_test(sessions_may_be_freed_first),
        cmocka_unit_test(answers_go_out_by_priority),
        cmocka_unit_test(extended_connect_shows_its_protocol),
        cmocka_unit_test(quiet_sessions_end),
        cmocka_unit_test(a_reader_that_stalls_loses_its_answer),
        cmocka_unit_test(a_peer_that_takes_nothing_loses_the_session),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(starting_may_fail),
        cmocka_unit_test(a_session_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
