/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/try.h"
#include "client/attempt_internal.h"
#include "testing/test.h"
#include "velocity/system.h"

/*
 * The race of a server's addresses, with lanes made of nothing. What the lane to each address does
 * is a letter:
 *   x  no way there, said at once      r  nobody listens there, said later
 *   s  silence                         t  gives up after a while without an answer
 *   v  Version Negotiation             k  a certificate that is refused
 *   c  connects                        n  no memory
 */

struct stage {
    struct test_env env;
    struct vel_loop *loop;
    const char *script;
    size_t opened; /* lanes that were asked for */
    size_t alive;
    struct vel_attempt *attempt;
    char heard[8]; /* a: answered, c: connected, e: ended */
};

struct fake_lane {
    struct vel_lane lane;
    struct stage *stage;
    struct vel_timer *timer;
    char act;
};

static struct stage *the_stage; /* the open function has no pointer of its own */

static void lane_free(struct vel_lane *lane)
{
    struct fake_lane *self = (struct fake_lane *)lane;
    self->stage->alive--;
    vel_timer_free(self->timer);
    vel_release(&self->stage->env.env, self, sizeof *self);
}

static void lane_wake(struct vel_lane *lane)
{
    (void)lane;
}

static void lane_close(struct vel_lane *lane, vel_time now)
{
    vel_lane_ended(lane, now);
}

static void lane_facts(const struct vel_lane *lane, struct vel_attempt_facts *facts)
{
    (void)lane;
    facts->http = VEL_HTTP_2;
}

static vel_result lane_export(struct vel_lane *lane, const char *label, struct vel_slice context,
                              uint8_t *out, size_t size)
{
    (void)lane;
    (void)label;
    (void)context;
    memset(out, 0x5a, size);
    return VEL_OK;
}

static const struct vel_lane_ops fake_ops = {.free = lane_free,
                                             .wake = lane_wake,
                                             .close = lane_close,
                                             .facts = lane_facts,
                                             .export = lane_export};

static void act(void *self_pointer, vel_time now)
{
    struct fake_lane *self = self_pointer;
    static const struct {
        char act;
        struct vel_rung_failure failure;
    } ends[] = {
        {'r', {VEL_CLIENT_CONNECT, VEL_FALLBACK_UDP_BLOCKED}},
        {'t', {VEL_CLIENT_TIMEOUT, VEL_FALLBACK_TIMEOUT}},
        {'v', {VEL_CLIENT_CONNECT, VEL_FALLBACK_VERSION_NEGOTIATION}},
        {'k', {VEL_CLIENT_CERTIFICATE, VEL_FALLBACK_NONE}},
    };
    if (self->act == 'c') {
        vel_lane_answered(&self->lane, now);
        vel_lane_connected(&self->lane, now);
        return;
    }
    for (size_t i = 0; i < VEL_COUNT(ends); i++)
        if (ends[i].act == self->act)
            self->lane.failure = ends[i].failure;
    vel_lane_ended(&self->lane, now);
}

static enum vel_err open_fake(const struct vel_lane_setup *setup, struct vel_attempt *attempt,
                              const struct vel_addr *remote, vel_time now, struct vel_lane **lane)
{
    struct stage *s = the_stage;
    char what = s->script[s->opened];
    assert_int_equal(remote->port, s->opened + 1); /* in order */
    s->opened++;
    if (what == 'x')
        return VEL_ERR_NOT_FOUND;
    if (what == 'n')
        return VEL_ERR_NOMEM;
    struct fake_lane *made = vel_alloc(&s->env.env, sizeof *made);
    assert_non_null(made);
    *made = (struct fake_lane){
        .lane = {.ops = &fake_ops, .attempt = attempt, .remote = *remote}, .stage = s, .act = what};
    ASSERT_OK(vel_timer_new(setup->loop, act, made, &made->timer));
    if (what != 's')
        vel_timer_set(made->timer, now);
    s->alive++;
    *lane = &made->lane;
    return VEL_OK;
}

/* ---- what the attempt tells ---- */

static void hear(struct stage *s, char what)
{
    size_t used = strlen(s->heard);
    assert_true(used + 1 < sizeof s->heard);
    s->heard[used] = what;
}

static void on_answered(void *self, struct vel_attempt *attempt, vel_time now)
{
    (void)attempt;
    (void)now;
    hear(self, 'a');
}

static void on_connected(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct stage *s = self;
    (void)attempt;
    (void)now;
    hear(s, 'c');
    vel_loop_stop(s->loop);
}

static void on_ended(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct stage *s = self;
    (void)attempt;
    (void)now;
    hear(s, 'e');
    vel_loop_stop(s->loop);
}

static struct vel_attempt_setup setup_of(struct stage *s, const struct vel_config *config)
{
    struct vel_attempt_setup setup = {
        .env = &s->env.env,
        .loop = s->loop,
        .rung = VEL_RUNG_VELOCITY,
        .config = config,
        .addr_count = strlen(s->script),
        .events = {
            .answered = on_answered, .connected = on_connected, .ended = on_ended, .self = s}};
    for (size_t i = 0; i < setup.addr_count; i++)
        setup.addrs[i] = (struct vel_addr){.family = VEL_ADDR_IP4, .port = (uint16_t)(i + 1)};
    return setup;
}

static void open_stage(struct stage *s, const char *script)
{
    *s = (struct stage){.script = script};
    test_env_init(&s->env, 1);
    ASSERT_OK(vel_loop_new(&s->env.env, &s->loop));
    the_stage = s;
}

static void close_stage(struct stage *s)
{
    vel_attempt_free(s->attempt);
    assert_int_equal(s->alive, 0);
    vel_loop_free(s->loop);
    test_env_done(&s->env);
}

static const struct vel_slice velocity_alpn[] = {{(const uint8_t *)"http/1.1", 8},
                                                 {(const uint8_t *)"velocity/1", 10}};
static const struct vel_config plain_config = {.alpn = velocity_alpn, .alpn_count = 2};

static const struct {
    const char *what, *script;
    size_t opened;     /* addresses that were tried */
    const char *heard; /* in order */
    uint16_t port;     /* the one that was connected; 0: none */
    struct vel_rung_failure failure;
} rows[] = {
    {"the first connects", "cc", 1, "ac", 1, {0}},
    {"no way to the first", "xc", 2, "ac", 2, {0}},
    {"nobody listens on the first", "rc", 2, "ac", 2, {0}},
    {"the first is silent", "sc", 2, "ac", 2, {0}},
    {"silence, a closed port, a connection", "src", 3, "ac", 3, {0}},
    {"nobody anywhere", "xr", 2, "e", 0, {VEL_CLIENT_CONNECT, VEL_FALLBACK_UDP_BLOCKED}},
    {"no way anywhere", "xxx", 3, "e", 0, {VEL_CLIENT_CONNECT, VEL_FALLBACK_UDP_BLOCKED}},
    {"silence tells more than a closed port",
     "tr",
     2,
     "e",
     0,
     {VEL_CLIENT_TIMEOUT, VEL_FALLBACK_TIMEOUT}},
    {"a closed port does not hide silence",
     "rt",
     2,
     "e",
     0,
     {VEL_CLIENT_TIMEOUT, VEL_FALLBACK_TIMEOUT}},
    {"what the server says holds for all addresses",
     "vc",
     1,
     "e",
     0,
     {VEL_CLIENT_CONNECT, VEL_FALLBACK_VERSION_NEGOTIATION}},
    {"a refused certificate is the end", "kc", 1, "e", 0, {VEL_CLIENT_CERTIFICATE, 0}},
    {"also of a silent first address", "skc", 2, "e", 0, {VEL_CLIENT_CERTIFICATE, 0}},
    {"no memory is the end", "nc", 1, "e", 0, {VEL_CLIENT_MEMORY, 0}},
};

static void addresses_are_raced(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct stage s;
        struct vel_attempt_facts facts;
        open_stage(&s, rows[i].script);
        struct vel_attempt_setup setup = setup_of(&s, &plain_config);
        ASSERT_OK(vel_attempt_new_with(&setup, open_fake, vel_clock_now(), &s.attempt));
        vel_loop_run(s.loop);
        vel_attempt_get_facts(s.attempt, &facts);
        CHECK(rows[i].what, strcmp(s.heard, rows[i].heard) == 0);
        CHECK(rows[i].what, s.opened == rows[i].opened);
        CHECK(rows[i].what, facts.connected == (rows[i].port != 0));
        CHECK(rows[i].what, rows[i].port == 0 || facts.remote.port == rows[i].port);
        CHECK(rows[i].what, rows[i].port == 0 || s.alive == 1); /* the others were dropped */
        if (rows[i].port == 0) {
            struct vel_rung_failure got = vel_attempt_failure(s.attempt);
            CHECK(rows[i].what, got.failure == rows[i].failure.failure);
            CHECK(rows[i].what, got.reason == rows[i].failure.reason);
        }
        close_stage(&s);
    }
}

static void keys_come_from_the_connection(void **state)
{
    (void)state;
    struct stage s;
    uint8_t key[4] = {0};
    open_stage(&s, "c");
    struct vel_attempt_setup setup = setup_of(&s, &plain_config);
    ASSERT_OK(vel_attempt_new_with(&setup, open_fake, vel_clock_now(), &s.attempt));
    ASSERT_ERR("early", vel_attempt_export(s.attempt, "x", (struct vel_slice){0}, key, sizeof key),
               VEL_ERR_UNEXPECTED);
    vel_loop_run(s.loop);
    ASSERT_OK(vel_attempt_export(s.attempt, "x", (struct vel_slice){0}, key, sizeof key));
    assert_int_equal(key[3], 0x5a);
    vel_attempt_close(s.attempt, vel_clock_now());
    assert_string_equal(s.heard, "ace");
    ASSERT_ERR("late", vel_attempt_export(s.attempt, "x", (struct vel_slice){0}, key, sizeof key),
               VEL_ERR_UNEXPECTED);
    close_stage(&s);
}

static void a_rung_needs_its_protocols_and_addresses(void **state)
{
    (void)state;
    struct stage s;
    open_stage(&s, "c");
    struct vel_attempt_setup setup = setup_of(&s, &plain_config);
    setup.rung = VEL_RUNG_QUIC; /* no "h3" is offered */
    ASSERT_ERR("alpn", vel_attempt_new_with(&setup, open_fake, 0, &s.attempt), VEL_ERR_ARGUMENT);
    setup.rung = VEL_RUNG_TCP; /* "http/1.1" is, but nobody says whom to trust */
    ASSERT_ERR("tls", vel_attempt_new_with(&setup, open_fake, 0, &s.attempt), VEL_ERR_UNSUPPORTED);
    setup.plain = true;
    ASSERT_OK(vel_attempt_new_with(&setup, open_fake, 0, &s.attempt));
    vel_attempt_free(s.attempt);
    s.attempt = NULL;
    setup.addr_count = 0;
    ASSERT_ERR("addresses", vel_attempt_new_with(&setup, open_fake, 0, &s.attempt),
               VEL_ERR_ARGUMENT);
    close_stage(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_raced),
        cmocka_unit_test(keys_come_from_the_connection),
        cmocka_unit_test(a_rung_needs_its_protocols_and_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
