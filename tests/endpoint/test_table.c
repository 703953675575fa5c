/* SPDX-License-Identifier: MIT */
#include "endpoint/table.h"

#include "testing/test.h"

enum { KEYS = 512 };

/* Keys that crowd a few home places, 0 and the largest among them. */
static uint64_t key_of(unsigned i)
{
    return i % 3 == 0 ? i : i % 3 == 1 ? (uint64_t)i << 32 : UINT64_MAX - i;
}

static void check_all(const struct vel_table *table, const bool *held)
{
    size_t count = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        uintptr_t *value = vel_table_find(table, key_of(i));
        assert_int_equal(value != NULL, held[i]);
        if (value != NULL)
            assert_int_equal(*value, i + 1);
        count += held[i];
    }
    assert_int_equal(table->count, count);
}

/* Compared with a plain array over many random additions and removals. */
static void behaves_as_a_map(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_table table = {.env = &t.env};
    bool held[KEYS] = {false};
    check_all(&table, held);
    for (unsigned step = 0; step < 20000; step++) {
        uint16_t random;
        vel_random(&t.env, &random, sizeof random);
        unsigned i = random % KEYS;
        /* Now mostly growing, now mostly shrinking. */
        bool add = (random >> 12) < (step / 4000 % 2 == 0 ? 12 : 4);
        if (add && !held[i])
            ASSERT_OK(vel_table_add(&table, key_of(i), i + 1));
        else if (!add)
            vel_table_remove(&table, key_of(i));
        held[i] = add;
        if (step % 100 == 0)
            check_all(&table, held);
    }
    check_all(&table, held);
    vel_table_clear(&table);
    test_env_done(&t);
}

static void grows_and_gives_back(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 2);
    struct vel_table table = {.env = &t.env};
    for (uintptr_t i = 1; i <= 10000; i++)
        ASSERT_OK(vel_table_add(&table, i << 20, i));
    assert_true(table.capacity <= 2 * 10000 * 4 / 3);
    for (uintptr_t i = 1; i <= 10000; i++)
        vel_table_remove(&table, i << 20);
    assert_int_equal(table.count, 0);
    assert_true(t.outstanding <= 32 * sizeof(struct vel_table_entry));
    vel_table_clear(&table);
    test_env_done(&t);
}

static void no_memory_changes_nothing(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 3);
    struct vel_table table = {.env = &t.env};
    t.fail_after = 0;
    ASSERT_ERR("first", vel_table_add(&table, 1, 1), VEL_ERR_NOMEM);
    t.fail_after = 1;
    enum vel_err err = VEL_OK;
    uintptr_t added = 0;
    while (err == VEL_OK)
        err = vel_table_add(&table, added + 1, added + 1), added++;
    ASSERT_ERR("growing", err, VEL_ERR_NOMEM);
    assert_int_equal(table.count, added - 1);
    assert_null(vel_table_find(&table, added));
    /* A smaller table is welcome, not needed. */
    for (uintptr_t i = 1; i < added; i++)
        vel_table_remove(&table, i);
    assert_int_equal(table.count, 0);
    vel_table_clear(&table);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_as_a_map),
        cmocka_unit_test(grows_and_gives_back),
        cmocka_unit_test(no_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
