/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "client/transfer_internal.h"
#include "http/talk.h"

/*
 * A client on sessions that somebody else moves the bytes of: HTTP/2 and HTTP/1.1 on two pipes, with
 * the server of tests/http/talk.h.
 */
struct stage {
    struct talk talk;
    struct vel_client *client;
    unsigned wakes;
};

struct got {
    struct vel_transfer_result result;
    struct vel_transfer *transfer;
    uint64_t received;
    bool done;
};

static void on_wake(void *self)
{
    struct stage *s = self;
    s->wakes++;
}

static void on_head(void *self, struct vel_transfer *transfer, const struct vel_response *response)
{
    struct got *got = self;
    (void)response;
    got->transfer = transfer;
}

static vel_result on_body(void *self, struct vel_transfer *transfer, struct vel_slice bytes)
{
    struct got *got = self;
    (void)transfer;
    for (size_t i = 0; i < bytes.len; i++)
        assert_int_equal(bytes.ptr[i], talk_pattern(got->received + i));
    got->received += bytes.len;
    return VEL_OK;
}

static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result)
{
    struct got *got = self;
    (void)transfer;
    assert_false(got->done);
    got->done = true;
    got->result = *result;
}

static void fetch(struct stage *s, const char *method, const char *path,
                  const struct vel_body_source *body, struct got *got)
{
    const struct vel_request request = talk_request(method, path);
    const struct vel_sink sink = {.head = on_head, .body = on_body, .done = on_done, .self = got};
    ASSERT_OK(vel_client_fetch(s->client, &request, body, &sink, s->talk.now));
}

static void open_stage(struct stage *s, enum vel_http_version version)
{
    *s = (struct stage){.talk = {.now = 1}};
    struct talk *t = &s->talk;
    test_env_init(&t->env, 7);
    fake_init(&t->pair, 0);
    const struct vel_client_setup setup = {.env = &t->env.env, .wake = on_wake, .self = s};
    ASSERT_OK(vel_client_new(&setup, NULL, t->now, &s->client));
    struct vel_http_stream_setup client = talk_setup(t, version, true);
    struct vel_http_stream_setup server = talk_setup(t, version, false);
    client.events = vel_client_http_events(s->client);
    ASSERT_OK(vel_http_new_on_stream(&client, t->now, &t->client));
    ASSERT_OK(vel_http_new_on_stream(&server, t->now, &t->server));
}

static void run(struct stage *s)
{
    for (unsigned turns = 0; turns < 20; turns++) {
        s->talk.now += MS;
        talk_run(&s->talk);
        vel_client_flush(s->client, s->talk.now);
    }
}

/* The session goes first, as its owner would do it. */
static void close_stage(struct stage *s)
{
    vel_http_free(s->talk.client);
    s->talk.client = NULL;
    vel_client_detach(s->client, VEL_CLIENT_OK, s->talk.now);
    vel_client_free(s->client);
    talk_end(&s->talk);
}

static void requests_wait_for_the_session(enum vel_http_version version)
{
    struct stage s;
    struct got got[3] = {0};
    open_stage(&s, version);
    fetch(&s, "GET", "/bytes/300000", NULL, &got[0]);
    fetch(&s, "GET", "/bytes/0", NULL, &got[1]);
    assert_int_equal(vel_client_busy(s.client), 2);
    vel_client_attach(s.client, s.talk.client, s.talk.now);
    unsigned wakes = s.wakes;
    fetch(&s, "GET", "/none", NULL, &got[2]);
    assert_true(s.wakes > wakes);
    run(&s);
    for (size_t i = 0; i < VEL_COUNT(got); i++) {
        assert_true(got[i].done);
        assert_int_equal(got[i].result.failure, VEL_CLIENT_OK);
        assert_int_equal(got[i].result.status, i == 2 ? 404 : 200);
    }
    assert_int_equal(got[0].received, 300000);
    assert_int_equal(vel_client_busy(s.client), 0);
    close_stage(&s);
}

/* The transfer is over for its owner at once; its exchange, which may still ask for the body, later. */
static void an_upload_that_times_out_leaves_nothing(enum vel_http_version version)
{
    struct stage s;
    struct got got = {0};
    open_stage(&s, version);
    struct talk_body upload = {.talk = &s.talk, .left = 10 * MIB};
    struct vel_body_source source = talk_source(&upload);
    vel_client_attach(s.client, s.talk.client, s.talk.now);
    s.client->setup.total_timeout = 10 * MS;
    fetch(&s, "POST", "/ignored", &source, &got);
    vel_client_flush(s.client, s.talk.now);
    s.talk.now += SECOND;
    vel_client_expire(s.client, s.talk.now);
    assert_true(got.done && upload.done);
    assert_int_equal(got.result.failure, VEL_CLIENT_TIMEOUT);
    run(&s);
    close_stage(&s);
}

static void a_session_that_ends_ends_its_transfers(enum vel_http_version version)
{
    struct stage s;
    struct got cut = {0}, waiting = {0};
    enum vel_client_failure why;
    open_stage(&s, version);
    vel_client_attach(s.client, s.talk.client, s.talk.now);
    fetch(&s, "GET", "/ignored", NULL, &cut);
    run(&s);
    fetch(&s, "GET", "/bytes/10", NULL, &waiting);
    vel_http_free(s.talk.client);
    s.talk.client = NULL;
    vel_client_detach(s.client, VEL_CLIENT_PROTOCOL, s.talk.now);
    assert_true(cut.done && waiting.done);
    assert_true(vel_client_ended(s.client, &why));
    assert_int_equal(why, VEL_CLIENT_PROTOCOL);
    assert_int_equal(cut.result.failure, VEL_CLIENT_EMPTY);
    assert_int_equal(waiting.result.failure, VEL_CLIENT_PROTOCOL);
    struct vel_request request = talk_request("GET", "/");
    struct vel_sink sink = {.done = on_done};
    ASSERT_ERR("late", vel_client_fetch(s.client, &request, NULL, &sink, s.talk.now),
               VEL_ERR_CLOSED);
    vel_client_free(s.client);
    talk_end(&s.talk);
}

static void on_both(void (*test)(enum vel_http_version version))
{
    test(VEL_HTTP_2);
    test(VEL_HTTP_1_1);
}

static void test_requests(void **state)
{
    (void)state;
    on_both(requests_wait_for_the_session);
}

static void test_upload(void **state)
{
    (void)state;
    on_both(an_upload_that_times_out_leaves_nothing);
}

static void test_end(void **state)
{
    (void)state;
    on_both(a_session_that_ends_ends_its_transfers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_upload),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
