/* SPDX-License-Identifier: MIT */
#include "transport/scheduler.h"

#include "base/units.h"
#include "testing/test.h"

enum { NONE = VEL_SCHEDULE_NONE };

/* VEL-TR-53: what each is defined by. Two paths; a row tells which is chosen. */
static void each_follows_its_definition(void **state)
{
    (void)state;
    const struct vel_schedule_path fast = {
        .window = true, .open = true, .rtt = 10 * MS, .room = 10000, .rate = MIB, .weight = 1};
    struct vel_schedule_path slow = fast, full = fast, paced = fast, lossy = fast, wide = fast;
    slow.rtt = 50 * MS;
    full.window = full.open = false;
    paced.open = false;
    lossy.loss = 200 * 1000;
    wide.rtt = 20 * MS;
    wide.rate = 16 * MIB;
    struct vel_schedule_path began_badly = slow, narrow = slow;
    began_badly.rate = 8 * MIB;
    began_badly.loss = 180 * 1000;
    narrow.rate = 350 * KIB;
    struct vel_schedule_path late = fast, current = slow;
    late.turn = 5000;
    current.current = true;
    current.rtt = 11 * MS;
    const struct {
        const char *what;
        enum vel_scheduler scheduler;
        struct vel_schedule_path paths[2];
        uint64_t waiting;
        int want;
    } rows[] = {
        {"latency: the faster", VEL_SCHEDULE_LOWEST_LATENCY, {slow, fast}, 1, 1},
        {"latency: the other when it is full", VEL_SCHEDULE_LOWEST_LATENCY, {slow, full}, 1, 0},
        {"latency: worth waiting for", VEL_SCHEDULE_LOWEST_LATENCY, {slow, paced}, 9000, NONE},
        {"latency: too much to wait", VEL_SCHEDULE_LOWEST_LATENCY, {slow, paced}, 90000, 0},
        {"latency: none", VEL_SCHEDULE_LOWEST_LATENCY, {full, full}, 1, NONE},
        {"best: the wider", VEL_SCHEDULE_BEST_PATH, {fast, wide}, 1, 1},
        {"best: without losses", VEL_SCHEDULE_BEST_PATH, {lossy, slow}, 1, 1},
        {"best: losses are repeated together", VEL_SCHEDULE_BEST_PATH, {began_badly, narrow}, 1, 0},
        {"best: no other while it is full", VEL_SCHEDULE_BEST_PATH, {slow, full}, 1, NONE},
        {"best: stays for little", VEL_SCHEDULE_BEST_PATH, {current, fast}, 1, 0},
        {"turn: the one that carried less", VEL_SCHEDULE_ROUND_ROBIN, {late, slow}, 1, 1},
        {"turn: not one that is full", VEL_SCHEDULE_ROUND_ROBIN, {late, full}, 1, 0},
        {"weights: the same", VEL_SCHEDULE_WEIGHTED_ROUND_ROBIN, {late, slow}, 1, 1},
        {"redundant: the faster first", VEL_SCHEDULE_REDUNDANT, {slow, fast}, 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK(rows[i].what, vel_scheduler_choose(rows[i].scheduler, rows[i].paths, 2,
                                                 rows[i].waiting) == rows[i].want);
}

static void none_of_none(void **state)
{
    (void)state;
    for (int i = VEL_SCHEDULE_LOWEST_LATENCY; i <= VEL_SCHEDULE_REDUNDANT; i++)
        assert_int_equal(vel_scheduler_choose((enum vel_scheduler)i, NULL, 0, 1), NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_follows_its_definition),
        cmocka_unit_test(none_of_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
