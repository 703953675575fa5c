/* SPDX-License-Identifier: MIT */
/* Edges of the key schedule; its values are proved by the transcripts (test_transcript.c) and by
 * replay.py, which knows only the specification. */
#include "handshake/schedule.h"

#include "handshake/transcript.h"
#include "testing/test.h"
#include "velocity/config.h"

static struct test_env t;
static struct vel_crypto *crypto;

static int open_crypto(void **state)
{
    (void)state;
    test_env_init(&t, 1);
    ASSERT_OK(vel_crypto_new(&t.env, &crypto));
    return 0;
}

static int close_crypto(void **state)
{
    (void)state;
    vel_crypto_free(crypto);
    test_env_done(&t);
    return 0;
}

/* VEL-HS-33: limits, and what separates two exported values. */
static void exporter(void **state)
{
    (void)state;
    struct vel_schedule s;
    uint8_t hash[VEL_HASH_MAX] = {7};
    ASSERT_OK(vel_schedule_start(&s, crypto, VEL_SHA384));
    ASSERT_OK(vel_schedule_handshake(&s, BYTES(1, 2, 3), vel_slice(hash, 48)));
    ASSERT_OK(vel_schedule_master(&s, vel_slice(hash, 48)));
    assert_int_equal(s.main.len, 0); /* the master secret does not stay */

    char label[202];
    memset(label, 'a', sizeof label);
    label[201] = '\0';
    static uint8_t out[256 * 48];
    struct vel_slice none = {0};
    ASSERT_ERR("label", vel_schedule_export(&s, label, none, out, 16), VEL_ERR_ARGUMENT);
    ASSERT_OK(vel_schedule_export(&s, label + 1, none, out, 16));
    ASSERT_ERR("size", vel_schedule_export(&s, "a", none, out, 255 * 48 + 1), VEL_ERR_ARGUMENT);
    ASSERT_OK(vel_schedule_export(&s, "a", none, out, 255 * 48));

    uint8_t a[32];
    uint8_t b[32];
    ASSERT_OK(vel_schedule_export(&s, "a", BYTES(1), a, sizeof a));
    ASSERT_OK(vel_schedule_export(&s, "b", BYTES(1), b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    ASSERT_OK(vel_schedule_export(&s, "a", BYTES(2), b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);

    vel_schedule_clear(&s);
    assert_int_equal(s.exporter.len, 0);
}

/* VEL-HS-30, VEL-HS-31: the wire version is part of every hash, and so is a retry. */
static void transcripts(void **state)
{
    (void)state;
    struct vel_transcript one = {0};
    struct vel_transcript other = {0};
    struct vel_secret a;
    struct vel_secret b;
    ASSERT_OK(vel_transcript_start(&one, crypto, VEL_SHA512, VEL_VERSION_DRAFT));
    ASSERT_OK(vel_transcript_start(&other, crypto, VEL_SHA512, VEL_VERSION_FROZEN));
    ASSERT_OK(vel_transcript_hash(&one, &a));
    ASSERT_OK(vel_transcript_hash(&other, &b));
    assert_int_equal(a.len, 64);
    assert_memory_not_equal(a.bytes, b.bytes, 64);

    /* By hand: prologue || fe 00 00 40 || H(prologue). */
    struct vel_slice parts[] = {vel_slice_text("Velocity/1"), BYTES(0x56, 0x55, 0x31, 0x02),
                                BYTES(0xfe, 0, 0, 0x40), vel_slice(a.bytes, 64)};
    ASSERT_OK(vel_digest(crypto, VEL_SHA512, parts, 4, b.bytes));
    ASSERT_OK(vel_transcript_retry(&one));
    ASSERT_OK(vel_transcript_hash(&one, &a));
    assert_memory_equal(a.bytes, b.bytes, 64);
    vel_transcript_clear(&one);
    vel_transcript_clear(&other);
    vel_transcript_clear(&other); /* again is fine */
}

static void defaults(void **state)
{
    (void)state;
    struct vel_config config = vel_config_default(crypto);
    assert_ptr_equal(config.crypto, crypto);
    assert_int_equal(config.profiles.count, 1);
    assert_int_equal(config.profiles.items[0], VEL_PROFILE_BALANCED);
    assert_int_equal(config.limits.idle_timeout, 30000000000);
    assert_int_equal(config.limits.max_data, 16 << 20);
    assert_int_equal(config.limits.max_datagram_payload, 1452);
    assert_true(config.limits.pacing && config.limits.ecn);
    assert_false(config.insecure || config.deterministic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exporter),
        cmocka_unit_test(transcripts),
        cmocka_unit_test(defaults),
    };
    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
