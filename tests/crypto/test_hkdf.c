/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "crypto/fixture.h"
#include "crypto/hash.h"

/* RFC 5869, appendix A: test cases 1 to 3. */
static void hkdf_is_rfc_5869(void **state)
{
    (void)state;
    const struct {
        const char *what, *input, *salt, *info, *prk, *output;
    } rows[] = {
        {"A.1", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"A.2",
         "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
         "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
         "404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
         "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
         "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
         "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
         "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
         "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
         "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"A.3", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    struct crypto_fixture f;
    fixture_open(&f, 1);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t input[80], salt[80], info[80], prk[32], want[82], got[82];
        struct vel_secret secret;
        ASSERT_OK(vel_hkdf_extract(
            f.crypto, VEL_SHA256, vel_slice(salt, test_unhex(rows[i].salt, salt, sizeof salt)),
            vel_slice(input, test_unhex(rows[i].input, input, sizeof input)), &secret));
        CHECK(rows[i].what, vel_slice_equal(vel_secret_slice(&secret),
                                            vel_slice(prk, test_unhex(rows[i].prk, prk, 32))));
        size_t size = test_unhex(rows[i].output, want, sizeof want);
        ASSERT_OK(vel_hkdf_expand(f.crypto, VEL_SHA256, vel_secret_slice(&secret),
                                  vel_slice(info, test_unhex(rows[i].info, info, sizeof info)), got,
                                  size));
        CHECK(rows[i].what, memcmp(got, want, size) == 0);
    }
    fixture_close(&f);
}

/* RFC 9001 A.1: initial secrets of QUIC version 1. */
static void expand_label_is_rfc_9001(void **state)
{
    (void)state;
    const struct {
        const char *secret, *label, *want;
    } rows[] = {
        {"7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44", "client in",
         "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea"},
        {"7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44", "server in",
         "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b"},
        {"c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea", "quic key",
         "1f369613dd76d5467730efcbe3b1a22d"},
        {"c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea", "quic iv",
         "fa044b2f42a3fd3b46fb255c"},
        {"c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea", "quic hp",
         "9f50449e04a0e810283a1e9933adedd2"},
    };
    struct crypto_fixture f;
    fixture_open(&f, 2);
    HEX(salt, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
    HEX(dcid, "8394c8f03e515708");
    struct vel_secret initial;
    ASSERT_OK(vel_hkdf_extract(f.crypto, VEL_SHA256, salt, dcid, &initial));
    HEX(want_initial, "7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44");
    assert_true(vel_slice_equal(vel_secret_slice(&initial), want_initial));

    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t secret[32], want[32], got[32];
        test_unhex(rows[i].secret, secret, sizeof secret);
        size_t size = test_unhex(rows[i].want, want, sizeof want);
        ASSERT_OK(vel_hkdf_expand_label(f.crypto, VEL_SHA256, vel_slice(secret, 32), "tls13 ",
                                        rows[i].label, vel_slice(NULL, 0), got, size));
        CHECK(rows[i].label, memcmp(got, want, size) == 0);
    }
    fixture_close(&f);
}

/* RFC 8448 section 3: labels that carry a transcript hash. */
static void expand_label_with_context_is_rfc_8448(void **state)
{
    (void)state;
    const struct {
        const char *label, *secret, *context, *want;
    } rows[] = {
        {"derived", "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"},
        {"c hs traffic", "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac",
         "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8",
         "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"},
    };
    struct crypto_fixture f;
    fixture_open(&f, 3);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t secret[32], context[32], want[32], got[32];
        test_unhex(rows[i].secret, secret, sizeof secret);
        test_unhex(rows[i].context, context, sizeof context);
        test_unhex(rows[i].want, want, sizeof want);
        ASSERT_OK(vel_hkdf_expand_label(f.crypto, VEL_SHA256, vel_slice(secret, 32), "tls13 ",
                                        rows[i].label, vel_slice(context, 32), got, 32));
        CHECK(rows[i].label, memcmp(got, want, sizeof want) == 0);
    }
    fixture_close(&f);
}

static void limits_hold(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 4);
    static uint8_t out[255 * 64 + 1];
    static const char longest[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789";
    static const uint8_t context[256];
    struct vel_slice none = {0};
    struct vel_slice secret = BYTES(1, 2, 3);
    for (int i = 0; i < VEL_HASH_COUNT; i++) {
        enum vel_hash_id hash = (enum vel_hash_id)i;
        size_t most = 255 * vel_hash_size(hash);
        ASSERT_OK(vel_hkdf_expand(f.crypto, hash, secret, none, out, most));
        ASSERT_ERR("too long", vel_hkdf_expand(f.crypto, hash, secret, none, out, most + 1),
                   VEL_ERR_ARGUMENT);
    }
    ASSERT_OK(vel_hkdf_expand_label(f.crypto, VEL_SHA256, secret, "vel1 ", longest, none, out, 32));
    ASSERT_ERR(
        "long label",
        vel_hkdf_expand_label(f.crypto, VEL_SHA256, secret, "tls13x ", longest, none, out, 32),
        VEL_ERR_ARGUMENT);
    ASSERT_OK(vel_hkdf_expand_label(f.crypto, VEL_SHA256, secret, "vel1 ", "x",
                                    vel_slice(context, 255), out, 32));
    ASSERT_ERR("long context",
               vel_hkdf_expand_label(f.crypto, VEL_SHA256, secret, "vel1 ", "x",
                                     vel_slice(context, 256), out, 32),
               VEL_ERR_ARGUMENT);
    fixture_close(&f);
}

/* RFC 4231, test cases 2 (short key) and 6 (key longer than a block). */
static void hmac_is_rfc_4231(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 5);
    static const char *const want[2][VEL_HASH_COUNT] = {
        {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
         "8e2240ca5e69e2c78b3239ecfab21649",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
         "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
        {"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
         "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
         "0c2ef6ab4030fe8296248df163f44952",
         "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
         "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    };
    uint8_t long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    const struct vel_slice keys[2] = {vel_slice_text("Jefe"), vel_slice(long_key, 131)};
    const struct vel_slice data[2] = {
        vel_slice_text("what do ya want for nothing?"),
        vel_slice_text("Test Using Larger Than Block-Size Key - Hash Key First")};
    for (size_t i = 0; i < 2; i++) {
        for (int hash = 0; hash < VEL_HASH_COUNT; hash++) {
            uint8_t got[VEL_HASH_MAX], expected[VEL_HASH_MAX];
            size_t size = test_unhex(want[i][hash], expected, sizeof expected);
            ASSERT_OK(vel_hmac(f.crypto, (enum vel_hash_id)hash, keys[i], data[i], got));
            CHECK(want[i][hash], memcmp(got, expected, size) == 0);
        }
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_is_rfc_4231),
        cmocka_unit_test(hkdf_is_rfc_5869),
        cmocka_unit_test(expand_label_is_rfc_9001),
        cmocka_unit_test(expand_label_with_context_is_rfc_8448),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
