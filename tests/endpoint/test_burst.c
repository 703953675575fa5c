/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/units.h"
#include "endpoint/talk.h"
#include "testing/test.h"
#include "velocity/runtime.h"

/*
 * Many clients at the same moment, from one address: a server that takes as long for each as a
 * processor does, behind the buffer of a socket, on a virtual clock.
 */
enum {
    CLIENTS = 500,
    BUFFER_FORCED = 8 << 20, /* what the kernel counts for the 4 MiB of VEL_UDP_BUFFER */
    BUFFER_DEFAULT = 212992, /* net.core.rmem_default */
    BACKLOG = 8 << 20,
    OVERHEAD = 1024, /* of the kernel, for each datagram that waits */
    DATAGRAMS_MAX = 8192
};

/* As measured for the profile balanced, generously. */
#define HANDSHAKE_TAKES (700 * US) /* hybrid key exchange, packets, certificate */
#define SIGNATURE_TAKES (3 * MS)   /* one ML-DSA and one ECDSA */
#define TRAIN_TAKES (10 * US)
#define PATIENCE (4 * MS) /* as in runtime.c */

struct waiting {
    struct vel_train train;
    size_t charge;
};

struct burst {
    struct test_env t;
    struct talk talk;
    size_t room;
    struct waiting queue[DATAGRAMS_MAX];
    size_t first, count;
    uint64_t lost; /* trains */
    bool behind;   /* more waits than the server took in */
    vel_time patient_since;
    struct vel_conn *clients[CLIENTS];
    vel_time took;
    uint64_t signatures;
};

static struct burst burst;

/* What arrives waits, if there is room. */
static void arrive(const struct vel_train *train)
{
    size_t datagrams = (train->len + train->segment - 1) / train->segment;
    size_t charge = train->len + datagrams * OVERHEAD;
    if (charge > burst.room || burst.count == DATAGRAMS_MAX) {
        burst.lost++;
        return;
    }
    struct waiting *at = &burst.queue[(burst.first + burst.count++) % DATAGRAMS_MAX];
    burst.room -= charge;
    *at = (struct waiting){.train = *train, .charge = charge};
    at->train.bytes = vel_alloc(&burst.t.env, train->len);
    memcpy(at->train.bytes, train->bytes, train->len);
    at->train.local = train->remote;
    at->train.remote = train->local;
}

static struct vel_endpoint_stats server_stats(void)
{
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(burst.talk.server, &stats);
    return stats;
}

/* What was begun and signed since has taken its time. */
static void let_time_pass(const struct vel_endpoint_stats *before)
{
    struct vel_endpoint_stats now = server_stats();
    burst.talk.now += (vel_time)(now.accepted - before->accepted) * HANDSHAKE_TAKES +
                      (vel_time)(now.signatures - before->signatures) * SIGNATURE_TAKES +
                      TRAIN_TAKES;
}

/* One train that waits. */
static void serve_one(void)
{
    struct waiting *at = &burst.queue[burst.first];
    struct vel_endpoint_stats before = server_stats();
    burst.first = (burst.first + 1) % DATAGRAMS_MAX;
    burst.count--;
    burst.room += at->charge;
    vel_endpoint_receive(burst.talk.server, &at->train, burst.talk.now);
    vel_release(&burst.t.env, at->train.bytes, at->train.len);
    let_time_pass(&before);
}

static void server_speaks(void)
{
    static uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    for (; vel_endpoint_send(burst.talk.server, &train, burst.talk.now) == VEL_OK;
         train = (struct vel_train){.bytes = bytes, .capacity = sizeof bytes}) {
        struct vel_addr from = train.local;
        train.local = train.remote;
        train.remote = from;
        vel_endpoint_receive(burst.talk.clients, &train, burst.talk.now);
    }
}

/* A turn as in runtime.c. */
static void server_turn(void)
{
    struct vel_endpoint_stats before = server_stats();
    struct vel_conn *conn = NULL;
    for (int budget = VEL_TURN_RECEIVE; budget > 0 && burst.count > 0; budget--)
        serve_one();
    if (!burst.behind)
        burst.patient_since = burst.talk.now;
    burst.behind = burst.count > 0;
    bool patient = burst.behind && burst.talk.now - burst.patient_since < PATIENCE;
    if (!patient && vel_endpoint_deadline(burst.talk.server) <= burst.talk.now) {
        burst.patient_since = burst.talk.now;
        vel_endpoint_expire(burst.talk.server, burst.talk.now);
        let_time_pass(&before);
    }
    talk_connected(burst.talk.server, &conn);
    server_speaks();
}

static void clients_speak(void)
{
    static uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    for (; vel_endpoint_send(burst.talk.clients, &train, burst.talk.now) == VEL_OK;
         train = (struct vel_train){.bytes = bytes, .capacity = sizeof bytes})
        arrive(&train);
}

static void wait_for_a_deadline(void)
{
    vel_time next = VEL_MIN(vel_endpoint_deadline(burst.talk.clients),
                            vel_endpoint_deadline(burst.talk.server));
    assert_true(next != VEL_NEVER);
    burst.talk.now = VEL_MAX(burst.talk.now, next);
}

static struct vel_endpoint *endpoint_of(const struct vel_config *server)
{
    const struct vel_endpoint_setup setup = {.env = &burst.t.env,
                                             .server = server,
                                             .max_backlog = BACKLOG,
                                             .max_send_train = VEL_TRAIN_MAX};
    struct vel_endpoint *made;
    ASSERT_OK(vel_endpoint_new(&setup, &made));
    return made;
}

/* All at once, until all are connected; returns the probe time-outs that fired. */
static unsigned run_burst(size_t clients, size_t buffer)
{
    struct vel_conn *conn = NULL;
    memset(&burst, 0, sizeof burst);
    burst.room = buffer;
    test_env_init(&burst.t, 1);
    talk_prepare(&burst.talk, &burst.t.env);
    burst.talk.clients = endpoint_of(NULL);
    burst.talk.server = endpoint_of(&burst.talk.server_config);
    for (size_t i = 0; i < clients; i++)
        burst.clients[i] = talk_connect(&burst.talk, talk_addr(2, (uint16_t)(1000 + i)));

    for (size_t connected = 0; connected < clients;) {
        clients_speak();
        if (burst.count == 0)
            wait_for_a_deadline();
        server_turn();
        if (vel_endpoint_deadline(burst.talk.clients) <= burst.talk.now)
            vel_endpoint_expire(burst.talk.clients, burst.talk.now);
        connected += talk_connected(burst.talk.clients, &conn);
    }
    burst.took = burst.talk.now - SECOND; /* the talk's start */
    burst.signatures = server_stats().signatures;
    unsigned fired = 0;
    for (size_t i = 0; i < clients; i++) {
        struct vel_conn_stats stats;
        vel_conn_get_stats(burst.clients[i], &stats);
        fired += stats.pto_count;
    }
    for (; burst.count > 0; burst.count--, burst.first = (burst.first + 1) % DATAGRAMS_MAX)
        vel_release(&burst.t.env, burst.queue[burst.first].train.bytes,
                    burst.queue[burst.first].train.len);
    talk_done(&burst.talk);
    test_env_done(&burst.t);
    return fired;
}

/* Each hears from the server within the second that a client waits before it sends again: those that
 * are over the bound of half-open connections by a Retry. With a signature for each of them it would
 * take more than a second and a half; so few are made that all are through in half a second. */
static void nobody_waits_in_vain(void **state)
{
    (void)state;
    unsigned fired = run_burst(CLIENTS, BUFFER_FORCED);
    assert_int_equal(burst.lost, 0);
    assert_int_equal(fired, 0);
    assert_true(burst.signatures < CLIENTS / 10);
    assert_true(burst.took < SECOND / 2);
}

/* What finds no room comes again. */
static void with_a_small_buffer_all_get_in_later(void **state)
{
    (void)state;
    enum { FEWER = 150 };
    unsigned fired = run_burst(FEWER, BUFFER_DEFAULT);
    assert_true(burst.lost > 0);
    assert_true(fired > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_in_vain),
        cmocka_unit_test(with_a_small_buffer_all_get_in_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
