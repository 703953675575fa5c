/* SPDX-License-Identifier: MIT */
/* One signature for the handshakes that come at the same time (VEL-HS-49), between real endpoints. */
#include <string.h>

#include "base/units.h"
#include "endpoint/limits.h"
#include "endpoint/talk.h"
#include "handshake/alert.h"
#include "testing/test.h"
#include "transport/error.h"

enum { CLIENTS = 80, BACKLOG = 4 << 20 };

static struct world {
    struct test_env t;
    struct talk talk;
    struct vel_config retried; /* of a client whose first share is refused */
    struct vel_conn *clients[CLIENTS];
    unsigned together[CLIENTS]; /* of each that is connected: handshakes its signature was for */
    uint64_t ended[CLIENTS];    /* code that it was closed with by the server, 0: not */
    const char *reason;
    unsigned count;
    unsigned loss; /* percent of trains */
} w;

static struct vel_endpoint *endpoint_of(const struct vel_config *server)
{
    const struct vel_endpoint_setup setup = {
        .env = &w.t.env, .server = server, .max_backlog = BACKLOG, .max_send_train = VEL_TRAIN_MAX};
    struct vel_endpoint *made;
    ASSERT_OK(vel_endpoint_new(&setup, &made));
    return made;
}

static void open_world(uint64_t seed)
{
    memset(&w, 0, sizeof w);
    test_env_init(&w.t, seed);
    talk_prepare(&w.talk, &w.t.env);
    w.retried = w.talk.client_config;
    w.retried.profiles = (struct vel_profile_list){{VEL_PROFILE_BALANCED, VEL_PROFILE_LIGHT}, 2};
    w.talk.clients = endpoint_of(NULL);
    w.talk.server = endpoint_of(&w.talk.server_config);
}

static void close_world(void)
{
    talk_done(&w.talk);
    test_env_done(&w.t); /* nothing leaked */
}

static void connect_with(const struct vel_config *config)
{
    struct vel_addr from = talk_addr(2, (uint16_t)(1000 + w.count));
    ASSERT_OK(vel_endpoint_connect(w.talk.clients, config, &from, &w.talk.server_addr, w.talk.now,
                                   &w.clients[w.count++]));
}

static void connect_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        connect_with(&w.talk.client_config);
}

static bool is_lost(void)
{
    uint8_t dice;
    vel_random(&w.t.env, &dice, sizeof dice);
    return dice % 100 < w.loss;
}

static bool carry(struct vel_endpoint *from, struct vel_endpoint *to)
{
    static uint8_t space[VEL_TRAIN_MAX];
    bool any = false;
    struct vel_train train = {.bytes = space, .capacity = sizeof space};
    for (; vel_endpoint_send(from, &train, w.talk.now) == VEL_OK; any = true) {
        struct vel_train arrived = train;
        arrived.local = train.remote;
        arrived.remote = train.local;
        if (!is_lost())
            vel_endpoint_receive(to, &arrived, w.talk.now);
    }
    return any;
}

static unsigned number_of(const struct vel_conn *conn)
{
    unsigned i = 0;
    while (w.clients[i] != conn)
        i++;
    return i;
}

static void take_events(void)
{
    struct vel_conn *conn;
    struct vel_event event;
    talk_connected(w.talk.server, &conn);
    while ((conn = vel_endpoint_next(w.talk.clients)) != NULL) {
        unsigned i = number_of(conn);
        while (vel_conn_next_event(conn, &event)) {
            if (event.type == VEL_EVENT_CONNECTED)
                w.together[i] = vel_conn_facts(conn)->signed_together;
            if (event.type != VEL_EVENT_CLOSED)
                continue;
            w.ended[i] = vel_conn_close_reason(conn)->code;
            w.clients[i] = NULL;
        }
    }
}

/* A turn of the server's loop: begins one handshake. */
static void server_turn(void)
{
    if (vel_endpoint_deadline(w.talk.server) <= w.talk.now)
        vel_endpoint_expire(w.talk.server, w.talk.now);
}

/* Until nothing moves or is due before `until`. */
static void run(vel_time until)
{
    while (w.talk.now <= until) {
        bool moved = carry(w.talk.clients, w.talk.server);
        bool due = vel_endpoint_deadline(w.talk.server) <= w.talk.now;
        server_turn();
        moved |= carry(w.talk.server, w.talk.clients);
        take_events();
        if (moved || due)
            continue;
        w.talk.now = VEL_MAX(w.talk.now + 1, VEL_MIN(vel_endpoint_deadline(w.talk.clients),
                                                     vel_endpoint_deadline(w.talk.server)));
        if (w.talk.now <= until)
            vel_endpoint_expire(w.talk.clients, w.talk.now);
    }
    w.talk.now = until;
}

static struct vel_endpoint_stats stats(void)
{
    struct vel_endpoint_stats got;
    vel_endpoint_get_stats(w.talk.server, &got);
    return got;
}

/* ---- who is signed with whom ---- */

static void those_that_wait_are_signed_together(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 2, 3, 7, 31, 32, 33, 34, 70};
    for (size_t row = 0; row < VEL_COUNT(counts); row++) {
        unsigned count = counts[row];
        open_world(row);
        connect_many(count);
        run(w.talk.now + SECOND);
        assert_int_equal(stats().completed, count);
        assert_int_equal(stats().signatures, (count + VEL_SIGNING_TURN - 1) / VEL_SIGNING_TURN);
        for (unsigned i = 0; i < count; i++) {
            unsigned rest = count - i / VEL_SIGNING_TURN * VEL_SIGNING_TURN;
            assert_int_equal(w.together[i], VEL_MIN(rest, (unsigned)VEL_SIGNING_TURN));
        }
        close_world();
    }
}

/* Whatever else differs between them, they have the server's key in common. */
static void other_suites_and_retries_are_no_hindrance(void **state)
{
    (void)state;
    struct vel_config chacha;
    open_world(20);
    chacha = w.talk.client_config;
    chacha.prefer_chacha = true;
    for (unsigned i = 0; i < 12; i++)
        connect_with(i % 3 == 0 ? &w.retried : i % 3 == 1 ? &chacha : &w.talk.client_config);
    run(w.talk.now + SECOND);
    assert_int_equal(stats().completed, 12);
    assert_true(stats().signatures <= 2);
    close_world();
}

/* Others may be slow to come: the first does not wait for ever. */
static void waiting_has_an_end(void **state)
{
    (void)state;
    open_world(30);
    connect_many(10);
    carry(w.talk.clients, w.talk.server);
    for (unsigned i = 0; i < 3; i++, w.talk.now += 10 * MS) {
        server_turn();
        assert_int_equal(stats().accepted, i + 1);
        assert_int_equal(stats().signatures, 0);
    }
    server_turn();
    assert_int_equal(stats().accepted, 4);
    assert_int_equal(stats().signatures, 1);
    run(w.talk.now + SECOND);
    assert_int_equal(w.together[0], 4);
    assert_int_equal(stats().completed, 10);
    close_world();
}

/* Nothing of a flight goes out before all of it can. */
static void a_flight_is_held_until_it_is_signed(void **state)
{
    (void)state;
    open_world(31);
    connect_many(3);
    carry(w.talk.clients, w.talk.server);
    for (unsigned i = 0; i < 2; i++) {
        server_turn();
        assert_false(carry(w.talk.server, w.talk.clients));
        assert_int_equal(vel_endpoint_deadline(w.talk.server), 0);
    }
    server_turn();
    assert_true(carry(w.talk.server, w.talk.clients));
    run(w.talk.now + SECOND);
    assert_int_equal(stats().completed, 3);
    close_world();
}

/* ---- what goes wrong while they wait ---- */

/* Two of three are begun; the third waits for its turn. */
static void begin_two_of_three(uint64_t seed)
{
    open_world(seed);
    connect_many(3);
    carry(w.talk.clients, w.talk.server);
    server_turn();
    server_turn();
    assert_int_equal(stats().accepted, 2);
    assert_int_equal(stats().signatures, 0);
}

static void who_leaves_is_not_in_the_batch(void **state)
{
    (void)state;
    begin_two_of_three(40);
    vel_conn_close(w.clients[0], 0, "changed my mind");
    run(w.talk.now + 20 * SECOND);
    assert_int_equal(stats().completed, 2);
    assert_int_equal(stats().signatures, 1);
    assert_int_equal(w.together[1], 2);
    assert_int_equal(w.together[2], 2);
    close_world();
}

/* Clients that hear nothing repeat their first flight; it makes no second place in the batch. */
static void who_repeats_himself_is_signed_once(void **state)
{
    (void)state;
    begin_two_of_three(45);
    for (unsigned i = 0; i < 2; i++) {
        w.talk.now += 2 * SECOND;
        vel_endpoint_expire(w.talk.clients, w.talk.now);
        assert_true(carry(w.talk.clients, w.talk.server));
        assert_false(carry(w.talk.server, w.talk.clients));
    }
    run(w.talk.now + SECOND);
    assert_int_equal(stats().accepted, 3);
    assert_int_equal(stats().completed, 3);
    assert_int_equal(stats().signatures, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(w.together[i], 3);
    close_world();
}

static void all_may_leave(void **state)
{
    (void)state;
    begin_two_of_three(41);
    for (unsigned i = 0; i < 3; i++)
        vel_conn_close(w.clients[i], 0, "changed our minds");
    run(w.talk.now + 20 * SECOND);
    assert_int_equal(stats().completed, 0);
    assert_int_equal(stats().connections, 0);
    assert_int_equal(vel_endpoint_deadline(w.talk.server), VEL_NEVER);
    close_world();
}

static void a_server_that_ends_signs_no_more(void **state)
{
    (void)state;
    begin_two_of_three(42);
    vel_endpoint_refuse_new(w.talk.server);
    vel_endpoint_close_all(w.talk.server, 0, "bye");
    run(w.talk.now + 20 * SECOND);
    assert_int_equal(stats().signatures, 0);
    assert_int_equal(stats().connections, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_null(w.clients[i]);
    close_world();
    begin_two_of_three(43);
    close_world(); /* while they wait */
}

/* Everyone who waits for it hears so, and why; later ones are served again. */
static void a_signature_that_is_not_made_ends_those_that_wait(void **state)
{
    (void)state;
    begin_two_of_three(44);
    w.t.fail_after = 0; /* also the third finds no memory */
    server_turn();
    w.t.fail_after = -1;
    assert_int_equal(stats().signatures, 0);
    run(w.talk.now + 20 * SECOND);
    assert_int_equal(w.ended[0], VEL_ALERT_INTERNAL_ERROR);
    assert_int_equal(w.ended[1], VEL_ALERT_INTERNAL_ERROR);
    assert_int_equal(stats().failed, 2);
    assert_int_equal(w.together[2], 1); /* it asked again */
    close_world();
}

/* Memory runs out anywhere on the way: some fail, nothing leaks, and whoever comes next is served. */
static void any_allocation_may_fail(void **state)
{
    (void)state;
    enum { MORE_THAN_ARE_MADE = 120 };
    for (long n = 1; n < MORE_THAN_ARE_MADE; n += 3) {
        begin_two_of_three((uint64_t)n);
        w.t.fail_after = n;
        server_turn();
        w.t.fail_after = -1;
        run(w.talk.now + 20 * SECOND);
        for (unsigned i = 0; i < 3; i++)
            assert_true(w.together[i] > 0 || w.ended[i] == VEL_ALERT_INTERNAL_ERROR ||
                        w.ended[i] == VEL_WIRE_INTERNAL_ERROR);
        connect_many(1);
        run(w.talk.now + SECOND);
        assert_true(w.together[3] == 1);
        close_world();
    }
}

/* ---- many seeds ---- */

/* Batches of any size over a line that loses: some clients leave at any time, some are retried. All
 * others are connected in the end, and no more signatures were made than handshakes. */
static void over_a_lossy_line(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        uint8_t dice[3];
        bool left[CLIENTS] = {false};
        open_world(seed);
        vel_random(&w.t.env, dice, sizeof dice);
        w.loss = dice[0] % 12;
        unsigned count = 2 + dice[1] % 20;
        for (unsigned i = 0; i < count; i++) {
            connect_with((i + dice[2]) % 5 == 0 ? &w.retried : &w.talk.client_config);
            if (i % 7 == 3)
                run(w.talk.now + dice[2] * MS);
        }
        for (unsigned i = 0; i < count; i += 6) {
            left[i] = w.clients[i] != NULL;
            if (left[i])
                vel_conn_close(w.clients[i], 0, "");
        }
        run(w.talk.now + 30 * SECOND);
        for (unsigned i = 0; i < count; i++)
            if (!left[i] && w.together[i] == 0)
                fail_msg("seed %u: client %u of %u is not connected", (unsigned)seed, i, count);
        assert_true(stats().signatures <= stats().accepted);
        close_world();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_wait_are_signed_together),
        cmocka_unit_test(other_suites_and_retries_are_no_hindrance),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(a_flight_is_held_until_it_is_signed),
        cmocka_unit_test(who_leaves_is_not_in_the_batch),
        cmocka_unit_test(who_repeats_himself_is_signed_once),
        cmocka_unit_test(all_may_leave),
        cmocka_unit_test(a_server_that_ends_signs_no_more),
        cmocka_unit_test(a_signature_that_is_not_made_ends_those_that_wait),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(over_a_lossy_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
