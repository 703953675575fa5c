/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/units.h"
#include "endpoint/talk.h"
#include "testing/test.h"
#include "velocity/runtime.h"
#include "velocity/tls.h"

/*
 * Many clients at the same moment, from one address, on a virtual clock: a server and two processes with half of
 * the clients each, that take as long for a handshake as a processor does, each behind the buffer of a socket.
 */
enum {
    CLIENTS = 500,
    CLIENT_PROCESSES = 2,
    PROCESSES = 1 + CLIENT_PROCESSES, /* the server comes first */
    PORT = 1000,                      /* of the first client */
    BUFFER_FORCED = 8 << 20,          /* what the kernel counts for the 4 MiB of VEL_UDP_BUFFER */
    BUFFER_DEFAULT = 212992,          /* net.core.rmem_default */
    BACKLOG = 8 << 20,
    OVERHEAD = 1024, /* of the kernel, for each datagram that waits */
    TRAINS_MAX = 8192
};

/* As measured for the profile balanced, generously. */
#define HANDSHAKE_TAKES (700 * US) /* a server: hybrid key exchange, packets, certificate */
#define TLS_TAKES (250 * US)      /* the same with TLS and its signature: its clients fall behind */
#define SIGNATURE_TAKES (3 * MS)  /* one ML-DSA and one ECDSA */
#define EXCHANGE_TAKES (250 * US) /* a client: its part of the key exchange */
#define VERIFICATION_TAKES (900 * US) /* a client: chain and CertificateVerify */
#define TRAIN_TAKES (10 * US)

/* As in runtime.c. */
#define PATIENCE (4 * MS)
#define LAG_MAX (500 * MS)

/* After that, whatever probe was going to be sent has been. */
#define AFTERMATH (2 * SECOND)

struct waiting {
    struct vel_train train;
    vel_time arrives;
    size_t charge;
};

/* One thread with an endpoint and a socket. */
struct process {
    struct vel_endpoint *endpoint;
    size_t room; /* bytes, in the socket's buffer */
    struct waiting queue[TRAINS_MAX];
    size_t first, count;
    vel_time clock; /* it has worked until then */
    bool behind;    /* more waits than it took in */
    vel_time patient_since, heard;
};

struct burst {
    struct test_env t;
    struct talk talk;
    struct process process[PROCESSES];
    vel_time handshake_takes;
    uint64_t lost; /* trains */
    bool answered[CLIENTS];
    vel_time took;
};

static struct burst burst;

static struct vel_endpoint_stats stats_of(const struct process *p)
{
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(p->endpoint, &stats);
    return stats;
}

/* ---- the wire ---- */

static bool is_server(const struct process *p)
{
    return p == burst.process;
}

static size_t client_of(const struct vel_addr *addr)
{
    return (size_t)(addr->port - PORT);
}

static struct process *process_at(const struct vel_addr *addr)
{
    bool server = vel_addr_equal(addr, &burst.talk.server_addr);
    return &burst.process[server ? 0 : 1 + client_of(addr) % CLIENT_PROCESSES];
}

/* What arrives waits, if there is room. */
static void arrive(const struct vel_train *train, vel_time now)
{
    struct process *p = process_at(&train->remote);
    size_t datagrams = (train->len + train->segment - 1) / train->segment;
    size_t charge = train->len + datagrams * OVERHEAD;
    if (charge > p->room || p->count == TRAINS_MAX) {
        burst.lost++;
        return;
    }
    struct waiting *at = &p->queue[(p->first + p->count++) % TRAINS_MAX];
    p->room -= charge;
    *at = (struct waiting){.train = *train, .arrives = now, .charge = charge};
    at->train.bytes = vel_alloc(&burst.t.env, train->len);
    memcpy(at->train.bytes, train->bytes, train->len);
    at->train.local = train->remote;
    at->train.remote = train->local;
}

static bool has_arrived(const struct process *p)
{
    return p->count > 0 && p->queue[p->first].arrives <= p->clock;
}

static struct waiting take_first(struct process *p)
{
    struct waiting taken = p->queue[p->first];
    p->first = (p->first + 1) % TRAINS_MAX;
    p->count--;
    p->room += taken.charge;
    return taken;
}

static void speak(struct process *p)
{
    static uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    for (; vel_endpoint_send(p->endpoint, &train, p->clock) == VEL_OK;
         train = (struct vel_train){.bytes = bytes, .capacity = sizeof bytes}) {
        p->clock += TRAIN_TAKES;
        arrive(&train, p->clock);
    }
}

/* ---- a process ---- */

/* What was begun, signed and verified since has taken its time. */
static void let_time_pass(struct process *p, const struct vel_endpoint_stats *before)
{
    struct vel_endpoint_stats now = stats_of(p);
    p->clock += (vel_time)(now.accepted - before->accepted) * burst.handshake_takes +
                (vel_time)(now.signatures - before->signatures) * SIGNATURE_TAKES;
    if (!is_server(p))
        p->clock += (vel_time)(now.completed - before->completed) * VERIFICATION_TAKES;
}

static void take_one(struct process *p)
{
    struct waiting next = take_first(p);
    struct vel_endpoint_stats before = stats_of(p);
    vel_endpoint_receive(p->endpoint, &next.train, p->clock);
    p->clock += TRAIN_TAKES;
    let_time_pass(p, &before);
    bool *answered = is_server(p) ? NULL : &burst.answered[client_of(&next.train.local)];
    if (answered != NULL && !*answered)
        p->clock += EXCHANGE_TAKES;
    if (answered != NULL)
        *answered = true;
    vel_release(&burst.t.env, next.train.bytes, next.train.len);
}

static void expire(struct process *p)
{
    bool patient = p->behind && p->clock - p->patient_since < PATIENCE;
    struct vel_endpoint_stats before = stats_of(p);
    if (patient || vel_endpoint_deadline(p->endpoint) > p->clock)
        return;
    p->patient_since = p->clock;
    vel_endpoint_expire_unread(p->endpoint, p->clock, VEL_MAX(p->heard, p->clock - LAG_MAX));
    let_time_pass(p, &before);
}

/* A turn as in runtime.c. Whoever sends meanwhile has his turn after it: so it has heard only what came before. */
static void turn(struct process *p)
{
    vel_time began = p->clock;
    struct vel_conn *conn = NULL;
    for (int budget = VEL_TURN_RECEIVE; budget > 0 && has_arrived(p); budget--)
        take_one(p);
    if (!p->behind)
        p->patient_since = began;
    p->behind = has_arrived(p);
    if (!p->behind)
        p->heard = began;
    expire(p);
    talk_connected(p->endpoint, &conn);
    speak(p);
}

/* When it has something to do. */
static vel_time next_turn(const struct process *p)
{
    vel_time next = vel_endpoint_deadline(p->endpoint);
    if (p->count > 0)
        next = VEL_MIN(next, p->queue[p->first].arrives);
    return VEL_MAX(next, p->clock);
}

static struct process *next_process(void)
{
    struct process *next = burst.process;
    for (unsigned i = 1; i < PROCESSES; i++)
        if (next_turn(&burst.process[i]) < next_turn(next))
            next = &burst.process[i];
    return next;
}

/* ---- a burst ---- */

static void open_process(struct process *p, const struct vel_config *server, size_t buffer)
{
    const struct vel_endpoint_setup setup = {.env = &burst.t.env,
                                             .server = server,
                                             .max_backlog = server != NULL ? BACKLOG : 0,
                                             .max_send_train = VEL_TRAIN_MAX};
    p->room = buffer;
    p->clock = burst.talk.now;
    ASSERT_OK(vel_endpoint_new(&setup, &p->endpoint));
}

static void close_process(struct process *p)
{
    while (p->count > 0) {
        struct waiting left = take_first(p);
        vel_release(&burst.t.env, left.train.bytes, left.train.len);
    }
    vel_endpoint_free(p->endpoint);
}

static bool all_are_connected(size_t clients)
{
    uint64_t completed = 0;
    for (unsigned i = 1; i < PROCESSES; i++)
        completed += stats_of(&burst.process[i]).completed;
    return completed == clients && stats_of(&burst.process[0]).completed == clients;
}

static void run_until_silent(size_t clients)
{
    vel_time end = VEL_NEVER;
    for (unsigned i = 1; i < PROCESSES; i++)
        speak(&burst.process[i]);
    for (;;) {
        struct process *p = next_process();
        if (next_turn(p) >= end)
            return;
        p->clock = next_turn(p);
        turn(p);
        if (end != VEL_NEVER || !all_are_connected(clients))
            continue;
        burst.took = p->clock - burst.talk.now;
        end = p->clock + AFTERMATH;
    }
}

/* The probe time-outs at both ends. */
struct fired {
    uint64_t server, clients;
};

static struct fired run_burst(size_t clients, size_t buffer, struct vel_endpoint_stats *server)
{
    struct fired fired = {0};
    open_process(&burst.process[0], &burst.talk.server_config, buffer);
    for (unsigned i = 1; i < PROCESSES; i++)
        open_process(&burst.process[i], NULL, buffer);
    for (size_t i = 0; i < clients; i++) {
        struct vel_addr from = talk_addr(2, (uint16_t)(PORT + i));
        burst.talk.clients = process_at(&from)->endpoint;
        talk_connect(&burst.talk, from);
    }
    burst.talk.clients = NULL;
    run_until_silent(clients);
    *server = stats_of(&burst.process[0]);
    fired.server = server->probes;
    for (unsigned i = 1; i < PROCESSES; i++)
        fired.clients += stats_of(&burst.process[i]).probes;
    for (unsigned i = 0; i < PROCESSES; i++)
        close_process(&burst.process[i]);
    return fired;
}

static void begin(void)
{
    memset(&burst, 0, sizeof burst);
    test_env_init(&burst.t, 1);
    talk_prepare(&burst.talk, &burst.t.env);
    burst.handshake_takes = HANDSHAKE_TAKES;
}

static void end(void)
{
    talk_done(&burst.talk);
    test_env_done(&burst.t);
}

/* Each hears from the server within the second that a client waits before it sends again: those that
 * are over the bound of half-open connections by a Retry. With a signature for each of them it would
 * take more than a second and a half; so few are made that all are through in little more than half a second. And what a client
 * has received is acknowledged before it verifies for others, or the server would send it again. */
static void nobody_waits_in_vain(void **state)
{
    (void)state;
    struct vel_endpoint_stats server;
    begin();
    struct fired fired = run_burst(CLIENTS, BUFFER_FORCED, &server);
    assert_int_equal(burst.lost, 0);
    assert_int_equal(fired.clients, 0);
    assert_int_equal(fired.server, 0);
    assert_true(server.signatures < CLIENTS / 10);
    assert_true(burst.took < 600 * MS);
    end();
}

/* The same in QUIC v1, whose server signs for each of them alone. */
static void nor_with_tls(void **state)
{
    (void)state;
    struct vel_endpoint_stats server;
    struct vel_tls *server_tls = NULL, *client_tls = NULL;
    begin();
    const struct vel_identity *identity = burst.talk.identity;
    const struct vel_tls_setup server_setup = {.env = &burst.t.env,
                                               .crypto = burst.talk.crypto,
                                               .identities = &identity,
                                               .identity_count = 1};
    const struct vel_tls_setup client_setup = {
        .env = &burst.t.env, .crypto = burst.talk.crypto, .is_client = true, .insecure = true};
    ASSERT_OK(vel_tls_new(&server_setup, &server_tls));
    ASSERT_OK(vel_tls_new(&client_setup, &client_tls));
    struct vel_config *configs[] = {&burst.talk.server_config, &burst.talk.client_config};
    for (size_t i = 0; i < VEL_COUNT(configs); i++)
        configs[i]->versions =
            (struct vel_version_list){.items = {VEL_VERSION_QUIC_V1}, .count = 1};
    burst.handshake_takes = TLS_TAKES;
    burst.talk.server_config.tls = server_tls;
    burst.talk.client_config.tls = client_tls;
    struct fired fired = run_burst(CLIENTS, BUFFER_FORCED, &server);
    assert_int_equal(burst.lost, 0);
    assert_int_equal(fired.clients, 0);
    assert_int_equal(fired.server, 0);
    vel_tls_free(server_tls);
    vel_tls_free(client_tls);
    end();
}

/* What finds no room comes again. */
static void with_a_small_buffer_all_get_in_later(void **state)
{
    (void)state;
    enum { FEWER = 150 };
    struct vel_endpoint_stats server;
    begin();
    struct fired fired = run_burst(FEWER, BUFFER_DEFAULT, &server);
    assert_true(burst.lost > 0);
    assert_true(fired.clients > 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_in_vain),
        cmocka_unit_test(nor_with_tls),
        cmocka_unit_test(with_a_small_buffer_all_get_in_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
