/* SPDX-License-Identifier: MIT */
#include "transport/recv_buffer.h"

#include "base/units.h"
#include "testing/test.h"

struct fixture {
    struct test_env t;
    struct vel_pool pool;
    struct vel_recv_buffer b;
};

static void start(struct fixture *f, uint64_t seed)
{
    test_env_init(&f->t, seed);
    f->pool = (struct vel_pool){.env = &f->t.env};
    vel_recv_buffer_init(&f->b, &f->pool);
}

static void finish(struct fixture *f)
{
    vel_recv_buffer_clear(&f->b);
    vel_pool_trim(&f->pool);
    test_env_done(&f->t);
}

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7);
}

static vel_result insert(struct fixture *f, uint64_t offset, size_t len, bool fin)
{
    static uint8_t bytes[100 * 1000];
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(offset + i);
    return vel_recv_buffer_insert(&f->b, offset, vel_slice(bytes, len), fin);
}

/* Take up to `most` bytes, checking each; returns how many. */
static size_t take(struct fixture *f, size_t most, bool *fin)
{
    struct vel_slice bytes = vel_recv_buffer_read(&f->b, fin);
    size_t count = VEL_MIN(bytes.len, most);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(bytes.ptr[i], byte_at(f->b.consumed + i));
    vel_recv_buffer_consume(&f->b, count);
    return count;
}

static size_t take_all(struct fixture *f)
{
    bool fin = false;
    size_t total = 0;
    size_t count;
    while ((count = take(f, SIZE_MAX, &fin)) > 0)
        total += count;
    return total;
}

static void order_is_restored(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    ASSERT_OK(insert(&f, 20, 10, true));
    ASSERT_OK(insert(&f, 5, 5, false));
    assert_int_equal(take_all(&f), 0);
    ASSERT_OK(insert(&f, 0, 7, false));
    bool fin = true;
    assert_int_equal(take(&f, 4, &fin), 4);
    assert_false(fin);
    ASSERT_OK(insert(&f, 0, 25, false));
    assert_int_equal(take(&f, SIZE_MAX, &fin), 26);
    assert_true(fin);
    assert_true(vel_recv_buffer_complete(&f.b));
    assert_int_equal(take(&f, SIZE_MAX, &fin), 0);
    assert_true(fin);
    vel_pool_trim(&f.pool);
    assert_int_equal(f.t.outstanding, 0);
    finish(&f);
}

/* RFC 9000 4.5. */
static void final_size(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint64_t first_end;
        bool first_fin;
        uint64_t end;
        bool fin;
        enum vel_err want;
    } rows[] = {
        {"more below it", 100, true, 50, false, VEL_OK},
        {"the same again", 100, true, 100, true, VEL_OK},
        {"bytes up to it", 100, true, 100, false, VEL_OK},
        {"bytes past it", 100, true, 101, false, VEL_ERR_UNEXPECTED},
        {"another, larger", 100, true, 101, true, VEL_ERR_UNEXPECTED},
        {"another, smaller", 100, true, 99, true, VEL_ERR_UNEXPECTED},
        {"below what came", 100, false, 99, true, VEL_ERR_UNEXPECTED},
        {"at what came", 100, false, 100, true, VEL_OK},
        {"an empty stream", 0, true, 0, true, VEL_OK},
        {"an empty stream with a byte", 0, true, 1, false, VEL_ERR_UNEXPECTED},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct fixture f;
        start(&f, 1);
        ASSERT_OK(insert(&f, 0, rows[i].first_end, rows[i].first_fin));
        take_all(&f);
        ASSERT_ERR(rows[i].what, vel_recv_buffer_check(&f.b, rows[i].end, rows[i].fin),
                   rows[i].want);
        ASSERT_ERR(rows[i].what, vel_recv_buffer_skip(&f.b, rows[i].end, rows[i].fin),
                   rows[i].want);
        uint64_t offset = rows[i].end / 2;
        ASSERT_ERR(rows[i].what, insert(&f, offset, rows[i].end - offset, rows[i].fin),
                   rows[i].want);
        finish(&f);
    }
}

static void reset_gives_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    ASSERT_OK(insert(&f, 0, 50000, false));
    ASSERT_ERR("smaller than seen", vel_recv_buffer_end(&f.b, 49999), VEL_ERR_UNEXPECTED);
    ASSERT_OK(vel_recv_buffer_end(&f.b, 80000));
    vel_pool_trim(&f.pool);
    assert_int_equal(f.t.outstanding, 0);
    bool fin = false;
    assert_int_equal(take(&f, SIZE_MAX, &fin), 0);
    assert_true(fin);
    finish(&f);
}

/* What a reader was shown does not change under it, whatever arrives again. */
static void shown_bytes_stay(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    ASSERT_OK(vel_recv_buffer_insert(&f.b, 0, BYTES('a', 'b', 'c'), false));
    bool fin = false;
    struct vel_slice shown = vel_recv_buffer_read(&f.b, &fin);
    ASSERT_OK(vel_recv_buffer_insert(&f.b, 0, BYTES('x', 'y', 'z', 'd'), false));
    assert_memory_equal(shown.ptr, "abc", 3);
    shown = vel_recv_buffer_read(&f.b, &fin);
    assert_int_equal(shown.len, 4);
    assert_memory_equal(shown.ptr, "abcd", 4);
    finish(&f);
}

static void small_streams_are_small(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    ASSERT_OK(insert(&f, 0, 200, false));
    assert_true(f.t.outstanding <= VEL_RECV_SMALL + 64);
    ASSERT_OK(insert(&f, 200, 800, false));
    assert_true(f.t.outstanding <= 4 * VEL_RECV_SMALL + 64);
    ASSERT_OK(insert(&f, 1000, 2500, false));
    assert_true(f.t.outstanding <= 16 * VEL_RECV_SMALL + 64);
    ASSERT_OK(insert(&f, 3500, VEL_POOL_BLOCK, false));
    assert_int_equal(take_all(&f), 3500 + VEL_POOL_BLOCK);
    vel_recv_buffer_trim(&f.b);
    vel_pool_trim(&f.pool);
    assert_int_equal(f.t.outstanding, 0);
    ASSERT_OK(insert(&f, 3500 + VEL_POOL_BLOCK, 10, true));
    assert_int_equal(take_all(&f), 10);
    finish(&f);
}

/* One byte in every block of a window: the window in memory, and its ring, is all it costs. */
static void sparse_flood(void **state)
{
    (void)state;
    enum { WINDOW = 1024 * 1024 };
    struct fixture f;
    start(&f, 1);
    for (uint64_t offset = 1; offset < WINDOW; offset += VEL_POOL_BLOCK)
        ASSERT_OK(insert(&f, offset, 1, false));
    assert_true(f.t.outstanding <= WINDOW + 4096);
    finish(&f);
}

/* Pieces with a hole before each: their number ends it, and bounds its memory. */
static void hole_flood(void **state)
{
    (void)state;
    struct fixture f;
    const uint64_t stride = VEL_RECV_CRUMB + 1, end = stride * VEL_RECV_GAPS_MAX;
    start(&f, 1);
    for (uint64_t i = 0; i < VEL_RECV_GAPS_MAX; i++)
        ASSERT_OK(insert(&f, i * stride + 1, VEL_RECV_CRUMB, false));
    ASSERT_ERR("one hole more", insert(&f, end + 1, VEL_RECV_CRUMB, false), VEL_ERR_LIMIT);
    assert_true(f.t.outstanding <=
                end + 2 * VEL_POOL_BLOCK + VEL_RECV_GAPS_MAX * sizeof(struct vel_range) + 64);
    ASSERT_OK(insert(&f, 0, (size_t)end, false));
    assert_int_equal(take_all(&f), end);
    finish(&f);
}

/* Single bytes, upwards, downwards or from the middle on: refused long before their bookkeeping costs
 * more than they do. */
static void crumb_flood(void **state)
{
    (void)state;
    enum { MIDDLE = 20000 };
    for (int order = 0; order < 3; order++) {
        struct fixture f;
        start(&f, 1);
        enum vel_err err = VEL_OK;
        unsigned taken = 0;
        for (uint64_t i = 1; i < MIDDLE / 2 && err == VEL_OK; i++, taken++) {
            uint64_t offsets[] = {2 * i, MIDDLE - 2 * i, i % 2 ? MIDDLE + 2 * i : MIDDLE - 2 * i};
            err = insert(&f, offsets[order], 1, false);
        }
        ASSERT_ERR("crumbs", err, VEL_ERR_LIMIT);
        assert_in_range(taken, VEL_RECV_CRUMBS, VEL_RECV_CRUMBS + 1);
        finish(&f);
    }
}

/* ---- against a model: a flag for each byte ---- */

enum { TOTAL = 300 * 1000, WINDOW = 100 * 1000 };

static uint64_t draw(struct fixture *f, uint64_t below)
{
    uint64_t value = 0;
    vel_random(&f->t.env, &value, sizeof value);
    return value % below;
}

static void model_insert(struct fixture *f, bool *arrived)
{
    uint64_t window = VEL_MIN(f->b.consumed + WINDOW, (uint64_t)TOTAL);
    uint64_t offset = draw(f, 3) == 0 ? f->b.ready : draw(f, window);
    uint64_t len = draw(f, draw(f, 4) == 0 ? 30000 : 1500);
    if (f->b.later.count > VEL_RECV_GAPS_MAX / 2)
        offset = f->b.ready;
    len = VEL_MIN(len, window - offset);
    ASSERT_OK(insert(f, offset, len, offset + len == TOTAL));
    memset(arrived + offset, true, len);
}

static void every_byte_once(void **state)
{
    (void)state;
    static bool arrived[TOTAL];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f;
        start(&f, seed);
        memset(arrived, 0, sizeof arrived);
        bool fin = false;
        for (unsigned step = 0; !fin || f.b.consumed < TOTAL; step++) {
            if (step == 1000 * 1000)
                fail_msg("seed %llu: never done", (unsigned long long)seed);
            if (f.b.ready < TOTAL)
                model_insert(&f, arrived);
            assert_true(f.b.ready == TOTAL || !arrived[f.b.ready]);
            assert_true(f.b.ready == 0 || arrived[f.b.ready - 1]);
            take(&f, (size_t)draw(&f, 20000), &fin);
            assert_true(f.t.outstanding <= 2 * (WINDOW + 2 * VEL_POOL_BLOCK) + 65536);
        }
        finish(&f);
    }
}

static void allocations_fail(void **state)
{
    (void)state;
    for (long n = 0; n < 10; n++) {
        struct fixture f;
        start(&f, 1);
        f.t.fail_after = n;
        enum vel_err err = VEL_OK;
        for (uint64_t i = 0; i < 8 && err == VEL_OK; i++) {
            uint64_t ready = f.b.ready;
            err = insert(&f, i * 10000, 1000, false);
            if (err != VEL_OK)
                assert_int_equal(f.b.ready, ready);
        }
        assert_true(err == VEL_OK || err == VEL_ERR_NOMEM);
        assert_true(n > 3 || err == VEL_ERR_NOMEM);
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_restored),
        cmocka_unit_test(final_size),
        cmocka_unit_test(reset_gives_back),
        cmocka_unit_test(shown_bytes_stay),
        cmocka_unit_test(small_streams_are_small),
        cmocka_unit_test(sparse_flood),
        cmocka_unit_test(hole_flood),
        cmocka_unit_test(crumb_flood),
        cmocka_unit_test(every_byte_once),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
