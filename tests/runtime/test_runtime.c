/* SPDX-License-Identifier: MIT */
#include "velocity/runtime.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "testing/test.h"
#include "velocity/system.h"

/*
 * The order of a turn, on a scripted endpoint and a scripted link: what they are asked is written
 * down as letters. The real endpoint is joined in tests/e2e.
 */
struct vel_endpoint {
    char diary[64];
    int to_send; /* trains it still has */
    int events;  /* connections with events */
    vel_time deadline;
    struct vel_runtime *runtime;
    struct vel_loop *loop;
    int stop_after; /* turns */
    bool quiet;     /* nothing but time-outs is written down */
};

struct fake_link {
    struct vel_link link;
    int pipe[2]; /* readable while something "arrives" */
    int full;    /* sends that still say AGAIN; below 0: all do */
    bool refuse; /* receive reports that nobody listens */
    int sent;
};

static struct vel_endpoint ep;
static struct fake_link net, other_net;
static const struct vel_addr here = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}, .port = 1};
static const struct vel_addr there = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 2}, .port = 1};

static void note(char letter)
{
    size_t used = strlen(ep.diary);
    if (ep.quiet && letter != 'x')
        return;
    if (used + 1 < sizeof ep.diary)
        ep.diary[used] = letter;
}

void vel_endpoint_receive(struct vel_endpoint *endpoint, const struct vel_train *train,
                          vel_time now)
{
    assert_true(now > 0 && train->len == 1);
    assert_ptr_equal(endpoint, &ep);
    note('r');
}

vel_result vel_endpoint_send(struct vel_endpoint *endpoint, struct vel_train *train, vel_time now)
{
    assert_true(now > 0 && train->capacity == VEL_TRAIN_MAX);
    if (endpoint->to_send == 0)
        return VEL_ERR_AGAIN;
    endpoint->to_send--;
    train->len = train->segment = 1;
    train->local = endpoint->to_send % 2 == 0 ? here : there;
    note('s');
    return VEL_OK;
}

vel_time vel_endpoint_deadline(const struct vel_endpoint *endpoint)
{
    return endpoint->deadline;
}

void vel_endpoint_expire_unread(struct vel_endpoint *endpoint, vel_time now, vel_time heard)
{
    assert_true(now >= endpoint->deadline);
    assert_true(heard <= now);
    endpoint->deadline = VEL_NEVER;
    note('x');
    if (endpoint->stop_after == 0)
        vel_loop_stop(endpoint->loop);
}

void vel_endpoint_get_stats(const struct vel_endpoint *endpoint, struct vel_endpoint_stats *stats)
{
    (void)endpoint;
    *stats = (struct vel_endpoint_stats){0};
}

struct vel_conn *vel_endpoint_next(struct vel_endpoint *endpoint)
{
    static char conn;
    if (endpoint->events == 0)
        return NULL;
    endpoint->events--;
    return (struct vel_conn *)&conn;
}

static vel_result fake_send(struct vel_link *link, struct vel_train *train)
{
    struct fake_link *self = (struct fake_link *)link;
    assert_int_equal(train->len, 1);
    if (self->full != 0) {
        self->full--;
        note('f');
        return VEL_ERR_AGAIN;
    }
    self->sent++;
    if (self == &other_net)
        vel_loop_stop(ep.loop);
    return VEL_OK;
}

static vel_result fake_receive(struct vel_link *link, struct vel_train *train)
{
    (void)link;
    if (net.refuse) {
        net.refuse = false;
        return VEL_ERR_NOT_FOUND;
    }
    ssize_t got = read(net.pipe[0], train->bytes, 1);
    if (got <= 0)
        return VEL_ERR_AGAIN;
    train->len = train->segment = 1;
    return VEL_OK;
}

static const struct vel_link_ops fake_ops = {.send = fake_send, .receive = fake_receive};

static void on_events(void *self, struct vel_conn *conn, vel_time now)
{
    (void)self;
    assert_true(conn != NULL && now > 0);
    note('e');
}

static void on_flush(void *self, vel_time now)
{
    (void)self;
    (void)now;
    note('w');
    if (ep.stop_after > 0 && --ep.stop_after == 0)
        vel_loop_stop(ep.loop);
}

static void on_unreachable(void *self, const struct vel_addr *remote)
{
    (void)self;
    (void)remote;
    note('u');
}

static void free_runtime(void *self, struct vel_conn *conn, vel_time now)
{
    (void)self;
    (void)conn;
    (void)now;
    note('e');
    vel_runtime_free(ep.runtime);
    ep.runtime = NULL;
    vel_loop_stop(ep.loop);
}

/* `turns`: how many flushes until the loop stops; 0: until the endpoint expires. */
static void start(struct test_env *t, int turns,
                  void (*events)(void *, struct vel_conn *, vel_time))
{
    test_env_init(t, 1);
    memset(&ep, 0, sizeof ep);
    memset(&net, 0, sizeof net);
    ep.deadline = VEL_NEVER;
    ep.stop_after = turns;
    /* A socket pair would do as well; what counts is a descriptor that polls. */
    assert_int_equal(pipe2(net.pipe, O_NONBLOCK), 0);
    net.link = (struct vel_link){.ops = &fake_ops, .fd = net.pipe[0], .local = here};
    const struct vel_runtime_hooks hooks = {
        .events = events, .flush = on_flush, .unreachable = on_unreachable};
    ASSERT_OK(vel_loop_new(&t->env, &ep.loop));
    ASSERT_OK(vel_runtime_new(&t->env, ep.loop, &net.link, &ep, &hooks, &ep.runtime));
}

static void stop(struct test_env *t)
{
    vel_runtime_free(ep.runtime);
    vel_loop_free(ep.loop);
    close(net.pipe[0]);
    close(net.pipe[1]);
    test_env_done(t);
}

static void a_turn_has_its_order(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 1, on_events);
    ep.deadline = 1;
    ep.events = 2;
    ep.to_send = 2;
    vel_loop_run(ep.loop); /* the first turn needs no wake-up */
    assert_string_equal(ep.diary, "xeewss");
    assert_int_equal(net.sent, 2);

    memset(ep.diary, 0, sizeof ep.diary);
    ep.stop_after = 1;
    assert_int_equal(write(net.pipe[1], "abc", 3), 3);
    vel_loop_run(ep.loop);
    assert_string_equal(ep.diary, "rrrw");

    memset(ep.diary, 0, sizeof ep.diary);
    ep.stop_after = 1;
    ep.to_send = 1;
    vel_runtime_wake(ep.runtime);
    vel_loop_run(ep.loop);
    assert_string_equal(ep.diary, "ws");
    stop(&t);
}

static void the_deadline_becomes_a_timer(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 0, on_events);
    ep.deadline = vel_clock_now() + MS;
    vel_loop_run(ep.loop); /* until the endpoint expires */
    assert_non_null(strchr(ep.diary, 'x'));
    stop(&t);
}

/* Whether the timer or the link is seen first: what has come may make the time-out pointless. */
static void arrivals_come_before_time_outs(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 0, on_events);
    ep.deadline = vel_clock_now();
    assert_int_equal(write(net.pipe[1], "ab", 2), 2);
    vel_runtime_wake(ep.runtime);
    vel_loop_run(ep.loop); /* until the endpoint expires */
    assert_int_equal(strncmp(ep.diary, "rrx", 3), 0);
    stop(&t);
}

/* Trains without end, on a link beside one that is silent; so many that a turn of them takes a tenth of a
 * millisecond at least. */
enum { FLOODED_TURNS = 400 };

static vel_result flood(struct vel_link *link, struct vel_train *train)
{
    (void)link;
    vel_time end = vel_clock_now() + 100 * US / VEL_TURN_RECEIVE;
    while (vel_clock_now() < end)
        continue;
    train->len = train->segment = 1;
    return VEL_OK;
}

static void time_outs_come_in_a_flood(void **state)
{
    (void)state;
    static const struct vel_link_ops ops = {.send = fake_send, .receive = flood};
    struct vel_link other = {.ops = &ops};
    struct test_env t;
    int end[2];
    start(&t, 0, on_events);
    assert_int_equal(pipe2(end, O_NONBLOCK), 0);
    other.fd = end[0];
    assert_int_equal(write(end[1], "a", 1), 1);
    ASSERT_OK(vel_runtime_add_link(ep.runtime, &other));
    ep.deadline = vel_clock_now();
    ep.quiet = true;
    ep.stop_after = FLOODED_TURNS;
    vel_loop_run(ep.loop);
    assert_string_equal(ep.diary, "x");
    vel_runtime_remove_link(ep.runtime, &other);
    close(end[0]);
    close(end[1]);
    stop(&t);
}

static void turns_are_bounded(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 1, on_events);
    ep.to_send = VEL_TURN_SEND + 1;
    vel_loop_run(ep.loop);
    assert_int_equal(net.sent, VEL_TURN_SEND);
    ep.stop_after = 1;
    vel_loop_run(ep.loop); /* goes on by itself */
    assert_int_equal(net.sent, VEL_TURN_SEND + 1);
    stop(&t);
}

/* The unsent train is kept, the endpoint is not asked again, and it goes out first. A pipe's read
 * end is never writable, so the next turn comes from an arrival. */
static void a_full_link_keeps_its_train(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 1, on_events);
    ep.to_send = 2;
    net.full = 2;
    vel_loop_run(ep.loop);
    assert_string_equal(ep.diary, "wsf");
    ep.stop_after = 1;
    assert_int_equal(write(net.pipe[1], "a", 1), 1);
    vel_loop_run(ep.loop);
    assert_string_equal(ep.diary, "wsfrwf");
    ep.stop_after = 1;
    assert_int_equal(write(net.pipe[1], "a", 1), 1);
    vel_loop_run(ep.loop);
    assert_string_equal(ep.diary, "wsfrwfrws");
    assert_int_equal(net.sent, 2);
    stop(&t);
}

/* A link that takes nothing any more, as of a network that has stopped, ends no connection's time. */
static void time_goes_on_while_a_link_is_full(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 0, on_events);
    ep.to_send = 1;
    net.full = -1;
    ep.deadline = vel_clock_now() + MS;
    vel_loop_run(ep.loop); /* until the endpoint expires */
    assert_non_null(strchr(ep.diary, 'x'));
    assert_int_equal(net.sent, 0);
    stop(&t);
}

/* Nor does it hold up another network: what it does not take is lost. */
static void a_full_link_is_not_waited_for_by_others(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, -1, on_events);
    memset(&other_net, 0, sizeof other_net);
    assert_int_equal(pipe2(other_net.pipe, O_NONBLOCK), 0);
    other_net.link = (struct vel_link){.ops = &fake_ops, .fd = other_net.pipe[0], .local = there};
    ASSERT_OK(vel_runtime_add_link(ep.runtime, &other_net.link));
    ep.to_send = 3; /* there is the second */
    net.full = -1;
    vel_loop_run(ep.loop); /* until the other link has sent */
    assert_int_equal(other_net.sent, 1);
    assert_int_equal(net.sent, 0);
    vel_runtime_free(ep.runtime);
    ep.runtime = NULL;
    close(other_net.pipe[0]);
    close(other_net.pipe[1]);
    stop(&t);
}

static void tells_that_nobody_listens(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 2, on_events);
    net.refuse = true;
    assert_int_equal(write(net.pipe[1], "a", 1), 1);
    vel_loop_run(ep.loop);
    assert_non_null(strstr(ep.diary, "ur"));
    stop(&t);
}

static void a_hook_may_free_the_runtime(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 1, free_runtime);
    ep.events = 2;
    ep.to_send = 1;
    vel_loop_run(ep.loop);
    assert_string_equal(ep.diary, "e");
    stop(&t);
}

static void finishing_sends_what_is_left(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 1, on_events);
    ep.to_send = 3 * VEL_TURN_SEND;
    vel_runtime_finish(ep.runtime);
    assert_int_equal(net.sent, 3 * VEL_TURN_SEND);
    ep.to_send = 1;
    net.full = 1;
    vel_runtime_finish(ep.runtime); /* does not wait */
    assert_int_equal(net.sent, 3 * VEL_TURN_SEND);
    stop(&t);
}

static void failures_leak_nothing(void **state)
{
    (void)state;
    struct test_env t;
    start(&t, 1, on_events);
    const struct vel_runtime_hooks hooks = {.events = on_events};
    struct vel_runtime *none = NULL;
    net.link.fd = -1;
    ASSERT_ERR("no descriptor", vel_runtime_new(&t.env, ep.loop, &net.link, &ep, &hooks, &none),
               VEL_ERR_UNSUPPORTED);
    net.link.fd = net.pipe[1];
    for (long n = 0; n < 4; n++) {
        t.fail_after = n;
        ASSERT_ERR("nth allocation",
                   vel_runtime_new(&t.env, ep.loop, &net.link, &ep, &hooks, &none), VEL_ERR_NOMEM);
    }
    assert_null(none);
    stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_has_its_order),
        cmocka_unit_test(the_deadline_becomes_a_timer),
        cmocka_unit_test(arrivals_come_before_time_outs),
        cmocka_unit_test(time_outs_come_in_a_flood),
        cmocka_unit_test(turns_are_bounded),
        cmocka_unit_test(a_full_link_keeps_its_train),
        cmocka_unit_test(time_goes_on_while_a_link_is_full),
        cmocka_unit_test(a_full_link_is_not_waited_for_by_others),
        cmocka_unit_test(tells_that_nobody_listens),
        cmocka_unit_test(a_hook_may_free_the_runtime),
        cmocka_unit_test(finishing_sends_what_is_left),
        cmocka_unit_test(failures_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
