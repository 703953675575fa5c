/* SPDX-License-Identifier: MIT */
#include "links/tls_stream.h"

#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/units.h"
#include "links/stream_fixture.h"
#include "links/tls_stream_internal.h"
#include "sys/fd.h"

enum { LONG = 3 * 1024 * 1024 + 17 };

static struct stream_pair pair;

static void bytes_arrive_both_ways_and_so_does_the_end(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        stream_pair_begin(&pair, tls);
        pair.client.to_send = LONG;
        pair.client.finish_when_sent = true;
        pair.server.to_send = 2 * LONG; /* goes on after the client's end */
        pair.server.finish_when_sent = true;
        pair.server.finish_at_end = false;
        pair.client.finish_at_end = false;
        stream_pair_connect(&pair);
        stream_pair_run(&pair);
        assert_int_equal(pair.server.received, LONG);
        assert_int_equal(pair.client.received, 2 * LONG);
        const struct stream_end *ends[] = {&pair.client, &pair.server};
        for (size_t i = 0; i < VEL_COUNT(ends); i++) {
            assert_true(ends[i]->connected && ends[i]->ended && !ends[i]->truncated);
            assert_int_equal(ends[i]->end.reason, VEL_TLS_STREAM_FINISHED);
            assert_true(ends[i]->most_queued <= VEL_TLS_STREAM_QUEUE + VEL_TLS_STREAM_SLACK);
        }
        stream_pair_done(&pair);
    }
}

static void the_facts_are_told_and_both_ends_export_the_same(void **state)
{
    (void)state;
    stream_pair_begin(&pair, true);
    pair.client.finish_when_sent = true;
    stream_pair_connect(&pair);
    uint8_t one[32] = {0}, other[32] = {0}, third[32] = {0};
    ASSERT_ERR(
        "too early",
        vel_tls_stream_export(pair.client.stream, "EXPORTER-x", vel_slice_text("c"), one, 32),
        VEL_ERR_UNEXPECTED);
    stream_pair_run(&pair);
    const struct vel_handshake_facts *facts = vel_tls_stream_facts(pair.client.stream);
    assert_non_null(facts);
    assert_string_equal(facts->group, "X25519MLKEM768");
    assert_string_equal(facts->classical, "ECDSA P-256");
    assert_int_equal(facts->alpn_len, 2);
    assert_memory_equal(facts->alpn, "h2", 2);
    assert_string_equal(vel_tls_stream_facts(pair.server.stream)->server_name, "localhost");
    struct vel_slice context = vel_slice_text("context");
    ASSERT_OK(vel_tls_stream_export(pair.client.stream, "EXPORTER-x", context, one, 32));
    ASSERT_OK(vel_tls_stream_export(pair.server.stream, "EXPORTER-x", context, other, 32));
    ASSERT_OK(vel_tls_stream_export(pair.server.stream, "EXPORTER-y", context, third, 32));
    assert_memory_equal(one, other, 32);
    assert_memory_not_equal(one, third, 32);
    stream_pair_done(&pair);
}

static bool writer_is_stuck(const struct stream_pair *p)
{
    return p->client.short_write && p->server.received == p->server.hold_after;
}

static void a_receiver_that_takes_nothing_stops_the_writer(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        stream_pair_begin(&pair, tls);
        pair.client.to_send = 64 * LONG; /* more than kernels hold */
        pair.client.finish_when_sent = true;
        pair.server.hold_after = 1000;
        stream_pair_enough = writer_is_stuck;
        stream_pair_connect(&pair);
        stream_pair_run(&pair);
        assert_true(pair.client.sent < pair.client.to_send);
        assert_int_equal(pair.server.received, 1000);
        stream_pair_enough = NULL;
        pair.server.hold_after = SIZE_MAX;
        vel_tls_stream_resume(pair.server.stream);
        stream_pair_run(&pair);
        assert_int_equal(pair.server.received, pair.client.to_send);
        assert_int_equal(pair.client.end.reason, VEL_TLS_STREAM_FINISHED);
        stream_pair_done(&pair);
    }
}

static bool server_ended(const struct stream_pair *p)
{
    return p->server.ended;
}

static bool both_connected(const struct stream_pair *p)
{
    return p->client.connected && p->server.connected;
}

static void an_end_without_close_notify_is_a_truncation(void **state)
{
    (void)state;
    stream_pair_begin(&pair, true);
    pair.server.finish_at_end = false;
    stream_pair_enough = both_connected;
    stream_pair_connect(&pair);
    stream_pair_run(&pair);
    shutdown(pair.client.stream->fd, SHUT_WR); /* as anybody on the path can */
    stream_pair_enough = server_ended;
    stream_pair_run(&pair);
    assert_true(pair.server.truncated);
    assert_false(pair.server.closed); /* it may still answer */
    stream_pair_done(&pair);
}

static void client_alone(void)
{
    vel_watch_set(pair.listening, 0); /* nobody accepts: the kernel alone answers */
}

static void tells_why_there_is_no_connection(void **state)
{
    (void)state;
    stream_pair_begin(&pair, true);
    vel_watch_free(pair.listening);
    pair.listening = NULL;
    vel_fd_close(&pair.listener);
    stream_pair_connect(&pair);
    stream_pair_run(&pair);
    assert_int_equal(pair.client.end.reason, VEL_TLS_STREAM_REFUSED);
    assert_int_not_equal(pair.client.end.system, 0);
    assert_false(pair.client.end.connected);
    stream_pair_done(&pair);

    stream_pair_begin(&pair, true);
    pair.address = (struct vel_addr){.family = VEL_ADDR_MEMORY}; /* known at once, told later */
    stream_pair_connect(&pair);
    assert_false(pair.client.closed);
    stream_pair_run(&pair);
    assert_int_equal(pair.client.end.reason, VEL_TLS_STREAM_REFUSED);
    stream_pair_done(&pair);

    stream_pair_begin(&pair, true);
    client_alone();
    pair.client.setup.handshake_timeout = 20 * MS;
    stream_pair_connect(&pair);
    stream_pair_run(&pair);
    assert_int_equal(pair.client.end.reason, VEL_TLS_STREAM_SLOW);
    stream_pair_done(&pair);
}

static void a_certificate_that_nobody_vouches_for_is_rejected(void **state)
{
    (void)state;
    stream_pair_begin(&pair, true);
    vel_tls_free(pair.client_tls);
    const struct vel_tls_setup setup = {
        .env = &pair.t.env, .crypto = pair.crypto, .is_client = true, .system_trust = true};
    ASSERT_OK(vel_tls_new(&setup, &pair.client_tls));
    pair.client.setup.tls = pair.client_tls;
    stream_pair_connect(&pair);
    stream_pair_run(&pair);
    assert_int_equal(pair.client.end.reason, VEL_TLS_STREAM_REJECTED);
    assert_int_equal(pair.client.end.failure.verdict.check, VEL_CERT_UNKNOWN_ISSUER);
    assert_int_equal(pair.server.end.reason, VEL_TLS_STREAM_REJECTED); /* by the alert */
    assert_false(pair.client.connected || pair.server.connected);
    stream_pair_done(&pair);
}

static void a_silent_or_senseless_client_is_dropped(void **state)
{
    (void)state;
    stream_pair_begin(&pair, true);
    pair.server.setup.handshake_timeout = 20 * MS;
    int fd = stream_pair_raw(&pair);
    stream_pair_run(&pair);
    assert_int_equal(pair.server.end.reason, VEL_TLS_STREAM_SLOW);
    vel_fd_close(&fd);
    stream_pair_done(&pair);

    stream_pair_begin(&pair, true);
    fd = stream_pair_raw(&pair);
    static const char text[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    stream_pair_run(&pair);
    assert_int_equal(pair.server.end.reason, VEL_TLS_STREAM_REJECTED);
    vel_fd_close(&fd);
    stream_pair_done(&pair);

    stream_pair_begin(&pair, true);
    fd = stream_pair_raw(&pair);
    assert_int_equal(send(fd, "\x16\x03\x01\x02", 4, 0), 4); /* leaves in the middle */
    vel_fd_close(&fd);
    stream_pair_run(&pair);
    assert_int_equal(pair.server.end.reason, VEL_TLS_STREAM_BROKEN);
    stream_pair_done(&pair);
}

static void flood_with_key_updates(struct stream_end *end)
{
    for (int i = 0; i < 200; i++) {
        SSL_key_update(end->stream->conn.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_do_handshake(end->stream->conn.ssl);
    }
    vel_tls_stream_finish(end->stream);
}

static void ask_for_key_updates(struct stream_end *end)
{
    SSL *ssl = end->stream->conn.ssl;
    for (int i = 0; i < 3; i++) {
        SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(ssl);
    }
    end->on_connected = NULL;
    end->setup.events.connected(end);
    end->stream->setup.events.writable(end); /* the rest of what it has to send */
}

static void key_updates_are_answered_but_not_without_end(void **state)
{
    (void)state;
    stream_pair_begin(&pair, true);
    pair.client.on_connected = ask_for_key_updates;
    pair.client.to_send = 100;
    pair.server.to_send = LONG;
    pair.client.finish_when_sent = pair.server.finish_when_sent = true;
    pair.server.finish_at_end = false;
    stream_pair_connect(&pair);
    stream_pair_run(&pair);
    assert_int_equal(pair.client.received, LONG);
    assert_int_equal(pair.client.end.reason, VEL_TLS_STREAM_FINISHED);
    stream_pair_done(&pair);

    stream_pair_begin(&pair, true);
    pair.client.on_connected = flood_with_key_updates;
    stream_pair_connect(&pair);
    stream_pair_run(&pair);
    assert_int_equal(pair.server.end.reason, VEL_TLS_STREAM_VIOLATION);
    stream_pair_done(&pair);
}

static void free_it(struct stream_end *end)
{
    vel_tls_stream_free(end->stream);
    end->stream = NULL;
}

static size_t free_when_shown(void *self, struct vel_slice bytes)
{
    free_it(self);
    return bytes.len;
}

static bool server_holds(const struct stream_pair *p)
{
    return p->client.sent == p->client.to_send && p->server.received == p->server.hold_after;
}

/* The bytes that are shown a second time are as good an occasion. */
static void a_stream_may_be_freed_when_held_bytes_are_shown(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        stream_pair_begin(&pair, tls);
        pair.client.to_send = 1000;
        pair.client.finish_when_sent = true;
        pair.server.hold_after = 10;
        stream_pair_enough = server_holds;
        stream_pair_connect(&pair);
        stream_pair_run(&pair);
        stream_pair_enough = NULL;
        pair.server.stream->setup.events.received = free_when_shown;
        vel_tls_stream_resume(pair.server.stream);
        stream_pair_run(&pair);
        assert_null(pair.server.stream);
        stream_pair_done(&pair);
    }
}

static void a_stream_may_be_freed_in_its_callbacks(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        stream_pair_begin(&pair, tls);
        pair.client.on_connected = free_it;
        pair.server.on_closed = free_it;
        stream_pair_connect(&pair);
        stream_pair_run(&pair);
        assert_null(pair.client.stream);
        stream_pair_done(&pair);
    }
}

static void failed_allocations_leak_nothing(void **state)
{
    (void)state;
    for (long n = 0; n < 4; n++) {
        stream_pair_begin(&pair, true);
        pair.t.fail_after = n;
        struct vel_tls_stream *stream = NULL;
        enum vel_err err = vel_tls_stream_connect(&pair.client.setup, &pair.address, &stream);
        ASSERT_ERR("nth allocation", err, n < 3 ? VEL_ERR_NOMEM : VEL_OK);
        pair.t.fail_after = -1;
        vel_tls_stream_free(stream);
        stream_pair_done(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_both_ways_and_so_does_the_end),
        cmocka_unit_test(the_facts_are_told_and_both_ends_export_the_same),
        cmocka_unit_test(a_receiver_that_takes_nothing_stops_the_writer),
        cmocka_unit_test(an_end_without_close_notify_is_a_truncation),
        cmocka_unit_test(tells_why_there_is_no_connection),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_rejected),
        cmocka_unit_test(a_silent_or_senseless_client_is_dropped),
        cmocka_unit_test(key_updates_are_answered_but_not_without_end),
        cmocka_unit_test(a_stream_may_be_freed_in_its_callbacks),
        cmocka_unit_test(a_stream_may_be_freed_when_held_bytes_are_shown),
        cmocka_unit_test(failed_allocations_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
