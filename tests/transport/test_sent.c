/* SPDX-License-Identifier: MIT */
#include "transport/sent.h"

#include "base/units.h"
#include "testing/test.h"

static void send_packet(struct vel_sent *sent, unsigned records)
{
    ASSERT_OK(vel_sent_begin(sent));
    uint64_t number = sent->next;
    for (unsigned i = 0; i < records; i++)
        ASSERT_OK(vel_sent_add(sent, (struct vel_record){.id = number, .offset = i}));
    vel_sent_commit(sent, (struct vel_sent_packet){.time = (vel_time)number, .size = 1200});
}

static void check_packet(const struct vel_sent *sent, uint64_t number, unsigned records)
{
    const struct vel_sent_packet *packet = vel_sent_find(sent, number);
    assert_non_null(packet);
    assert_int_equal(packet->state, VEL_SENT_OUTSTANDING);
    assert_int_equal(packet->time, number);
    assert_int_equal(packet->records, records);
    for (unsigned i = 0; i < records; i++) {
        assert_int_equal(vel_sent_record(sent, packet, i)->id, number);
        assert_int_equal(vel_sent_record(sent, packet, i)->offset, i);
    }
}

/* Packets with 0 to 4 records each stay what they are while both rings wrap and grow. */
static void packets_keep_their_records(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    for (uint64_t n = 0; n < 3000; n++) {
        send_packet(&sent, (unsigned)(n % 5));
        if (n % 3 == 2) { /* settle one of three: the flight grows */
            vel_sent_find(&sent, sent.base)->state = n % 2 ? VEL_SENT_ACKED : VEL_SENT_LOST;
            vel_sent_settle(&sent);
        }
    }
    assert_int_equal(sent.base, 1000);
    for (uint64_t n = sent.base; n < sent.next; n++)
        check_packet(&sent, n, (unsigned)(n % 5));
    vel_sent_clear(&sent);
    assert_int_equal(sent.next, 3000);
    assert_true(vel_sent_is_empty(&sent));
    test_env_done(&t);
}

static void settling_stops_at_the_first_outstanding(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    for (unsigned i = 0; i < 4; i++)
        send_packet(&sent, 1);
    vel_sent_find(&sent, 1)->state = VEL_SENT_ACKED;
    vel_sent_settle(&sent);
    assert_int_equal(sent.base, 0);
    vel_sent_find(&sent, 0)->state = VEL_SENT_LOST;
    vel_sent_settle(&sent);
    assert_int_equal(sent.base, 2);
    assert_null(vel_sent_find(&sent, 1));
    assert_null(vel_sent_find(&sent, 4));
    check_packet(&sent, 2, 1);
    vel_sent_clear(&sent);
    test_env_done(&t);
}

static void an_abandoned_packet_leaves_nothing(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    send_packet(&sent, 2);
    ASSERT_OK(vel_sent_begin(&sent));
    ASSERT_OK(vel_sent_add(&sent, (struct vel_record){.id = 99}));
    vel_sent_abandon(&sent);
    assert_int_equal(sent.next, 1);
    send_packet(&sent, 1);
    check_packet(&sent, 0, 2);
    check_packet(&sent, 1, 1);
    vel_sent_clear(&sent);
    test_env_done(&t);
}

static void a_skipped_number_keeps_its_slot(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    send_packet(&sent, 1);
    ASSERT_OK(vel_sent_skip(&sent));
    send_packet(&sent, 1);
    assert_int_equal(sent.next, 3);
    assert_int_equal(vel_sent_find(&sent, 1)->state, VEL_SENT_SKIPPED);
    vel_sent_find(&sent, 0)->state = VEL_SENT_ACKED;
    vel_sent_settle(&sent);
    assert_int_equal(sent.base, 2);
    check_packet(&sent, 2, 1);
    vel_sent_clear(&sent);
    test_env_done(&t);
}

static void memory_comes_back_when_nothing_is_unsettled(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    for (unsigned i = 0; i < 100; i++)
        send_packet(&sent, 1);
    size_t held = t.outstanding;
    vel_sent_trim(&sent);
    assert_int_equal(t.outstanding, held);
    for (uint64_t n = 0; n < 100; n++)
        vel_sent_find(&sent, n)->state = VEL_SENT_ACKED;
    vel_sent_settle(&sent);
    vel_sent_trim(&sent);
    assert_int_equal(t.outstanding, 0);
    send_packet(&sent, 1);
    check_packet(&sent, 100, 1);
    vel_sent_clear(&sent);
    test_env_done(&t);
}

static void no_allocation_once_grown(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    for (unsigned i = 0; i < 16; i++)
        send_packet(&sent, 2);
    t.fail_after = 0;
    for (unsigned i = 0; i < 1000; i++) {
        vel_sent_find(&sent, sent.base)->state = VEL_SENT_ACKED;
        vel_sent_settle(&sent);
        send_packet(&sent, 2);
    }
    vel_sent_clear(&sent);
    test_env_done(&t);
}

static void failed_allocations_change_nothing(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    t.fail_after = 0;
    ASSERT_ERR("first slot", vel_sent_begin(&sent), VEL_ERR_NOMEM);
    ASSERT_ERR("skip", vel_sent_skip(&sent), VEL_ERR_NOMEM);
    t.fail_after = 1;
    ASSERT_OK(vel_sent_begin(&sent));
    ASSERT_ERR("first record", vel_sent_add(&sent, (struct vel_record){0}), VEL_ERR_NOMEM);
    vel_sent_abandon(&sent);
    t.fail_after = -1;
    for (unsigned i = 0; i < 16; i++)
        send_packet(&sent, 2);
    t.fail_after = 0;
    ASSERT_ERR("packets are full", vel_sent_begin(&sent), VEL_ERR_NOMEM);
    check_packet(&sent, 0, 2);
    check_packet(&sent, 15, 2);
    assert_int_equal(sent.next, 16);
    vel_sent_clear(&sent);
    test_env_done(&t);
}

static void the_span_of_numbers_is_limited(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    for (unsigned i = 0; i < VEL_SENT_MAX_PACKETS; i++)
        send_packet(&sent, 0);
    ASSERT_ERR("one more", vel_sent_begin(&sent), VEL_ERR_LIMIT);
    vel_sent_find(&sent, 0)->state = VEL_SENT_ACKED;
    vel_sent_settle(&sent);
    ASSERT_OK(vel_sent_begin(&sent));
    vel_sent_clear(&sent);
    test_env_done(&t);
}

/* What was passed is jumped over, however it came about and however often it is asked. */
static void passed_stretches_are_jumped_over(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_sent sent;
    vel_sent_init(&sent, &t.env);
    enum { COUNT = 1000 };
    bool passed[COUNT] = {false};
    for (unsigned i = 0; i < COUNT; i++) {
        ASSERT_OK(vel_sent_begin(&sent));
        vel_sent_commit(&sent, (struct vel_sent_packet){.size = 1200});
    }
    assert_int_equal(vel_sent_unsettled(&sent, 0), 0);
    for (unsigned i = 0; i < 2 * COUNT; i++) {
        unsigned which = 1 + i * 7919 % (COUNT - 1);
        if (!passed[which]) {
            vel_sent_find(&sent, which)->state = i % 2 == 0 ? VEL_SENT_ACKED : VEL_SENT_LOST;
            vel_sent_pass(&sent, which);
            passed[which] = true;
        }
        unsigned from = i * 104729 % COUNT, want = from;
        while (want < COUNT && passed[want])
            want++;
        assert_int_equal(vel_sent_unsettled(&sent, from), want);
    }
    assert_int_equal(vel_sent_unsettled(&sent, 1), COUNT);
    vel_sent_find(&sent, 0)->state = VEL_SENT_ACKED;
    vel_sent_pass(&sent, 0);
    vel_sent_settle(&sent);
    assert_int_equal(vel_sent_unsettled(&sent, 0), COUNT);
    vel_sent_clear(&sent);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passed_stretches_are_jumped_over),
        cmocka_unit_test(packets_keep_their_records),
        cmocka_unit_test(settling_stops_at_the_first_outstanding),
        cmocka_unit_test(an_abandoned_packet_leaves_nothing),
        cmocka_unit_test(a_skipped_number_keeps_its_slot),
        cmocka_unit_test(memory_comes_back_when_nothing_is_unsettled),
        cmocka_unit_test(no_allocation_once_grown),
        cmocka_unit_test(failed_allocations_change_nothing),
        cmocka_unit_test(the_span_of_numbers_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
