/* SPDX-License-Identifier: MIT */
#include "velocity/memory.h"

#include <string.h>

#include "testing/test.h"

enum { SEGMENT = 1200, LEN = 3000 };

static uint8_t outgoing[VEL_TRAIN_MAX], incoming[VEL_TRAIN_MAX];

static struct vel_train to(const struct vel_link *link, size_t len)
{
    return (struct vel_train){.remote = link->local,
                              .bytes = outgoing,
                              .len = len,
                              .segment = SEGMENT,
                              .ecn = VEL_ECN_ECT0};
}

static enum vel_err take(struct vel_link *link, struct vel_train *train)
{
    *train = (struct vel_train){.bytes = incoming, .capacity = sizeof incoming};
    return vel_link_receive(link, train);
}

static void carries_trains_both_ways(void **state)
{
    (void)state;
    struct test_env t;
    struct vel_link *ends[2];
    struct vel_train in;
    test_env_init(&t, 1);
    ASSERT_OK(vel_memory_link_new(&t.env, NULL, ends));
    vel_random(&t.env, outgoing, sizeof outgoing);
    for (int i = 0; i < 2; i++) {
        struct vel_train first = to(ends[1 - i], LEN);
        struct vel_train second = to(ends[1 - i], 10);
        ASSERT_OK(vel_link_send(ends[i], &first));
        ASSERT_OK(vel_link_send(ends[i], &second));
        ASSERT_OK(take(ends[1 - i], &in));
        assert_int_equal(in.len, LEN);
        assert_int_equal(in.segment, SEGMENT);
        assert_int_equal(in.ecn, VEL_ECN_ECT0);
        assert_memory_equal(in.bytes, outgoing, LEN);
        assert_true(vel_addr_equal(&in.remote, &ends[i]->local));
        assert_true(vel_addr_equal(&in.local, &ends[1 - i]->local));
        ASSERT_OK(take(ends[1 - i], &in));
        assert_int_equal(in.len, 10);
        ASSERT_ERR("empty", take(ends[1 - i], &in), VEL_ERR_AGAIN);
    }
    vel_link_free(ends[1]);
    vel_link_free(ends[0]);
    test_env_done(&t);
}

static void queue_is_bounded(void **state)
{
    (void)state;
    struct test_env t;
    struct vel_link *ends[2];
    struct vel_train in;
    struct vel_memory_setup setup = {.queue = 2 * LEN};
    test_env_init(&t, 1);
    ASSERT_OK(vel_memory_link_new(&t.env, &setup, ends));
    for (int i = 0; i < 2; i++) {
        struct vel_train out = to(ends[1], LEN);
        ASSERT_OK(vel_link_send(ends[0], &out));
    }
    struct vel_train kept = to(ends[1], 1);
    ASSERT_ERR("full", vel_link_send(ends[0], &kept), VEL_ERR_AGAIN);
    assert_int_equal(kept.len, 1);
    ASSERT_OK(take(ends[1], &in));
    ASSERT_OK(vel_link_send(ends[0], &kept));
    while (take(ends[1], &in) == VEL_OK)
        continue;
    struct vel_train large = to(ends[1], VEL_TRAIN_MAX); /* more than the queue, but alone */
    ASSERT_OK(vel_link_send(ends[0], &large));
    ASSERT_OK(take(ends[1], &in));
    assert_int_equal(in.len, VEL_TRAIN_MAX);
    vel_link_free(ends[0]);
    vel_link_free(ends[1]);
    test_env_done(&t);
}

/* Lost: for another address, or after the other end is gone. Neither is an error. */
static void what_nobody_receives_is_lost(void **state)
{
    (void)state;
    struct test_env t;
    struct vel_link *ends[2];
    struct vel_train in;
    test_env_init(&t, 1);
    ASSERT_OK(vel_memory_link_new(&t.env, NULL, ends));
    struct vel_train elsewhere = to(ends[1], LEN);
    elsewhere.remote.port = 9;
    ASSERT_OK(vel_link_send(ends[0], &elsewhere));
    ASSERT_ERR("nothing", take(ends[1], &in), VEL_ERR_AGAIN);
    struct vel_train out = to(ends[1], LEN);
    ASSERT_OK(vel_link_send(ends[0], &out));
    vel_link_free(ends[1]); /* with a train that waits */
    ASSERT_OK(vel_link_send(ends[0], &out));
    vel_link_free(ends[0]);
    test_env_done(&t);
}

/* Lets every second train pass, marked as by a congested router. */
static bool every_second(void *self, struct vel_train *train)
{
    unsigned *count = self;
    train->ecn = VEL_ECN_CE;
    train->bytes[0] ^= 0xff;
    return ++*count % 2 == 0;
}

static void the_experiment_decides(void **state)
{
    (void)state;
    struct test_env t;
    struct vel_link *ends[2];
    struct vel_train in;
    unsigned count = 0;
    struct vel_memory_setup setup = {.pass = every_second, .self = &count};
    test_env_init(&t, 1);
    ASSERT_OK(vel_memory_link_new(&t.env, &setup, ends));
    outgoing[0] = 0x0f;
    for (int i = 0; i < 4; i++) {
        struct vel_train out = to(ends[1], LEN);
        ASSERT_OK(vel_link_send(ends[0], &out));
    }
    for (int i = 0; i < 2; i++) {
        ASSERT_OK(take(ends[1], &in));
        assert_int_equal(in.ecn, VEL_ECN_CE);
        assert_int_equal(in.bytes[0], 0xf0);
    }
    ASSERT_ERR("two of four", take(ends[1], &in), VEL_ERR_AGAIN);
    assert_int_equal(outgoing[0], 0x0f);
    vel_link_free(ends[0]);
    vel_link_free(ends[1]);
    test_env_done(&t);
}

static void allocations_fail(void **state)
{
    (void)state;
    struct test_env t;
    struct vel_link *ends[2] = {NULL, NULL};
    struct vel_train in;
    test_env_init(&t, 1);
    t.fail_after = 0;
    ASSERT_ERR("pair", vel_memory_link_new(&t.env, NULL, ends), VEL_ERR_NOMEM);
    assert_null(ends[0]);
    t.fail_after = 1;
    ASSERT_OK(vel_memory_link_new(&t.env, NULL, ends));
    struct vel_train out = to(ends[1], LEN);
    ASSERT_ERR("train", vel_link_send(ends[0], &out), VEL_ERR_NOMEM);
    assert_int_equal(out.len, LEN);
    ASSERT_ERR("nothing", take(ends[1], &in), VEL_ERR_AGAIN);
    vel_link_free(ends[0]);
    vel_link_free(ends[1]);
    vel_link_free(NULL);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_trains_both_ways),
        cmocka_unit_test(queue_is_bounded),
        cmocka_unit_test(what_nobody_receives_is_lost),
        cmocka_unit_test(the_experiment_decides),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
