/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "client/attempt.h"
#include "client/transfer.h"
#include "links/tls_stream.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "testing/test.h"
#include "velocity/system.h"

/* An attempt over TCP alone, with a server that has one thing to say. */
struct stage {
    struct test_env env;
    struct vel_loop *loop;
    int listener;
    struct vel_watch *watch;
    struct vel_tls_stream *server;
    const char *answer;
    struct vel_attempt *attempt;
    unsigned done;
    bool again; /* the first transfer that is done asks once more */
    enum vel_err asked_again;
    char heard[16]; /* a transfer's status, or its failure in brackets */
};

static struct stage s;

/* ---- the server ---- */

static size_t on_received(void *self, struct vel_slice bytes)
{
    size_t taken;
    (void)self;
    ASSERT_OK(vel_tls_stream_write(s.server, vel_slice_text(s.answer), &taken));
    assert_int_equal(taken, strlen(s.answer));
    return bytes.len;
}

static void on_received_end(void *self, bool truncated)
{
    (void)self;
    (void)truncated;
    vel_tls_stream_finish(s.server);
}

static void on_closed(void *self, const struct vel_tls_stream_end *end)
{
    (void)self;
    (void)end;
}

static void on_listener(void *self, unsigned ready)
{
    const struct vel_tls_stream_setup setup = {
        .env = &s.env.env,
        .loop = s.loop,
        .events = {.received = on_received, .received_end = on_received_end, .closed = on_closed}};
    struct vel_addr remote;
    int fd;
    (void)self;
    (void)ready;
    if (vel_tcp_accept(s.listener, &fd, &remote) == VEL_OK)
        ASSERT_OK(vel_tls_stream_accept(&setup, fd, &remote, &s.server));
}

/* ---- the client ---- */

static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result);

static vel_result fetch(vel_time now)
{
    const struct vel_request request = {.method = vel_slice_text("GET"),
                                        .scheme = vel_slice_text("http"),
                                        .authority = vel_slice_text("localhost"),
                                        .path = vel_slice_text("/")};
    const struct vel_sink sink = {.done = on_done};
    return vel_client_fetch(vel_attempt_client(s.attempt), &request, NULL, &sink, now);
}

static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result)
{
    size_t used = strlen(s.heard);
    (void)self;
    (void)transfer;
    if (result->failure == VEL_CLIENT_OK)
        snprintf(s.heard + used, sizeof s.heard - used, "%u ", result->status);
    else
        snprintf(s.heard + used, sizeof s.heard - used, "(%d) ", result->failure);
    if (s.again && s.done == 0)
        s.asked_again = fetch(vel_clock_now());
    s.done++;
}

static void on_connected(void *self, struct vel_attempt *attempt, vel_time now)
{
    (void)self;
    s.attempt = attempt;
    ASSERT_OK(fetch(now));
    if (!s.again)
        ASSERT_OK(fetch(now));
    vel_attempt_wake(attempt);
}

static void on_ended(void *self, struct vel_attempt *attempt, vel_time now)
{
    (void)self;
    (void)attempt;
    (void)now;
    vel_loop_stop(s.loop);
}

static void run(const char *answer, bool again)
{
    const struct vel_addr loopback = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}};
    const struct vel_config config = {0};
    s = (struct stage){.listener = -1, .answer = answer, .again = again};
    test_env_init(&s.env, 1);
    ASSERT_OK(vel_loop_new(&s.env.env, &s.loop));
    struct vel_attempt_setup setup = {.env = &s.env.env,
                                      .loop = s.loop,
                                      .rung = VEL_RUNG_TCP,
                                      .plain = true,
                                      .config = &config,
                                      .addr_count = 1,
                                      .events = {.connected = on_connected, .ended = on_ended}};
    ASSERT_OK(vel_tcp_listen(&loopback, VEL_PORT_ALONE, &s.listener, &setup.addrs[0]));
    ASSERT_OK(vel_watch_new(s.loop, s.listener, on_listener, NULL, &s.watch));
    vel_watch_set(s.watch, VEL_WATCH_READ);
    ASSERT_OK(vel_attempt_new(&setup, vel_clock_now(), &s.attempt));
    vel_loop_run(s.loop);
    vel_attempt_free(s.attempt);
    vel_tls_stream_free(s.server);
    vel_watch_free(s.watch);
    vel_fd_close(&s.listener);
    vel_loop_free(s.loop);
    test_env_done(&s.env);
}

#define LAST_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

/* The session is gone while its stream still ends: nobody may ask it for anything. */
static void what_waits_ends_with_the_session(void **state)
{
    (void)state;
    run(LAST_ANSWER, false);
    char expected[16];
    snprintf(expected, sizeof expected, "200 (%d) ", VEL_CLIENT_EMPTY);
    assert_string_equal(s.heard, expected);
}

static void a_session_that_is_gone_takes_no_request(void **state)
{
    (void)state;
    run(LAST_ANSWER, true);
    assert_string_equal(s.heard, "200 ");
    assert_int_equal(s.asked_again, VEL_ERR_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_ends_with_the_session),
        cmocka_unit_test(a_session_that_is_gone_takes_no_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
