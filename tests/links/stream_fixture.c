/* SPDX-License-Identifier: MIT */
#include "links/stream_fixture.h"

#include <sys/socket.h>

#include "base/units.h"
#include "sys/address.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "velocity/system.h"

static const struct vel_slice alpn[] = {{(const uint8_t *)"h2", 2},
                                        {(const uint8_t *)"http/1.1", 8}};

bool (*stream_pair_enough)(const struct stream_pair *pair);
static struct stream_pair *running;

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

static void look(void)
{
    bool all = (running->client.closed || running->client.stream == NULL) &&
               (running->server.closed || running->server.stream == NULL);
    if (stream_pair_enough != NULL ? stream_pair_enough(running) : all)
        vel_loop_stop(running->loop);
}

static void send_more(struct stream_end *end)
{
    uint8_t bytes[5000];
    while (end->sent < end->to_send) {
        size_t size = VEL_MIN(sizeof bytes, end->to_send - end->sent), taken = 0;
        for (size_t i = 0; i < size; i++)
            bytes[i] = pattern(end->sent + i);
        if (vel_tls_stream_write(end->stream, vel_slice(bytes, size), &taken) != VEL_OK)
            return;
        end->sent += taken;
        end->most_queued = VEL_MAX(end->most_queued, vel_tls_stream_queued(end->stream));
        if (taken < size) {
            end->short_write = true;
            return;
        }
    }
    if (end->finish_when_sent)
        vel_tls_stream_finish(end->stream);
}

static void on_connected(void *self)
{
    struct stream_end *end = self;
    end->connected = true;
    if (end->on_connected != NULL)
        end->on_connected(end);
    else
        send_more(end);
    look();
}

static size_t on_received(void *self, struct vel_slice bytes)
{
    struct stream_end *end = self;
    assert_true(bytes.len > 0 && bytes.len <= VEL_TLS_STREAM_SHOWN);
    size_t taken = VEL_MIN(bytes.len, end->hold_after - end->received);
    for (size_t i = 0; i < taken; i++)
        assert_int_equal(bytes.ptr[i], pattern(end->received + i));
    end->received += taken;
    look();
    return taken;
}

static void on_received_end(void *self, bool truncated)
{
    struct stream_end *end = self;
    end->ended = true;
    end->truncated = truncated;
    if (end->finish_at_end)
        vel_tls_stream_finish(end->stream);
    look();
}

static void on_writable(void *self)
{
    send_more(self);
    look();
}

static void on_closed(void *self, const struct vel_tls_stream_end *how)
{
    struct stream_end *end = self;
    assert_false(end->closed);
    end->closed = true;
    end->end = *how;
    if (end->on_closed != NULL)
        end->on_closed(end);
    look();
}

static void accept_one(void *self, unsigned ready)
{
    struct stream_pair *pair = self;
    struct vel_addr remote;
    int fd;
    (void)ready;
    if (vel_tcp_accept(pair->listener, &fd, &remote) == VEL_OK)
        ASSERT_OK(vel_tls_stream_accept(&pair->server.setup, fd, &remote, &pair->server.stream));
}

static void init_end(struct stream_pair *pair, struct stream_end *end, const struct vel_tls *tls)
{
    *end = (struct stream_end){.hold_after = SIZE_MAX, .finish_at_end = true};
    end->setup = (struct vel_tls_stream_setup){.env = &pair->t.env,
                                               .loop = pair->loop,
                                               .tls = tls,
                                               .server_name = "localhost",
                                               .alpn = alpn,
                                               .alpn_count = 2,
                                               .unix_offset = vel_clock_unix_offset(),
                                               .events = {.connected = on_connected,
                                                          .received = on_received,
                                                          .received_end = on_received_end,
                                                          .writable = on_writable,
                                                          .closed = on_closed,
                                                          .self = end}};
}

static void make_tls(struct stream_pair *pair)
{
    ASSERT_OK(vel_crypto_new(&pair->t.env, &pair->crypto));
    ASSERT_OK(vel_identity_self_signed(&pair->t.env, pair->crypto, "localhost",
                                       VEL_PROFILE_BALANCED, vel_clock_unix() - 60, NULL,
                                       &pair->identity));
    const struct vel_identity *const identities[] = {pair->identity};
    struct vel_tls_setup setup = {
        .env = &pair->t.env, .crypto = pair->crypto, .identities = identities, .identity_count = 1};
    ASSERT_OK(vel_tls_new(&setup, &pair->server_tls));
    setup = (struct vel_tls_setup){
        .env = &pair->t.env, .crypto = pair->crypto, .is_client = true, .insecure = true};
    ASSERT_OK(vel_tls_new(&setup, &pair->client_tls));
}

void stream_pair_begin(struct stream_pair *pair, bool tls)
{
    *pair = (struct stream_pair){.listener = -1};
    running = pair;
    stream_pair_enough = NULL;
    test_env_init(&pair->t, 1);
    if (tls)
        make_tls(pair);
    ASSERT_OK(vel_loop_new(&pair->t.env, &pair->loop));
    struct vel_addr any;
    ASSERT_OK(vel_addr_parse("127.0.0.1:0", &any));
    ASSERT_OK(vel_tcp_listen(&any, 16, &pair->listener, &pair->address));
    ASSERT_OK(vel_watch_new(pair->loop, pair->listener, accept_one, pair, &pair->listening));
    vel_watch_set(pair->listening, VEL_WATCH_READ);
    init_end(pair, &pair->client, pair->client_tls);
    init_end(pair, &pair->server, pair->server_tls);
}

void stream_pair_connect(struct stream_pair *pair)
{
    ASSERT_OK(vel_tls_stream_connect(&pair->client.setup, &pair->address, &pair->client.stream));
}

void stream_pair_run(struct stream_pair *pair)
{
    vel_loop_run(pair->loop);
}

void stream_pair_done(struct stream_pair *pair)
{
    vel_tls_stream_free(pair->client.stream);
    vel_tls_stream_free(pair->server.stream);
    vel_watch_free(pair->listening);
    vel_fd_close(&pair->listener);
    vel_loop_free(pair->loop);
    vel_tls_free(pair->client_tls);
    vel_tls_free(pair->server_tls);
    vel_identity_free(pair->identity);
    vel_crypto_free(pair->crypto);
    test_env_done(&pair->t);
}

int stream_pair_raw(const struct stream_pair *pair)
{
    struct sockaddr_storage storage;
    socklen_t length = vel_addr_to_system(&pair->address, false, &storage);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&storage, length), 0);
    return fd;
}
