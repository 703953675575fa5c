/* SPDX-License-Identifier: MIT */
#include "transport/recovery.h"

#include "transport/recovery_fixture.h"

static void acknowledged_packets_leave_the_flight(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 6; i++)
        fix_send(&f, APP, i * MS);
    assert_int_equal(f.r.in_flight, 6 * FIX_MTU);
    ASSERT_OK(fix_ack_two(&f, APP, 2, 3, 0, 0, 0, 102 * MS));
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(f.heard[APP][i].acked, i == 0 || i == 2 || i == 3);
    assert_int_equal(f.r.in_flight, 3 * FIX_MTU);
    ASSERT_OK(fix_ack(&f, APP, 0, 5, 0, 105 * MS));
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(f.heard[APP][i].acked, 1); /* each once, repeated or not */
    assert_int_equal(f.r.in_flight, 0);
    assert_true(vel_sent_is_empty(&f.r.space[APP].sent));
    vel_recovery_trim(&f.r);
    assert_int_equal(f.t.outstanding, 0);
    fix_done(&f);
}

static void numbers_never_sent_convict_the_peer(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    ASSERT_ERR("nothing was sent", fix_ack(&f, APP, 0, 0, 0, MS), VEL_ERR_UNEXPECTED);
    for (unsigned i = 0; i < 3; i++)
        fix_send(&f, APP, 0);
    ASSERT_OK(vel_sent_skip(&f.r.space[APP].sent));
    fix_send(&f, APP, 0);
    ASSERT_ERR("not yet", fix_ack(&f, APP, 5, 5, 0, MS), VEL_ERR_UNEXPECTED);
    ASSERT_ERR("skipped, inside", fix_ack(&f, APP, 2, 4, 0, MS), VEL_ERR_UNEXPECTED);
    ASSERT_ERR("another space", fix_ack(&f, HANDSHAKE, 0, 0, 0, MS), VEL_ERR_UNEXPECTED);
    fix_done(&f);

    fix_established(&f, true);
    fix_send(&f, APP, 0);
    ASSERT_OK(vel_sent_skip(&f.r.space[APP].sent));
    ASSERT_ERR("skipped, largest", fix_ack(&f, APP, 1, 1, 0, MS), VEL_ERR_UNEXPECTED);
    fix_send(&f, APP, 0);
    ASSERT_OK(fix_ack_two(&f, APP, 2, 2, 0, 0, 0, MS));
    assert_int_equal(f.r.in_flight, 0);
    fix_done(&f);
}

/* RFC 9000 21.4: a peer that acknowledges ahead of what it received is found out. */
static void optimists_are_convicted(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    struct vel_sent *sent = &f.r.space[APP].sent;
    uint64_t skipped = VEL_NUMBER_NONE;
    for (unsigned i = 0; i < 2 * VEL_SKIP_FIRST; i++) {
        uint64_t next = sent->next;
        fix_send(&f, APP, 0);
        if (sent->next == next + 2)
            skipped = next + 1;
    }
    assert_in_range(skipped, VEL_SKIP_FIRST, 2 * VEL_SKIP_FIRST);
    ASSERT_OK(fix_ack(&f, APP, 0, skipped - 1, 0, 100 * MS)); /* honest so far */
    ASSERT_ERR("too far", fix_ack(&f, APP, 0, sent->next - 1, 0, 100 * MS), VEL_ERR_UNEXPECTED);
    fix_done(&f);
}

struct told {
    struct vel_record records[8];
    unsigned count;
};

static void keep_record(void *self, enum vel_space space, const struct vel_record *record)
{
    struct told *told = self;
    (void)space;
    assert_true(told->count < VEL_COUNT(told->records));
    told->records[told->count++] = *record;
}

static void send_record(struct fixture *f, struct vel_record record)
{
    struct vel_sent *sent = &f->r.space[APP].sent;
    ASSERT_OK(vel_sent_begin(sent));
    ASSERT_OK(vel_sent_add(sent, record));
    vel_recovery_sent(&f->r, VEL_SPACE_APP, FIX_MTU, true, true, VEL_ECN_NOT_ECT, 0);
}

/* Packets of one stream that follow each other are told as one record; nothing else is. */
static void a_row_of_a_stream_is_told_at_once(void **state)
{
    (void)state;
    static const struct vel_record sent[] = {
        {.kind = VEL_RECORD_STREAM, .id = 4, .offset = 0, .len = 100},
        {.kind = VEL_RECORD_STREAM, .id = 4, .offset = 100, .len = 50},
        {.kind = VEL_RECORD_STREAM, .id = 8, .offset = 150, .len = 50},
        {.kind = VEL_RECORD_STREAM, .id = 8, .offset = 300, .len = 50},
        {.kind = VEL_RECORD_MAX_DATA, .offset = 350},
        {.kind = VEL_RECORD_STREAM, .id = 8, .offset = 350, .len = 50, .fin = true},
        {.kind = VEL_RECORD_STREAM, .id = 8, .offset = 400, .len = 0, .fin = true},
        {.kind = VEL_RECORD_STREAM, .id = 12, .offset = 0, .len = UINT32_MAX},
        {.kind = VEL_RECORD_STREAM, .id = 12, .offset = UINT32_MAX, .len = 1},
    };
    struct fixture f;
    struct told told = {.count = 0};
    fix_established(&f, true);
    f.r.hooks.acked = keep_record;
    f.r.hooks.self = &told;
    for (size_t i = 0; i < VEL_COUNT(sent); i++)
        send_record(&f, sent[i]);
    ASSERT_OK(fix_ack(&f, APP, 0, VEL_COUNT(sent) - 1, 0, 100 * MS));
    assert_int_equal(told.count, VEL_COUNT(sent) - 1);
    assert_int_equal(told.records[0].offset, 0);
    assert_int_equal(told.records[0].len, 150);
    for (size_t i = 2; i < VEL_COUNT(sent); i++) {
        const struct vel_record *one = &told.records[i - 1];
        assert_int_equal(one->kind, sent[i].kind);
        assert_int_equal(one->id, sent[i].id);
        assert_int_equal(one->offset, sent[i].offset);
        assert_int_equal(one->len, sent[i].len);
        assert_int_equal(one->fin, sent[i].fin);
    }
    fix_done(&f);
}

/* A fin ends a row, and belongs to it. */
static void a_row_ends_with_its_fin(void **state)
{
    (void)state;
    struct vel_record row = {.kind = VEL_RECORD_STREAM, .id = 4, .offset = 0, .len = 100};
    struct vel_record next = {.kind = VEL_RECORD_STREAM, .id = 4, .offset = 100, .fin = true};
    assert_true(vel_record_join(&row, &next));
    assert_true(row.fin);
    assert_false(vel_record_join(&row, &next));
    assert_int_equal(row.len, 100);
}

/* RFC 9002 5.1 and 5.3: which ACKs give a sample, and what is taken off. */
static void round_trip_samples(void **state)
{
    (void)state;
    const struct {
        const char *what;
        unsigned space;
        bool eliciting, confirmed;
        vel_time delay, smoothed; /* an earlier sample was 50 ms; this one takes 90 */
    } rows[] = {
        {"Initial: delay ignored", INITIAL, true, false, 30 * MS, 55 * MS},
        {"Handshake: delay counts", HANDSHAKE, true, false, 30 * MS, 51250 * US},
        {"1-RTT before confirmation", APP, true, false, 30 * MS, 51250 * US},
        {"1-RTT: max_ack_delay", APP, true, true, 30 * MS, 51875 * US},
        {"nothing ack-eliciting", APP, false, true, 30 * MS, 50 * MS},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct fixture f;
        fix_init(&f, true);
        vel_rtt_update(&f.r.rtt, 50 * MS, 0, 0);
        if (rows[i].confirmed)
            vel_recovery_set_confirmed(&f.r);
        fix_send_as(&f, rows[i].space, rows[i].eliciting, VEL_ECN_NOT_ECT, 10 * MS);
        ASSERT_OK(fix_ack(&f, rows[i].space, 0, 0, rows[i].delay, 100 * MS));
        CHECK(rows[i].what, f.r.rtt.smoothed == rows[i].smoothed);
        fix_done(&f);
    }
}

static void only_a_new_largest_is_a_sample(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    fix_send(&f, APP, 0);
    fix_send(&f, APP, 1 * MS);
    ASSERT_OK(fix_ack(&f, APP, 1, 1, 0, 101 * MS));
    vel_time smoothed = f.r.rtt.smoothed;
    ASSERT_OK(fix_ack(&f, APP, 0, 1, 0, 105 * MS));
    assert_int_equal(f.r.rtt.smoothed, smoothed);
    fix_done(&f);
}

static void the_window_grows_when_it_is_used(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    assert_int_equal(vel_recovery_room(&f.r), 10 * FIX_MTU);
    for (unsigned i = 0; i < 10; i++)
        fix_send(&f, APP, 0);
    assert_int_equal(vel_recovery_room(&f.r), 0);
    ASSERT_OK(fix_ack(&f, APP, 0, 1, 0, 100 * MS));
    assert_int_equal(vel_recovery_room(&f.r), 4 * FIX_MTU);
    vel_recovery_set_app_limited(&f.r, true);
    ASSERT_OK(fix_ack(&f, APP, 2, 3, 0, 100 * MS));
    assert_int_equal(vel_recovery_room(&f.r), 6 * FIX_MTU);
    fix_done(&f);
}

static void marks_are_congestion(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < 4; i++)
        fix_send_as(&f, APP, true, VEL_ECN_ECT0, i * MS);
    struct vel_frame_ack ack = {
        .largest = 2, .first_range = 2, .has_ecn = true, .ecn = {.ect0 = 1, .ce = 2}};
    ASSERT_OK(vel_recovery_on_ack(&f.r, VEL_SPACE_APP, &ack, 0, 102 * MS));
    assert_int_equal(f.r.ce_marks, 2);
    assert_int_equal(f.r.cc.window, 5 * FIX_MTU);
    assert_int_equal(f.r.ecn.state, VEL_ECN_CAPABLE);
    ack = (struct vel_frame_ack){.largest = 3, .has_ecn = true, .ecn = {.ect0 = 1, .ce = 3}};
    ASSERT_OK(vel_recovery_on_ack(&f.r, VEL_SPACE_APP, &ack, 0, 103 * MS));
    assert_int_equal(f.r.ce_marks, 3);
    assert_int_equal(f.r.cc.window, 5 * FIX_MTU); /* the same round trip */
    fix_done(&f);
}

/* Packets taken for lost that arrive after all undo a reduction, but not when the network has marked
 * packets of the same round trip. */
static void marks_are_not_undone(void **state)
{
    (void)state;
    for (unsigned ce = 0; ce < 2; ce++) {
        struct fixture f;
        fix_established(&f, true);
        for (unsigned i = 0; i < 10; i++)
            fix_send_as(&f, APP, true, VEL_ECN_ECT0, i * MS);
        struct vel_frame_ack ack = {
            .largest = 7, .first_range = 3, .has_ecn = true, .ecn = {.ect0 = 4}};
        ASSERT_OK(vel_recovery_on_ack(&f.r, VEL_SPACE_APP, &ack, 0, 107 * MS));
        assert_int_equal(f.r.cc.window, 5 * FIX_MTU);
        ack = (struct vel_frame_ack){
            .largest = 8, .has_ecn = true, .ecn = {.ect0 = 5 - ce, .ce = ce}};
        ASSERT_OK(vel_recovery_on_ack(&f.r, VEL_SPACE_APP, &ack, 0, 108 * MS));
        assert_int_equal(f.r.ce_marks, ce);
        ack = (struct vel_frame_ack){
            .largest = 9, .first_range = 9, .has_ecn = true, .ecn = {.ect0 = 10 - ce, .ce = ce}};
        ASSERT_OK(vel_recovery_on_ack(&f.r, VEL_SPACE_APP, &ack, 0, 109 * MS));
        if (ce > 0)
            assert_int_equal(f.r.cc.window, 5 * FIX_MTU);
        else
            assert_true(f.r.cc.window >= 10 * FIX_MTU);
        fix_done(&f);
    }
}

static void a_discarded_space_leaves_without_a_word(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, true);
    fix_send(&f, INITIAL, 0);
    fix_send(&f, INITIAL, 0);
    fix_send(&f, HANDSHAKE, 0);
    vel_recovery_discard(&f.r, VEL_SPACE_INITIAL);
    assert_int_equal(f.r.in_flight, FIX_MTU);
    assert_int_equal(f.heard[INITIAL][0].lost + f.heard[INITIAL][0].acked, 0);
    assert_true(f.r.space[INITIAL].discarded);
    assert_int_equal(f.r.space[INITIAL].eliciting, 0);
    fix_done(&f);
}

/* RFC 9000 17.2.5.3: after a Retry the hello leaves again, with numbers that go on. */
static void everything_can_be_sent_again(void **state)
{
    (void)state;
    struct fixture f;
    fix_init(&f, true);
    for (unsigned i = 0; i < 4; i++)
        fix_send(&f, INITIAL, 0);
    vel_recovery_resend_all(&f.r, VEL_SPACE_INITIAL);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(f.heard[INITIAL][i].lost, 1);
    assert_int_equal(f.r.in_flight, 0);
    assert_int_equal(f.r.packets_lost, 0);
    assert_int_equal(f.r.cc.window, 10 * FIX_MTU);
    assert_int_equal(f.r.space[INITIAL].sent.next, 4);
    fix_done(&f);
}

/* A pure receiver sends acknowledgements that nobody acknowledges. */
static void old_ack_only_packets_are_forgotten(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    for (unsigned i = 0; i < FIX_NUMBERS; i++)
        fix_send_as(&f, APP, false, VEL_ECN_NOT_ECT, i * MS);
    const struct vel_sent *sent = &f.r.space[APP].sent;
    assert_int_equal(sent->next - sent->base, VEL_RECOVERY_ACK_ONLY_KEPT);
    assert_int_equal(f.r.in_flight, 0);
    assert_true(vel_recovery_deadline(&f.r) == VEL_NEVER);
    ASSERT_OK(fix_ack(&f, APP, 0, FIX_NUMBERS - 1, 0, SECOND));
    assert_int_equal(f.heard[APP][FIX_NUMBERS - 1].acked, 1);
    assert_int_equal(f.heard[APP][0].acked, 0);
    fix_done(&f);
}

/* Nobody acknowledges the last acknowledgement: that keeps no memory once it is quiet. */
static void quiet_gives_memory_back(void **state)
{
    (void)state;
    struct fixture f;
    fix_established(&f, true);
    const struct vel_sent *sent = &f.r.space[APP].sent;
    fix_send_as(&f, APP, true, VEL_ECN_NOT_ECT, 0);
    fix_send_as(&f, APP, false, VEL_ECN_NOT_ECT, 0);
    vel_recovery_trim(&f.r);
    assert_int_equal(sent->next - sent->base, 2);
    ASSERT_OK(fix_ack(&f, APP, 0, 0, 0, MS));
    vel_recovery_trim(&f.r);
    assert_true(vel_sent_is_empty(sent));
    assert_int_equal(sent->packet_slots, 0);
    ASSERT_OK(fix_ack(&f, APP, 1, 1, 0, SECOND)); /* late, and no harm */
    fix_send_as(&f, APP, true, VEL_ECN_NOT_ECT, SECOND);
    ASSERT_OK(fix_ack(&f, APP, 2, 2, 0, SECOND + MS));
    assert_int_equal(f.heard[APP][2].acked, 1);
    assert_int_equal(f.r.in_flight, 0);
    fix_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_packets_leave_the_flight),
        cmocka_unit_test(numbers_never_sent_convict_the_peer),
        cmocka_unit_test(optimists_are_convicted),
        cmocka_unit_test(a_row_of_a_stream_is_told_at_once),
        cmocka_unit_test(a_row_ends_with_its_fin),
        cmocka_unit_test(round_trip_samples),
        cmocka_unit_test(only_a_new_largest_is_a_sample),
        cmocka_unit_test(the_window_grows_when_it_is_used),
        cmocka_unit_test(marks_are_congestion),
        cmocka_unit_test(marks_are_not_undone),
        cmocka_unit_test(a_discarded_space_leaves_without_a_word),
        cmocka_unit_test(everything_can_be_sent_again),
        cmocka_unit_test(old_ack_only_packets_are_forgotten),
        cmocka_unit_test(quiet_gives_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
