/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/units.h"
#include "client/attempt.h"
#include "testing/test.h"
#include "velocity/pki.h"
#include "velocity/runtime.h"
#include "velocity/system.h"
#include "velocity/udp.h"

/*
 * An attempt over UDP with a server in the same loop, on two sockets of loopback, that completes
 * handshakes and listens to nothing else: where the client's packets go, and how it ends.
 */
struct stage {
    struct test_env server_env, env; /* the client's own */
    struct vel_crypto *crypto;
    struct vel_trust *trust;
    struct vel_identity *identity;
    struct vel_loop *loop;
    struct vel_link *links[2]; /* of the server; the second is where it prefers to be */
    struct vel_endpoint *endpoint;
    struct vel_runtime *runtime;
    struct vel_config server, client;
    struct vel_attempt *attempt;
    struct vel_addr locals[2]; /* of the client; family VEL_ADDR_NONE: no more */
    unsigned moves;            /* path changes to wait for */
    bool knows;                /* wait until the client knows where the server prefers to be, too */
    bool (*reached)(const struct stage *s); /* instead, what to wait for; NULL: the above */
    uint64_t probes;                        /* of the client, before something went wrong, */
    uint64_t sent;                          /* and what its second path had carried lately */
    bool connected, ended;
    struct vel_attempt_facts facts;
    struct vel_rung_failure failure;
};

static const struct vel_addr loopback = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}};
static const struct vel_slice alpn[] = {{(const uint8_t *)"velocity/1", 10}};

static void server_events(void *self, struct vel_conn *conn, vel_time now)
{
    struct vel_event event;
    (void)self;
    (void)now;
    while (vel_conn_next_event(conn, &event))
        ;
}

/* ---- what the attempt tells ---- */

static void on_connected(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct stage *s = self;
    (void)attempt;
    (void)now;
    s->connected = true;
}

static void on_turned(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct stage *s = self;
    struct vel_addr preferred;
    (void)now;
    vel_attempt_get_facts(attempt, &s->facts);
    bool knows = vel_conn_preferred(vel_attempt_conn(attempt), &preferred);
    bool moved = s->facts.stats.path_changes >= s->moves && (knows || !s->knows);
    if (s->reached != NULL ? s->reached(s) : moved)
        vel_loop_stop(s->loop);
}

static void on_ended(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct stage *s = self;
    (void)now;
    s->ended = true;
    s->failure = vel_attempt_failure(attempt);
    vel_loop_stop(s->loop);
}

/* ---- setting up ---- */

static void fill_config(struct stage *s, struct vel_config *config)
{
    *config = vel_config_default(s->crypto);
    config->alpn = alpn;
    config->alpn_count = VEL_COUNT(alpn);
    config->trust = s->trust;
    config->server_name = "localhost";
    config->unix_offset = vel_clock_unix_offset();
}

static void open_server(struct stage *s)
{
    const struct vel_env *env = &s->server_env.env;
    const struct vel_udp_setup udp = {.local = loopback};
    const struct vel_runtime_hooks hooks = {.events = server_events, .self = s};
    for (size_t i = 0; i < VEL_COUNT(s->links); i++)
        ASSERT_OK(vel_udp_link_new(env, &udp, &s->links[i]));
    s->server.preferred_ip4 = s->links[1]->local;
    const struct vel_endpoint_setup setup = {
        .env = env, .server = &s->server, .max_send_train = s->links[0]->max_train};
    ASSERT_OK(vel_endpoint_new(&setup, &s->endpoint));
    ASSERT_OK(vel_runtime_new(env, s->loop, s->links[0], s->endpoint, &hooks, &s->runtime));
    ASSERT_OK(vel_runtime_add_link(s->runtime, s->links[1]));
}

static void set_up(struct stage *s)
{
    *s = (struct stage){0};
    test_env_init(&s->server_env, 1);
    test_env_init(&s->env, 2);
    const struct vel_env *env = &s->server_env.env;
    ASSERT_OK(vel_crypto_new(env, &s->crypto));
    ASSERT_OK(vel_trust_new(env, s->crypto, &s->trust));
    ASSERT_OK(vel_identity_self_signed(env, s->crypto, "localhost", VEL_PROFILE_BALANCED,
                                       vel_clock_unix() - 60, s->trust, &s->identity));
    ASSERT_OK(vel_loop_new(env, &s->loop));
    fill_config(s, &s->server);
    fill_config(s, &s->client);
    s->server.identity = s->identity;
    open_server(s);
}

static void stop_listening(struct stage *s, unsigned which)
{
    vel_runtime_remove_link(s->runtime, s->links[which]);
    vel_link_free(s->links[which]);
    s->links[which] = NULL;
}

static enum vel_err try_to_connect(struct stage *s, struct vel_addr remote, vel_time migrate_after)
{
    struct vel_attempt_setup setup = {
        .env = &s->env.env,
        .loop = s->loop,
        .rung = VEL_RUNG_VELOCITY,
        .config = &s->client,
        .migrate_after = migrate_after,
        .addrs = {remote},
        .addr_count = 1,
        .events = {.connected = on_connected, .turned = on_turned, .ended = on_ended, .self = s}};
    while (setup.local_count < VEL_COUNT(s->locals) &&
           s->locals[setup.local_count].family != VEL_ADDR_NONE) {
        setup.locals[setup.local_count] = s->locals[setup.local_count];
        setup.local_count++;
    }
    enum vel_err err = vel_attempt_new(&setup, vel_clock_now(), &s->attempt);
    if (err == VEL_OK)
        vel_loop_run(s->loop);
    return err;
}

static void tear_down(struct stage *s)
{
    vel_attempt_free(s->attempt);
    test_env_done(&s->env);
    vel_runtime_free(s->runtime);
    vel_endpoint_free(s->endpoint);
    for (size_t i = 0; i < VEL_COUNT(s->links); i++)
        vel_link_free(s->links[i]);
    vel_loop_free(s->loop);
    vel_identity_free(s->identity);
    vel_trust_free(s->trust);
    vel_crypto_free(s->crypto);
    test_env_done(&s->server_env);
}

static void expect_at(const struct stage *s, unsigned which, bool preferred)
{
    assert_true(s->connected && !s->ended);
    assert_true(vel_addr_equal(&s->facts.remote, &s->links[which]->local));
    assert_int_equal(s->facts.preferred, preferred);
    assert_int_equal(s->facts.stats.path_changes, s->moves);
}

/* ---- where it goes ---- */

static void goes_on_where_the_server_prefers(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s);
    s.moves = 1;
    ASSERT_OK(try_to_connect(&s, s.links[0]->local, 0));
    expect_at(&s, 1, true);
    tear_down(&s);
}

static void stays_when_it_is_told_to(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s);
    s.client.keep_server_address = s.knows = true;
    ASSERT_OK(try_to_connect(&s, s.links[0]->local, 0));
    expect_at(&s, 0, false);
    s.moves = 1; /* by its own choice it moves all the same */
    vel_attempt_free(s.attempt);
    ASSERT_OK(try_to_connect(&s, s.links[0]->local, 1));
    expect_at(&s, 0, false);
    tear_down(&s);
}

/* First where the server wants it, then from where it wants itself. */
static void wanders_after_it_has_followed(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s);
    s.moves = 2;
    ASSERT_OK(try_to_connect(&s, s.links[0]->local, 1));
    expect_at(&s, 1, true);
    tear_down(&s);
}

/* That nobody listens there, as the network says, is no end; the move by choice comes when it has
 * given up. */
static void a_dead_preference_is_no_harm(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s);
    stop_listening(&s, 1);
    s.moves = 1;
    s.knows = true;
    ASSERT_OK(try_to_connect(&s, s.links[0]->local, 1));
    expect_at(&s, 0, false);
    tear_down(&s);
}

/* ---- from where ---- */

static const struct vel_addr absent = {.family = VEL_ADDR_IP4, .ip = {192, 0, 2, 1}};
static const struct vel_addr elsewhere = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 2}};
static const struct vel_addr other_family = {.family = VEL_ADDR_IP6, .ip = {[15] = 1}};

static void begins_where_it_can(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s);
    s.client.keep_server_address = true;
    s.locals[0] = absent;
    s.locals[1] = elsewhere;
    ASSERT_OK(try_to_connect(&s, s.links[0]->local, 0));
    expect_at(&s, 0, false);
    assert_int_equal(s.facts.path_count, 1);
    assert_memory_equal(s.facts.paths[0].local.ip, elsewhere.ip, 4);
    tear_down(&s);
}

/* And is no reason to take another way, now or later. */
static void an_absent_address_is_told_at_once(void **state)
{
    const struct vel_addr *const rows[] = {&absent, &other_family};
    (void)state;
    for (size_t row = 0; row < VEL_COUNT(rows); row++) {
        struct stage s;
        set_up(&s);
        s.locals[0] = *rows[row];
        ASSERT_OK(try_to_connect(&s, s.links[0]->local, 0));
        assert_true(s.ended && !s.connected);
        assert_int_equal(s.failure.failure, VEL_CLIENT_CONNECT);
        assert_int_equal(s.failure.reason, VEL_FALLBACK_NONE);
        tear_down(&s);
    }
}

/* ---- how it ends ---- */

static void a_closed_port_is_told_at_once(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s);
    struct vel_addr nobody = s.links[1]->local;
    stop_listening(&s, 1);
    ASSERT_OK(try_to_connect(&s, nobody, 0));
    assert_true(s.ended && !s.connected);
    assert_int_equal(s.failure.failure, VEL_CLIENT_CONNECT);
    assert_int_equal(s.failure.reason, VEL_FALLBACK_UDP_BLOCKED);
    tear_down(&s);
}

/* And for the server, too: our answer to its challenge was acknowledged. */
static bool both_paths_work(const struct stage *s)
{
    const struct vel_path_stats *paths = s->facts.paths;
    return s->facts.path_count == 2 && paths[0].state == VEL_PATH_WORKING &&
           paths[1].state == VEL_PATH_WORKING && paths[1].bytes_sent > 0 &&
           paths[1].bytes_in_flight == 0;
}

/* More often, and for longer, than a server may be silent that has no other path. */
static bool is_refused_for_long(const struct stage *s)
{
    return s->facts.stats.pto_count >= s->probes + 6;
}

static bool is_refused_again(const struct stage *s)
{
    return s->facts.paths[1].bytes_sent > s->sent;
}

/* From now on the server's port is open to one address of the client alone. */
static void listen_to(struct stage *s, struct vel_addr client)
{
    const struct vel_udp_setup udp = {.local = s->links[0]->local, .remote = client};
    stop_listening(s, 0);
    ASSERT_OK(vel_udp_link_new(&s->server_env.env, &udp, &s->links[0]));
    ASSERT_OK(vel_runtime_add_link(s->runtime, s->links[0]));
}

/* By one path, or by another when that fails. */
static void send_by(struct stage *s, uint32_t path)
{
    static const uint8_t bytes[100];
    const struct vel_path_choice choice = {.count = 1, .paths = {path}};
    struct vel_conn *conn = vel_attempt_conn(s->attempt);
    uint64_t stream;
    size_t accepted;
    ASSERT_OK(vel_stream_open(conn, false, &stream));
    ASSERT_OK(vel_stream_set_paths(conn, stream, &choice));
    ASSERT_OK(vel_stream_write(conn, stream, vel_slice(bytes, sizeof bytes), true, &accepted));
    vel_attempt_wake(s->attempt);
}

/* VEL-TR-54: nobody listens any more where one path leads, and the network says so again and again, while
 * the other path works and has nothing to carry. */
static void a_closed_port_on_one_path_is_no_end(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s);
    s.client.keep_server_address = true;
    s.client.limits.max_paths = s.server.limits.max_paths = 2;
    s.locals[0] = loopback;
    s.locals[1] = elsewhere;
    s.reached = both_paths_work;
    ASSERT_OK(try_to_connect(&s, s.links[0]->local, 0));
    assert_true(both_paths_work(&s));
    listen_to(&s, s.facts.paths[0].local);
    s.probes = s.facts.stats.pto_count;
    s.reached = is_refused_for_long;
    send_by(&s, 1);
    vel_loop_run(s.loop);
    assert_false(s.ended);
    s.sent = s.facts.paths[1].bytes_sent;
    s.reached = is_refused_again;
    vel_loop_run(s.loop);
    assert_true(!s.ended && !s.facts.gone);
    assert_int_equal(s.facts.paths[0].state, VEL_PATH_WORKING);
    assert_int_equal(s.facts.paths[1].state, VEL_PATH_SILENT);
    tear_down(&s);
}

static bool is_back(const struct stage *s)
{
    for (size_t i = 0; i < s->facts.path_count; i++) {
        const struct vel_path_stats *path = &s->facts.paths[i];
        if (path->path > 1 && path->state == VEL_PATH_WORKING)
            return memcmp(path->local.ip, s->locals[0].ip, 4) == 0;
    }
    return false;
}

/* The address where the connection began is worth as much as the others. */
static void a_first_path_that_is_gone_is_opened_again(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s);
    s.client.keep_server_address = true;
    s.client.limits.max_paths = s.server.limits.max_paths = 2;
    s.client.limits.idle_timeout = 10 * SECOND;
    s.locals[0] = loopback;
    s.locals[1] = elsewhere;
    s.reached = both_paths_work;
    ASSERT_OK(try_to_connect(&s, s.links[0]->local, 0));
    ASSERT_OK(vel_conn_abandon_path(vel_attempt_conn(s.attempt), 0));
    vel_attempt_wake(s.attempt);
    s.reached = is_back;
    vel_loop_run(s.loop);
    assert_true(is_back(&s) && !s.ended);
    tear_down(&s);
}

/* Whichever allocation fails, it is connected or it has ended, and nothing is left behind. */
static void memory_may_run_out(void **state)
{
    enum { FAILURES = 120 };
    struct stage s;
    (void)state;
    set_up(&s);
    for (long allowed = 0; allowed < FAILURES; allowed++) {
        s.env.fail_after = allowed;
        s.connected = s.ended = false;
        s.client.limits.handshake_timeout = 100 * MS;
        enum vel_err err = try_to_connect(&s, s.links[0]->local, 0);
        assert_true(err == VEL_ERR_NOMEM || s.connected || s.ended);
        vel_attempt_free(s.attempt);
        s.attempt = NULL;
        s.env.fail_after = -1;
        assert_int_equal(s.env.outstanding, 0);
    }
    assert_true(s.connected);
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_where_the_server_prefers),
        cmocka_unit_test(stays_when_it_is_told_to),
        cmocka_unit_test(wanders_after_it_has_followed),
        cmocka_unit_test(a_dead_preference_is_no_harm),
        cmocka_unit_test(begins_where_it_can),
        cmocka_unit_test(an_absent_address_is_told_at_once),
        cmocka_unit_test(a_closed_port_is_told_at_once),
        cmocka_unit_test(a_closed_port_on_one_path_is_no_end),
        cmocka_unit_test(a_first_path_that_is_gone_is_opened_again),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
