/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "crypto/aead_internal.h"
#include "crypto/crypto_internal.h"
#include "crypto/fixture.h"

/*
 * What one provider seals the other one opens, and the bytes are the same: for every size of a packet, at
 * odd addresses, in place and from borrowed memory, with nothing written beside the packet.
 */
enum { LARGEST = 1500, MARGIN = 64, ROOM = MARGIN + LARGEST + VEL_AEAD_TAG + MARGIN, FILL = 0xa5 };

static const enum vel_aead_id gcms[] = {VEL_AES_128_GCM, VEL_AES_256_GCM};

/* A sealer and an opener of one provider. */
struct side {
    struct vel_aead *seal, *open;
};

struct two {
    struct crypto_fixture f;
    struct side libcrypto, ipsec_mb;
    uint8_t plain[ROOM];
};

static struct side side_new(struct two *two, const struct vel_aead_provider *provider,
                            enum vel_aead_id id, const uint8_t *key, const uint8_t *iv)
{
    struct side side = {0};
    struct vel_slice k = vel_slice(key, vel_aead_key_size(id)), i = vel_slice(iv, VEL_AEAD_IV);
    two->f.crypto->provider[id] = provider;
    ASSERT_OK(vel_aead_new(two->f.crypto, id, VEL_SEAL, k, i, &side.seal));
    ASSERT_OK(vel_aead_new(two->f.crypto, id, VEL_OPEN, k, i, &side.open));
    return side;
}

static void two_open(struct two *two, enum vel_aead_id id)
{
    uint8_t key[VEL_AEAD_KEY_MAX], iv[VEL_AEAD_IV];
    vel_random(&two->f.t.env, key, sizeof key);
    vel_random(&two->f.t.env, iv, sizeof iv);
    vel_random(&two->f.t.env, two->plain, sizeof two->plain);
    two->libcrypto = side_new(two, &vel_aead_libcrypto, id, key, iv);
    two->ipsec_mb = side_new(two, &vel_aead_ipsec_mb, id, key, iv);
}

static void side_free(struct side *side)
{
    vel_aead_free(side->seal);
    vel_aead_free(side->open);
}

static void two_close(struct two *two)
{
    side_free(&two->libcrypto);
    side_free(&two->ipsec_mb);
}

/* Opens the library; false, and everything closed again, when this machine has one provider only. */
static bool both_exist(struct two *two, uint64_t seed)
{
    fixture_open(&two->f, seed);
    if (two->f.crypto->ipsec_mb != NULL)
        return true;
    fixture_close(&two->f);
    return false;
}

static void check_margins(size_t size, const uint8_t *room, const uint8_t *packet,
                          size_t packet_size)
{
    for (const uint8_t *at = room; at < room + ROOM; at++)
        if ((at < packet || at >= packet + packet_size) && *at != FILL)
            fail_msg("size %zu: byte %td beside the packet was written", size, at - packet);
}

/* One size, at an address and with associated data that depend on it. */
static void check_size(struct two *two, uint64_t number, size_t size, size_t borrowed)
{
    uint8_t a[ROOM], b[ROOM];
    memset(a, FILL, sizeof a);
    memset(b, FILL, sizeof b);
    uint8_t *one = a + MARGIN - number % 33, *other = b + MARGIN - number % 29;
    struct vel_slice ad = vel_slice(two->plain + number % 7, number % 41);
    const uint8_t *plain = two->plain + number % 13;
    size_t head = size - borrowed, sealed = size + VEL_AEAD_TAG;
    struct vel_slice body = vel_slice(plain + head, borrowed);
    memcpy(one, plain, size);
    memcpy(other, plain, head);

    ASSERT_OK(vel_aead_seal(two->libcrypto.seal, 1, number, ad, one, size));
    ASSERT_OK(vel_aead_seal_from(two->ipsec_mb.seal, 1, number, ad, other, head, body));
    if (memcmp(one, other, sealed) != 0)
        fail_msg("size %zu, of which %zu borrowed: the providers differ", size, borrowed);
    check_margins(size, a, one, sealed);
    check_margins(size, b, other, sealed);

    ASSERT_OK(vel_aead_open(two->ipsec_mb.open, 1, number, ad, one, sealed));
    ASSERT_OK(vel_aead_open(two->libcrypto.open, 1, number, ad, other, sealed));
    if (memcmp(one, plain, size) != 0 || memcmp(other, plain, size) != 0)
        fail_msg("size %zu: not what was sealed", size);
    check_margins(size, a, one, sealed);
}

static void all_sizes_agree(void **state)
{
    (void)state;
    struct two two;
    if (!both_exist(&two, 1))
        skip();
    for (size_t i = 0; i < VEL_COUNT(gcms); i++) {
        two_open(&two, gcms[i]);
        uint64_t number = 0;
        for (size_t size = 0; size <= LARGEST; size++) {
            const size_t borrowed[] = {0, size, size / 2, size - VEL_MIN(size, 14)};
            for (size_t j = 0; j < VEL_COUNT(borrowed); j++)
                check_size(&two, number++, size, borrowed[j]);
        }
        two_close(&two);
    }
    fixture_close(&two.f);
}

/* Slices of nothing have no address either: the libraries must not look for one. */
static void nothing_needs_no_address(void **state)
{
    static const struct vel_slice nothing = {0};
    static const uint8_t body[] = "body";
    (void)state;
    struct two two;
    if (!both_exist(&two, 5))
        skip();
    for (size_t i = 0; i < VEL_COUNT(gcms); i++) {
        two_open(&two, gcms[i]);
        for (size_t size = 0; size <= sizeof body; size += sizeof body) {
            uint8_t one[sizeof body + VEL_AEAD_TAG], other[sizeof body + VEL_AEAD_TAG];
            struct vel_slice borrowed = size > 0 ? vel_slice(body, size) : nothing;
            ASSERT_OK(vel_aead_seal_from(two.libcrypto.seal, 0, 1, nothing, one, 0, borrowed));
            ASSERT_OK(vel_aead_seal_from(two.ipsec_mb.seal, 0, 1, nothing, other, 0, borrowed));
            assert_memory_equal(one, other, size + VEL_AEAD_TAG);
            ASSERT_OK(vel_aead_open(two.ipsec_mb.open, 0, 1, nothing, one, size + VEL_AEAD_TAG));
            ASSERT_OK(vel_aead_open(two.libcrypto.open, 0, 1, nothing, other, size + VEL_AEAD_TAG));
        }
        uint8_t key[VEL_AEAD_KEY_MAX] = {1}, tags[2][VEL_AEAD_TAG];
        struct vel_slice k = vel_slice(key, vel_aead_key_size(gcms[i]));
        struct vel_slice nonce = vel_slice(two.plain, VEL_AEAD_IV);
        for (size_t j = 0; j < 2; j++) {
            two.f.crypto->provider[gcms[i]] = j == 0 ? &vel_aead_libcrypto : &vel_aead_ipsec_mb;
            ASSERT_OK(
                vel_aead_seal_once(two.f.crypto, gcms[i], k, nonce, nothing, nothing, tags[j]));
        }
        assert_memory_equal(tags[0], tags[1], VEL_AEAD_TAG);
        two_close(&two);
    }
    fixture_close(&two.f);
}

/* Every bit of text and tag counts, and what is refused writes nothing beside the packet. */
static void nothing_forged_opens(void **state)
{
    (void)state;
    struct two two;
    if (!both_exist(&two, 2))
        skip();
    enum { SIZE = 61, SEALED = SIZE + VEL_AEAD_TAG };
    for (size_t i = 0; i < VEL_COUNT(gcms); i++) {
        two_open(&two, gcms[i]);
        for (size_t bit = 0; bit < (size_t)SEALED * 8; bit++) {
            uint8_t room[ROOM];
            memset(room, FILL, sizeof room);
            uint8_t *packet = room + MARGIN;
            memcpy(packet, two.plain, SIZE);
            struct vel_slice ad = vel_slice(two.plain, 20);
            ASSERT_OK(vel_aead_seal(two.libcrypto.seal, 0, bit, ad, packet, SIZE));
            packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ASSERT_ERR("forged", vel_aead_open(two.ipsec_mb.open, 0, bit, ad, packet, SEALED),
                       VEL_ERR_AUTH);
            check_margins(SIZE, room, packet, SEALED);
        }
        two_close(&two);
    }
    fixture_close(&two.f);
}

static void what_protects_packets_has_a_name(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 3);
    const char *name = f.crypto->ipsec_mb != NULL ? "ipsec-mb" : "libcrypto";
    assert_string_equal(vel_crypto_aes_gcm(f.crypto), name);
    fixture_close(&f);
}

/* No memory for the provider's table: nothing is opened, nothing leaks. */
static void no_memory_leaves_nothing(void **state)
{
    (void)state;
    struct two two;
    if (!both_exist(&two, 4))
        skip();
    struct vel_crypto *crypto = NULL;
    two.f.t.fail_after = 1;
    ASSERT_ERR("table", vel_crypto_new(&two.f.t.env, &crypto), VEL_ERR_NOMEM);
    assert_null(crypto);
    fixture_close(&two.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes_agree),
        cmocka_unit_test(nothing_needs_no_address),
        cmocka_unit_test(nothing_forged_opens),
        cmocka_unit_test(what_protects_packets_has_a_name),
        cmocka_unit_test(no_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
