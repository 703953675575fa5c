/* SPDX-License-Identifier: MIT */
#include "transport/send_buffer.h"

#include "base/units.h"
#include "testing/test.h"

enum { LIMIT = 64 * 1024 };

struct fixture {
    struct test_env t;
    struct vel_pool pool;
    struct vel_send_buffer b;
};

static void start(struct fixture *f, uint64_t seed)
{
    test_env_init(&f->t, seed);
    f->pool = (struct vel_pool){.env = &f->t.env};
    vel_send_buffer_init(&f->b, &f->pool, LIMIT);
}

static void finish(struct fixture *f)
{
    vel_send_buffer_clear(&f->b);
    vel_pool_trim(&f->pool);
    test_env_done(&f->t);
}

/* What byte `offset` of every test stream is. */
static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7);
}

static const uint8_t *pattern(uint64_t offset, size_t len)
{
    static uint8_t bytes[LIMIT];
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(offset + i);
    return bytes;
}

static size_t write_pattern(struct fixture *f, size_t len, bool fin)
{
    size_t accepted = 0;
    ASSERT_OK(vel_send_buffer_write(&f->b, vel_slice(pattern(f->b.end, len), len), fin, &accepted));
    return accepted;
}

static struct vel_send_span send_next(struct fixture *f, size_t max)
{
    struct vel_send_span span = {0};
    assert_true(vel_send_buffer_next(&f->b, max, UINT64_MAX, &span));
    ASSERT_OK(vel_send_buffer_sent(&f->b, &span));
    return span;
}

static void check_span(const char *what, struct vel_send_span span, uint64_t offset, size_t len,
                       bool fin)
{
    if (span.offset != offset || span.len != len || span.fin != fin)
        fail_msg("%s: got %llu+%zu fin %d", what, (unsigned long long)span.offset, span.len,
                 span.fin);
}

static void lost_bytes_go_first(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    write_pattern(&f, 1000, true);
    struct vel_send_span first = send_next(&f, 300);
    struct vel_send_span second = send_next(&f, 300);
    check_span("first", first, 0, 300, false);
    check_span("second", second, 300, 300, false);
    ASSERT_OK(vel_send_buffer_lost(&f.b, &first));
    check_span("again, in part", send_next(&f, 200), 0, 200, false);
    check_span("the rest of it", send_next(&f, 200), 200, 100, false);
    check_span("new ones, with the end", send_next(&f, 500), 600, 400, true);
    struct vel_send_span none;
    assert_false(vel_send_buffer_next(&f.b, 500, UINT64_MAX, &none));
    finish(&f);
}

/* Nothing that was acknowledged meanwhile is sent again, whichever of two copies was lost. */
static void acknowledged_is_not_resent(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    write_pattern(&f, 900, false);
    struct vel_send_span first = send_next(&f, 300);
    struct vel_send_span second = send_next(&f, 300);
    struct vel_send_span third = send_next(&f, 300);
    ASSERT_OK(vel_send_buffer_acked(&f.b, &second));
    ASSERT_OK(vel_send_buffer_lost(&f.b, &(struct vel_send_span){.offset = 0, .len = 900}));
    check_span("before the hole", send_next(&f, 900), 0, 300, false);
    ASSERT_OK(vel_send_buffer_acked(&f.b, &third)); /* it came after all */
    struct vel_send_span none;
    assert_false(vel_send_buffer_next(&f.b, 900, UINT64_MAX, &none));
    ASSERT_OK(vel_send_buffer_acked(&f.b, &first));
    assert_int_equal(f.b.base, 900);
    assert_int_equal(f.b.count, 0);
    finish(&f);
}

/* An acknowledgement from the front may swallow one island and touch the next. */
static void front_reaches_islands(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    write_pattern(&f, 100, false);
    send_next(&f, 100);
    ASSERT_OK(vel_send_buffer_acked(&f.b, &(struct vel_send_span){.offset = 10, .len = 10}));
    ASSERT_OK(vel_send_buffer_acked(&f.b, &(struct vel_send_span){.offset = 30, .len = 10}));
    ASSERT_OK(vel_send_buffer_acked(&f.b, &(struct vel_send_span){.offset = 0, .len = 35}));
    assert_int_equal(f.b.base, 40);
    finish(&f);
}

static void fin_is_like_a_byte(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    write_pattern(&f, 10, false);
    struct vel_send_span data = send_next(&f, 100);
    write_pattern(&f, 0, true);
    struct vel_send_span fin = send_next(&f, 100);
    check_span("fin alone", fin, 10, 0, true);
    ASSERT_OK(vel_send_buffer_lost(&f.b, &fin));
    check_span("fin again, in no room", send_next(&f, 0), 10, 0, true);
    ASSERT_OK(vel_send_buffer_acked(&f.b, &data));
    assert_false(vel_send_buffer_done(&f.b));
    ASSERT_OK(vel_send_buffer_lost(&f.b, &fin));
    ASSERT_OK(vel_send_buffer_acked(&f.b, &fin)); /* declared lost too early */
    assert_true(vel_send_buffer_done(&f.b));
    struct vel_send_span none;
    assert_false(vel_send_buffer_next(&f.b, 100, UINT64_MAX, &none));
    size_t accepted = 77;
    ASSERT_ERR("after fin", vel_send_buffer_write(&f.b, BYTES(1), false, &accepted),
               VEL_ERR_CLOSED);
    assert_int_equal(accepted, 77);
    finish(&f);
}

static void credit_holds_new_bytes_only(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    write_pattern(&f, 100, true);
    struct vel_send_span span;
    assert_false(vel_send_buffer_next(&f.b, 100, 0, &span));
    assert_true(vel_send_buffer_next(&f.b, 100, 60, &span));
    check_span("up to the credit, no fin", span, 0, 60, false);
    ASSERT_OK(vel_send_buffer_sent(&f.b, &span));
    assert_false(vel_send_buffer_next(&f.b, 100, 60, &span));
    ASSERT_OK(vel_send_buffer_lost(&f.b, &span));
    assert_true(vel_send_buffer_next(&f.b, 100, 60, &span));
    check_span("lost ones need none", span, 0, 60, false);
    finish(&f);
}

static void writes_stop_at_the_limit(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    assert_int_equal(write_pattern(&f, LIMIT - 10, false), LIMIT - 10);
    assert_int_equal(vel_send_buffer_room(&f.b), 10);
    assert_int_equal(write_pattern(&f, 100, true), 10);
    assert_int_equal(f.b.fin, VEL_FIN_NONE); /* not all were taken */
    assert_int_equal(write_pattern(&f, 100, true), 0);
    struct vel_send_span span = send_next(&f, 1000);
    ASSERT_OK(vel_send_buffer_acked(&f.b, &span));
    assert_int_equal(write_pattern(&f, 2000, true), 1000);
    finish(&f);
}

/* A short write costs a small chunk, a long stream whole blocks, an empty buffer nothing. */
static void memory_follows_the_data(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    write_pattern(&f, 3, false);
    assert_true(f.t.outstanding <= 1024);
    write_pattern(&f, LIMIT - 3, false);
    assert_true(f.t.outstanding <= LIMIT + 2 * VEL_POOL_BLOCK);
    struct vel_send_span span = send_next(&f, LIMIT);
    ASSERT_OK(vel_send_buffer_acked(&f.b, &span));
    vel_pool_trim(&f.pool);
    assert_int_equal(f.t.outstanding, 0);
    finish(&f);
}

struct lender {
    unsigned released;
    size_t bytes;
};

static void on_release(void *context, struct vel_slice bytes)
{
    struct lender *lender = context;
    lender->released++;
    lender->bytes += bytes.len;
}

static void lent_bytes_are_released_once(void **state)
{
    (void)state;
    struct fixture f;
    struct lender lender = {0};
    static uint8_t large[2 * LIMIT];
    start(&f, 1);
    ASSERT_OK(
        vel_send_buffer_lend(&f.b, vel_slice(large, sizeof large), false, on_release, &lender));
    ASSERT_ERR("no room", vel_send_buffer_lend(&f.b, BYTES(1), false, on_release, &lender),
               VEL_ERR_AGAIN);
    struct vel_send_span first = send_next(&f, LIMIT);
    struct vel_send_span second = send_next(&f, LIMIT);
    ASSERT_OK(vel_send_buffer_acked(&f.b, &second));
    assert_int_equal(lender.released, 0);
    ASSERT_OK(vel_send_buffer_acked(&f.b, &first));
    assert_int_equal(lender.released, 1);
    assert_int_equal(lender.bytes, sizeof large);

    write_pattern(&f, 5, false);
    ASSERT_OK(vel_send_buffer_lend(&f.b, vel_slice(large, 7), false, on_release, &lender));
    ASSERT_OK(vel_send_buffer_lend(&f.b, vel_slice(NULL, 0), true, on_release, &lender));
    assert_int_equal(lender.released, 2); /* nothing to wait for */
    vel_send_buffer_clear(&f.b);
    assert_int_equal(lender.released, 3);
    finish(&f);
}

static void chunks_are_bounded(void **state)
{
    (void)state;
    struct fixture f;
    struct lender lender = {0};
    start(&f, 1);
    for (unsigned i = 0; i < VEL_SEND_CHUNKS_MAX; i++)
        ASSERT_OK(vel_send_buffer_lend(&f.b, BYTES(1), false, on_release, &lender));
    ASSERT_ERR("one more", vel_send_buffer_lend(&f.b, BYTES(1), false, on_release, &lender),
               VEL_ERR_AGAIN);
    assert_int_equal(vel_send_buffer_room(&f.b), 0);
    assert_int_equal(write_pattern(&f, 1, false), 0);
    finish(&f);
    assert_int_equal(lender.released, VEL_SEND_CHUNKS_MAX);
}

/* ---- against a model: a state for each byte ---- */

enum { TOTAL = 200 * 1000, FLIGHT = 64 };

struct model {
    bool acked[TOTAL];
    struct vel_send_span flight[FLIGHT];
    size_t in_flight;
};

static uint64_t draw(struct fixture *f, uint64_t below)
{
    uint64_t value = 0;
    vel_random(&f->t.env, &value, sizeof value);
    return value % below;
}

static void model_write(struct fixture *f)
{
    size_t len = (size_t)draw(f, draw(f, 4) == 0 ? 20000 : 200);
    len = VEL_MIN(len, (size_t)(TOTAL - f->b.end));
    if (f->b.fin == VEL_FIN_NONE)
        write_pattern(f, len, f->b.end + len == TOTAL);
}

static void model_send(struct fixture *f, struct model *m)
{
    static uint8_t frame[3000];
    struct vel_send_span span;
    if (m->in_flight == FLIGHT ||
        !vel_send_buffer_next(&f->b, (size_t)draw(f, sizeof frame), UINT64_MAX, &span))
        return;
    vel_send_buffer_copy(&f->b, span.offset, span.len, frame);
    for (size_t i = 0; i < span.len; i++) {
        assert_int_equal(frame[i], byte_at(span.offset + i));
        assert_false(m->acked[span.offset + i]);
    }
    ASSERT_OK(vel_send_buffer_sent(&f->b, &span));
    m->flight[m->in_flight++] = span;
}

static void model_settle(struct fixture *f, struct model *m)
{
    if (m->in_flight == 0)
        return;
    size_t which = (size_t)draw(f, m->in_flight);
    struct vel_send_span span = m->flight[which];
    uint64_t fate = draw(f, 10);
    if (fate < 7) {
        ASSERT_OK(vel_send_buffer_acked(&f->b, &span));
        memset(m->acked + span.offset, true, span.len);
    } else {
        ASSERT_OK(vel_send_buffer_lost(&f->b, &span));
    }
    if (fate != 9) /* else it is acknowledged, or lost, a second time later on */
        m->flight[which] = m->flight[--m->in_flight];
}

static void every_byte_arrives(void **state)
{
    (void)state;
    static struct model m;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f;
        start(&f, seed);
        memset(&m, 0, sizeof m);
        for (unsigned step = 0; !vel_send_buffer_done(&f.b); step++) {
            if (step == 1000 * 1000)
                fail_msg("seed %llu: never done", (unsigned long long)seed);
            model_write(&f);
            model_send(&f, &m);
            model_settle(&f, &m);
        }
        for (size_t i = 0; i < TOTAL; i++)
            assert_true(m.acked[i]);
        assert_int_equal(f.b.count, 0);
        finish(&f);
    }
}

/* Whichever allocation fails: an error, nothing taken, nothing leaked. */
static void allocations_fail(void **state)
{
    (void)state;
    for (long n = 0; n < 12; n++) {
        struct fixture f;
        start(&f, 1);
        f.t.fail_after = n;
        struct vel_send_span odd[8];
        size_t accepted = 0;
        enum vel_err err = VEL_OK;
        for (unsigned i = 0; i < 8 && err == VEL_OK; i++) {
            uint64_t end = f.b.end;
            err =
                vel_send_buffer_write(&f.b, vel_slice(pattern(end, 4000), 4000), false, &accepted);
            if (err != VEL_OK)
                assert_int_equal(f.b.end, end);
        }
        for (unsigned i = 0; i < 8 && err == VEL_OK; i++) {
            odd[i] = send_next(&f, 100);
            send_next(&f, 100);
        }
        for (unsigned i = 1; i < 8 && err == VEL_OK; i++)
            err = vel_send_buffer_acked(&f.b, &odd[i]);
        assert_true(err == VEL_OK || err == VEL_ERR_NOMEM);
        f.t.fail_after = -1;
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_bytes_go_first),
        cmocka_unit_test(acknowledged_is_not_resent),
        cmocka_unit_test(front_reaches_islands),
        cmocka_unit_test(fin_is_like_a_byte),
        cmocka_unit_test(credit_holds_new_bytes_only),
        cmocka_unit_test(writes_stop_at_the_limit),
        cmocka_unit_test(memory_follows_the_data),
        cmocka_unit_test(lent_bytes_are_released_once),
        cmocka_unit_test(chunks_are_bounded),
        cmocka_unit_test(every_byte_arrives),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
