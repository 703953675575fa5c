/* SPDX-License-Identifier: MIT */
#include "endpoint/reset.h"

#include "endpoint/fixture.h"
#include "endpoint/limits.h"

static const struct vel_cid orphan = {.len = VEL_CID_OURS, .bytes = "orphaned"};

/* VEL-TR-16: shorter than the trigger, whatever it is, so that a ping-pong ends. */
static void a_reset_is_shorter_than_its_trigger(void **state)
{
    (void)state;
    for (size_t trigger = 0; trigger < 1500; trigger++) {
        for (unsigned random = 0; random < 256; random++) {
            size_t size = vel_reset_size(trigger, (uint8_t)random);
            if (trigger <= VEL_RESET_MIN)
                assert_int_equal(size, 0);
            else
                assert_in_range(size, VEL_RESET_MIN, trigger - 1);
            assert_true(size <= VEL_RESET_MAX);
            if (trigger > VEL_RESET_TYPICAL)
                assert_true(size >= VEL_RESET_TYPICAL);
        }
    }
}

/* RFC 9000 10.3: it looks like a packet with a short header, and no two are alike. */
static void a_reset_looks_like_any_packet(void **state)
{
    (void)state;
    struct test_env t;
    struct vel_crypto *crypto;
    uint8_t key[VEL_RESET_KEY] = {1}, token[VEL_RESET_TOKEN], again[VEL_RESET_TOKEN];
    uint8_t first[60], second[60];
    test_env_init(&t, 1);
    ASSERT_OK(vel_crypto_new(&t.env, &crypto));
    ASSERT_OK(vel_reset_token(crypto, key, &orphan, token));
    ASSERT_OK(vel_reset_token(crypto, key, &orphan, again));
    assert_memory_equal(token, again, sizeof token);
    key[31] = 1;
    ASSERT_OK(vel_reset_token(crypto, key, &orphan, again));
    assert_memory_not_equal(token, again, sizeof token);

    vel_reset_write(&t.env, token, first, sizeof first);
    vel_reset_write(&t.env, token, second, sizeof second);
    assert_int_equal(first[0] & (VEL_BIT_LONG | VEL_BIT_FIXED), VEL_BIT_FIXED);
    assert_memory_equal(first + sizeof first - sizeof token, token, sizeof token);
    assert_memory_not_equal(first, second, sizeof first - sizeof token);
    vel_crypto_free(crypto);
    test_env_done(&t);
}

static void unknown_ids_are_reset(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    fixture_short(&f, &orphan, FAKE_NOTHING, SECOND);
    assert_true(fixture_send(&f, SECOND));
    assert_in_range(f.out.len, VEL_RESET_TYPICAL, 63);
    assert_int_equal(f.out.remote.port, 999);
    assert_int_equal(fixture_stats(&f).resets_sent, 1);
    fixture_close(&f);
}

/* What arrives without an id, or too short to answer, stays unanswered. */
static void the_pace_bounds_them(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    unsigned sent = 0;
    fixture_open(&f, 0, 0);
    for (unsigned i = 0; i < 1000; i++)
        fixture_short(&f, &orphan, FAKE_NOTHING, SECOND);
    while (fixture_send(&f, SECOND))
        sent++;
    assert_int_equal(sent, VEL_REPLY_BURST);
    for (vel_time now = 2 * SECOND; now < 3 * SECOND; now += 100 * US)
        for (unsigned i = 0; i < 2; i++) {
            fixture_short(&f, &orphan, FAKE_NOTHING, now);
            sent += fixture_send(&f, now);
        }
    assert_in_range(sent, 1000, 1000 + 2 * VEL_REPLY_BURST + 1);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_is_shorter_than_its_trigger),
        cmocka_unit_test(a_reset_looks_like_any_packet),
        cmocka_unit_test(unknown_ids_are_reset),
        cmocka_unit_test(the_pace_bounds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
