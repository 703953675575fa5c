/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/units.h"
#include "testing/test.h"
#include "velocity/pki.h"
#include "velocity/runtime.h"
#include "velocity/system.h"
#include "velocity/udp.h"

/*
 * Two endpoints in one loop over real sockets of loopback: a full handshake, then bytes that come
 * back as they were sent, then an end on both sides. Once with a client that goes on from another
 * address in the middle of it.
 */
enum { AMOUNT = 4 * 1024 * 1024, PIECE = 64 * 1024 };

/* One side: everything between its socket and its application. */
struct side {
    struct vel_link *link;
    struct vel_endpoint *endpoint;
    struct vel_runtime *runtime;
    struct vel_config config;
};

struct scene {
    struct test_env t;
    struct vel_crypto *crypto;
    struct vel_trust *trust;
    struct vel_identity *identity;
    struct vel_slice alpn;
    struct vel_loop *loop;
    struct side server, client;
    size_t sent, echoed, returned; /* bytes written by the client, by the server, read back */
    bool server_closed, client_closed;
    bool wanders;            /* the client moves to another address after a while */
    struct vel_link *second; /* its socket there */
    bool moved;
    uint64_t stream;
};

static uint8_t byte_at(size_t offset)
{
    return (uint8_t)(offset * 31 + offset / 251);
}

/* ---- the server sends back what it reads ---- */

static void echo(struct scene *scene, struct vel_conn *conn, uint64_t stream)
{
    struct vel_slice bytes;
    bool fin = false;
    while (vel_stream_read(conn, stream, &bytes, &fin) == VEL_OK && (bytes.len > 0 || fin)) {
        size_t accepted = 0;
        if (vel_stream_write(conn, stream, bytes, fin, &accepted) != VEL_OK)
            return;
        scene->echoed += accepted;
        ASSERT_OK(vel_stream_consume(conn, stream, accepted));
        if (fin || accepted < bytes.len)
            return; /* the rest is shown again when the stream is writable */
    }
}

static void server_events(void *self, struct vel_conn *conn, vel_time now)
{
    struct scene *scene = self;
    struct vel_event event;
    (void)now;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_STREAM_READABLE || event.type == VEL_EVENT_STREAM_WRITABLE)
            echo(scene, conn, event.stream);
        if (event.type == VEL_EVENT_CLOSED)
            scene->server_closed = true;
    }
    if (scene->server_closed && scene->client_closed)
        vel_loop_stop(scene->loop);
}

/* ---- the client writes, reads back, compares, closes ---- */

static void open_second(struct scene *scene, struct vel_conn *conn)
{
    const struct vel_udp_setup udp = {.local = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 2}}};
    ASSERT_OK(vel_udp_link_new(&scene->t.env, &udp, &scene->second));
    ASSERT_OK(vel_runtime_add_link(scene->client.runtime, scene->second));
    ASSERT_OK(vel_conn_migrate(conn, &scene->second->local));
}

static void write_more(struct scene *scene, struct vel_conn *conn)
{
    uint8_t bytes[PIECE];
    while (scene->sent < AMOUNT) {
        size_t size = VEL_MIN(sizeof bytes, (size_t)AMOUNT - scene->sent);
        for (size_t i = 0; i < size; i++)
            bytes[i] = byte_at(scene->sent + i);
        size_t accepted = 0;
        ASSERT_OK(vel_stream_write(conn, scene->stream, vel_slice(bytes, size),
                                   scene->sent + size == AMOUNT, &accepted));
        scene->sent += accepted;
        if (accepted < size)
            return;
    }
}

/* All bytes may be back before the new path has answered. */
static void close_when_done(struct scene *scene, struct vel_conn *conn)
{
    if (scene->returned == AMOUNT && scene->moved == scene->wanders)
        vel_conn_close(conn, 0, "done");
}

static void read_back(struct scene *scene, struct vel_conn *conn)
{
    struct vel_slice bytes;
    bool fin = false;
    while (vel_stream_read(conn, scene->stream, &bytes, &fin) == VEL_OK && bytes.len > 0) {
        for (size_t i = 0; i < bytes.len; i++)
            CHECK("byte", bytes.ptr[i] == byte_at(scene->returned + i));
        scene->returned += bytes.len;
        ASSERT_OK(vel_stream_consume(conn, scene->stream, bytes.len));
        if (fin)
            break;
    }
    if (scene->wanders && scene->second == NULL && scene->returned > AMOUNT / 8)
        open_second(scene, conn);
    close_when_done(scene, conn);
}

/* The first socket is closed as soon as the second one is in use. */
static void leave_first(struct scene *scene, struct vel_conn *conn)
{
    struct vel_addr local = vel_conn_local(conn);
    CHECK("address", vel_addr_equal(&local, &scene->second->local));
    vel_runtime_remove_link(scene->client.runtime, scene->client.link);
    vel_link_free(scene->client.link);
    scene->client.link = scene->second;
    scene->moved = true;
    close_when_done(scene, conn);
}

static void client_events(void *self, struct vel_conn *conn, vel_time now)
{
    struct scene *scene = self;
    struct vel_event event;
    (void)now;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED)
            ASSERT_OK(vel_stream_open(conn, true, &scene->stream));
        if (event.type == VEL_EVENT_CONNECTED || event.type == VEL_EVENT_STREAM_WRITABLE)
            write_more(scene, conn);
        if (event.type == VEL_EVENT_STREAM_READABLE)
            read_back(scene, conn);
        if (event.type == VEL_EVENT_MIGRATED)
            leave_first(scene, conn);
        if (event.type == VEL_EVENT_CLOSED)
            scene->client_closed = true;
    }
    if (scene->server_closed && scene->client_closed)
        vel_loop_stop(scene->loop);
}

/* ---- setting up ---- */

static void open_side(struct scene *scene, struct side *side, struct vel_addr remote,
                      const struct vel_config *server, bool plain,
                      void (*events)(void *, struct vel_conn *, vel_time))
{
    const struct vel_env *env = &scene->t.env;
    const struct vel_udp_setup udp = {
        .local = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}}, .remote = remote, .plain = plain};
    const struct vel_runtime_hooks hooks = {.events = events, .self = scene};
    ASSERT_OK(vel_udp_link_new(env, &udp, &side->link));
    const struct vel_endpoint_setup setup = {
        .env = env, .server = server, .max_send_train = side->link->max_train};
    ASSERT_OK(vel_endpoint_new(&setup, &side->endpoint));
    ASSERT_OK(
        vel_runtime_new(env, scene->loop, side->link, side->endpoint, &hooks, &side->runtime));
}

static void close_side(struct side *side)
{
    vel_runtime_free(side->runtime);
    vel_endpoint_free(side->endpoint);
    vel_link_free(side->link);
}

static void fill_config(struct scene *scene, struct vel_config *config)
{
    *config = vel_config_default(scene->crypto);
    config->alpn = &scene->alpn;
    config->alpn_count = 1;
    config->trust = scene->trust;
    config->server_name = "localhost";
    config->unix_offset = vel_clock_unix_offset();
}

static void run_scene(bool plain, bool wanders)
{
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    test_env_init(&scene.t, 1);
    scene.wanders = wanders;
    const struct vel_env *env = &scene.t.env;
    scene.alpn = vel_slice_text("echo");
    ASSERT_OK(vel_crypto_new(env, &scene.crypto));
    ASSERT_OK(vel_trust_new(env, scene.crypto, &scene.trust));
    ASSERT_OK(vel_identity_self_signed(env, scene.crypto, "localhost", VEL_PROFILE_BALANCED,
                                       vel_clock_unix() - 60, scene.trust, &scene.identity));
    ASSERT_OK(vel_loop_new(env, &scene.loop));
    fill_config(&scene, &scene.server.config);
    fill_config(&scene, &scene.client.config);
    scene.server.config.identity = scene.identity;

    open_side(&scene, &scene.server, (struct vel_addr){0}, &scene.server.config, plain,
              server_events);
    struct vel_addr remote = scene.server.link->local;
    open_side(&scene, &scene.client, wanders ? (struct vel_addr){0} : remote, NULL, plain,
              client_events);
    struct vel_conn *conn;
    ASSERT_OK(vel_endpoint_connect(scene.client.endpoint, &scene.client.config,
                                   &scene.client.link->local, &remote, vel_clock_now(), &conn));
    vel_loop_run(scene.loop);
    assert_int_equal(scene.returned, AMOUNT);
    assert_int_equal(scene.echoed, AMOUNT);
    assert_int_equal(scene.moved, wanders);

    close_side(&scene.client);
    close_side(&scene.server);
    vel_loop_free(scene.loop);
    vel_identity_free(scene.identity);
    vel_trust_free(scene.trust);
    vel_crypto_free(scene.crypto);
    test_env_done(&scene.t);
}

static void echoes_with_trains(void **state)
{
    (void)state;
    run_scene(false, false);
}

static void echoes_one_datagram_at_a_time(void **state)
{
    (void)state;
    run_scene(true, false);
}

static void echoes_on_two_sockets(void **state)
{
    (void)state;
    run_scene(false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_with_trains),
        cmocka_unit_test(echoes_on_two_sockets),
        cmocka_unit_test(echoes_one_datagram_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
