/* SPDX-License-Identifier: MIT */
#include "transport/ranges.h"

#include <string.h>

#include "testing/test.h"

/* "1-3 5-9": intervals as text, ends not included, so that a failing test shows the whole set. */
static const char *show(const struct vel_ranges *ranges)
{
    static char text[512];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ranges->count; i++) {
        const struct vel_range *range = vel_ranges_at(ranges, i);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%llu-%llu", i > 0 ? " " : "",
                                 (unsigned long long)range->start, (unsigned long long)range->end);
    }
    return text;
}

static void merges_and_cuts(void **state)
{
    (void)state;
    enum op { ADD, CUT, BELOW };
    static const struct {
        const char *what;
        enum op op;
        uint64_t start, end;
        const char *want;
    } rows[] = {
        {"first", ADD, 10, 20, "10-20"},
        {"empty", ADD, 5, 5, "10-20"},
        {"backwards", ADD, 7, 6, "10-20"},
        {"appended", ADD, 30, 40, "10-20 30-40"},
        {"in front", ADD, 1, 2, "1-2 10-20 30-40"},
        {"touches the end", ADD, 20, 22, "1-2 10-22 30-40"},
        {"touches the start", ADD, 28, 30, "1-2 10-22 28-40"},
        {"inside", ADD, 12, 13, "1-2 10-22 28-40"},
        {"fills the gap", ADD, 22, 28, "1-2 10-40"},
        {"over everything", ADD, 0, 50, "0-50"},
        {"hole", CUT, 10, 20, "0-10 20-50"},
        {"start cut", CUT, 20, 25, "0-10 25-50"},
        {"end cut", CUT, 45, 60, "0-10 25-45"},
        {"across a gap", CUT, 8, 30, "0-8 30-45"},
        {"exactly one", CUT, 0, 8, "30-45"},
        {"nothing there", CUT, 0, 30, "30-45"},
        {"empty cut", CUT, 33, 33, "30-45"},
        {"below the first", BELOW, 10, 0, "30-45"},
        {"below inside", BELOW, 33, 0, "33-45"},
        {"above the rest", ADD, 100, 101, "33-45 100-101"},
        {"below the gap", BELOW, 45, 0, "100-101"},
        {"below all", BELOW, 101, 0, ""},
        {"the largest", ADD, UINT64_MAX - 1, UINT64_MAX,
         "18446744073709551614-18446744073709551615"},
        {"the largest away", BELOW, UINT64_MAX, 0, ""},
    };
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_ranges ranges = {.env = &t.env, .limit = 10};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].op == ADD)
            ASSERT_ERR(rows[i].what, vel_ranges_add(&ranges, rows[i].start, rows[i].end), VEL_OK);
        else if (rows[i].op == CUT)
            ASSERT_ERR(rows[i].what, vel_ranges_subtract(&ranges, rows[i].start, rows[i].end),
                       VEL_OK);
        else
            vel_ranges_remove_below(&ranges, rows[i].start);
        if (strcmp(show(&ranges), rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].what, show(&ranges));
    }
    vel_ranges_free(&ranges);
    test_env_done(&t);
}

static void stays_within_its_limit(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_ranges ranges = {.env = &t.env, .limit = 6};
    for (uint64_t i = 0; i < 6; i++)
        ASSERT_OK(vel_ranges_add(&ranges, 10 * i, 10 * i + 5));
    ASSERT_ERR("seventh", vel_ranges_add(&ranges, 100, 101), VEL_ERR_LIMIT);
    ASSERT_ERR("hole", vel_ranges_subtract(&ranges, 12, 13), VEL_ERR_LIMIT);
    assert_string_equal(show(&ranges), "0-5 10-15 20-25 30-35 40-45 50-55");
    ASSERT_OK(vel_ranges_add(&ranges, 55, 60));
    ASSERT_OK(vel_ranges_add(&ranges, 5, 10));
    ASSERT_OK(vel_ranges_add(&ranges, 100, 101));
    assert_string_equal(show(&ranges), "0-15 20-25 30-35 40-45 50-60 100-101");
    vel_ranges_free(&ranges);
    test_env_done(&t);
}

static void failed_allocation_changes_nothing(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    t.fail_after = 0;
    struct vel_ranges ranges = {.env = &t.env, .limit = 100};
    for (uint64_t i = 0; i < VEL_RANGES_INLINE; i++)
        ASSERT_OK(vel_ranges_add(&ranges, 10 * i, 10 * i + 5));
    ASSERT_ERR("add", vel_ranges_add(&ranges, 100, 101), VEL_ERR_NOMEM);
    ASSERT_ERR("hole", vel_ranges_subtract(&ranges, 1, 2), VEL_ERR_NOMEM);
    assert_string_equal(show(&ranges), "0-5 10-15");
    t.fail_after = -1;
    ASSERT_OK(vel_ranges_subtract(&ranges, 1, 2));
    assert_string_equal(show(&ranges), "0-1 2-5 10-15");
    vel_ranges_free(&ranges);
    test_env_done(&t);
}

/* ---- against a bitmap ---- */

enum { SPACE = 96, STEPS = 4000 };

static void check_against(const struct vel_ranges *ranges, const bool *map, uint64_t probe)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        const struct vel_range *range = vel_ranges_at(ranges, i);
        assert_true(range->start < range->end && range->end <= SPACE);
        if (i > 0) /* disjoint, sorted, not touching */
            assert_true(range->start > vel_ranges_at(ranges, i - 1)->end);
        for (uint64_t v = range->start; v < range->end; v++, bits++)
            assert_true(map[v]);
    }
    for (uint64_t v = 0; v < SPACE; v++) {
        assert_int_equal(vel_ranges_contains(ranges, v), map[v]);
        bits -= map[v];
    }
    assert_int_equal(bits, 0);

    struct vel_range gap = vel_ranges_gap(ranges, probe);
    for (uint64_t v = probe; v < gap.start; v++)
        assert_true(map[v]);
    for (uint64_t v = gap.start; v < gap.end && v < SPACE; v++)
        assert_false(map[v]);
    assert_true(gap.end == UINT64_MAX || map[gap.end]);
    assert_true(vel_ranges_covers(ranges, probe, gap.start));
    assert_false(vel_ranges_covers(ranges, probe, gap.start + 1));
}

static void agrees_with_a_bitmap(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 7);
    struct vel_ranges ranges = {.env = &t.env, .limit = SPACE};
    bool map[SPACE] = {false};
    for (int step = 0; step < STEPS; step++) {
        uint8_t random[4];
        vel_random(&t.env, random, sizeof random);
        uint64_t start = random[1] % SPACE;
        uint64_t end = start + random[2] % (SPACE - start + 1) % 12;
        unsigned op = random[0] % 16;
        if (op < 8) {
            ASSERT_OK(vel_ranges_add(&ranges, start, end));
        } else if (op < 15) {
            ASSERT_OK(vel_ranges_subtract(&ranges, start, end));
        } else {
            end = start / 2;
            start = 0;
            vel_ranges_remove_below(&ranges, end);
        }
        for (uint64_t v = start; v < end; v++)
            map[v] = op < 8;
        check_against(&ranges, map, random[3] % SPACE);
    }
    vel_ranges_free(&ranges);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_and_cuts),
        cmocka_unit_test(stays_within_its_limit),
        cmocka_unit_test(failed_allocation_changes_nothing),
        cmocka_unit_test(agrees_with_a_bitmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
