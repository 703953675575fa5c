/* SPDX-License-Identifier: MIT */
#include "transport/ecn.h"

#include "base/units.h"
#include "testing/test.h"

static const enum vel_space APP = VEL_SPACE_APP;

static struct vel_ecn_validation marked(unsigned packets)
{
    struct vel_ecn_validation ecn;
    vel_ecn_init(&ecn, true);
    for (unsigned i = 0; i < packets; i++)
        vel_ecn_on_sent(&ecn, APP, vel_ecn_mark(&ecn));
    return ecn;
}

static void ten_packets_are_tested(void **state)
{
    (void)state;
    struct vel_ecn_validation ecn = marked(VEL_ECN_TEST_PACKETS - 1);
    assert_int_equal(vel_ecn_mark(&ecn), VEL_ECN_ECT0);
    vel_ecn_on_sent(&ecn, APP, VEL_ECN_ECT0);
    assert_int_equal(ecn.state, VEL_ECN_UNKNOWN);
    assert_int_equal(vel_ecn_mark(&ecn), VEL_ECN_NOT_ECT);
    vel_ecn_init(&ecn, false);
    assert_int_equal(vel_ecn_mark(&ecn), VEL_ECN_NOT_ECT);
}

/* Ten packets were marked; one ACK comes. RFC 9000 13.4.2.1. */
static void the_first_report_decides(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint64_t newly_marked;
        bool reported;
        struct vel_ecn_counts counts;
        enum vel_ecn_state state;
        uint64_t marks;
    } rows[] = {
        {"all arrive marked", 3, true, {.ect0 = 3}, VEL_ECN_CAPABLE, 0},
        {"two were marked CE", 3, true, {.ect0 = 1, .ce = 2}, VEL_ECN_CAPABLE, 2},
        {"an ACK was lost, so more", 1, true, {.ect0 = 5}, VEL_ECN_CAPABLE, 0},
        {"no counts", 3, false, {0}, VEL_ECN_FAILED, 0},
        {"counts of zero", 3, true, {0}, VEL_ECN_FAILED, 0},
        {"too few", 3, true, {.ect0 = 2}, VEL_ECN_FAILED, 0},
        {"remarked to ECT(1)", 3, true, {.ect0 = 3, .ect1 = 3}, VEL_ECN_FAILED, 0},
        {"more than we sent", 3, true, {.ect0 = 11}, VEL_ECN_FAILED, 0},
        {"more in sum", 3, true, {.ect0 = 6, .ce = 5}, VEL_ECN_FAILED, 0},
        {"absurd", 3, true, {.ect0 = 3, .ce = UINT64_MAX - 2}, VEL_ECN_FAILED, 0},
        {"only unmarked packets", 0, false, {0}, VEL_ECN_UNKNOWN, 0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_ecn_validation ecn = marked(VEL_ECN_TEST_PACKETS);
        uint64_t marks = vel_ecn_on_ack(&ecn, APP, rows[i].newly_marked,
                                        rows[i].reported ? &rows[i].counts : NULL);
        CHECK(rows[i].what, ecn.state == rows[i].state);
        CHECK(rows[i].what, marks == rows[i].marks);
    }
}

static void counts_may_not_shrink(void **state)
{
    (void)state;
    struct vel_ecn_validation ecn = marked(VEL_ECN_TEST_PACKETS);
    assert_int_equal(vel_ecn_on_ack(&ecn, APP, 4, &(struct vel_ecn_counts){.ect0 = 2, .ce = 2}), 2);
    assert_int_equal(vel_ecn_on_ack(&ecn, APP, 2, &(struct vel_ecn_counts){.ect0 = 4, .ce = 2}), 0);
    assert_int_equal(ecn.state, VEL_ECN_CAPABLE);
    assert_int_equal(vel_ecn_on_ack(&ecn, APP, 1, &(struct vel_ecn_counts){.ect0 = 5, .ce = 1}), 0);
    assert_int_equal(ecn.state, VEL_ECN_FAILED);
}

static void spaces_count_separately(void **state)
{
    (void)state;
    struct vel_ecn_validation ecn = marked(4);
    vel_ecn_on_sent(&ecn, VEL_SPACE_INITIAL, VEL_ECN_ECT0);
    vel_ecn_on_ack(&ecn, VEL_SPACE_INITIAL, 1, &(struct vel_ecn_counts){.ect0 = 1});
    assert_int_equal(ecn.state, VEL_ECN_CAPABLE);
    vel_ecn_on_ack(&ecn, VEL_SPACE_INITIAL, 0, &(struct vel_ecn_counts){.ect0 = 4});
    assert_int_equal(ecn.state, VEL_ECN_FAILED);
}

/* Every packet of the test comes back as CE. */
static void a_path_that_marks_all(void **state)
{
    (void)state;
    struct vel_ecn_validation ecn = marked(VEL_ECN_TEST_PACKETS);
    assert_int_equal(vel_ecn_on_ack(&ecn, APP, 4, &(struct vel_ecn_counts){.ce = 4}), 4);
    assert_int_equal(ecn.state, VEL_ECN_UNKNOWN);
    vel_ecn_on_ack(&ecn, APP, 6, &(struct vel_ecn_counts){.ce = 10});
    assert_int_equal(ecn.state, VEL_ECN_FAILED);
    assert_int_equal(vel_ecn_mark(&ecn), VEL_ECN_NOT_ECT);
}

static void a_path_that_eats_marks(void **state)
{
    (void)state;
    struct vel_ecn_validation ecn = marked(VEL_ECN_TEST_PACKETS);
    for (unsigned i = 0; i < VEL_ECN_TEST_PACKETS; i++) {
        assert_int_equal(ecn.state, VEL_ECN_UNKNOWN);
        vel_ecn_on_lost(&ecn);
    }
    assert_int_equal(ecn.state, VEL_ECN_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_packets_are_tested), cmocka_unit_test(the_first_report_decides),
        cmocka_unit_test(counts_may_not_shrink),  cmocka_unit_test(spaces_count_separately),
        cmocka_unit_test(a_path_that_eats_marks), cmocka_unit_test(a_path_that_marks_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
