/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "endpoint/reset.h"
#include "endpoint/talk.h"
#include "testing/test.h"

/* Endpoints of several workers on one port, and a wire that steers as the kernel does. */

enum { WORKERS = 5, CLIENTS = 20 };

static const uint8_t reset_key[VEL_RESET_KEY] = "the same for all workers";
static const uint8_t token_keys[VEL_TOKEN_KEYS] = "these as well";
static const struct vel_steering steering = {.key = {1, 2}, .workers = WORKERS};

struct port {
    struct test_env t;
    struct talk talk;
    struct vel_endpoint *workers[WORKERS];
    uint32_t shift; /* every packet goes to a worker so many numbers on */
};

static struct vel_endpoint_setup worker_setup(struct port *port, uint32_t worker, bool retry)
{
    return (struct vel_endpoint_setup){.env = &port->t.env,
                                       .server = &port->talk.server_config,
                                       .always_retry = retry,
                                       .max_send_train = VEL_TRAIN_MAX,
                                       .reset_key = reset_key,
                                       .token_keys = token_keys,
                                       .steering = &steering,
                                       .worker = worker};
}

static void open_port(struct port *port, bool retry)
{
    memset(port, 0, sizeof *port);
    test_env_init(&port->t, 1);
    talk_prepare(&port->talk, &port->t.env);
    talk_open(&port->talk, 0, 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct vel_endpoint_setup setup = worker_setup(port, i, retry);
        ASSERT_OK(vel_endpoint_new(&setup, &port->workers[i]));
    }
}

static void close_port(struct port *port)
{
    for (uint32_t i = 0; i < WORKERS; i++)
        vel_endpoint_free(port->workers[i]);
    talk_done(&port->talk);
    test_env_done(&port->t);
}

static void turn_round(struct vel_train *train)
{
    struct vel_addr from = train->local;
    train->local = train->remote;
    train->remote = from;
}

static uint32_t worker_of(const struct vel_train *train)
{
    return vel_steering_worker(&steering, train->bytes + (train->bytes[0] & 0x80 ? 6 : 1));
}

/* What the clients have to say goes to the workers. True: something did. */
static bool clients_speak(struct port *port)
{
    static uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    bool any = false;
    for (; vel_endpoint_send(port->talk.clients, &train, port->talk.now) == VEL_OK; any = true) {
        turn_round(&train);
        uint32_t worker = (worker_of(&train) + port->shift) % WORKERS;
        vel_endpoint_receive(port->workers[worker], &train, port->talk.now);
        train = (struct vel_train){.bytes = bytes, .capacity = sizeof bytes};
    }
    return any;
}

static bool workers_speak(struct port *port)
{
    static uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    bool any = false;
    for (uint32_t i = 0; i < WORKERS; i++)
        for (; vel_endpoint_send(port->workers[i], &train, port->talk.now) == VEL_OK; any = true) {
            turn_round(&train);
            vel_endpoint_receive(port->talk.clients, &train, port->talk.now);
            train = (struct vel_train){.bytes = bytes, .capacity = sizeof bytes};
        }
    talk_work(&port->talk, port->talk.clients);
    return any;
}

static void speak(struct port *port)
{
    for (int turns = 100; turns > 0; turns--) {
        bool any = clients_speak(port);
        if (!workers_speak(port) && !any)
            return;
    }
}

static struct vel_endpoint_stats sum(const struct port *port)
{
    struct vel_endpoint_stats all = {0};
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct vel_endpoint_stats stats;
        vel_endpoint_get_stats(port->workers[i], &stats);
        all.accepted += stats.accepted;
        all.completed += stats.completed;
        all.retries_sent += stats.retries_sent;
        all.datagrams_dropped += stats.datagrams_dropped;
        all.resets_sent += stats.resets_sent;
    }
    return all;
}

/* VEL-TR-40: one connection is one worker's from its first packet on: no other one saw any of it, or
 * it would have dropped it or begun another connection. */
static void a_connection_is_one_workers(void **state)
{
    (void)state;
    for (int retry = 0; retry < 2; retry++) {
        struct port port;
        open_port(&port, retry);
        for (uint16_t i = 0; i < CLIENTS; i++)
            talk_connect(&port.talk, talk_addr(2, (uint16_t)(1000 + i)));
        speak(&port);
        struct vel_endpoint_stats all = sum(&port);
        assert_int_equal(all.accepted, CLIENTS);
        assert_int_equal(all.completed, CLIENTS);
        assert_int_equal(all.retries_sent > 0, retry);
        assert_int_equal(all.datagrams_dropped, 0);
        close_port(&port);
    }
}

/* The client's answer to a Retry may meet another worker (one that was restarted, or when the number
 * of workers has changed). */
static void a_retry_is_good_at_every_worker(void **state)
{
    (void)state;
    struct port port;
    open_port(&port, true);
    talk_connect(&port.talk, talk_addr(2, 1000));
    clients_speak(&port);
    workers_speak(&port);
    uint64_t retries = sum(&port).retries_sent;
    assert_true(retries > 0);
    port.shift = 1;
    clients_speak(&port);
    struct vel_endpoint_stats all = sum(&port);
    assert_int_equal(all.retries_sent, retries);
    assert_int_equal(all.accepted, 1);
    close_port(&port);
}

/* So may what is left of a connection whose worker has died: the one in its place says so. */
static void a_worker_resets_its_own_ids_only(void **state)
{
    (void)state;
    struct port port;
    struct vel_conn *client = NULL;
    open_port(&port, false);
    talk_connect(&port.talk, talk_addr(2, 1000));
    speak(&port);
    assert_int_equal(talk_connected(port.talk.clients, &client), 1);
    uint32_t home = 0;
    struct vel_endpoint_stats stats;
    for (uint32_t i = 0; i < WORKERS; i++) {
        vel_endpoint_get_stats(port.workers[i], &stats);
        home = stats.accepted > 0 ? i : home;
    }
    vel_endpoint_free(port.workers[home]);
    struct vel_endpoint_setup setup = worker_setup(&port, home, false);
    ASSERT_OK(vel_endpoint_new(&setup, &port.workers[home]));

    uint64_t stream;
    size_t accepted;
    port.shift = 1;
    ASSERT_OK(vel_stream_open(client, true, &stream));
    ASSERT_OK(
        vel_stream_write(client, stream, vel_slice_text("is anybody there?"), true, &accepted));
    clients_speak(&port);
    assert_true(sum(&port).datagrams_dropped > 0);
    assert_int_equal(sum(&port).resets_sent, 0);
    workers_speak(&port);

    port.shift = 0;
    port.talk.now = vel_endpoint_deadline(port.talk.clients);
    vel_endpoint_expire(port.talk.clients, port.talk.now);
    speak(&port);
    assert_true(sum(&port).resets_sent > 0);
    assert_string_equal(vel_conn_close_reason(client)->reason, "stateless reset");
    close_port(&port);
}

static void a_worker_has_a_number(void **state)
{
    (void)state;
    struct port port;
    struct vel_endpoint *none = NULL;
    open_port(&port, false);
    struct vel_endpoint_setup setup = worker_setup(&port, WORKERS, false);
    ASSERT_ERR("too high", vel_endpoint_new(&setup, &none), VEL_ERR_ARGUMENT);
    assert_null(none);
    close_port(&port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_one_workers),
        cmocka_unit_test(a_retry_is_good_at_every_worker),
        cmocka_unit_test(a_worker_resets_its_own_ids_only),
        cmocka_unit_test(a_worker_has_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
