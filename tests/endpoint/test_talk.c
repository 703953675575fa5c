/* SPDX-License-Identifier: MIT */
#include "endpoint/talk.h"

#include <malloc.h>

#include "testing/test.h"
#include "transport/error.h"
#include "velocity/log.h"

/* Endpoints with real connections: what the fakes of test_endpoint.c cannot show. */

static void they_meet(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk_open(&talk, 0, 0);
    struct vel_conn *client = talk_connect(&talk, talk_addr(2, 1000)), *server = NULL;
    talk_run(&talk, talk.now + SECOND);
    assert_int_equal(talk_connected(talk.server, &server), 1);
    struct vel_conn *shown = NULL;
    assert_int_equal(talk_connected(talk.clients, &shown), 1);
    assert_ptr_equal(shown, client);

    uint64_t stream;
    size_t accepted;
    struct vel_slice hello = vel_slice_text("hello"), got;
    bool fin;
    ASSERT_OK(vel_stream_open(client, true, &stream));
    ASSERT_OK(vel_stream_write(client, stream, hello, true, &accepted));
    talk_run(&talk, talk.now + SECOND);
    ASSERT_OK(vel_stream_read(server, stream, &got, &fin));
    assert_true(vel_slice_equal(got, hello));
    assert_true(fin);

    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(talk.server, &stats);
    assert_int_equal(stats.accepted, 1);
    assert_int_equal(stats.completed, 1);
    assert_int_equal(stats.half_open, 0);
    assert_int_equal(stats.retries_sent, 0);
    talk_done(&talk);
    test_env_done(&t);
}

/* Everything a connection took is given back when it has ended and its end was seen. */
static void endings_are_complete(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 2);
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk_open(&talk, 0, 0);
    struct vel_conn *conn = NULL;
    for (uint16_t i = 0; i < 10; i++)
        talk_connect(&talk, talk_addr(2, (uint16_t)(1000 + i)));
    talk_run(&talk, talk.now + SECOND);
    assert_int_equal(talk_connected(talk.server, &conn), 10);
    assert_int_equal(talk_connected(talk.clients, &conn), 10);
    vel_endpoint_close_all(talk.clients, 7, "enough");
    for (int i = 0; i < 20; i++) {
        talk_connected(talk.server, &conn);
        talk_connected(talk.clients, &conn);
        talk_run(&talk, talk.now + SECOND);
    }
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(talk.server, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(stats.failed, 0);
    vel_endpoint_get_stats(talk.clients, &stats);
    assert_int_equal(stats.connections, 0);
    assert_true(vel_endpoint_deadline(talk.server) == VEL_NEVER);
    assert_true(vel_endpoint_deadline(talk.clients) == VEL_NEVER);
    talk_done(&talk);
    test_env_done(&t);
}

enum { LOT = 20 };

/* So many connect, say something, and close. */
static void one_lot(struct talk *talk)
{
    struct vel_conn *conn = NULL;
    for (uint16_t i = 0; i < LOT; i++)
        talk_connect(talk, talk_addr(2, (uint16_t)(1000 + i)));
    talk_run(talk, talk->now + SECOND);
    assert_int_equal(talk_connected(talk->server, &conn), LOT);
    assert_int_equal(talk_connected(talk->clients, &conn), LOT);
    vel_endpoint_close_all(talk->clients, 7, "enough");
    struct vel_endpoint_stats stats;
    do {
        talk_connected(talk->server, &conn);
        talk_connected(talk->clients, &conn);
        talk_run(talk, talk->now + SECOND);
        vel_endpoint_get_stats(talk->server, &stats);
    } while (stats.connections > 0);
}

/* However many came and went: the memory is that of the first ones. VELOCITY_SOAK times as many on
 * request. */
static void connections_in_a_row_leave_nothing(void **state)
{
    (void)state;
    const char *soak = getenv("VELOCITY_SOAK");
    long lots = 4 * (soak == NULL ? 1 : atol(soak));
    struct test_env t;
    test_env_init(&t, 9);
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk_open(&talk, 0, 0);
    one_lot(&talk);
    size_t held = t.outstanding;
    size_t heap = mallinfo2().uordblks;
    for (long i = 0; i < lots; i++) {
        one_lot(&talk);
        assert_int_equal(t.outstanding, held);
    }
    size_t now = mallinfo2().uordblks; /* what libcrypto holds is in here too */
    print_message("# %ld connections, %ld bytes more in the heap\n", lots * LOT,
                  (long)now - (long)heap);
    assert_true(now < heap + 64 * KIB);
    talk_done(&talk);
    test_env_done(&t);
}

/* Each is through once its turn has come, however late; until then it has acknowledged what it was sent, and
 * it does not blame the server for the time that it took itself. */
static void clients_acknowledge_before_they_verify(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 3);
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk_open(&talk, 0, 0);
    struct vel_conn *conns[2];
    uint8_t bytes[VEL_TRAIN_MAX];
    for (uint16_t i = 0; i < 2; i++)
        conns[i] = talk_connect(&talk, talk_addr(3, 1 + i));
    talk_carry(&talk, talk.clients, talk.server);
    talk_carry(&talk, talk.server, talk.clients);
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    talk.now += SECOND; /* longer than any probe time-out */
    for (unsigned turns = 1; turns <= 2; turns++) {
        struct vel_endpoint_stats stats;
        unsigned acknowledged = 0;
        assert_int_equal(vel_endpoint_deadline(talk.clients), 0);
        vel_endpoint_expire(talk.clients, talk.now);
        vel_endpoint_get_stats(talk.clients, &stats);
        assert_int_equal(stats.completed, turns);
        assert_int_equal(stats.probes, 0);
        for (; vel_endpoint_send(talk.clients, &train, talk.now) == VEL_OK; acknowledged++)
            continue;
        assert_int_equal(acknowledged, turns == 1 ? 2 : 1);
    }
    for (size_t i = 0; i < 2; i++)
        assert_true(vel_conn_is_connected(conns[i]));
    talk_done(&talk);
    test_env_done(&t);
}

static struct vel_endpoint_stats stats_of(const struct vel_endpoint *endpoint)
{
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(endpoint, &stats);
    return stats;
}

/* On a stream of its own. */
static void say_much(struct vel_conn *conn)
{
    static const uint8_t body[2000];
    uint64_t stream;
    size_t accepted;
    ASSERT_OK(vel_stream_open(conn, true, &stream));
    ASSERT_OK(vel_stream_write(conn, stream, vel_slice(body, sizeof body), true, &accepted));
    assert_int_equal(accepted, sizeof body);
}

/* Streams that were heard of. */
static unsigned readable(struct vel_endpoint *endpoint)
{
    unsigned count = 0;
    struct vel_conn *conn;
    struct vel_event event;
    while ((conn = vel_endpoint_next(endpoint)) != NULL)
        while (vel_conn_next_event(conn, &event))
            count += event.type == VEL_EVENT_STREAM_READABLE;
    return count;
}

/* Clients that prove who they are wait for their turn: what they say meanwhile is kept and believed only
 * after it, one that closes before leaves nothing, and none is asked twice. */
static void servers_verify_in_turns(void **state)
{
    (void)state;
    enum { COUNT = 4 };
    struct test_env t;
    test_env_init(&t, 3);
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk.server_config.client_auth = VEL_CLIENT_AUTH_REQUIRE;
    talk.server_config.trust = talk.trust;
    talk.client_config.identity = talk.identity;
    talk_open(&talk, 0, 0);
    struct vel_conn *conns[COUNT];
    for (uint16_t i = 0; i < COUNT; i++)
        conns[i] = talk_connect(&talk, talk_addr(3, 1 + i));
    talk_exchange(&talk);
    for (size_t i = 0; i < COUNT; i++)
        say_much(conns[i]);
    talk_carry(&talk, talk.clients, talk.server);
    vel_conn_close(conns[1], 7, "gone");
    talk_carry(&talk, talk.clients, talk.server);
    talk_carry(&talk, talk.server, talk.clients);

    for (unsigned turns = 0; turns < COUNT; turns++) {
        assert_true(stats_of(talk.server).completed <= turns);
        assert_int_equal(vel_endpoint_deadline(talk.server), 0);
        vel_endpoint_expire(talk.server, talk.now);
    }
    assert_true(vel_endpoint_deadline(talk.server) > 0);
    assert_int_equal(readable(talk.server), COUNT - 1);
    talk_run(&talk, talk.now + 5 * SECOND);
    struct vel_endpoint_stats stats = stats_of(talk.server);
    assert_int_equal(stats.completed, COUNT - 1);
    assert_int_equal(stats.connections, COUNT - 1);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.probes, 0);
    talk_done(&talk);
    test_env_done(&t);
}

/* One half-open connection takes the only place; the next client proves its address and is in. */
static void a_client_follows_a_retry(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 3);
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk_open(&talk, 0, 1);

    /* A first flight whose sender is never heard of again. */
    struct vel_conn *silent = talk_connect(&talk, talk_addr(3, 1));
    uint8_t bytes[2048];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    ASSERT_OK(vel_endpoint_send(talk.clients, &train, talk.now));
    struct vel_addr from = train.local;
    train.local = train.remote;
    train.remote = from;
    vel_endpoint_receive(talk.server, &train, talk.now);
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(talk.server, &stats);
    assert_int_equal(stats.half_open, 1);
    while (vel_endpoint_send(talk.clients, &train, talk.now) == VEL_OK)
        continue;
    while (vel_endpoint_send(talk.server, &train, talk.now) == VEL_OK)
        continue;
    (void)silent;

    struct vel_conn *client = talk_connect(&talk, talk_addr(4, 1)), *server = NULL;
    struct vel_conn_stats conn_stats;
    for (int i = 0; i < 5; i++)
        talk_exchange(&talk);
    assert_int_equal(talk_connected(talk.server, &server), 1);
    vel_endpoint_get_stats(talk.server, &stats);
    assert_true(stats.retries_sent > 0);
    assert_int_equal(stats.completed, 1);
    vel_conn_get_stats(client, &conn_stats);
    assert_int_equal(conn_stats.handshake_round_trips, 2);
    talk_done(&talk);
    test_env_done(&t);
}

static void a_refusal_arrives(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 4);
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk_open(&talk, 0, 0);
    vel_endpoint_refuse_new(talk.server);
    struct vel_conn *client = talk_connect(&talk, talk_addr(5, 1));
    talk_exchange(&talk);
    const struct vel_close *why = vel_conn_close_reason(client);
    assert_int_equal(why->origin, VEL_CLOSE_PEER);
    assert_int_equal(why->code, VEL_WIRE_CONNECTION_REFUSED);
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(talk.server, &stats);
    assert_int_equal(stats.connections, 0);
    talk_done(&talk);
    test_env_done(&t);
}

struct told {
    unsigned events;
    struct vel_addr remote;
    uint64_t by_peer, code;
    char reason[128];
};

static void on_log(void *self, const char *name, const struct vel_log_field *fields)
{
    struct told *told = self;
    assert_string_equal(name, "handshake-failed");
    told->events++;
    memcpy(&told->remote, vel_log_find(fields, "remote")->ptr, sizeof told->remote);
    told->by_peer = vel_log_find(fields, "by-peer")->value;
    told->code = vel_log_find(fields, "code")->value;
    snprintf(told->reason, sizeof told->reason, "%s",
             (const char *)vel_log_find(fields, "reason")->ptr);
}

/* Why a server's handshake failed is an event, whichever end says no; once, however much follows. */
static void failures_are_told(void **state)
{
    (void)state;
    for (uint64_t by_peer = 0; by_peer < 2; by_peer++) {
        struct test_env t;
        struct told told = {0};
        struct vel_log log = {.event = on_log, .self = &told};
        test_env_init(&t, 6);
        t.env.log = &log;
        struct talk talk;
        talk_prepare(&talk, &t.env);
        if (by_peer)
            talk.client_config.server_name = "elsewhere.example";
        else
            talk.client_config.profiles.items[0] = VEL_PROFILE_BALANCED;
        talk_open(&talk, 0, 0);
        talk_connect(&talk, talk_addr(7, 1));
        talk_run(&talk, talk.now + 60 * SECOND);
        assert_int_equal(told.events, 1);
        assert_int_equal(told.remote.port, 1);
        assert_int_equal(told.by_peer, by_peer);
        assert_string_not_equal(told.reason, "");
        if (!by_peer)
            assert_int_equal(told.code, VEL_WIRE_PROFILE_POLICY_VIOLATION);
        talk_done(&talk);
        test_env_done(&t);
    }
}

/* Clients that fall silent make no events: a flood would. */
static void silence_is_not_told(void **state)
{
    (void)state;
    struct test_env t;
    struct told told = {0};
    struct vel_log log = {.event = on_log, .self = &told};
    test_env_init(&t, 7);
    t.env.log = &log;
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk_open(&talk, 0, 0);
    talk_connect(&talk, talk_addr(8, 1));
    uint8_t bytes[2048];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    while (vel_endpoint_send(talk.clients, &train, talk.now) == VEL_OK)
        vel_endpoint_receive(talk.server, &train, talk.now);
    for (vel_time at = vel_endpoint_deadline(talk.server); at != VEL_NEVER;
         at = vel_endpoint_deadline(talk.server)) {
        vel_endpoint_expire(talk.server, at);
        while (vel_endpoint_send(talk.server, &train, at) == VEL_OK)
            continue; /* lost */
        talk.now = at;
    }
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(talk.server, &stats);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(told.events, 0);
    talk_done(&talk);
    test_env_done(&t);
}

/* A first flight of noise under the right header leaves nothing behind. */
static void noise_leaves_nothing(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 5);
    struct talk talk;
    talk_prepare(&talk, &t.env);
    talk_open(&talk, 0, 0);
    talk_connect(&talk, talk_addr(6, 1));
    uint8_t bytes[2048];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    while (vel_endpoint_send(talk.clients, &train, talk.now) == VEL_OK) {
        bytes[train.len - 1] ^= 1;
        vel_endpoint_receive(talk.server, &train, talk.now);
    }
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(talk.server, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(stats.half_open, 0);
    assert_true(stats.datagrams_dropped > 0);
    assert_int_equal(vel_endpoint_send(talk.server, &train, talk.now), VEL_ERR_AGAIN);
    talk_done(&talk);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_meet),
        cmocka_unit_test(endings_are_complete),
        cmocka_unit_test(connections_in_a_row_leave_nothing),
        cmocka_unit_test(clients_acknowledge_before_they_verify),
        cmocka_unit_test(servers_verify_in_turns),
        cmocka_unit_test(a_client_follows_a_retry),
        cmocka_unit_test(a_refusal_arrives),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(silence_is_not_told),
        cmocka_unit_test(noise_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
