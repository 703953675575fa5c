/* SPDX-License-Identifier: MIT */
#include "transport/datagrams.h"

#include "base/units.h"
#include "testing/test.h"

enum { ANY = VEL_CHOICE_ALL };

static struct test_env t;
static struct vel_datagrams d;

static int begin(void **state)
{
    (void)state;
    test_env_init(&t, 5);
    d = (struct vel_datagrams){.env = &t.env};
    return 0;
}

static int finish(void **state)
{
    (void)state;
    vel_datagrams_clear(&d);
    test_env_done(&t);
    return 0;
}

static enum vel_err push(const char *text, uint8_t urgency, vel_time expires, vel_time now)
{
    struct vel_datagram_order order = {
        .bytes = vel_slice_text(text), .urgency = urgency, .expires = expires};
    return vel_datagrams_push(&d, &order, now, NULL);
}

static void expect_next(const char *text, vel_time now)
{
    const struct vel_datagram *next = vel_datagrams_next(&d, ANY, SIZE_MAX, now);
    assert_non_null(next);
    assert_true(vel_slice_equal(vel_slice(next->bytes, next->len), vel_slice_text(text)));
    vel_datagrams_sent(&d, next);
}

static void the_urgent_and_the_old_go_first(void **state)
{
    (void)state;
    ASSERT_OK(push("third", 3, VEL_NEVER, 0));
    ASSERT_OK(push("fourth", 3, VEL_NEVER, 0));
    ASSERT_OK(push("first", 0, VEL_NEVER, 0));
    ASSERT_OK(push("fifth", 7, VEL_NEVER, 0));
    ASSERT_OK(push("second", 0, VEL_NEVER, 0));
    static const char *const order[] = {"first", "second", "third", "fourth", "fifth"};
    for (size_t i = 0; i < VEL_COUNT(order); i++)
        expect_next(order[i], 0);
    assert_null(vel_datagrams_next(&d, ANY, SIZE_MAX, 0));
    assert_int_equal(d.stats.sent, VEL_COUNT(order));
}

static void the_late_are_dropped(void **state)
{
    (void)state;
    ASSERT_OK(push("late", 0, 10, 0));
    ASSERT_OK(push("in time", 1, 11, 0));
    ASSERT_OK(push("never late", 2, VEL_NEVER, 0));
    expect_next("in time", 10);
    expect_next("never late", 1000);
    assert_int_equal(d.stats.expired, 1);
}

static void the_long_are_dropped_when_the_path_shrinks(void **state)
{
    (void)state;
    ASSERT_OK(push("much too long", 0, VEL_NEVER, 0));
    ASSERT_OK(push("short", 0, VEL_NEVER, 0));
    const struct vel_datagram *next = vel_datagrams_next(&d, ANY, 5, 0);
    assert_int_equal(next->len, 5);
    assert_int_equal(d.stats.too_long, 1);
}

static void the_queue_to_send_is_bounded(void **state)
{
    (void)state;
    static const uint8_t bytes[60000];
    uint64_t id = 0;
    for (unsigned i = 0; i < VEL_DATAGRAMS_WAITING; i++)
        ASSERT_OK(vel_datagrams_push(&d, &(struct vel_datagram_order){.expires = i % 2 ? 5 : 10}, 0,
                                     &id));
    assert_int_equal(id, VEL_DATAGRAMS_WAITING);
    ASSERT_ERR("full", push("", 0, VEL_NEVER, 4), VEL_ERR_AGAIN);
    ASSERT_OK(push("", 0, VEL_NEVER, 5)); /* half of them have expired */
    assert_int_equal(d.stats.expired, VEL_DATAGRAMS_WAITING / 2);
    assert_null(vel_datagrams_next(&d, ANY, 0, VEL_NEVER));

    enum vel_err err = VEL_OK;
    while (err == VEL_OK)
        err = vel_datagrams_push(&d,
                                 &(struct vel_datagram_order){
                                     .bytes = vel_slice(bytes, sizeof bytes), .expires = VEL_NEVER},
                                 0, NULL);
    ASSERT_ERR("bytes", err, VEL_ERR_AGAIN);
    assert_in_range(d.out.bytes, VEL_DATAGRAMS_BYTES - sizeof bytes, VEL_DATAGRAMS_BYTES);
}

/* Whatever a peer sends: the newest are kept, and memory is bounded. */
static void the_queue_of_arrivals_is_bounded(void **state)
{
    (void)state;
    static uint8_t bytes[65000];
    struct vel_slice taken;
    for (unsigned i = 0; i < 3000; i++) {
        bytes[0] = (uint8_t)i;
        vel_datagrams_received(&d, vel_slice(bytes, i % 3 ? sizeof bytes : 1));
        assert_true(t.outstanding <=
                    VEL_DATAGRAMS_BYTES + VEL_DATAGRAMS_WAITING * sizeof(struct vel_datagram));
    }
    assert_true(d.arrived);
    uint64_t count = 0;
    uint8_t last = 0;
    for (; vel_datagrams_take(&d, &taken); count++)
        last = taken.ptr[0];
    assert_int_equal(last, (uint8_t)2999);
    assert_int_equal(d.stats.received, 3000);
    assert_int_equal(d.stats.overflowed + count, 3000);
    for (unsigned i = 0; i < 1000; i++)
        vel_datagrams_received(&d, (struct vel_slice){0});
    assert_int_equal(d.in.count, VEL_DATAGRAMS_WAITING);
}

/* VEL-TR-57: each number is new once, however they come; what is too old to tell is not. */
static void numbers_are_new_once(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        bool is_new;
    } rows[] = {
        {5, true},
        {5, false},
        {1, true},
        {7, true},
        {6, true},
        {7, false},
        {5 + VEL_DATAGRAMS_SEEN, true},
        {5, false},
        {6, false},
        {7, false},
        {8, true},
        {9, true},
        {8, false},
        {6 + VEL_DATAGRAMS_SEEN, true},
        {(UINT64_C(1) << 62) - 1, true},
        {(UINT64_C(1) << 62) - 1, false},
        {8, false},
        {(UINT64_C(1) << 62) - VEL_DATAGRAMS_SEEN, true},
        {(UINT64_C(1) << 62) - VEL_DATAGRAMS_SEEN - 1, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        assert_int_equal(vel_datagrams_is_new(&d, rows[i].number), rows[i].is_new);
}

/* Numbers that jump ahead and fall back, beside a table of all. */
static void numbers_are_new_once_in_any_order(void **state)
{
    (void)state;
    static bool came[4 * VEL_DATAGRAMS_SEEN * 64];
    memset(came, 0, sizeof came);
    uint64_t next = 0;
    for (unsigned i = 0; i < 40000; i++) {
        uint16_t dice[2];
        vel_random(&t.env, dice, sizeof dice);
        bool ahead = dice[0] % 8 == 0;
        uint64_t step = dice[1] % (dice[0] % 512 == 0 ? VEL_DATAGRAMS_SEEN + 2U : 100U);
        uint64_t back = dice[1] % (VEL_DATAGRAMS_SEEN + 10U);
        uint64_t number = ahead ? next + step : next - VEL_MIN(back, next);
        assert_true(number < VEL_COUNT(came));
        next = VEL_MAX(next, number + 1);
        bool is_new = !came[number] && next - number <= VEL_DATAGRAMS_SEEN;
        assert_int_equal(vel_datagrams_is_new(&d, number), is_new);
        came[number] = true;
    }
}

/* Any order of coming and going, beside a plain list in the order in which they are to leave. */
static void any_order_of_urgencies(void **state)
{
    (void)state;
    uint64_t ids[VEL_DATAGRAMS_WAITING];
    uint8_t urgencies[VEL_DATAGRAMS_WAITING];
    unsigned count = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t dice[3];
        vel_random(&t.env, dice, sizeof dice);
        if (count < 8 && dice[0] % 2 == 0) {
            unsigned at = 0;
            while (at < count && urgencies[at] <= dice[1] % 4)
                at++;
            memmove(ids + at + 1, ids + at, (count - at) * sizeof *ids);
            memmove(urgencies + at + 1, urgencies + at, count - at);
            urgencies[at] = dice[1] % 4;
            struct vel_datagram_order order = {
                .bytes = vel_slice_text("x"), .expires = VEL_NEVER, .urgency = urgencies[at]};
            ASSERT_OK(vel_datagrams_push(&d, &order, 0, &ids[at]));
            count++;
        } else if (count > 0) {
            const struct vel_datagram *leaves = d.out.first;
            unsigned at = dice[2] % count;
            for (unsigned n = 0; n < at; n++)
                leaves = leaves->next;
            assert_int_equal(leaves->id, ids[at]);
            vel_datagrams_sent(&d, leaves);
            count--;
            memmove(ids + at, ids + at + 1, (count - at) * sizeof *ids);
            memmove(urgencies + at, urgencies + at + 1, count - at);
        }
        assert_int_equal(d.out.count, count);
    }
}

static void memory_may_run_out(void **state)
{
    (void)state;
    t.fail_after = 0;
    ASSERT_ERR("out", push("x", 0, VEL_NEVER, 0), VEL_ERR_NOMEM);
    vel_datagrams_received(&d, vel_slice_text("x"));
    t.fail_after = -1;
    struct vel_slice taken;
    assert_false(vel_datagrams_take(&d, &taken));
    assert_int_equal(d.stats.overflowed, 1);
}

#define WITH_QUEUES(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_QUEUES(the_urgent_and_the_old_go_first),
        WITH_QUEUES(the_late_are_dropped),
        WITH_QUEUES(the_long_are_dropped_when_the_path_shrinks),
        WITH_QUEUES(the_queue_to_send_is_bounded),
        WITH_QUEUES(the_queue_of_arrivals_is_bounded),
        WITH_QUEUES(numbers_are_new_once),
        WITH_QUEUES(numbers_are_new_once_in_any_order),
        WITH_QUEUES(any_order_of_urgencies),
        WITH_QUEUES(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
