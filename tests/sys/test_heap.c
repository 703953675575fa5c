/* SPDX-License-Identifier: MIT */
#include "velocity/heap.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static struct vel_heap *new_heap(void)
{
    struct vel_heap *heap = NULL;
    assert_int_equal(vel_heap_new(&heap), VEL_OK);
    return heap;
}

/* Whatever was written, in a block of whatever size, the next owner finds zeros. */
static void hands_out_zeroed_memory(void **state)
{
    (void)state;
    struct vel_heap *heap = new_heap();
    struct vel_env env = vel_heap_env(heap);
    static const size_t sizes[] = {1, 7, 8, 63, 64, 65, 500, 4095, 4096, 4097, 70000};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < VEL_COUNT(sizes); i++) {
            uint8_t *memory = vel_alloc(&env, sizes[i]);
            assert_non_null(memory);
            assert_true(all_zero(memory, sizes[i]));
            memset(memory, 0xa5, sizes[i]);
            vel_release(&env, memory, sizes[i]);
        }
    }
    vel_release(&env, NULL, 10);
    vel_heap_free(heap);
}

static void keeps_no_more_than_it_says(void **state)
{
    (void)state;
    enum { BLOCK = 4000, COUNT = 2 * VEL_HEAP_KEPT / BLOCK };
    struct vel_heap *heap = new_heap();
    struct vel_env env = vel_heap_env(heap);
    static void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        blocks[i] = vel_alloc(&env, BLOCK);
    assert_int_equal(vel_heap_kept(heap), 0);
    for (size_t i = 0; i < COUNT; i++)
        vel_release(&env, blocks[i], BLOCK);
    assert_true(vel_heap_kept(heap) <= VEL_HEAP_KEPT);
    vel_heap_free(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_zeroed_memory),
        cmocka_unit_test(keeps_no_more_than_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
