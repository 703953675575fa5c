/* SPDX-License-Identifier: MIT */
#include "velocity/loop.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "sys/udp.h"
#include "testing/test.h"
#include "velocity/system.h"

/* What happened, in order, as letters. */
struct diary {
    struct vel_loop *loop;
    struct vel_timer *first, *second;
    struct vel_watch *watch;
    struct vel_alarm *alarm;
    struct vel_udp *udp;
    int pipe[2];
    char text[16];
    vel_time fired;
};

static void note(struct diary *diary, char letter)
{
    size_t used = strlen(diary->text);
    assert_true(used + 1 < sizeof diary->text);
    diary->text[used] = letter;
}

static void on_first(void *self, vel_time now)
{
    struct diary *diary = self;
    note(diary, '1');
    diary->fired = now;
}

static void on_second(void *self, vel_time now)
{
    struct diary *diary = self;
    (void)now;
    note(diary, '2');
    vel_loop_stop(diary->loop);
}

static void timers_fire_in_order_and_once(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct diary diary = {0};
    ASSERT_OK(vel_loop_new(&t.env, &diary.loop));
    ASSERT_OK(vel_timer_new(diary.loop, on_first, &diary, &diary.first));
    ASSERT_OK(vel_timer_new(diary.loop, on_second, &diary, &diary.second));

    vel_time start = vel_clock_now();
    vel_timer_set(diary.second, start + 50 * MS);
    vel_timer_set(diary.first, start + 100 * SECOND);
    vel_timer_set(diary.first, start + 100 * US); /* sooner than it was armed */
    vel_timer_set(diary.first, start + 500 * US); /* and later: woken too early, it waits on */
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "12");
    assert_true(diary.fired >= start + 500 * US);

    vel_timer_set(diary.first, 0); /* long past: at once */
    vel_timer_set(diary.second, vel_clock_now() + 10 * MS);
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "1212");

    vel_timer_set(diary.first, vel_clock_now() + 100 * US);
    vel_timer_set(diary.first, VEL_NEVER);
    vel_timer_set(diary.second, vel_clock_now() + MS);
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "12122");

    vel_timer_free(diary.first);
    vel_timer_free(diary.second);
    vel_loop_free(diary.loop);
    test_env_done(&t);
}

static void free_itself(void *self, vel_time now)
{
    struct diary *diary = self;
    (void)now;
    note(diary, 'f');
    vel_timer_free(diary->first);
    diary->first = NULL;
    vel_loop_stop(diary->loop);
}

static void a_timer_may_free_itself(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct diary diary = {0};
    ASSERT_OK(vel_loop_new(&t.env, &diary.loop));
    ASSERT_OK(vel_timer_new(diary.loop, free_itself, &diary, &diary.first));
    vel_timer_set(diary.first, vel_clock_now());
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "f");
    vel_loop_free(diary.loop);
    test_env_done(&t);
}

static void free_alarm(void *self, vel_time now)
{
    struct diary *diary = self;
    assert_true(now >= diary->fired);
    note(diary, 'a');
    vel_alarm_free(diary->alarm);
    diary->alarm = NULL;
    vel_loop_stop(diary->loop);
}

static void an_alarm_is_never_early_and_may_free_itself(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct diary diary = {0};
    struct vel_alarm *never;
    ASSERT_OK(vel_loop_new(&t.env, &diary.loop));
    ASSERT_OK(vel_alarm_new(diary.loop, free_alarm, &diary, &never));
    ASSERT_OK(vel_alarm_new(diary.loop, free_alarm, &diary, &diary.alarm));
    vel_alarm_set(never, vel_clock_now());
    vel_alarm_set(never, VEL_NEVER);
    vel_alarm_set(diary.alarm, VEL_NEVER - 1);
    diary.fired = vel_clock_now() + 2500 * US;
    vel_alarm_set(diary.alarm, diary.fired);
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "a");
    vel_alarm_free(never);
    vel_loop_free(diary.loop);
    test_env_done(&t);
}

static void on_pipe(void *self, unsigned ready)
{
    struct diary *diary = self;
    char byte;
    assert_int_equal(ready, VEL_WATCH_READ);
    assert_int_equal(read(diary->pipe[0], &byte, 1), 1);
    note(diary, byte);
    if (byte == 'z')
        vel_loop_stop(diary->loop);
}

static void watches_descriptors(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct diary diary = {0};
    ASSERT_OK(vel_loop_new(&t.env, &diary.loop));
    assert_int_equal(pipe(diary.pipe), 0);
    ASSERT_OK(vel_watch_new(diary.loop, diary.pipe[0], on_pipe, &diary, &diary.watch));
    vel_watch_set(diary.watch, VEL_WATCH_READ);
    assert_int_equal(write(diary.pipe[1], "xyz", 3), 3); /* level-triggered: one call a byte */
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "xyz");
    vel_watch_free(diary.watch);
    close(diary.pipe[0]);
    close(diary.pipe[1]);
    vel_loop_free(diary.loop);
    test_env_done(&t);
}

static void on_socket(void *self, unsigned ready)
{
    struct diary *diary = self;
    uint8_t bytes[16];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    (void)ready;
    switch ((int)vel_udp_receive(diary->udp, &train)) {
    case VEL_OK:
        note(diary, 'd');
        break;
    case VEL_ERR_NOT_FOUND:
        note(diary, 'u');
        break;
    default:
        return;
    }
    vel_loop_stop(diary->loop);
}

/* A socket that was told "nobody listens" still receives what comes later. */
static void errors_do_not_end_a_watch(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct diary diary = {0};
    struct vel_udp peer, udp;
    struct vel_udp_setup there = {.local = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}}};
    ASSERT_OK(vel_udp_open(&there, &peer));
    there.local = peer.local;
    vel_udp_close(&peer);
    const struct vel_udp_setup here = {.remote = there.local};
    ASSERT_OK(vel_udp_open(&here, &udp));
    diary.udp = &udp;

    ASSERT_OK(vel_loop_new(&t.env, &diary.loop));
    ASSERT_OK(vel_watch_new(diary.loop, udp.fd, on_socket, &diary, &diary.watch));
    vel_watch_set(diary.watch, VEL_WATCH_READ);
    uint8_t bytes[1] = {0};
    struct vel_train train = {.remote = there.local, .bytes = bytes, .len = 1, .segment = 1};
    ASSERT_OK(vel_udp_send(&udp, &train));
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "u");

    ASSERT_OK(vel_udp_open(&there, &peer));
    train.remote = udp.local;
    ASSERT_OK(vel_udp_send(&peer, &train));
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "ud");
    vel_watch_free(diary.watch);
    vel_udp_close(&udp);
    vel_udp_close(&peer);
    vel_loop_free(diary.loop);
    test_env_done(&t);
}

static void on_signal(void *self, int number)
{
    struct diary *diary = self;
    note(diary, number == SIGTERM ? 't' : 'i');
    if (number == SIGTERM)
        vel_loop_stop(diary->loop);
    else
        raise(SIGTERM);
}

static void catches_signals(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct diary diary = {0};
    struct vel_signals *signals;
    ASSERT_OK(vel_loop_new(&t.env, &diary.loop));
    ASSERT_OK(vel_signals_new(diary.loop, on_signal, &diary, &signals));
    raise(SIGINT);
    vel_loop_run(diary.loop);
    assert_string_equal(diary.text, "it");
    raise(SIGTERM); /* caught, but nobody is left to be told */
    vel_signals_free(signals);
    vel_loop_free(diary.loop);
    test_env_done(&t);
}

static void failed_allocations_leak_nothing(void **state)
{
    (void)state;
    for (long n = 0; n < 6; n++) {
        struct test_env t;
        test_env_init(&t, 1);
        t.fail_after = n;
        struct vel_loop *loop = NULL;
        struct vel_timer *timer = NULL;
        struct vel_signals *signals = NULL;
        enum vel_err err = vel_loop_new(&t.env, &loop);
        if (err == VEL_OK)
            err = vel_timer_new(loop, free_itself, NULL, &timer);
        if (err == VEL_OK)
            err = vel_signals_new(loop, on_signal, NULL, &signals);
        ASSERT_ERR("nth allocation", err, n < 4 ? VEL_ERR_NOMEM : VEL_OK);
        vel_signals_free(signals);
        vel_timer_free(timer);
        vel_loop_free(loop);
        test_env_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_and_once),
        cmocka_unit_test(a_timer_may_free_itself),
        cmocka_unit_test(an_alarm_is_never_early_and_may_free_itself),
        cmocka_unit_test(watches_descriptors),
        cmocka_unit_test(catches_signals),
        cmocka_unit_test(errors_do_not_end_a_watch),
        cmocka_unit_test(failed_allocations_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
