/* SPDX-License-Identifier: MIT */
#include "web/budget.h"

#include "testing/test.h"

/* VEL-FB-22 */

static struct vel_addr ip4(uint8_t last)
{
    return (struct vel_addr){.family = VEL_ADDR_IP4, .ip = {192, 0, 2, last}};
}

static unsigned take_all(struct vel_budget *budget, const struct vel_addr *source, vel_time now)
{
    unsigned count = 0;
    while (vel_budget_take(budget, source, now))
        count++;
    return count;
}

static void init(struct test_env *t, struct vel_budget *budget)
{
    test_env_init(t, 1);
    vel_budget_init(budget, &t->env);
}

static void a_source_has_a_burst_and_a_rate(void **state)
{
    (void)state;
    struct test_env t;
    static struct vel_budget budget;
    init(&t, &budget);
    const struct vel_addr one = ip4(1), other = ip4(2);
    vel_time now = 1000 * SECOND;
    assert_int_equal(take_all(&budget, &one, now), VEL_BUDGET_SOURCE_BURST);
    assert_int_equal(take_all(&budget, &other, now), VEL_BUDGET_SOURCE_BURST);
    now += VEL_BUDGET_SOURCE_INTERVAL - 1;
    assert_int_equal(take_all(&budget, &one, now), 0);
    assert_int_equal(take_all(&budget, &one, now + 1), 1);
    now += 1000 * SECOND;
    assert_int_equal(take_all(&budget, &one, now), VEL_BUDGET_SOURCE_BURST);
    test_env_done(&t);
}

static void all_have_a_burst_and_a_rate(void **state)
{
    (void)state;
    struct test_env t;
    static struct vel_budget budget;
    init(&t, &budget);
    vel_time now = 5 * SECOND;
    unsigned count = 0;
    for (uint8_t i = 0; i < 255; i++) {
        const struct vel_addr source = ip4(i);
        count += vel_budget_take(&budget, &source, now);
    }
    assert_int_equal(count, VEL_BUDGET_TOTAL_BURST);

    /* Who came away with nothing has spent nothing. */
    const struct vel_addr last = ip4(254);
    now += VEL_BUDGET_TOTAL_INTERVAL * VEL_BUDGET_TOTAL_BURST;
    assert_int_equal(take_all(&budget, &last, now), VEL_BUDGET_SOURCE_BURST);
    test_env_done(&t);
}

static void one_customer_is_one_source(void **state)
{
    (void)state;
    struct test_env t;
    static struct vel_budget budget;
    init(&t, &budget);
    unsigned count = 0;
    for (uint8_t i = 0; i < 100; i++) {
        const struct vel_addr source = {
            .family = VEL_ADDR_IP6, .ip = {0x20, 1, 0xd, 0xb8, 0, 0, 7, i, [15] = i}, .port = i};
        count += vel_budget_take(&budget, &source, SECOND);
    }
    assert_int_equal(count, VEL_BUDGET_SOURCE_BURST);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_has_a_burst_and_a_rate),
        cmocka_unit_test(all_have_a_burst_and_a_rate),
        cmocka_unit_test(one_customer_is_one_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
