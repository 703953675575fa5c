/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "crypto/fixture.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

static const uint8_t text[] = "transcript";
static const struct vel_slice message = {text, sizeof text - 1};

static struct vel_dual_key new_key(struct crypto_fixture *f, const struct vel_sig_suite *suite)
{
    struct vel_dual_key key = {.suite = suite};
    ASSERT_OK(vel_sign_key_generate(f->crypto, &f->t.env, suite->classical, &key.classical));
    ASSERT_OK(vel_sign_key_generate(f->crypto, &f->t.env, suite->pq, &key.pq));
    return key;
}

static void free_key(struct vel_dual_key *key)
{
    vel_sign_key_free(key->classical);
    vel_sign_key_free(key->pq);
}

static enum vel_err verify(struct crypto_fixture *f, const struct vel_dual_key *key,
                           const struct vel_dual_sig *sig)
{
    return vel_dual_verify(f->crypto, key, "server", message,
                           vel_slice(sig->classical, sig->classical_size),
                           vel_slice(sig->pq, sig->pq_size));
}

static void both_halves_are_needed(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 1);
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++) {
        const char *label = vel_sig_suites[i].label;
        struct vel_dual_key key = new_key(&f, &vel_sig_suites[i]);
        struct vel_dual_key other = new_key(&f, &vel_sig_suites[i]);
        struct vel_dual_sig good, wrong, mixed;
        ASSERT_OK(vel_dual_sign(f.crypto, &key, VEL_SIGN_HEDGED, "server", message, &good));
        ASSERT_OK(vel_dual_sign(f.crypto, &other, VEL_SIGN_HEDGED, "server", message, &wrong));
        ASSERT_ERR(label, verify(&f, &key, &good), VEL_OK);
        ASSERT_ERR(label, verify(&f, &key, &wrong), VEL_ERR_AUTH);

        mixed = good;
        memcpy(mixed.pq, wrong.pq, sizeof mixed.pq);
        ASSERT_ERR(label, verify(&f, &key, &mixed), VEL_ERR_AUTH);
        mixed = wrong;
        memcpy(mixed.pq, good.pq, sizeof mixed.pq);
        ASSERT_ERR(label, verify(&f, &key, &mixed), VEL_ERR_AUTH);

        mixed = good;
        mixed.pq_size = 0;
        ASSERT_ERR(label, verify(&f, &key, &mixed), VEL_ERR_AUTH);
        mixed = good;
        mixed.classical_size = 0;
        ASSERT_ERR(label, verify(&f, &key, &mixed), VEL_ERR_AUTH);
        free_key(&key);
        free_key(&other);
    }
    fixture_close(&f);
}

/* A signature is good for one use, one message and one suite. */
static void uses_are_apart(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 2);
    struct vel_dual_key key = new_key(&f, vel_sig_suite_find(0x5651));
    struct vel_dual_sig sig;
    ASSERT_OK(vel_dual_sign(f.crypto, &key, VEL_SIGN_HEDGED, "server", message, &sig));
    struct vel_slice classical = vel_slice(sig.classical, sig.classical_size);
    struct vel_slice pq = vel_slice(sig.pq, sig.pq_size);
    ASSERT_ERR("other use", vel_dual_verify(f.crypto, &key, "client", message, classical, pq),
               VEL_ERR_AUTH);
    ASSERT_ERR("other message",
               vel_dual_verify(f.crypto, &key, "server", vel_slice(text, 3), classical, pq),
               VEL_ERR_AUTH);
    key.suite = vel_sig_suite_find(0x5652); /* the same ML-DSA key under another label */
    ASSERT_ERR("other suite", vel_dual_verify(f.crypto, &key, "server", message, classical, pq),
               VEL_ERR_AUTH);
    free_key(&key);
    fixture_close(&f);
}

/* M' put together by hand, and each half checked alone. */
static void the_construction_is_as_specified(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 3);
    struct vel_dual_key key = new_key(&f, vel_sig_suite_find(0x5661));
    struct vel_dual_sig sig;
    ASSERT_OK(vel_dual_sign(f.crypto, &key, VEL_SIGN_DETERMINISTIC, "client", message, &sig));

    static const char head[] = "VelocityDualSignature2026VEL1-MLDSA87-P384\x06"
                               "client";
    uint8_t bytes[sizeof head - 1 + 64];
    memcpy(bytes, head, sizeof head - 1);
    ASSERT_OK(vel_digest(f.crypto, VEL_SHA512, &message, 1, bytes + sizeof head - 1));
    struct vel_slice m = vel_slice(bytes, sizeof bytes);
    ASSERT_OK(vel_verify(f.crypto, key.classical, vel_slice(NULL, 0), m,
                         vel_slice(sig.classical, sig.classical_size)));
    ASSERT_OK(vel_verify(f.crypto, key.pq, vel_slice_text("VEL1-MLDSA87-P384"), m,
                         vel_slice(sig.pq, sig.pq_size)));
    ASSERT_ERR("without its context",
               vel_verify(f.crypto, key.pq, vel_slice(NULL, 0), m, vel_slice(sig.pq, sig.pq_size)),
               VEL_ERR_AUTH);
    free_key(&key);
    fixture_close(&f);
}

static void a_use_has_a_limit(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 4);
    struct vel_dual_key key = new_key(&f, vel_sig_suite_find(0x5642));
    char use[257];
    memset(use, 'x', 256);
    use[256] = '\0';
    struct vel_dual_sig sig = {.pq_size = 1};
    ASSERT_ERR("256 bytes", vel_dual_sign(f.crypto, &key, VEL_SIGN_HEDGED, use, message, &sig),
               VEL_ERR_ARGUMENT);
    assert_int_equal(sig.pq_size, 1);
    free_key(&key);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_are_needed),
        cmocka_unit_test(uses_are_apart),
        cmocka_unit_test(the_construction_is_as_specified),
        cmocka_unit_test(a_use_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
