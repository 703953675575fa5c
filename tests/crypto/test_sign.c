/* SPDX-License-Identifier: MIT */
#include "crypto/sign.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/units.h"
#include "crypto/fixture.h"

static const char *const names[VEL_SIGN_ALG_COUNT] = {"P-256",     "P-384",     "Ed25519",
                                                      "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"};
static const uint8_t text[] = "to be signed";
static const struct vel_slice message = {text, sizeof text};
static const struct vel_slice none;

static bool is_mldsa(enum vel_sign_alg alg)
{
    return alg >= VEL_MLDSA44;
}

static struct vel_sign_key *new_key(struct crypto_fixture *f, enum vel_sign_alg alg)
{
    struct vel_sign_key *key = NULL;
    ASSERT_OK(vel_sign_key_generate(f->crypto, &f->t.env, alg, &key));
    return key;
}

static void signatures_verify(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 1);
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        for (int mode = VEL_SIGN_HEDGED; mode <= VEL_SIGN_DETERMINISTIC; mode++) {
            struct vel_sign_key *key = new_key(&f, (enum vel_sign_alg)i);
            struct vel_slice context = is_mldsa((enum vel_sign_alg)i) ? BYTES('c', 't', 'x') : none;
            uint8_t bytes[VEL_MLDSA_SIG_MAX];
            size_t size = 0;
            ASSERT_ERR(
                names[i],
                vel_sign(f.crypto, key, (enum vel_sign_mode)mode, context, message, bytes, &size),
                VEL_OK);
            struct vel_slice signature = vel_slice(bytes, size);
            ASSERT_ERR(names[i], vel_verify(f.crypto, key, context, message, signature), VEL_OK);
            bytes[size / 2] ^= 1;
            ASSERT_ERR(names[i], vel_verify(f.crypto, key, context, message, signature),
                       VEL_ERR_AUTH);
            bytes[size / 2] ^= 1;
            ASSERT_ERR(names[i], vel_verify(f.crypto, key, context, vel_slice(text, 3), signature),
                       VEL_ERR_AUTH);
            ASSERT_ERR(names[i],
                       vel_verify(f.crypto, key, context, message, vel_slice(bytes, size - 1)),
                       VEL_ERR_AUTH);
            ASSERT_ERR(names[i], vel_verify(f.crypto, key, context, message, none), VEL_ERR_AUTH);
            vel_sign_key_free(key);
        }
    }
    fixture_close(&f);
}

static void a_context_belongs_to_mldsa(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 2);
    static const uint8_t long_context[256];
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        struct vel_sign_key *key = new_key(&f, (enum vel_sign_alg)i);
        uint8_t bytes[VEL_MLDSA_SIG_MAX];
        size_t size = 7;
        enum vel_err want = is_mldsa((enum vel_sign_alg)i) ? VEL_OK : VEL_ERR_ARGUMENT;
        ASSERT_ERR(names[i],
                   vel_sign(f.crypto, key, VEL_SIGN_HEDGED, BYTES(1), message, bytes, &size), want);
        ASSERT_ERR(names[i],
                   vel_sign(f.crypto, key, VEL_SIGN_HEDGED, vel_slice(long_context, 256), message,
                            bytes, &size),
                   VEL_ERR_ARGUMENT);
        if (is_mldsa((enum vel_sign_alg)i))
            ASSERT_ERR(names[i],
                       vel_verify(f.crypto, key, BYTES(2), message, vel_slice(bytes, size)),
                       VEL_ERR_AUTH);
        else
            CHECK(names[i], size == 7);
        vel_sign_key_free(key);
    }
    fixture_close(&f);
}

/* The same seed: the same keys and, deterministically, the same signatures. */
static void a_seed_repeats(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        uint8_t bytes[2][VEL_MLDSA_SIG_MAX];
        size_t sizes[2];
        for (size_t run = 0; run < 2; run++) {
            struct crypto_fixture f;
            fixture_open(&f, 33);
            struct vel_sign_key *key = new_key(&f, (enum vel_sign_alg)i);
            ASSERT_OK(vel_sign(f.crypto, key, VEL_SIGN_DETERMINISTIC, none, message, bytes[run],
                               &sizes[run]));
            vel_sign_key_free(key);
            fixture_close(&f);
        }
        CHECK(names[i],
              vel_slice_equal(vel_slice(bytes[0], sizes[0]), vel_slice(bytes[1], sizes[1])));
    }
}

static void hedged_signatures_differ(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 3);
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        struct vel_sign_key *key = new_key(&f, (enum vel_sign_alg)i);
        uint8_t bytes[2][VEL_MLDSA_SIG_MAX];
        size_t sizes[2];
        for (size_t run = 0; run < 2; run++)
            ASSERT_OK(
                vel_sign(f.crypto, key, VEL_SIGN_HEDGED, none, message, bytes[run], &sizes[run]));
        bool same = vel_slice_equal(vel_slice(bytes[0], sizes[0]), vel_slice(bytes[1], sizes[1]));
        CHECK(names[i], same == (i == VEL_ED25519));
        vel_sign_key_free(key);
    }
    fixture_close(&f);
}

static struct vel_slice encode_spki(const struct vel_sign_key *key, uint8_t **der)
{
    *der = NULL;
    int size = i2d_PUBKEY(vel_sign_key_evp(key), der);
    assert_true(size > 0);
    return vel_slice(*der, (size_t)size);
}

/* Our strict reader agrees with what libcrypto writes. */
static void public_keys_are_read(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 4);
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        struct vel_sign_key *key = new_key(&f, (enum vel_sign_alg)i);
        struct vel_sign_key *other = new_key(&f, (enum vel_sign_alg)i);
        struct vel_sign_key *read = NULL;
        uint8_t *der;
        struct vel_slice spki = encode_spki(key, &der);
        ASSERT_ERR(names[i], vel_sign_key_from_spki(f.crypto, spki, &read), VEL_OK);
        CHECK(names[i], vel_sign_key_alg(read) == i);
        CHECK(names[i], vel_sign_key_same_public(read, key));
        CHECK(names[i], !vel_sign_key_same_public(read, other));

        uint8_t bytes[VEL_MLDSA_SIG_MAX];
        size_t size;
        ASSERT_OK(vel_sign(f.crypto, key, VEL_SIGN_HEDGED, none, message, bytes, &size));
        ASSERT_ERR(names[i], vel_verify(f.crypto, read, none, message, vel_slice(bytes, size)),
                   VEL_OK);
        CHECK(names[i],
              vel_sign(f.crypto, read, VEL_SIGN_HEDGED, none, message, bytes, &size) != VEL_OK);

        struct vel_sign_key *untouched = NULL;
        for (size_t cut = 0; cut < spki.len; cut += 1 + spki.len / 64)
            ASSERT_ERR(names[i], vel_sign_key_from_spki(f.crypto, vel_slice(der, cut), &untouched),
                       VEL_ERR_UNSUPPORTED);
        assert_null(untouched);
        OPENSSL_free(der);
        vel_sign_key_free(key);
        vel_sign_key_free(other);
        vel_sign_key_free(read);
    }
    fixture_close(&f);
}

static void private_keys_are_read(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 5);
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        struct vel_sign_key *key = new_key(&f, (enum vel_sign_alg)i);
        struct vel_sign_key *read = NULL;
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(vel_sign_key_evp(key));
        assert_non_null(info);
        uint8_t *der = NULL;
        int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
        PKCS8_PRIV_KEY_INFO_free(info);
        ASSERT_ERR(names[i], vel_sign_key_from_pkcs8(f.crypto, vel_slice(der, (size_t)size), &read),
                   VEL_OK);
        CHECK(names[i], vel_sign_key_alg(read) == i);
        CHECK(names[i], vel_sign_key_same_public(read, key));

        struct vel_sign_key *untouched = NULL;
        ASSERT_ERR(names[i],
                   vel_sign_key_from_pkcs8(f.crypto, vel_slice(der, (size_t)size - 1), &untouched),
                   VEL_ERR_MALFORMED);
        ASSERT_ERR(names[i], vel_sign_key_from_pkcs8(f.crypto, none, &untouched),
                   VEL_ERR_MALFORMED);
        assert_null(untouched);
        OPENSSL_free(der);
        vel_sign_key_free(key);
        vel_sign_key_free(read);
    }
    fixture_close(&f);
}

/* What stands in EC PRIVATE KEY and RSA PRIVATE KEY files. */
static void keys_of_older_forms_are_read(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 5);
    const struct {
        const char *what;
        EVP_PKEY *pkey;
        enum vel_key_form form;
        enum vel_err want;
        enum vel_sign_alg alg;
    } rows[] = {
        {"P-256", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), VEL_KEY_EC, VEL_OK, VEL_P256},
        {"P-384", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"), VEL_KEY_EC, VEL_OK, VEL_P384},
        {"P-521", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521"), VEL_KEY_EC, VEL_ERR_UNSUPPORTED, 0},
        {"RSA", EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), VEL_KEY_RSA, VEL_OK, VEL_RSA},
        {"short RSA", EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024), VEL_KEY_RSA,
         VEL_ERR_UNSUPPORTED, 0},
        {"RSA as EC", EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), VEL_KEY_EC,
         VEL_ERR_MALFORMED, 0},
        {"EC as RSA", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), VEL_KEY_RSA, VEL_ERR_MALFORMED,
         0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_sign_key *read = NULL, *untouched = NULL;
        uint8_t *der = NULL;
        int size = i2d_PrivateKey(rows[i].pkey, &der);
        assert_true(size > 0);
        ASSERT_ERR(
            rows[i].what,
            vel_sign_key_from_der(f.crypto, rows[i].form, vel_slice(der, (size_t)size), &read),
            rows[i].want);
        CHECK(rows[i].what, (read != NULL) == (rows[i].want == VEL_OK));
        CHECK(rows[i].what, read == NULL || vel_sign_key_alg(read) == rows[i].alg);
        ASSERT_ERR("cut",
                   vel_sign_key_from_der(f.crypto, rows[i].form, vel_slice(der, (size_t)size - 1),
                                         &untouched),
                   VEL_ERR_MALFORMED);
        assert_null(untouched);
        vel_sign_key_free(read);
        OPENSSL_free(der);
        EVP_PKEY_free(rows[i].pkey);
    }
    fixture_close(&f);
}

static void foreign_keys_are_unsupported(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 6);
    EVP_PKEY *pkeys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521"),
                         EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
                         EVP_PKEY_Q_keygen(NULL, NULL, "ED448")};
    for (size_t i = 0; i < VEL_COUNT(pkeys); i++) {
        struct vel_sign_key *untouched = NULL;
        uint8_t *der = NULL;
        int size = i2d_PUBKEY(pkeys[i], &der);
        ASSERT_ERR("spki",
                   vel_sign_key_from_spki(f.crypto, vel_slice(der, (size_t)size), &untouched),
                   VEL_ERR_UNSUPPORTED);
        OPENSSL_free(der);
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkeys[i]);
        der = NULL;
        size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
        PKCS8_PRIV_KEY_INFO_free(info);
        ASSERT_ERR("pkcs8",
                   vel_sign_key_from_pkcs8(f.crypto, vel_slice(der, (size_t)size), &untouched),
                   VEL_ERR_UNSUPPORTED);
        assert_null(untouched);
        OPENSSL_free(der);
        EVP_PKEY_free(pkeys[i]);
    }
    fixture_close(&f);
}

static void bad_points_are_refused(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 7);
    const enum vel_sign_alg curves[] = {VEL_P256, VEL_P384};
    for (size_t i = 0; i < VEL_COUNT(curves); i++) {
        struct vel_sign_key *key = new_key(&f, curves[i]);
        struct vel_sign_key *untouched = NULL;
        uint8_t *der;
        struct vel_slice spki = encode_spki(key, &der);
        der[spki.len - 1] ^= 1;
        ASSERT_ERR(names[curves[i]], vel_sign_key_from_spki(f.crypto, spki, &untouched),
                   VEL_ERR_MALFORMED);
        der[spki.len - 1] ^= 1;

        /* The hybrid form: the same point with the sign of y told once more. */
        size_t form = spki.len - (curves[i] == VEL_P256 ? 65 : 97);
        der[form] = (uint8_t)(6 | (der[spki.len - 1] & 1));
        ASSERT_ERR(names[curves[i]], vel_sign_key_from_spki(f.crypto, spki, &untouched),
                   VEL_ERR_MALFORMED);
        assert_null(untouched);
        OPENSSL_free(der);
        vel_sign_key_free(key);
    }
    fixture_close(&f);
}

/* RFC 6979, A.2.5 (P-256, SHA-256) and A.2.6 (P-384, SHA-384), message "sample". */
static void deterministic_ecdsa_is_rfc_6979(void **state)
{
    (void)state;
    const struct {
        const char *what, *pkcs8, *signature;
    } rows[] = {
        {"P-256",
         "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"
         "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
         "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
         "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
        {"P-384",
         "304e020100301006072a8648ce3d020106052b81040022043730350201010430"
         "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8"
         "96d5724e4c70a825f872c9ea60d2edf5",
         "306602310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
         "81a648152e44acf96e36dd1e80fabe46"
         "02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329"
         "c145786e679e7b82c71a38628ac8"},
    };
    struct crypto_fixture f;
    fixture_open(&f, 8);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t der[128], want[128], got[VEL_ECDSA_SIG_MAX];
        size_t size = 0;
        struct vel_sign_key *key = NULL;
        struct vel_slice pkcs8 = vel_slice(der, test_unhex(rows[i].pkcs8, der, sizeof der));
        ASSERT_ERR(rows[i].what, vel_sign_key_from_pkcs8(f.crypto, pkcs8, &key), VEL_OK);
        ASSERT_ERR(rows[i].what,
                   vel_sign(f.crypto, key, VEL_SIGN_DETERMINISTIC, none, vel_slice_text("sample"),
                            got, &size),
                   VEL_OK);
        struct vel_slice expected =
            vel_slice(want, test_unhex(rows[i].signature, want, sizeof want));
        CHECK(rows[i].what, vel_slice_equal(vel_slice(got, size), expected));
        vel_sign_key_free(key);
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_verify),
        cmocka_unit_test(a_context_belongs_to_mldsa),
        cmocka_unit_test(a_seed_repeats),
        cmocka_unit_test(hedged_signatures_differ),
        cmocka_unit_test(public_keys_are_read),
        cmocka_unit_test(private_keys_are_read),
        cmocka_unit_test(keys_of_older_forms_are_read),
        cmocka_unit_test(foreign_keys_are_unsupported),
        cmocka_unit_test(bad_points_are_refused),
        cmocka_unit_test(deterministic_ecdsa_is_rfc_6979),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
