/* SPDX-License-Identifier: MIT */
#include "web/server.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/transfer.h"
#include "testing/test.h"
#include "transport/conn_pair.h"
#include "web/site.h"

/* A site served to our client, on two connections face to face with a virtual clock. */
enum { STEP_MS = 10, LOG_MAX = 200 };

struct stage {
    struct conn_pair pair;
    struct test_env env;
    struct vel_site *site;
    struct vel_web_server *server;
    struct vel_client *client;
    char folder[64];
    size_t logged;
    struct {
        char path[32];
        unsigned status;
        uint64_t bytes;
        bool complete;
        uint16_t port;
    } log[LOG_MAX];
};

struct got {
    struct vel_transfer *transfer;
    struct vel_transfer_result result;
    bool done, pause;
};

static void on_log(void *self, const struct vel_web_record *record)
{
    struct stage *s = self;
    assert_true(s->logged < LOG_MAX);
    snprintf(s->log[s->logged].path, sizeof s->log[0].path, "%.*s", (int)record->path.len,
             (const char *)record->path.ptr);
    s->log[s->logged].status = record->status;
    s->log[s->logged].bytes = record->body_bytes;
    s->log[s->logged].complete = record->complete;
    s->log[s->logged].port = record->remote.port;
    assert_true(record->duration >= 0);
    assert_true(vel_slice_equal(record->authority, vel_slice_text("localhost")));
    s->logged++;
}

static void put_file(struct stage *s, const char *name, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

static void open_stage(struct stage *s)
{
    *s = (struct stage){0};
    pair_init(&s->pair, VEL_PROFILE_BALANCED);
    test_env_init(&s->env, 5);
    snprintf(s->folder, sizeof s->folder, "/tmp/velocity-server-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    put_file(s, "small", 100);
    put_file(s, "large", 1000000);
    struct vel_site_setup site = {.env = &s->env.env, .root = s->folder};
    ASSERT_OK(vel_site_new(&site, &s->site));
    struct vel_web_server_setup server = {
        .env = &s->env.env, .site = s->site, .log = on_log, .log_self = s};
    ASSERT_OK(vel_web_server_new(&server, &s->server));
    s->pair.client_config.limits.max_data = 300 * KIB; /* what the wire of the pair can hold */
    pair_connect(&s->pair);
    struct vel_client_setup client = {.env = &s->pair.env.env};
    ASSERT_OK(vel_client_new(&client, s->pair.client, s->pair.now, &s->client));
}

static void run(struct stage *s, vel_time duration)
{
    for (vel_time end = s->pair.now + duration; s->pair.now < end;) {
        vel_client_events(s->client, s->pair.now);
        if (s->pair.server != NULL)
            vel_web_server_events(s->server, s->pair.server, s->pair.now);
        vel_client_flush(s->client, s->pair.now);
        vel_web_server_flush(s->server, s->pair.now);
        pair_run(&s->pair, s->pair.now + STEP_MS * MS);
    }
}

static void close_stage(struct stage *s)
{
    vel_client_free(s->client);
    vel_web_server_free(s->server);
    pair_done(&s->pair);
    vel_site_free(s->site);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", s->folder);
    assert_int_equal(system(command), 0);
    test_env_done(&s->env);
}

static void on_head(void *self, struct vel_transfer *transfer, const struct vel_response *response)
{
    struct got *got = self;
    (void)response;
    got->transfer = transfer;
    if (got->pause)
        vel_transfer_pause(transfer);
}

static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result)
{
    struct got *got = self;
    (void)transfer;
    got->done = true;
    got->result = *result;
}

static void fetch(struct stage *s, const char *path, struct got *got)
{
    struct vel_request request = {.method = vel_slice_text("GET"),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("localhost"),
                                  .path = vel_slice_text(path)};
    struct vel_sink sink = {.head = on_head, .done = on_done, .self = got};
    ASSERT_OK(vel_client_fetch(s->client, &request, NULL, &sink, s->pair.now));
}

static void requests_are_answered_and_logged(void **state)
{
    (void)state;
    struct stage s;
    struct got got[3] = {0};
    struct vel_web_server_stats stats;
    open_stage(&s);
    fetch(&s, "/small", &got[0]);
    fetch(&s, "/large", &got[1]);
    fetch(&s, "/none", &got[2]);
    run(&s, 5 * SECOND);
    assert_int_equal(got[0].result.body_received, 100);
    assert_int_equal(got[1].result.body_received, 1000000);
    assert_int_equal(got[2].result.status, 404);
    assert_int_equal(s.logged, 3);
    for (size_t i = 0; i < s.logged; i++) {
        assert_true(s.log[i].complete);
        assert_int_equal(s.log[i].port, 1);
        assert_int_equal(s.log[i].status, strcmp(s.log[i].path, "/none") == 0 ? 404 : 200);
    }
    vel_web_server_get_stats(s.server, &stats);
    assert_int_equal(stats.sessions, 1);
    assert_int_equal(stats.active, 0);
    assert_int_equal(stats.requests, 3);
    assert_int_equal(stats.by_class[2], 2);
    assert_int_equal(stats.by_class[4], 1);
    assert_int_equal(stats.response_bytes, 1000100 + strlen("404 Not Found\n"));
    vel_client_close(s.client);
    run(&s, SECOND);
    vel_web_server_get_stats(s.server, &stats);
    assert_int_equal(stats.sessions, 0);
    close_stage(&s);
}

static void finishing_waits_for_what_runs(void **state)
{
    (void)state;
    struct stage s;
    struct got running = {.pause = true};
    struct vel_web_server_stats stats;
    enum vel_client_failure why;
    open_stage(&s);
    fetch(&s, "/large", &running);
    run(&s, SECOND);
    vel_web_server_finish(s.server);
    run(&s, SECOND);
    vel_web_server_get_stats(s.server, &stats);
    assert_int_equal(stats.sessions, 1);
    vel_transfer_resume(running.transfer);
    run(&s, 5 * SECOND);
    assert_int_equal(running.result.failure, VEL_CLIENT_OK);
    assert_int_equal(running.result.body_received, 1000000);
    vel_web_server_get_stats(s.server, &stats);
    assert_int_equal(stats.sessions, 0);
    assert_true(vel_client_ended(s.client, &why));
    assert_int_equal(why, VEL_CLIENT_OK);
    close_stage(&s);
}

static void cut_transfers_are_logged_as_such(void **state)
{
    (void)state;
    struct stage s;
    struct got running = {.pause = true};
    open_stage(&s);
    fetch(&s, "/large", &running);
    run(&s, SECOND);
    vel_client_close(s.client);
    run(&s, SECOND);
    assert_int_equal(s.logged, 1);
    assert_false(s.log[0].complete);
    assert_int_equal(s.log[0].status, 200);
    close_stage(&s);
}

/* A reader that stops reading: the file is not read on, and its buffers do not grow. */
static void a_stopped_reader_costs_little(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    static struct got got[COUNT];
    memset(got, 0, sizeof got);
    struct stage s;
    open_stage(&s);
    for (size_t i = 0; i < COUNT; i++) {
        got[i].pause = true;
        fetch(&s, "/large", &got[i]);
    }
    size_t most = 0;
    for (int i = 0; i < 50; i++) {
        run(&s, 100 * MS);
        most = s.env.outstanding > most ? s.env.outstanding : most;
    }
    assert_true(most < 7 * MIB);
    for (size_t i = 0; i < COUNT; i++)
        vel_transfer_resume(got[i].transfer);
    run(&s, 60 * SECOND);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(got[i].result.body_received, 1000000);
    close_stage(&s);
}

/* The beginning of a head, over HTTP/3: after ten seconds its stream is given up, and nobody else's. */
static void half_a_head_is_given_up(void **state)
{
    (void)state;
    struct stage s;
    struct got got = {0};
    uint64_t stream;
    size_t accepted;
    open_stage(&s);
    fetch(&s, "/small", &got);
    run(&s, SECOND);
    ASSERT_OK(vel_stream_open(s.pair.client, true, &stream));
    ASSERT_OK(vel_stream_write(s.pair.client, stream, vel_slice_text("\x01"), false, &accepted));
    run(&s, 9 * SECOND);
    vel_time due = vel_web_server_deadline(s.server);
    assert_true(due > s.pair.now && due <= s.pair.now + 2 * SECOND);
    ASSERT_OK(vel_stream_write(s.pair.client, stream, vel_slice_text("\x08"), false, &accepted));
    run(&s, 3 * SECOND);
    ASSERT_ERR("given up",
               vel_stream_write(s.pair.client, stream, vel_slice_text("\0"), false, &accepted),
               VEL_ERR_NOT_FOUND);
    assert_int_equal(vel_web_server_deadline(s.server), VEL_NEVER);
    fetch(&s, "/small", &got);
    run(&s, SECOND);
    assert_int_equal(got.result.body_received, 100);
    close_stage(&s);
}

/* Nothing more is heard of the client: when its request is given up, nothing holds the server. */
static void finishing_does_not_wait_for_half_a_head(void **state)
{
    (void)state;
    struct stage s;
    struct vel_web_server_stats stats;
    uint64_t stream;
    size_t accepted;
    open_stage(&s);
    ASSERT_OK(vel_stream_open(s.pair.client, true, &stream));
    ASSERT_OK(vel_stream_write(s.pair.client, stream, vel_slice_text("\x01"), false, &accepted));
    run(&s, SECOND);
    vel_web_server_finish(s.server);
    for (int second = 0; second < 12; second++) {
        s.pair.now += SECOND;
        vel_web_server_flush(s.server, s.pair.now);
        vel_web_server_get_stats(s.server, &stats);
        assert_int_equal(stats.sessions, 1);
    }
    vel_web_server_events(s.server, s.pair.server, s.pair.now); /* the close that is ours */
    vel_web_server_get_stats(s.server, &stats);
    assert_int_equal(stats.sessions, 0);
    close_stage(&s);
}

/* All sessions are looked at once a second at most, however many deadlines those that are busy have. */
static void looks_are_a_second_apart(void **state)
{
    (void)state;
    enum { STREAMS = 20, APART = 100, STEPS = 50, LOOKS = 6 };
    struct stage s;
    struct got got = {0};
    int looks = 0;
    open_stage(&s);
    run(&s, SECOND);
    for (size_t i = 0; i < STREAMS; i++) {
        uint64_t stream;
        size_t accepted;
        ASSERT_OK(vel_stream_open(s.pair.client, true, &stream));
        ASSERT_OK(
            vel_stream_write(s.pair.client, stream, vel_slice_text("\x01"), false, &accepted));
        run(&s, APART * MS);
    }
    run(&s, 7 * SECOND);
    for (size_t i = 0; i < STEPS; i++) {
        vel_time due = vel_web_server_deadline(s.server);
        fetch(&s, "/small", &got);
        run(&s, APART * MS);
        looks += s.pair.now > due;
    }
    assert_in_range(looks, 1, LOOKS);
    close_stage(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_and_logged),
        cmocka_unit_test(finishing_waits_for_what_runs),
        cmocka_unit_test(cut_transfers_are_logged_as_such),
        cmocka_unit_test(a_stopped_reader_costs_little),
        cmocka_unit_test(half_a_head_is_given_up),
        cmocka_unit_test(finishing_does_not_wait_for_half_a_head),
        cmocka_unit_test(looks_are_a_second_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
