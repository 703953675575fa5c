/* SPDX-License-Identifier: MIT */
#include "transport/pool.h"

#include "base/units.h"
#include "testing/test.h"

/* While some blocks are out, others come and go without an allocation. */
static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_pool pool = {.env = &t.env};
    void *held = vel_pool_get(&pool, VEL_POOL_BLOCK);
    vel_pool_put(&pool, vel_pool_get(&pool, VEL_POOL_BLOCK), VEL_POOL_BLOCK);
    t.fail_after = 0;
    for (unsigned i = 0; i < 100; i++) {
        void *block = vel_pool_get(&pool, VEL_POOL_BLOCK);
        assert_non_null(block);
        vel_pool_put(&pool, block, VEL_POOL_BLOCK);
    }
    assert_null(vel_pool_get(&pool, 512)); /* other sizes are not kept */
    vel_pool_put(&pool, held, VEL_POOL_BLOCK);
    vel_pool_put(&pool, NULL, VEL_POOL_BLOCK);
    vel_pool_trim(&pool);
    test_env_done(&t);
}

/* Spares outnumber the blocks in use by VEL_POOL_SPARES at most. */
static void spares_are_bounded(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_pool pool = {.env = &t.env};
    void *blocks[64];
    for (size_t i = 0; i < VEL_COUNT(blocks); i++)
        blocks[i] = vel_pool_get(&pool, VEL_POOL_BLOCK);
    for (size_t i = 0; i < VEL_COUNT(blocks); i++) {
        vel_pool_put(&pool, blocks[i], VEL_POOL_BLOCK);
        assert_true(pool.spare_count <= pool.in_use + VEL_POOL_SPARES);
        assert_true(pool.spare_count + pool.in_use <= pool.peak);
        assert_int_equal(t.outstanding, (pool.in_use + pool.spare_count) * VEL_POOL_BLOCK);
    }
    vel_pool_trim(&pool);
    assert_int_equal(t.outstanding, 0);
    test_env_done(&t);
}

/* A connection that never holds more than a block keeps no more than that. */
static void small_users_keep_little(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_pool pool = {.env = &t.env};
    for (unsigned i = 0; i < 100; i++)
        vel_pool_put(&pool, vel_pool_get(&pool, VEL_POOL_BLOCK), VEL_POOL_BLOCK);
    assert_int_equal(t.outstanding, VEL_POOL_BLOCK);
    vel_pool_trim(&pool);
    assert_int_equal(pool.peak, 0);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(spares_are_bounded),
        cmocka_unit_test(small_users_keep_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
