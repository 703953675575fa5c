/* SPDX-License-Identifier: MIT */
#include "transport/cids.h"

#include "testing/test.h"

static struct vel_cid id(uint8_t tag)
{
    struct vel_cid cid = {.len = VEL_CID_OURS};
    memset(cid.bytes, tag, VEL_CID_OURS);
    return cid;
}

static void start(struct vel_cids *cids)
{
    struct vel_cid ours = id(1);
    struct vel_cid peer = id(101);
    vel_cids_init(cids, &ours, &peer);
}

static enum vel_err add(struct vel_cids *cids, uint64_t sequence, uint64_t retire_prior)
{
    uint8_t token[VEL_RESET_TOKEN] = {(uint8_t)sequence};
    struct vel_cid cid = id((uint8_t)(101 + sequence));
    return vel_cids_on_new(cids, sequence, retire_prior, &cid, token);
}

static void peer_rotates(void **state)
{
    (void)state;
    struct vel_cids cids;
    start(&cids);
    ASSERT_OK(add(&cids, 1, 0));
    ASSERT_OK(add(&cids, 2, 2));
    struct vel_cid want = id(103);
    uint64_t next;
    assert_null(vel_cids_peer(&cids, 0));
    ASSERT_OK(vel_cids_take(&cids, &next));
    assert_int_equal(next, 2);
    assert_true(vel_cid_equal(vel_cids_peer(&cids, next), &want));
    uint64_t retired = 0;
    struct vel_retiring_cid *frame;
    while ((frame = vel_cids_next_retire(&cids)) != NULL) {
        retired += frame->sequence + 1;
        frame->due = false;
    }
    assert_int_equal(retired, 1 + 2);
    vel_cids_retire_lost(&cids, 1);
    assert_int_equal(vel_cids_next_retire(&cids)->sequence, 1);
    vel_cids_retire_acked(&cids, 1);
    assert_null(vel_cids_next_retire(&cids));
}

static void peer_may_not_exceed_or_contradict(void **state)
{
    (void)state;
    struct vel_cids cids;
    start(&cids);
    for (uint64_t i = 1; i < VEL_CIDS_REMOTE; i++)
        ASSERT_OK(add(&cids, i, 0));
    ASSERT_ERR("one too many", add(&cids, VEL_CIDS_REMOTE, 0), VEL_ERR_LIMIT);
    ASSERT_OK(add(&cids, 2, 0));
    struct vel_cid other = id(200);
    uint8_t token[VEL_RESET_TOKEN] = {2};
    ASSERT_ERR("other id", vel_cids_on_new(&cids, 2, 0, &other, token), VEL_ERR_UNEXPECTED);
    struct vel_cid same = id(103);
    token[0] = 9;
    ASSERT_ERR("other token", vel_cids_on_new(&cids, 2, 0, &same, token), VEL_ERR_UNEXPECTED);
    token[0] = 2;
    ASSERT_ERR("other sequence", vel_cids_on_new(&cids, 7, 0, &same, token), VEL_ERR_UNEXPECTED);
}

/* A peer that retires without end while acknowledging nothing hits a bound. */
static void retirement_flood_is_bounded(void **state)
{
    (void)state;
    struct vel_cids cids;
    start(&cids);
    enum vel_err err = VEL_OK;
    uint64_t sequence = 1;
    while (err == VEL_OK && sequence < 100) {
        err = add(&cids, sequence, sequence);
        sequence++;
    }
    ASSERT_ERR("flood", err, VEL_ERR_LIMIT);
    assert_true(sequence <= VEL_CIDS_RETIRING + 2);
}

static void ours_come_and_go(void **state)
{
    (void)state;
    struct vel_cids cids;
    start(&cids);
    uint8_t token[VEL_RESET_TOKEN] = {0};
    uint8_t tag = 2;
    while (vel_cids_want_local(&cids, 100)) {
        struct vel_cid cid = id(tag++);
        vel_cids_add_local(&cids, &cid, token);
    }
    assert_int_equal(tag, 2 + VEL_CIDS_LOCAL - 1);
    assert_false(vel_cids_want_local(&cids, 2));

    struct vel_cid on = id(1);
    struct vel_cid gone;
    ASSERT_ERR("own packet's id", vel_cids_on_retire(&cids, 0, &on, &gone), VEL_ERR_UNEXPECTED);
    ASSERT_ERR("never issued", vel_cids_on_retire(&cids, 4, &on, &gone), VEL_ERR_UNEXPECTED);
    ASSERT_OK(vel_cids_on_retire(&cids, 1, &on, &gone));
    struct vel_cid two = id(2);
    assert_true(vel_cid_equal(&gone, &two));
    ASSERT_OK(vel_cids_on_retire(&cids, 1, &on, &gone));
    assert_int_equal(gone.len, 0);
    assert_true(vel_cids_want_local(&cids, 100));
}

static void reset_tokens(void **state)
{
    (void)state;
    struct vel_cids cids;
    start(&cids);
    ASSERT_OK(add(&cids, 1, 0));
    uint8_t token[VEL_RESET_TOKEN] = {1};
    uint64_t taken;
    assert_false(vel_cids_is_reset_token(&cids, token)); /* no packet carries that id yet */
    ASSERT_OK(vel_cids_take(&cids, &taken));
    assert_true(vel_cids_is_reset_token(&cids, token));
    token[15] = 1;
    assert_false(vel_cids_is_reset_token(&cids, token));
    uint8_t zero[VEL_RESET_TOKEN] = {0};
    assert_false(vel_cids_is_reset_token(&cids, zero)); /* the first id has no token yet */
    token[15] = 0;
    ASSERT_OK(vel_cids_give_up(&cids, taken));
    assert_false(vel_cids_is_reset_token(&cids, token));
}

static void an_empty_id_stays_alone(void **state)
{
    (void)state;
    struct vel_cids cids;
    struct vel_cid ours = id(1), empty = {0};
    vel_cids_init(&cids, &ours, &empty);
    ASSERT_ERR("another", add(&cids, 1, 0), VEL_ERR_UNEXPECTED);
    uint64_t sequence = 9;
    ASSERT_OK(vel_cids_take(&cids, &sequence)); /* for every path */
    assert_int_equal(sequence, 0);
    ASSERT_OK(vel_cids_give_up(&cids, 0));
    assert_non_null(vel_cids_peer(&cids, 0));
    assert_null(vel_cids_next_retire(&cids));
}

/* VEL-TR-14: each path takes an id of its own and retires it in the end. */
static void paths_take_and_give_up(void **state)
{
    (void)state;
    struct vel_cids cids;
    start(&cids);
    uint64_t first, second;
    ASSERT_ERR("none to spare", vel_cids_take(&cids, &first), VEL_ERR_AGAIN);
    ASSERT_OK(add(&cids, 2, 0));
    ASSERT_OK(add(&cids, 1, 0));
    ASSERT_OK(vel_cids_take(&cids, &first));
    ASSERT_OK(vel_cids_take(&cids, &second));
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    ASSERT_OK(vel_cids_give_up(&cids, first));
    assert_int_equal(vel_cids_next_retire(&cids)->sequence, 1);
    vel_cids_retire_acked(&cids, 1);

    /* Its frame comes again: it stays retired, and nothing is sent. */
    ASSERT_OK(add(&cids, 1, 0));
    assert_null(vel_cids_peer(&cids, 1));
    assert_null(vel_cids_next_retire(&cids));
}

/* A peer that makes us move without end, and acknowledges nothing, hits the same bound. */
static void giving_up_is_bounded(void **state)
{
    (void)state;
    struct vel_cids cids;
    start(&cids);
    enum vel_err err = VEL_OK;
    uint64_t next = 1, taken;
    for (; err == VEL_OK && next < 100; next++) {
        ASSERT_OK(add(&cids, next, 0));
        ASSERT_OK(vel_cids_take(&cids, &taken));
        err = vel_cids_give_up(&cids, taken);
    }
    ASSERT_ERR("flood", err, VEL_ERR_LIMIT);
    assert_true(next <= VEL_CIDS_RETIRING + 2);
}

/* Frames may come in any order, late ones included. */
static void ids_come_in_any_order(void **state)
{
    (void)state;
    struct vel_cids cids;
    start(&cids);
    ASSERT_OK(add(&cids, 60, 58));
    ASSERT_OK(add(&cids, 59, 58));
    ASSERT_OK(add(&cids, 3, 0)); /* never seen, and below Retire Prior To */
    unsigned due = 0;
    struct vel_retiring_cid *frame;
    while ((frame = vel_cids_next_retire(&cids)) != NULL) {
        assert_true(frame->sequence == 0 || frame->sequence == 3);
        frame->due = false;
        due++;
    }
    assert_int_equal(due, 2);
    ASSERT_OK(add(&cids, 200, 58)); /* far ahead: what was seen before is forgotten, and ignored */
    ASSERT_OK(add(&cids, 61, 58));
    assert_null(vel_cids_peer(&cids, 61));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_rotates),
        cmocka_unit_test(peer_may_not_exceed_or_contradict),
        cmocka_unit_test(an_empty_id_stays_alone),
        cmocka_unit_test(paths_take_and_give_up),
        cmocka_unit_test(giving_up_is_bounded),
        cmocka_unit_test(ids_come_in_any_order),
        cmocka_unit_test(retirement_flood_is_bounded),
        cmocka_unit_test(ours_come_and_go),
        cmocka_unit_test(reset_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
