/* SPDX-License-Identifier: MIT */
#include "client/transfer.h"

#include "http/talk.h"
#include "transport/conn_pair.h"

/*
 * A client and an HTTP/3 server on two connections face to face, with a virtual clock. The server
 * answers like tests/http/talk.h: /bytes/N, /upload, /early, /broken, /ignored.
 */
enum { STEP_MS = 10 };

struct stage {
    struct conn_pair pair;
    struct vel_client *client;
    struct vel_http *server;
    struct talk talk; /* the server's side */
};

struct got {
    struct stage *stage;
    struct vel_transfer *transfer;
    struct vel_transfer_result result;
    bool done;
    bool order_ok; /* the body source was done before us */
    struct talk_body *body;
    uint64_t received;
    uint64_t refuse_after; /* 0: never */
    bool pause;
    const char *then; /* fetch this from `done` */
    struct got *then_got;
    uint64_t progress;
};

static void fetch(struct stage *s, const char *method, const char *path, struct got *got);

static void on_head(void *self, struct vel_transfer *transfer, const struct vel_response *response)
{
    struct got *got = self;
    (void)response;
    got->transfer = transfer;
    if (got->pause)
        vel_transfer_pause(transfer);
}

static vel_result on_body(void *self, struct vel_transfer *transfer, struct vel_slice bytes)
{
    struct got *got = self;
    (void)transfer;
    for (size_t i = 0; i < bytes.len; i++)
        assert_int_equal(bytes.ptr[i], talk_pattern(got->received + i));
    got->received += bytes.len;
    return got->refuse_after != 0 && got->received >= got->refuse_after ? VEL_ERR_IO : VEL_OK;
}

static void on_progress(void *self, uint64_t received, uint64_t total)
{
    struct got *got = self;
    (void)total;
    assert_true(received > got->progress);
    got->progress = received;
}

static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result)
{
    struct got *got = self;
    (void)transfer;
    assert_false(got->done);
    got->done = true;
    got->result = *result;
    got->order_ok = got->body == NULL || got->body->done;
    if (got->then != NULL)
        fetch(got->stage, "GET", got->then, got->then_got);
}

static void fetch(struct stage *s, const char *method, const char *path, struct got *got)
{
    got->stage = s;
    struct vel_field field = {vel_slice_text("user-agent"), vel_slice_text("test")};
    struct vel_request request = talk_request(method, path);
    request.fields = (struct vel_fields){.items = &field, .count = 1};
    struct vel_sink sink = {
        .head = on_head, .body = on_body, .progress = on_progress, .done = on_done, .self = got};
    struct vel_body_source source;
    if (got->body != NULL)
        source = talk_source(got->body);
    ASSERT_OK(vel_client_fetch(s->client, &request, got->body == NULL ? NULL : &source, &sink,
                               s->pair.now));
}

static void open_stage(struct stage *s, struct vel_client_setup setup)
{
    *s = (struct stage){0};
    pair_init(&s->pair, VEL_PROFILE_BALANCED);
    test_env_init(&s->talk.env, 5);
    pair_connect(&s->pair);
    setup.env = &s->pair.env.env;
    ASSERT_OK(vel_client_new(&setup, s->pair.client, s->pair.now, &s->client));
}

static void server_turn(struct stage *s)
{
    struct vel_conn *conn = s->pair.server;
    struct vel_event event;
    if (conn == NULL)
        return;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED) {
            struct vel_http_events events = talk_server_events(&s->talk);
            ASSERT_OK(vel_http_new(&s->talk.env.env, conn, &events, &s->server));
        }
        if (s->server != NULL)
            vel_http_event(s->server, &event);
    }
    if (s->server != NULL)
        vel_http_send(s->server);
}

static void run(struct stage *s, vel_time duration)
{
    for (vel_time end = s->pair.now + duration; s->pair.now < end;) {
        vel_client_events(s->client, s->pair.now);
        server_turn(s);
        vel_client_flush(s->client, s->pair.now);
        if (vel_client_deadline(s->client) <= s->pair.now)
            vel_client_expire(s->client, s->pair.now);
        pair_run(&s->pair, s->pair.now + STEP_MS * MS);
    }
}

static void close_stage(struct stage *s)
{
    vel_client_free(s->client);
    vel_http_free(s->server);
    pair_done(&s->pair);
    assert_int_equal(s->talk.pieces_out, 0);
    test_env_done(&s->talk.env);
}

static void check(const struct got *got, enum vel_client_failure failure, unsigned status)
{
    assert_true(got->done);
    assert_true(got->order_ok);
    if (got->result.failure != failure || got->result.status != status)
        fail_msg("failure %d, status %u", (int)got->result.failure, got->result.status);
}

static void many_transfers_share_a_connection(void **state)
{
    (void)state;
    struct stage s;
    struct got got[20] = {0};
    open_stage(&s, (struct vel_client_setup){0});
    for (size_t i = 0; i < 10; i++) /* before it is connected */
        fetch(&s, "GET", "/bytes/30000", &got[i]);
    run(&s, 200 * MS);
    for (size_t i = 10; i < 20; i++)
        fetch(&s, "GET", "/bytes/30000", &got[i]);
    assert_int_equal(vel_client_busy(s.client) > 0, true);
    run(&s, 2 * SECOND);
    for (size_t i = 0; i < 20; i++) {
        check(&got[i], VEL_CLIENT_OK, 200);
        assert_int_equal(got[i].received, 30000);
        const struct vel_transfer_times *t = &got[i].result.times;
        assert_true(t->connected > 0 && t->connected <= t->sent);
        assert_true(t->sent <= t->first_byte && t->first_byte <= t->finished);
    }
    assert_int_equal(vel_client_busy(s.client), 0);
    vel_client_close(s.client);
    run(&s, SECOND);
    enum vel_client_failure why = VEL_CLIENT_MEMORY;
    assert_true(vel_client_ended(s.client, &why));
    assert_int_equal(why, VEL_CLIENT_OK);
    assert_int_equal(s.talk.server_complete, 20);
    close_stage(&s);
}

/* More requests than the server allows at a time wait for their turn. */
static void more_than_the_limit_queue(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static struct got got[COUNT];
    memset(got, 0, sizeof got);
    struct stage s;
    open_stage(&s, (struct vel_client_setup){0});
    for (size_t i = 0; i < COUNT; i++)
        fetch(&s, "GET", "/bytes/2000", &got[i]);
    run(&s, 5 * SECOND);
    for (size_t i = 0; i < COUNT; i++)
        check(&got[i], VEL_CLIENT_OK, 200);
    close_stage(&s);
}

static void a_large_body_flows(void **state)
{
    (void)state;
    struct stage s;
    struct got got = {0};
    open_stage(&s, (struct vel_client_setup){0});
    fetch(&s, "GET", "/bytes/5000000", &got);
    run(&s, 20 * SECOND);
    check(&got, VEL_CLIENT_OK, 200);
    assert_int_equal(got.received, 5000000);
    assert_int_equal(got.progress, 5000000);
    assert_true(s.talk.bytes_out_most <=
                VEL_HTTP_MAX_BODY_PENDING); /* the stream's buffer and a piece or two */
    close_stage(&s);
}

static void uploads_flow(void **state)
{
    (void)state;
    struct stage s;
    struct got got = {0};
    open_stage(&s, (struct vel_client_setup){0});
    struct talk_body body = {.talk = &s.talk, .left = 1000000};
    got.body = &body;
    fetch(&s, "POST", "/upload", &got);
    run(&s, 10 * SECOND);
    check(&got, VEL_CLIENT_OK, 200);
    assert_int_equal(got.result.body_sent, 1000000);
    close_stage(&s);
}

static void an_unreadable_request_body_fails(void **state)
{
    (void)state;
    struct stage s;
    struct got got = {0};
    open_stage(&s, (struct vel_client_setup){0});
    struct talk_body body = {.talk = &s.talk, .left = 1000000, .fail_at = 100000};
    got.body = &body;
    fetch(&s, "POST", "/upload", &got);
    run(&s, 3 * SECOND);
    check(&got, VEL_CLIENT_SEND, 0);
    close_stage(&s);
}

static void failures_are_told_apart(void **state)
{
    (void)state;
    struct stage s;
    struct got broken = {0}, full = {.refuse_after = 50000}, fine = {0}, none = {0};
    open_stage(&s, (struct vel_client_setup){0});
    fetch(&s, "GET", "/broken", &broken);
    fetch(&s, "GET", "/bytes/3000000", &full);
    fetch(&s, "GET", "/bytes/100000", &fine);
    fetch(&s, "GET", "/nowhere", &none);
    run(&s, 5 * SECOND);
    check(&broken, VEL_CLIENT_PARTIAL, 200);
    assert_int_equal(broken.result.code, VEL_H3_INTERNAL_ERROR);
    check(&full, VEL_CLIENT_WRITE, 200);
    assert_true(full.received < 3000000);
    check(&fine, VEL_CLIENT_OK, 200);
    check(&none, VEL_CLIENT_OK, 404);
    close_stage(&s);
}

static void silence_ends_in_time(void **state)
{
    (void)state;
    struct stage s;
    struct got got = {0};
    enum vel_client_failure why;
    open_stage(&s, (struct vel_client_setup){.connect_timeout = 2 * SECOND});
    s.pair.mute_server = true;
    fetch(&s, "GET", "/bytes/1", &got);
    run(&s, 1900 * MS);
    assert_false(got.done);
    run(&s, 200 * MS);
    check(&got, VEL_CLIENT_TIMEOUT, 0);
    assert_true(vel_client_ended(s.client, &why));
    assert_int_equal(why, VEL_CLIENT_TIMEOUT);
    close_stage(&s);
}

static void slow_transfers_end_in_time(void **state)
{
    (void)state;
    struct stage s;
    struct got stalled = {0}, running = {.pause = true};
    open_stage(&s,
               (struct vel_client_setup){.total_timeout = 4 * SECOND, .stall_timeout = 2 * SECOND});
    fetch(&s, "GET", "/ignored", &stalled);
    run(&s, 1 * SECOND);
    assert_false(stalled.done);
    run(&s, 1500 * MS);
    check(&stalled, VEL_CLIENT_TIMEOUT, 0);
    fetch(&s, "GET", "/bytes/5000000", &running);
    for (int i = 0; i < 3; i++) { /* a little life now and then is not enough */
        run(&s, 1500 * MS);
        if (!running.done)
            vel_transfer_resume(running.transfer);
        if (!running.done)
            vel_transfer_pause(running.transfer);
    }
    check(&running, VEL_CLIENT_TIMEOUT, 200);
    close_stage(&s);
}

static void the_connection_may_end_first(void **state)
{
    (void)state;
    struct stage s;
    struct got waiting = {0}, cut = {.pause = true};
    enum vel_client_failure why;
    open_stage(&s, (struct vel_client_setup){0});
    fetch(&s, "GET", "/ignored", &waiting);
    fetch(&s, "GET", "/bytes/5000000", &cut);
    run(&s, SECOND);
    vel_conn_close(s.pair.server, VEL_H3_INTERNAL_ERROR, "going");
    run(&s, SECOND);
    check(&waiting, VEL_CLIENT_EMPTY, 0);
    check(&cut, VEL_CLIENT_PARTIAL, 200);
    assert_true(vel_client_ended(s.client, &why));
    assert_int_equal(why, VEL_CLIENT_PROTOCOL);
    assert_string_equal(vel_client_close_reason(s.client)->reason, "going");
    struct vel_request request = talk_request("GET", "/");
    struct vel_sink sink = {.done = on_done};
    ASSERT_ERR("ended", vel_client_fetch(s.client, &request, NULL, &sink, s.pair.now),
               VEL_ERR_CLOSED);
    close_stage(&s);
}

static void done_may_fetch_more(void **state)
{
    (void)state;
    struct stage s;
    struct got third = {0};
    struct got second = {.then = "/bytes/3", .then_got = &third};
    struct got first = {.then = "/bytes/2", .then_got = &second};
    open_stage(&s, (struct vel_client_setup){0});
    fetch(&s, "GET", "/bytes/1", &first);
    run(&s, SECOND);
    check(&first, VEL_CLIENT_OK, 200);
    check(&second, VEL_CLIENT_OK, 200);
    check(&third, VEL_CLIENT_OK, 200);
    assert_int_equal(third.received, 3);
    close_stage(&s);
}

static void freeing_ends_everything(void **state)
{
    (void)state;
    struct stage s;
    struct got running = {.pause = true}, upload = {0}, queued = {0};
    open_stage(&s, (struct vel_client_setup){0});
    struct talk_body body = {.talk = &s.talk, .left = 100000000};
    struct talk_body late = {.talk = &s.talk, .left = 10};
    upload.body = &body;
    queued.body = &late;
    fetch(&s, "GET", "/bytes/5000000", &running);
    fetch(&s, "POST", "/upload", &upload);
    run(&s, SECOND);
    fetch(&s, "POST", "/upload", &queued);
    close_stage(&s);
    check(&running, VEL_CLIENT_PARTIAL, 200);
    check(&upload, VEL_CLIENT_PARTIAL, 0);
    check(&queued, VEL_CLIENT_PARTIAL, 0);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    for (long n = 0; n < 2; n++) {
        struct stage s;
        struct got got = {0};
        open_stage(&s, (struct vel_client_setup){0});
        struct vel_request request = talk_request("GET", "/bytes/1");
        struct vel_sink sink = {.done = on_done, .self = &got};
        s.pair.env.fail_after = n;
        ASSERT_ERR("fetch", vel_client_fetch(s.client, &request, NULL, &sink, s.pair.now),
                   VEL_ERR_NOMEM);
        s.pair.env.fail_after = -1;
        assert_int_equal(vel_client_busy(s.client), 0);
        close_stage(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_transfers_share_a_connection),
        cmocka_unit_test(more_than_the_limit_queue),
        cmocka_unit_test(a_large_body_flows),
        cmocka_unit_test(uploads_flow),
        cmocka_unit_test(an_unreadable_request_body_fails),
        cmocka_unit_test(failures_are_told_apart),
        cmocka_unit_test(silence_ends_in_time),
        cmocka_unit_test(slow_transfers_end_in_time),
        cmocka_unit_test(the_connection_may_end_first),
        cmocka_unit_test(done_may_fetch_more),
        cmocka_unit_test(freeing_ends_everything),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
