/* SPDX-License-Identifier: MIT */
#include "transport/conn.h"

#include "transport/conn_internal.h"
#include "transport/conn_pair.h"
#include "transport/error.h"

static bool take(struct vel_conn *conn, enum vel_event_type type, struct vel_event *event)
{
    while (vel_conn_next_event(conn, event))
        if (event->type == type)
            return true;
    return false;
}

/* VEL-TR-01, VEL-TR-07: the full hybrid handshake takes one round trip. */
static void one_round_trip(void **state)
{
    (void)state;
    for (int profile = VEL_PROFILE_LIGHT; profile < VEL_PROFILE_COUNT; profile++) {
        struct conn_pair p;
        struct vel_event event;
        pair_init(&p, (enum vel_profile)profile);
        pair_connect(&p);
        pair_run(&p, 2 * p.delay);
        const char *what = vel_profile_name((enum vel_profile)profile);
        CHECK(what, take(p.client, VEL_EVENT_CONNECTED, &event));
        struct vel_conn_stats stats;
        vel_conn_get_stats(p.client, &stats);
        CHECK(what, stats.handshake_round_trips == 1);
        CHECK(what, stats.handshake_time == 2 * p.delay);
        CHECK(what, p.server_sent <= 3 * p.server_received_before_validation);
        pair_run(&p, 1 * SECOND);
        CHECK(what, take(p.server, VEL_EVENT_CONNECTED, &event));
        vel_conn_get_stats(p.server, &stats);
        CHECK(what, stats.handshake_round_trips == 1);
        CHECK(what, stats.packets_lost == 0);
        pair_done(&p);
    }
}

static void bytes_arrive_both_ways(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    pair_init(&p, VEL_PROFILE_BALANCED);
    pair_connect(&p);
    uint64_t id;
    size_t accepted;
    ASSERT_OK(vel_stream_open(p.client, true, &id));
    ASSERT_OK(vel_stream_write(p.client, id, vel_slice_text("question"), true, &accepted));
    pair_run(&p, 1 * SECOND);
    assert_true(take(p.server, VEL_EVENT_STREAM_READABLE, &event));
    assert_int_equal(event.stream, id);

    struct vel_slice bytes;
    bool fin;
    ASSERT_OK(vel_stream_read(p.server, id, &bytes, &fin));
    assert_true(vel_slice_equal(bytes, vel_slice_text("question")));
    assert_true(fin);
    ASSERT_OK(vel_stream_consume(p.server, id, bytes.len));
    ASSERT_OK(vel_stream_write(p.server, id, vel_slice_text("answer"), true, &accepted));
    pair_run(&p, 2 * SECOND);
    assert_true(take(p.client, VEL_EVENT_STREAM_READABLE, &event));
    ASSERT_OK(vel_stream_read(p.client, id, &bytes, &fin));
    assert_true(vel_slice_equal(bytes, vel_slice_text("answer")));
    ASSERT_OK(vel_stream_consume(p.client, id, bytes.len));
    pair_run(&p, 3 * SECOND);
    assert_true(take(p.client, VEL_EVENT_STREAM_CLOSED, &event));
    pair_done(&p);
}

/* What the application's reading and listening makes due must not wait for the next datagram. */
static void reading_to_the_end_wakes(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    struct vel_slice bytes;
    uint64_t id = 0;
    size_t accepted = 0;
    bool fin = false;
    pair_init(&p, VEL_PROFILE_BALANCED);
    p.server_config.limits.max_streams_uni = 1;
    pair_connect(&p);
    ASSERT_OK(vel_stream_open(p.client, false, &id));
    ASSERT_OK(vel_stream_write(p.client, id, (struct vel_slice){0}, true, &accepted));
    pair_run(&p, 1 * SECOND);
    assert_true(take(p.server, VEL_EVENT_STREAM_READABLE, &event));

    p.wakes = 0;
    ASSERT_OK(vel_stream_read(p.server, id, &bytes, &fin));
    assert_true(fin);
    assert_true(p.wakes > 0); /* CLOSED is due */
    assert_true(take(p.server, VEL_EVENT_STREAM_CLOSED, &event));
    p.wakes = 0;
    assert_false(vel_conn_next_event(p.server, &event));
    assert_true(p.wakes > 0); /* MAX_STREAMS is due */
    ASSERT_ERR("limit", vel_stream_open(p.client, false, &id), VEL_ERR_AGAIN);
    pair_run(&p, 2 * SECOND);
    assert_true(take(p.client, VEL_EVENT_STREAMS_AVAILABLE, &event));
    ASSERT_OK(vel_stream_open(p.client, false, &id));
    pair_done(&p);
}

static void statistics_tell_what_happened(void **state)
{
    (void)state;
    struct conn_pair p;
    uint64_t id;
    size_t accepted;
    pair_init(&p, VEL_PROFILE_BALANCED);
    pair_connect(&p);
    ASSERT_OK(vel_stream_open(p.client, true, &id));
    ASSERT_OK(vel_stream_write(p.client, id, vel_slice_text("question"), true, &accepted));
    ASSERT_OK(vel_stream_open(p.client, false, &id));
    ASSERT_OK(vel_stream_write(p.client, id, vel_slice_text("more"), false, &accepted));
    pair_run(&p, 1 * SECOND);
    struct vel_conn_stats client, server;
    vel_conn_get_stats(p.client, &client);
    vel_conn_get_stats(p.server, &server);
    assert_int_equal(client.streams_opened, 2);
    assert_int_equal(client.streams_accepted, 0);
    assert_int_equal(client.streams, 2);
    assert_int_equal(server.streams_opened, 0);
    assert_int_equal(server.streams_accepted, 2);
    assert_int_equal(client.paths, 1);
    assert_int_equal(server.paths, 1);
    assert_true(client.mtu >= 1200);
    assert_true(client.latest_rtt >= 2 * p.delay && client.min_rtt == 2 * p.delay);
    assert_int_equal(client.bytes_in_flight, 0);
    assert_true(client.congestion_window > 10000);
    assert_int_equal(client.packets_spurious, 0);
    pair_done(&p);
}

static void closing_tells_the_peer(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    pair_init(&p, VEL_PROFILE_LIGHT);
    pair_connect(&p);
    pair_run(&p, 1 * SECOND);
    vel_conn_close(p.client, 0x17, "done");
    pair_run(&p, 1 * SECOND + p.delay);
    assert_true(take(p.server, VEL_EVENT_CLOSED, &event));
    const struct vel_close *why = vel_conn_close_reason(p.server);
    assert_int_equal(why->origin, VEL_CLOSE_PEER);
    assert_true(why->application);
    assert_int_equal(why->code, 0x17);
    assert_string_equal(why->reason, "done");
    pair_run(&p, 60 * SECOND);
    assert_true(vel_conn_is_dead(p.client));
    assert_true(vel_conn_is_dead(p.server));
    pair_done(&p);
}

/* A peer that closes as soon as it has everything says that it has everything. */
static void closing_acknowledges_what_arrived(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    struct vel_slice bytes;
    uint64_t id;
    size_t accepted;
    bool fin;
    pair_init(&p, VEL_PROFILE_BALANCED);
    pair_connect(&p);
    ASSERT_OK(vel_stream_open(p.client, true, &id));
    ASSERT_OK(vel_stream_write(p.client, id, vel_slice_text("question"), true, &accepted));
    pair_run(&p, 1 * SECOND);
    assert_true(take(p.server, VEL_EVENT_STREAM_READABLE, &event));
    ASSERT_OK(vel_stream_read(p.server, id, &bytes, &fin));
    ASSERT_OK(vel_stream_consume(p.server, id, bytes.len));
    ASSERT_OK(vel_stream_write(p.server, id, vel_slice_text("answer"), true, &accepted));
    vel_time sent = p.now;
    while (!take(p.client, VEL_EVENT_STREAM_READABLE, &event))
        pair_run(&p, p.now + p.delay / 8);
    assert_true(p.now < sent + 2 * p.delay); /* nothing can be acknowledged yet */
    vel_conn_close(p.client, 0x100, "enough");
    pair_run(&p, p.now + 1 * SECOND);
    assert_true(take(p.server, VEL_EVENT_STREAM_CLOSED, &event));
    assert_true(take(p.server, VEL_EVENT_CLOSED, &event));
    pair_done(&p);
}

static void silence_ends_both(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    pair_init(&p, VEL_PROFILE_LIGHT);
    p.server_config.limits.idle_timeout = 5 * SECOND;
    pair_connect(&p);
    pair_run(&p, 1 * SECOND);
    p.mute_client = p.mute_server = true;
    pair_run(&p, 10 * SECOND);
    assert_true(take(p.client, VEL_EVENT_CLOSED, &event));
    assert_int_equal(vel_conn_close_reason(p.client)->origin, VEL_CLOSE_IDLE);
    assert_true(take(p.server, VEL_EVENT_CLOSED, &event));
    pair_done(&p);
}

/* Either end alone keeps the connection, with one PING per half of the smaller idle time-out. */
static void keep_alive_outlasts_the_idle_timeout(void **state)
{
    (void)state;
    const struct {
        const char *what;
        vel_time client, server; /* keep_alive */
        bool lives;
    } rows[] = {
        {"nobody", 0, 0, false},
        {"the client, often", 1 * SECOND, 0, true},
        {"the client, too rarely by itself", 60 * SECOND, 0, true},
        {"the server", 0, 3 * SECOND, true},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct conn_pair p;
        struct vel_event event;
        struct vel_conn_stats before, after;
        pair_init(&p, VEL_PROFILE_LIGHT);
        p.server_config.limits.idle_timeout = 4 * SECOND;
        p.client_config.limits.keep_alive = rows[i].client;
        p.server_config.limits.keep_alive = rows[i].server;
        pair_connect(&p);
        pair_run(&p, 1 * SECOND);
        vel_conn_get_stats(p.client, &before);
        pair_run(&p, 21 * SECOND);
        CHECK(rows[i].what, take(p.client, VEL_EVENT_CLOSED, &event) != rows[i].lives);
        vel_conn_get_stats(p.client, &after);
        vel_time every = rows[i].client == 1 * SECOND ? 1 * SECOND : 2 * SECOND;
        uint64_t sent = after.datagrams_sent - before.datagrams_sent;
        CHECK(rows[i].what, sent <= (uint64_t)(20 * SECOND / every) + 1);
        pair_done(&p);
    }
}

/* Traffic is a sign of life: nothing is added to it, and none is asked for what is on its way. */
static void keep_alive_is_silent_beside_traffic(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_conn_stats with, without;
    for (int round = 0; round < 2; round++) {
        uint64_t id;
        size_t accepted;
        pair_init(&p, VEL_PROFILE_LIGHT);
        p.client_config.limits.keep_alive = round == 0 ? 0 : 1 * SECOND;
        pair_connect(&p);
        pair_run(&p, 1 * SECOND);
        ASSERT_OK(vel_stream_open(p.client, true, &id));
        for (int i = 0; i < 20; i++) {
            ASSERT_OK(vel_stream_write(p.client, id, vel_slice_text("x"), false, &accepted));
            pair_run(&p, p.now + SECOND / 2);
        }
        vel_conn_get_stats(p.client, round == 0 ? &without : &with);
        pair_done(&p);
    }
    assert_int_equal(with.datagrams_sent, without.datagrams_sent);
}

/* The first PING without an answer restarts the idle time-out, its repetitions do not. */
static void keep_alive_does_not_keep_the_dead(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    pair_init(&p, VEL_PROFILE_LIGHT);
    p.client_config.limits.keep_alive = 1 * SECOND;
    p.client_config.limits.idle_timeout = 4 * SECOND;
    pair_connect(&p);
    pair_run(&p, 3 * SECOND);
    p.mute_server = true;
    pair_run(&p, p.now + (1 + 4) * SECOND + 2 * p.delay);
    assert_true(take(p.client, VEL_EVENT_CLOSED, &event));
    assert_int_equal(vel_conn_close_reason(p.client)->origin, VEL_CLOSE_IDLE);
    pair_done(&p);
}

static void a_server_that_is_silent_is_given_up(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    pair_init(&p, VEL_PROFILE_BALANCED);
    p.mute_client = true;
    pair_connect(&p);
    pair_run(&p, 60 * SECOND);
    assert_true(take(p.client, VEL_EVENT_CLOSED, &event));
    assert_int_equal(vel_conn_close_reason(p.client)->origin, VEL_CLOSE_TIMEOUT);
    pair_done(&p);
}

static void a_foreign_certificate_is_refused(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    pair_init(&p, VEL_PROFILE_BALANCED);
    p.client_config.server_name = "example.org";
    pair_connect(&p);
    pair_run(&p, 1 * SECOND);
    assert_true(take(p.client, VEL_EVENT_CLOSED, &event));
    assert_int_equal(vel_conn_close_reason(p.client)->verdict.check, VEL_CERT_NAME);
    assert_true(take(p.server, VEL_EVENT_CLOSED, &event));
    assert_int_equal(vel_conn_close_reason(p.server)->code, vel_conn_close_reason(p.client)->code);
    pair_done(&p);
}

/* Every allocation fails once: an error or a close, never a crash or a leak. */
static void memory_runs_out(void **state)
{
    (void)state;
    for (long n = 0; n < 400; n += 7) {
        struct conn_pair p;
        pair_init(&p, VEL_PROFILE_LIGHT);
        pair_connect(&p);
        p.env.fail_after = n;
        uint64_t id;
        size_t accepted;
        if (vel_stream_open(p.client, true, &id) == VEL_OK)
            (void)!vel_stream_write(p.client, id, vel_slice_text("x"), true, &accepted);
        p.mute_server = true; /* the server is made while memory lasts */
        p.env.fail_after = -1;
        pair_run(&p, p.delay);
        p.mute_server = false;
        p.env.fail_after = n;
        pair_run(&p, 5 * SECOND);
        p.env.fail_after = -1;
        pair_done(&p);
    }
}

/* Send the client one datagram of our making. */
static void inject(struct conn_pair *p, const uint8_t *bytes, size_t size)
{
    uint8_t copy[1500];
    memcpy(copy, bytes, size);
    struct vel_addr local = {.family = VEL_ADDR_MEMORY, .port = 1};
    struct vel_addr remote = {.family = VEL_ADDR_MEMORY, .port = 2};
    vel_conn_receive(p->client, &local, &remote, VEL_ECN_NOT_ECT, copy, size, p->now);
}

/* VEL-TR-06: a long header of another version than the connection's does nothing, even when it is
 * a version that we can read. */
static void another_version_is_dropped(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    struct vel_conn_stats before, after;
    pair_init(&p, VEL_PROFILE_LIGHT);
    pair_connect(&p);
    pair_run(&p, p.delay);
    /* The server's first datagram, on the wire now, with QUIC v1 in its version field. */
    assert_true(p.on_wire > 0 && !p.wire[0].to_server);
    uint8_t forged[1500];
    memcpy(forged, p.wire[0].bytes, p.wire[0].size);
    memcpy(forged + 1, "\0\0\0\1", 4);
    vel_conn_get_stats(p.client, &before);
    inject(&p, forged, p.wire[0].size);
    vel_conn_get_stats(p.client, &after);
    assert_int_equal(after.packets_received, before.packets_received);
    assert_true(after.packets_dropped > before.packets_dropped);
    pair_run(&p, 1 * SECOND);
    assert_true(take(p.client, VEL_EVENT_CONNECTED, &event));
    pair_done(&p);
}

/* Make an Initial of the server with this token and this one frame. Returns its size. */
static size_t make_server_initial(struct conn_pair *p, const struct vel_cid *server,
                                  struct vel_slice token, struct vel_slice frame,
                                  uint8_t bytes[200])
{
    enum { NUMBER = 100 }; /* not one of the real server's */
    const struct vel_conn *client = p->client;
    struct vel_keys read = {0}, write = {0};
    ASSERT_OK(vel_keys_initial(p->crypto, client->version, &client->opening->original_dcid, false,
                               &read, &write));
    struct vel_writer w = vel_writer(bytes, 200 - VEL_AEAD_TAG);
    vel_packet_write_long(&w, client->version, VEL_PACKET_INITIAL, &client->first.cids.local[0].cid,
                          server, token, NUMBER, 1);
    size_t header = vel_written(&w);
    vel_write_bytes(&w, frame);
    vel_write_fill(&w, 0, 3);
    ASSERT_OK(vel_packet_seal(&write, 0, NUMBER, bytes, header, 1, vel_written(&w) - header));
    vel_keys_clear(&read);
    vel_keys_clear(&write);
    return vel_written(&w) + VEL_AEAD_TAG;
}

/* RFC 9000 17.2.2: tokens are a client's. */
static void a_server_sends_no_token(void **state)
{
    (void)state;
    static const struct {
        const char *what, *token;
        uint64_t received;
    } rows[] = {{"token", "token", 0}, {"no token", "", 1}};
    const struct vel_cid server = {.len = VEL_CID_OURS, .bytes = {0x55}};
    const uint8_t ping = VEL_FRAME_PING;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct conn_pair p;
        struct vel_conn_stats stats;
        uint8_t bytes[200];
        pair_init(&p, VEL_PROFILE_LIGHT);
        pair_connect(&p);
        pair_run(&p, 0);
        inject(&p, bytes,
               make_server_initial(&p, &server, vel_slice_text(rows[i].token),
                                   vel_slice(&ping, sizeof ping), bytes));
        vel_conn_get_stats(p.client, &stats);
        CHECK(rows[i].what, stats.packets_received == rows[i].received);
        pair_done(&p);
    }
}

/* RFC 9001 4.1.3: not even behind a gap. */
static void nothing_follows_the_last_message_of_a_level(void **state)
{
    (void)state;
    static const uint8_t frame[] = {VEL_FRAME_CRYPTO, 0x60, 0x00, 1, 0}; /* a byte at 8192 */
    struct conn_pair p;
    struct vel_event event;
    uint8_t bytes[200];
    pair_init(&p, VEL_PROFILE_LIGHT);
    pair_connect(&p);
    pair_run(&p, p.delay);
    inject(&p, bytes,
           make_server_initial(&p, &p.server->first.cids.local[0].cid, (struct vel_slice){0},
                               vel_slice(frame, sizeof frame), bytes));
    pair_run(&p, 1 * SECOND);
    assert_true(take(p.client, VEL_EVENT_CLOSED, &event));
    assert_int_equal(event.code, VEL_WIRE_PROTOCOL_VIOLATION);
    assert_int_equal(vel_conn_close_reason(p.client)->origin, VEL_CLOSE_LOCAL);
    pair_done(&p);
}

/* VEL-TR-04: before confirmation packets from another address are processed, but earn no credit
 * and draw no answer there. */
static void another_address_earns_nothing(void **state)
{
    (void)state;
    struct conn_pair p;
    pair_init(&p, VEL_PROFILE_BALANCED);
    pair_connect(&p);
    pair_run(&p, p.delay - 1);
    assert_int_equal(p.on_wire, 4); /* the first flight */
    struct pair_datagram rest[3];
    memcpy(rest, p.wire + 1, sizeof rest);
    p.on_wire = 1;
    pair_run(&p, p.delay);
    assert_non_null(p.server);
    assert_int_equal(p.server_received_before_validation, 1200);

    struct vel_addr local = {.family = VEL_ADDR_MEMORY, .port = 2};
    struct vel_addr stranger = {.family = VEL_ADDR_MEMORY, .port = 3};
    for (size_t i = 0; i < VEL_COUNT(rest); i++) {
        vel_conn_receive(p.server, &local, &stranger, VEL_ECN_NOT_ECT, rest[i].bytes, rest[i].size,
                         p.now);
        free(rest[i].bytes);
    }
    struct vel_conn_stats stats;
    vel_conn_get_stats(p.server, &stats);
    assert_true(stats.packets_received >= 2); /* the hello is whole now, and was answered */
    pair_run(&p, 2 * p.delay - 1);
    assert_true(p.server_sent > 0);
    assert_true(p.server_sent <= 3 * 1200);
    pair_done(&p);
}

/* A peer that makes us send and acknowledges nothing ends its connection, not our sleep. */
static void acknowledging_nothing_ends_it(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    pair_init(&p, VEL_PROFILE_LIGHT);
    pair_connect(&p);
    pair_run(&p, 1 * SECOND);
    struct vel_sent *sent = &p.server->first.recovery.space[VEL_SPACE_APP].sent;
    while (vel_sent_begin(sent) == VEL_OK)
        vel_sent_commit(sent, (struct vel_sent_packet){.time = p.now, .size = 40});
    uint64_t id;
    size_t accepted;
    ASSERT_OK(vel_stream_open(p.client, true, &id));
    ASSERT_OK(vel_stream_write(p.client, id, vel_slice_text("x"), false, &accepted));
    pair_run(&p, 2 * SECOND);
    assert_true(take(p.server, VEL_EVENT_CLOSED, &event));
    assert_int_equal(event.code, VEL_WIRE_INTERNAL_ERROR);
    pair_done(&p);
}

static uint64_t probes(struct vel_conn *conn)
{
    struct vel_conn_stats stats;
    vel_conn_get_stats(conn, &stats);
    return stats.pto_count;
}

/* Who has not received yet all that has come does not know that nothing has. */
static void what_is_unread_may_be_the_answer(void **state)
{
    (void)state;
    struct conn_pair p;
    pair_init(&p, VEL_PROFILE_LIGHT);
    pair_connect(&p);
    pair_run(&p, 1 * SECOND);
    uint64_t id;
    size_t accepted;
    ASSERT_OK(vel_stream_open(p.client, true, &id));
    ASSERT_OK(vel_stream_write(p.client, id, vel_slice_text("x"), false, &accepted));
    uint8_t bytes[1500];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    ASSERT_OK(vel_conn_send(p.client, &train, sizeof bytes, p.now)); /* and is lost */

    const struct vel_recovery *recovery = &p.client->first.recovery;
    vel_time due = vel_recovery_deadline(recovery);
    uint64_t before = probes(p.client);
    for (vel_time now = due; now < due + 20 * MS; now = vel_recovery_deadline(recovery)) {
        vel_conn_expire_unread(p.client, now, due - 1);
        assert_true(vel_recovery_deadline(recovery) > now);
        assert_int_equal(probes(p.client), before);
    }
    vel_conn_expire_unread(p.client, due + 20 * MS, due);
    assert_int_equal(probes(p.client), before + 1);
    p.now = due + 20 * MS;
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_unread_may_be_the_answer),
        cmocka_unit_test(one_round_trip),
        cmocka_unit_test(bytes_arrive_both_ways),
        cmocka_unit_test(reading_to_the_end_wakes),
        cmocka_unit_test(statistics_tell_what_happened),
        cmocka_unit_test(closing_tells_the_peer),
        cmocka_unit_test(closing_acknowledges_what_arrived),
        cmocka_unit_test(silence_ends_both),
        cmocka_unit_test(keep_alive_outlasts_the_idle_timeout),
        cmocka_unit_test(keep_alive_is_silent_beside_traffic),
        cmocka_unit_test(keep_alive_does_not_keep_the_dead),
        cmocka_unit_test(a_server_that_is_silent_is_given_up),
        cmocka_unit_test(a_foreign_certificate_is_refused),
        cmocka_unit_test(another_version_is_dropped),
        cmocka_unit_test(a_server_sends_no_token),
        cmocka_unit_test(nothing_follows_the_last_message_of_a_level),
        cmocka_unit_test(another_address_earns_nothing),
        cmocka_unit_test(acknowledging_nothing_ends_it),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
