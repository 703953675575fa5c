/* SPDX-License-Identifier: MIT */
#include "crypto/aead.h"

#include "base/units.h"
#include "crypto/aead_internal.h"
#include "crypto/crypto_internal.h"
#include "crypto/fixture.h"

static const char *const names[VEL_AEAD_COUNT] = {"AES-128-GCM", "AES-256-GCM",
                                                  "ChaCha20-Poly1305"};
enum { ROOM = 2048 };

/* Each test runs twice: with the providers that were chosen for this machine, and with libcrypto alone. */
static bool chosen_ones = false, only_libcrypto = true;
#define WITH_BOTH(test)                                                                            \
    {#test, test, NULL, NULL, &chosen_ones},                                                       \
    {                                                                                              \
        #test " (libcrypto)", test, NULL, NULL, &only_libcrypto                                    \
    }

static void open_fixture(struct crypto_fixture *f, uint64_t seed, void **state)
{
    fixture_open(f, seed);
    if (*(const bool *)*state)
        for (size_t id = 0; id < VEL_AEAD_COUNT; id++)
            f->crypto->provider[id] = &vel_aead_libcrypto;
}

struct pair {
    struct vel_aead *seal;
    struct vel_aead *open;
};

static struct pair new_pair(struct crypto_fixture *f, enum vel_aead_id id)
{
    uint8_t key[VEL_AEAD_KEY_MAX], iv[VEL_AEAD_IV];
    vel_random(&f->t.env, key, sizeof key);
    vel_random(&f->t.env, iv, sizeof iv);
    struct vel_slice k = vel_slice(key, vel_aead_key_size(id));
    struct pair pair = {0};
    ASSERT_OK(vel_aead_new(f->crypto, id, VEL_SEAL, k, vel_slice(iv, sizeof iv), &pair.seal));
    ASSERT_OK(vel_aead_new(f->crypto, id, VEL_OPEN, k, vel_slice(iv, sizeof iv), &pair.open));
    return pair;
}

static void free_pair(struct pair *pair)
{
    vel_aead_free(pair->seal);
    vel_aead_free(pair->open);
}

/* Contexts are used over and over, also after a failure and after a rest, with every size around a block. */
static void what_is_sealed_opens(void **state)
{
    struct crypto_fixture f;
    open_fixture(&f, 1, state);
    const size_t sizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 1350, 1452, ROOM - VEL_AEAD_TAG};
    for (size_t id = 0; id < VEL_AEAD_COUNT; id++) {
        struct pair pair = new_pair(&f, (enum vel_aead_id)id);
        for (uint64_t number = 0; number < VEL_COUNT(sizes); number++) {
            size_t size = sizes[number];
            uint8_t plain[ROOM], bytes[ROOM];
            vel_random(&f.t.env, plain, sizeof plain);
            struct vel_slice ad = vel_slice(plain, (size_t)number * 3);
            memcpy(bytes, plain, size);
            ASSERT_OK(vel_aead_seal(pair.seal, 0, number, ad, bytes, size));
            uint8_t bad[ROOM];
            memcpy(bad, bytes, size + VEL_AEAD_TAG);
            bad[size] ^= 1;
            if (number % 3 == 0)
                vel_aead_rest(pair.seal); /* the next packet wakes it */
            if (number % 2 == 0)
                vel_aead_rest(pair.open);
            ASSERT_ERR(names[id], vel_aead_open(pair.open, 0, number, ad, bad, size + VEL_AEAD_TAG),
                       VEL_ERR_AUTH);
            ASSERT_OK(vel_aead_open(pair.open, 0, number, ad, bytes, size + VEL_AEAD_TAG));
            CHECK(names[id], memcmp(bytes, plain, size) == 0);
        }
        free_pair(&pair);
    }
    fixture_close(&f);
}

static void everything_is_authenticated(void **state)
{
    struct crypto_fixture f;
    open_fixture(&f, 2, state);
    const struct vel_slice ad = BYTES(9, 8, 7);
    const struct {
        const char *what;
        uint32_t path;
        uint64_t number;
        struct vel_slice ad;
        size_t flip, size;
    } rows[] = {
        {"first byte", 1, 5, ad, 0, 40},
        {"last byte of the tag", 1, 5, ad, 39, 40},
        {"cut", 1, 5, ad, 40, 39},
        {"only a tag", 1, 5, ad, 40, 16},
        {"less than a tag", 1, 5, ad, 40, 15},
        {"nothing", 1, 5, ad, 40, 0},
        {"other path", 2, 5, ad, 40, 40},
        {"other number", 1, 6, ad, 40, 40},
        {"high bit of the number", 1, 5 | UINT64_C(1) << 61, ad, 40, 40},
        {"other associated data", 1, 5, BYTES(9, 8, 6), 40, 40},
        {"no associated data", 1, 5, {0}, 40, 40},
    };
    for (size_t id = 0; id < VEL_AEAD_COUNT; id++) {
        struct pair pair = new_pair(&f, (enum vel_aead_id)id);
        for (size_t i = 0; i < VEL_COUNT(rows); i++) {
            uint8_t bytes[41] = {0};
            ASSERT_OK(vel_aead_seal(pair.seal, 1, 5, ad, bytes, 24));
            bytes[rows[i].flip] ^= 0x80;
            ASSERT_ERR(rows[i].what,
                       vel_aead_open(pair.open, rows[i].path, rows[i].number, rows[i].ad, bytes,
                                     rows[i].size),
                       VEL_ERR_AUTH);
        }
        free_pair(&pair);
    }
    fixture_close(&f);
}

/* RFC 9001 A.5: a 1-RTT packet with ChaCha20-Poly1305, header protection and all. */
static void chacha_is_rfc_9001(void **state)
{
    struct crypto_fixture f;
    open_fixture(&f, 3, state);
    HEX(key, "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8");
    HEX(iv, "e0459b3474bdd0e44a41c144");
    HEX(hp, "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4");
    HEX(header, "4200bff4");
    HEX(sealed, "655e5cd55c41f69080575d7999c25a5bfb");
    struct vel_aead *aead = NULL;
    ASSERT_OK(vel_aead_new(f.crypto, VEL_CHACHA20_POLY1305, VEL_SEAL, key, iv, &aead));
    uint8_t bytes[17] = {0x01};
    ASSERT_OK(vel_aead_seal(aead, 0, 654360564, header, bytes, 1));
    assert_memory_equal(bytes, sealed.ptr, 17);
    vel_aead_free(aead);

    struct vel_header_mask *mask = NULL;
    ASSERT_OK(vel_header_mask_new(f.crypto, VEL_CHACHA20_POLY1305, hp, &mask));
    HEX(sample, "5e5cd55c41f69080575d7999c25a5bfb");
    HEX(want, "aefefe7d03");
    uint8_t got[VEL_HP_SAMPLE];
    ASSERT_OK(vel_header_masks(mask, sample.ptr, 1, got));
    assert_memory_equal(got, want.ptr, VEL_HP_MASK);
    vel_header_mask_free(mask);
    fixture_close(&f);
}

/* RFC 9001 A.2 and A.3: header protection of both Initial packets; RFC 9001 A.4: the Retry tag. */
static void aes_is_rfc_9001(void **state)
{
    struct crypto_fixture f;
    open_fixture(&f, 4, state);
    const struct {
        const char *what, *key, *sample, *mask;
    } rows[] = {
        {"client initial", "9f50449e04a0e810283a1e9933adedd2", "d1b1c98dd7689fb8ec11d242b123dc9b",
         "437b9aec36"},
        {"server initial", "c206b8d9b9f0f37644430b490eeaa314", "2cd0991cd25b0aac406a5816b6394100",
         "2ec0d8356a"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t key[16], sample[VEL_HP_SAMPLE], want[VEL_HP_MASK];
        test_unhex(rows[i].key, key, sizeof key);
        test_unhex(rows[i].sample, sample, sizeof sample);
        test_unhex(rows[i].mask, want, sizeof want);
        struct vel_header_mask *mask = NULL;
        ASSERT_OK(vel_header_mask_new(f.crypto, VEL_AES_128_GCM, vel_slice(key, 16), &mask));
        ASSERT_OK(vel_header_masks(mask, sample, 1, sample)); /* in place */
        CHECK(rows[i].what, memcmp(sample, want, sizeof want) == 0);
        vel_header_mask_free(mask);
    }

    HEX(key, "be0c690b9f66575a1d766b54e368c84e");
    HEX(nonce, "461599d35d632bf2239825bb");
    HEX(pseudo, "088394c8f03e515708ff000000010008f067a5502a4262b5746f6b656e");
    HEX(want, "04a265ba2eff4d829058fb3f0f2496ba");
    uint8_t tag[VEL_AEAD_TAG];
    struct vel_slice none = {0};
    ASSERT_OK(vel_aead_seal_once(f.crypto, VEL_AES_128_GCM, key, nonce, pseudo, none, tag));
    assert_memory_equal(tag, want.ptr, sizeof tag);
    ASSERT_OK(vel_aead_open_once(f.crypto, VEL_AES_128_GCM, key, nonce, pseudo,
                                 vel_slice(tag, sizeof tag), tag));
    fixture_close(&f);
}

static void masks_of_many_are_those_of_each(void **state)
{
    struct crypto_fixture f;
    open_fixture(&f, 5, state);
    for (size_t id = 0; id < VEL_AEAD_COUNT; id++) {
        uint8_t key[VEL_AEAD_KEY_MAX], samples[5 * VEL_HP_SAMPLE], many[sizeof samples];
        vel_random(&f.t.env, key, sizeof key);
        vel_random(&f.t.env, samples, sizeof samples);
        struct vel_header_mask *mask = NULL;
        ASSERT_OK(vel_header_mask_new(f.crypto, (enum vel_aead_id)id,
                                      vel_slice(key, vel_aead_key_size((enum vel_aead_id)id)),
                                      &mask));
        memcpy(many, samples, sizeof many);
        vel_header_mask_rest(mask);
        ASSERT_OK(vel_header_masks(mask, many, 5, many));
        vel_header_mask_rest(mask);
        for (size_t i = 0; i < 5; i++) {
            uint8_t one[VEL_HP_SAMPLE];
            ASSERT_OK(vel_header_masks(mask, samples + i * VEL_HP_SAMPLE, 1, one));
            CHECK(names[id], memcmp(one, many + i * VEL_HP_SAMPLE, VEL_HP_MASK) == 0);
        }
        ASSERT_OK(vel_header_masks(mask, samples, 0, many));
        vel_header_mask_free(mask);
    }
    fixture_close(&f);
}

/* GCM specification (McGrew, Viega), test cases 4 and 16: blocks, a rest and associated data. */
static void gcm_is_as_published(void **state)
{
    struct crypto_fixture f;
    open_fixture(&f, 6, state);
    HEX(nonce, "cafebabefacedbaddecaf888");
    HEX(ad, "feedfacedeadbeeffeedfacedeadbeefabaddad2");
    HEX(plain, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    const struct {
        enum vel_aead_id id;
        const char *key, *want;
    } rows[] = {
        {VEL_AES_128_GCM, "feffe9928665731c6d6a8f9467308308",
         "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
         "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
         "5bc94fbc3221a5db94fae95ae7121a47"},
        {VEL_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
         "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
         "76fc6ece0f4e1768cddf8853bb2d551b"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t key[VEL_AEAD_KEY_MAX], want[76], got[76], back[60];
        struct vel_slice k = vel_slice(key, test_unhex(rows[i].key, key, sizeof key));
        test_unhex(rows[i].want, want, sizeof want);
        ASSERT_OK(vel_aead_seal_once(f.crypto, rows[i].id, k, nonce, ad, plain, got));
        CHECK(names[rows[i].id], memcmp(got, want, sizeof want) == 0);
        ASSERT_OK(vel_aead_open_once(f.crypto, rows[i].id, k, nonce, ad, vel_slice(got, sizeof got),
                                     back));
        CHECK(names[rows[i].id], memcmp(back, plain.ptr, plain.len) == 0);
    }
    fixture_close(&f);
}

static void wrong_sizes_are_arguments(void **state)
{
    struct crypto_fixture f;
    open_fixture(&f, 7, state);
    static const uint8_t bytes[64];
    uint8_t out[64];
    struct vel_aead *aead = NULL;
    struct vel_header_mask *mask = NULL;
    struct vel_slice none = {0};
    for (size_t i = 0; i < VEL_AEAD_COUNT; i++) {
        enum vel_aead_id id = (enum vel_aead_id)i;
        struct vel_slice good = vel_slice(bytes, vel_aead_key_size(id));
        struct vel_slice bad = vel_slice(bytes, good.len - 1);
        ASSERT_ERR("key", vel_aead_new(f.crypto, id, VEL_SEAL, bad, vel_slice(bytes, 12), &aead),
                   VEL_ERR_ARGUMENT);
        ASSERT_ERR("iv", vel_aead_new(f.crypto, id, VEL_SEAL, good, vel_slice(bytes, 11), &aead),
                   VEL_ERR_ARGUMENT);
        ASSERT_ERR("mask", vel_header_mask_new(f.crypto, id, bad, &mask), VEL_ERR_ARGUMENT);
        ASSERT_ERR("nonce",
                   vel_aead_seal_once(f.crypto, id, good, vel_slice(bytes, 8), none, none, out),
                   VEL_ERR_ARGUMENT);
        ASSERT_ERR("short",
                   vel_aead_open_once(f.crypto, id, good, vel_slice(bytes, 12), none,
                                      vel_slice(bytes, 15), out),
                   VEL_ERR_AUTH);
    }
    assert_null(aead);
    assert_null(mask);
    vel_aead_free(NULL);
    vel_header_mask_free(NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOTH(what_is_sealed_opens),
        WITH_BOTH(everything_is_authenticated),
        WITH_BOTH(chacha_is_rfc_9001),
        WITH_BOTH(aes_is_rfc_9001),
        WITH_BOTH(masks_of_many_are_those_of_each),
        WITH_BOTH(gcm_is_as_published),
        WITH_BOTH(wrong_sizes_are_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
