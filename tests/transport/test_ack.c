/* SPDX-License-Identifier: MIT */
#include "transport/ack.h"

#include "base/units.h"
#include "testing/test.h"

#define MAX_DELAY (25 * MS)

static const struct vel_ack_policy usual = {
    .max_delay = MAX_DELAY, .every = VEL_ACK_EVERY, .reordering = 1};

static void receive(struct vel_acks *acks, uint64_t number, vel_time now)
{
    assert_false(vel_acks_is_duplicate(acks, number));
    ASSERT_OK(vel_acks_received(acks, number, true, VEL_ECN_NOT_ECT, now));
    assert_true(vel_acks_is_duplicate(acks, number));
}

/* Packets arrive 1 ms apart; when is the acknowledgement due? RFC 9000 13.2.1 and 13.2.2. */
static void when_to_acknowledge(void **state)
{
    (void)state;
    const struct {
        const char *what;
        vel_time max_delay;
        unsigned count;
        struct {
            uint64_t number;
            bool eliciting;
            uint8_t ecn;
        } packets[4];
        vel_time due;
    } rows[] = {
        {"nothing asks", MAX_DELAY, 2, {{0, false, 0}, {1, false, 0}}, VEL_NEVER},
        {"one waits", MAX_DELAY, 1, {{0, true, 0}}, MAX_DELAY},
        {"the second not", MAX_DELAY, 2, {{0, true, 0}, {1, true, 0}}, 1 * MS},
        {"the wait is of the first", MAX_DELAY, 2, {{0, true, 0}, {1, false, 0}}, MAX_DELAY},
        {"a gap", MAX_DELAY, 1, {{3, true, 0}}, 0},
        {"a gap, nothing asks", MAX_DELAY, 1, {{3, false, 0}}, VEL_NEVER},
        {"late", MAX_DELAY, 3, {{0, true, 0}, {2, false, 0}, {1, true, 0}}, 2 * MS},
        {"congestion mark", MAX_DELAY, 1, {{0, true, VEL_ECN_CE}}, 0},
        {"handshake", 0, 1, {{0, true, 0}}, 0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_acks acks;
        const struct vel_ack_policy policy = vel_ack_policy(rows[i].max_delay);
        vel_acks_init(&acks, &t.env, &policy);
        for (unsigned k = 0; k < rows[i].count; k++)
            ASSERT_OK(vel_acks_received(&acks, rows[i].packets[k].number,
                                        rows[i].packets[k].eliciting, rows[i].packets[k].ecn,
                                        k * MS));
        CHECK(rows[i].what, vel_acks_deadline(&acks) == rows[i].due);
        vel_acks_sent(&acks, false);
        CHECK(rows[i].what, vel_acks_deadline(&acks) == VEL_NEVER && !vel_acks_is_pending(&acks));
        vel_acks_clear(&acks);
        test_env_done(&t);
    }
}

static void every_nth_is_a_setting(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    struct vel_ack_policy policy = usual;
    vel_acks_init(&acks, &t.env, &policy);
    policy.every = 10;
    for (uint64_t n = 0; n < 9; n++)
        receive(&acks, n, 0);
    assert_false(vel_acks_is_due(&acks, MAX_DELAY - 1));
    receive(&acks, 9, 5);
    assert_true(vel_acks_is_due(&acks, 5));
    vel_acks_clear(&acks);
    test_env_done(&t);
}

/* What a peer may ask for, and what becomes of it: draft-ietf-quic-ack-frequency 4, VEL-TR-31. */
static void what_a_peer_asks_is_obeyed_within_bounds(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_frame_ack_frequency frame;
        enum vel_err want;
        uint32_t every;
        vel_time max_delay;
    } rows[] = {
        {"as it was", {0, 1, 25000, 1}, VEL_OK, 2, 25 * MS},
        {"every one", {0, 0, 25000, 1}, VEL_OK, 1, 25 * MS},
        {"few", {7, 99, 5000, 3}, VEL_OK, 100, 5 * MS},
        {"hardly any", {0, VEL_VARINT_LAST, 25000, 0}, VEL_OK, VEL_ACK_EVERY_MAX, 25 * MS},
        {"the least delay", {0, 1, 1000, 1}, VEL_OK, 2, 1 * MS},
        {"less", {0, 1, 999, 1}, VEL_ERR_UNEXPECTED, 2, MAX_DELAY},
        {"none", {0, 1, 0, 1}, VEL_ERR_UNEXPECTED, 2, MAX_DELAY},
        {"the most", {0, 1, 16383999, 1}, VEL_OK, 2, VEL_ACK_MAX_DELAY},
        {"more", {0, 1, 16384000, 1}, VEL_ERR_UNEXPECTED, 2, MAX_DELAY},
        {"no time at all", {0, 1, VEL_VARINT_LAST, 1}, VEL_ERR_UNEXPECTED, 2, MAX_DELAY},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_ack_policy policy = usual;
        ASSERT_ERR(rows[i].what, vel_ack_policy_obey(&policy, &rows[i].frame), rows[i].want);
        CHECK(rows[i].what, policy.every == rows[i].every);
        CHECK(rows[i].what, policy.max_delay == rows[i].max_delay);
    }
    struct vel_ack_policy policy = usual;
    ASSERT_OK(vel_ack_policy_obey(&policy, &(struct vel_frame_ack_frequency){5, 9, 5000, 3}));
    ASSERT_OK(vel_ack_policy_obey(&policy, &(struct vel_frame_ack_frequency){5, 1, 5000, 3}));
    ASSERT_OK(vel_ack_policy_obey(&policy, &(struct vel_frame_ack_frequency){4, 1, 5000, 3}));
    assert_int_equal(policy.every, 10); /* those were old */
    ASSERT_OK(vel_ack_policy_obey(&policy, &(struct vel_frame_ack_frequency){6, 1, 5000, 3}));
    assert_int_equal(policy.every, 2);
}

/* Which of these packets, all of them eliciting, is acknowledged at once? `told`: before that an
 * acknowledgement of the first so many leaves. draft-ietf-quic-ack-frequency 6.2. */
static void reordering_is_tolerated_when_asked(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint64_t reordering;
        uint64_t numbers[8];
        unsigned count;
        unsigned urgent; /* set of indexes */
    } rows[] = {
        {"in order", 3, {0, 1, 2, 3, 4, 5, 6, 7}, 8, 0},
        {"any gap", 1, {0, 1, 3, 4, 5, 6}, 6, 1 << 2},
        {"never", 0, {0, 4, 20, 1, 21, 40}, 6, 0},
        {"three later", 3, {0, 1, 3, 4, 5, 6, 7, 8}, 8, 1 << 4},
        {"in time", 3, {0, 1, 3, 4, 2, 5, 6, 7}, 8, 0},
        {"too late", 3, {0, 1, 3, 4, 5, 2, 6, 7}, 8, 1 << 4 | 1 << 5},
        {"a jump", 3, {0, 1, 5, 6, 7, 8}, 6, 1 << 2 | 1 << 3 | 1 << 4},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_acks acks;
        const struct vel_ack_policy policy = {
            .max_delay = MAX_DELAY, .every = 100, .reordering = rows[i].reordering, .asked = true};
        vel_acks_init(&acks, &t.env, &policy);
        for (unsigned k = 0; k < rows[i].count; k++) {
            receive(&acks, rows[i].numbers[k], 0);
            bool urgent = vel_acks_is_due(&acks, 0);
            CHECK(rows[i].what, urgent == ((rows[i].urgent >> k & 1) != 0));
            if (urgent)
                vel_acks_sent(&acks, false);
        }
        vel_acks_clear(&acks);
        test_env_done(&t);
    }
}

/* Of marks in a row the first one counts, once fewer acknowledgements were asked for. */
static void marks_in_a_row(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    const struct vel_ack_policy policy = {
        .max_delay = MAX_DELAY, .every = 100, .reordering = 3, .asked = true};
    vel_acks_init(&acks, &t.env, &policy);
    const uint8_t marks[] = {VEL_ECN_ECT0, VEL_ECN_CE, VEL_ECN_CE, VEL_ECN_ECT0, VEL_ECN_CE};
    for (uint64_t n = 0; n < VEL_COUNT(marks); n++) {
        ASSERT_OK(vel_acks_received(&acks, n, true, marks[n], 0));
        assert_int_equal(vel_acks_is_due(&acks, 0), n == 1 || n == 4);
        if (vel_acks_is_due(&acks, 0))
            vel_acks_sent(&acks, false);
    }
    vel_acks_hurry(&acks, 0);
    assert_true(vel_acks_is_due(&acks, 0));
    vel_acks_clear(&acks);
    test_env_done(&t);
}

/* VEL-TR-30: a long connection gets fewer, when a round trip is known; a wait of a quarter of it. */
static void few_after_many(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    vel_acks_init(&acks, &t.env, &usual);
    acks.round_trip = 40 * MS;
    uint64_t n = 0;
    unsigned sent = 0;
    for (; n < VEL_ACK_FEW_AFTER + 100; n++) {
        receive(&acks, n, 0);
        if (!vel_acks_is_due(&acks, 0))
            continue;
        vel_acks_sent(&acks, false);
        sent++;
    }
    assert_int_equal(sent, VEL_ACK_FEW_AFTER / 2 + 10);
    receive(&acks, n, 0);
    assert_int_equal(vel_acks_deadline(&acks), 10 * MS);
    vel_acks_clear(&acks);
    test_env_done(&t);
}

/* A lossy path leaves no range behind that nobody was told of. */
static void ranges_are_told_before_they_go(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    const struct vel_ack_policy policy = {
        .max_delay = MAX_DELAY, .every = VEL_ACK_EVERY_MAX, .reordering = 0, .asked = true};
    vel_acks_init(&acks, &t.env, &policy);
    for (uint64_t n = 0; n < 2 * VEL_ACK_RANGES; n++) {
        receive(&acks, 2 * n, 0);
        assert_int_equal(vel_acks_is_due(&acks, 0), acks.received.count == VEL_ACK_RANGES);
    }
    vel_acks_clear(&acks);
    test_env_done(&t);
}

static void the_oldest_ranges_go(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    vel_acks_init(&acks, &t.env, &usual);
    for (uint64_t n = 0; n < 100; n++)
        receive(&acks, 2 * n + 10, 0);
    assert_int_equal(acks.received.count, VEL_ACK_RANGES);
    assert_int_equal(acks.largest, 208);
    assert_true(vel_acks_is_duplicate(&acks, 10));
    assert_true(vel_acks_is_duplicate(&acks, 11)); /* cannot tell any more */
    assert_false(vel_acks_is_duplicate(&acks, 207));
    receive(&acks, 207, 0); /* joins two: room again */
    assert_int_equal(acks.received.count, VEL_ACK_RANGES - 1);
    vel_acks_clear(&acks);
    test_env_done(&t);
}

static void what_the_peer_knows_is_forgotten(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    vel_acks_init(&acks, &t.env, &usual);
    const uint64_t numbers[] = {0, 1, 2, 5, 6, 7, 9};
    for (size_t i = 0; i < VEL_COUNT(numbers); i++)
        receive(&acks, numbers[i], 0);
    vel_acks_acked(&acks, 6);
    assert_int_equal(acks.received.count, 2);
    assert_int_equal(vel_ranges_at(&acks.received, 0)->start, 6);
    assert_true(vel_acks_is_duplicate(&acks, 3));
    assert_false(vel_acks_is_duplicate(&acks, 8));
    vel_acks_acked(&acks, 2); /* an older one, late */
    assert_int_equal(vel_ranges_at(&acks.received, 0)->start, 6);
    vel_acks_clear(&acks);
    test_env_done(&t);
}

static void delay_is_of_the_largest(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    vel_acks_init(&acks, &t.env, &usual);
    receive(&acks, 5, 10 * MS);
    receive(&acks, 4, 11 * MS);
    assert_int_equal(vel_acks_delay(&acks, 3, 18 * MS), 1000);
    assert_int_equal(vel_acks_delay(&acks, 0, 18 * MS), 8000);
    vel_acks_clear(&acks);
    test_env_done(&t);
}

static void ecn_is_counted(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    vel_acks_init(&acks, &t.env, &usual);
    const uint8_t marks[] = {VEL_ECN_ECT0, VEL_ECN_ECT0, VEL_ECN_CE, VEL_ECN_ECT1, VEL_ECN_NOT_ECT};
    for (size_t i = 0; i < VEL_COUNT(marks); i++)
        ASSERT_OK(vel_acks_received(&acks, i, true, marks[i], 0));
    assert_int_equal(acks.ecn.ect0, 2);
    assert_int_equal(acks.ecn.ect1, 1);
    assert_int_equal(acks.ecn.ce, 1);
    vel_acks_clear(&acks);
    test_env_done(&t);
}

static void asks_for_a_ping_now_and_then(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    vel_acks_init(&acks, &t.env, &usual);
    for (unsigned i = 0; i < VEL_ACK_ELICIT_AFTER; i++) {
        assert_false(vel_acks_wants_ping(&acks));
        vel_acks_sent(&acks, false);
    }
    assert_true(vel_acks_wants_ping(&acks));
    vel_acks_sent(&acks, true);
    assert_false(vel_acks_wants_ping(&acks));
    test_env_done(&t);
}

static void without_memory_nothing_was_received(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_acks acks;
    vel_acks_init(&acks, &t.env, &usual);
    t.fail_after = 0;
    uint64_t number = 0;
    enum vel_err err = VEL_OK;
    for (; err == VEL_OK; number += 2)
        err = vel_acks_received(&acks, number, true, VEL_ECN_CE, 0);
    ASSERT_ERR("inline ranges are full", err, VEL_ERR_NOMEM);
    assert_false(vel_acks_is_duplicate(&acks, number - 2));
    assert_int_equal(acks.largest, number - 4);
    assert_int_equal(acks.ecn.ce, number / 2 - 1);
    vel_acks_clear(&acks);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_to_acknowledge),
        cmocka_unit_test(every_nth_is_a_setting),
        cmocka_unit_test(what_a_peer_asks_is_obeyed_within_bounds),
        cmocka_unit_test(reordering_is_tolerated_when_asked),
        cmocka_unit_test(marks_in_a_row),
        cmocka_unit_test(few_after_many),
        cmocka_unit_test(ranges_are_told_before_they_go),
        cmocka_unit_test(the_oldest_ranges_go),
        cmocka_unit_test(what_the_peer_knows_is_forgotten),
        cmocka_unit_test(delay_is_of_the_largest),
        cmocka_unit_test(ecn_is_counted),
        cmocka_unit_test(asks_for_a_ping_now_and_then),
        cmocka_unit_test(without_memory_nothing_was_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
