/* SPDX-License-Identifier: MIT */
#include "crypto/kem.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/units.h"
#include "crypto/fixture.h"

enum { WIRE_MAX = 1665 };

/* One exchange, and what it put on the wire. */
struct exchange {
    uint8_t share[WIRE_MAX];
    uint8_t reply[WIRE_MAX];
    struct vel_secret client;
    struct vel_secret server;
};

static void run(const struct vel_group *group, uint64_t seed, struct exchange *x)
{
    struct crypto_fixture f;
    fixture_open(&f, seed);
    struct vel_kem_key *key = NULL;
    *x = (struct exchange){0};
    ASSERT_OK(vel_kem_generate(f.crypto, &f.t.env, group, &key, x->share));
    ASSERT_OK(vel_kem_encapsulate(f.crypto, &f.t.env, group, vel_slice(x->share, group->share_size),
                                  x->reply, &x->server));
    ASSERT_OK(
        vel_kem_decapsulate(f.crypto, key, vel_slice(x->reply, group->reply_size), &x->client));
    vel_kem_key_free(key);
    fixture_close(&f);
}

static void both_sides_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_GROUP_COUNT; i++) {
        struct exchange x;
        run(&vel_groups[i], 1, &x);
        CHECK(vel_groups[i].name, x.client.len == vel_groups[i].secret_size);
        CHECK(vel_groups[i].name,
              vel_slice_equal(vel_secret_slice(&x.client), vel_secret_slice(&x.server)));
    }
}

static void a_seed_repeats(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_GROUP_COUNT; i++) {
        struct exchange a, b, c;
        run(&vel_groups[i], 7, &a);
        run(&vel_groups[i], 7, &b);
        run(&vel_groups[i], 8, &c);
        CHECK(vel_groups[i].name, memcmp(&a, &b, sizeof a) == 0);
        CHECK(vel_groups[i].name, memcmp(a.share, c.share, sizeof a.share) != 0);
        CHECK(vel_groups[i].name, memcmp(a.reply, c.reply, sizeof a.reply) != 0);
        CHECK(vel_groups[i].name, memcmp(&a.client, &c.client, sizeof a.client) != 0);
    }
}

/* The groups that libcrypto has as well, under names of its own. */
static const struct {
    uint16_t code;
    const char *name;
} shared_groups[] = {{0x11ec, "X25519MLKEM768"}, {0x11ed, "SecP384r1MLKEM1024"}};

static void libcrypto_answers_our_share(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 2);
    for (size_t i = 0; i < VEL_COUNT(shared_groups); i++) {
        const struct vel_group *group = vel_group_find(shared_groups[i].code);
        struct vel_kem_key *key = NULL;
        uint8_t share[WIRE_MAX], reply[WIRE_MAX], theirs[VEL_SECRET_MAX];
        ASSERT_OK(vel_kem_generate(f.crypto, &f.t.env, group, &key, share));

        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, shared_groups[i].name, NULL);
        EVP_PKEY *peer = NULL;
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, share, group->share_size),
            OSSL_PARAM_construct_end()};
        assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
        assert_int_equal(EVP_PKEY_fromdata(ctx, &peer, EVP_PKEY_PUBLIC_KEY, params), 1);
        EVP_PKEY_CTX_free(ctx);
        ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
        size_t reply_size = sizeof reply, secret_size = sizeof theirs;
        assert_int_equal(EVP_PKEY_encapsulate_init(ctx, NULL), 1);
        assert_int_equal(EVP_PKEY_encapsulate(ctx, reply, &reply_size, theirs, &secret_size), 1);
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(peer);

        struct vel_secret ours = {0};
        CHECK(group->name, reply_size == group->reply_size);
        ASSERT_OK(vel_kem_decapsulate(f.crypto, key, vel_slice(reply, reply_size), &ours));
        CHECK(group->name,
              vel_slice_equal(vel_secret_slice(&ours), vel_slice(theirs, secret_size)));
        vel_kem_key_free(key);
    }
    fixture_close(&f);
}

static void we_answer_a_share_of_libcrypto(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 3);
    for (size_t i = 0; i < VEL_COUNT(shared_groups); i++) {
        const struct vel_group *group = vel_group_find(shared_groups[i].code);
        EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, shared_groups[i].name);
        assert_non_null(pkey);
        uint8_t *share = NULL;
        size_t share_size = EVP_PKEY_get1_encoded_public_key(pkey, &share);
        uint8_t reply[WIRE_MAX], theirs[VEL_SECRET_MAX];
        struct vel_secret ours = {0};
        ASSERT_OK(vel_kem_encapsulate(f.crypto, &f.t.env, group, vel_slice(share, share_size),
                                      reply, &ours));

        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
        size_t size = sizeof theirs;
        assert_int_equal(EVP_PKEY_decapsulate_init(ctx, NULL), 1);
        assert_int_equal(EVP_PKEY_decapsulate(ctx, theirs, &size, reply, group->reply_size), 1);
        CHECK(group->name, vel_slice_equal(vel_secret_slice(&ours), vel_slice(theirs, size)));
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(pkey);
        OPENSSL_free(share);
    }
    fixture_close(&f);
}

/* Where the halves lie in share and reply. */
static size_t classical_at(const struct vel_group *group, size_t whole)
{
    return group->code == 0x11ed ? 0 : whole - 32;
}

static size_t pq_at(const struct vel_group *group)
{
    return group->code == 0x11ed ? 97 : 0;
}

static void check_share(struct crypto_fixture *f, const struct vel_group *group, const char *what,
                        struct vel_slice share)
{
    uint8_t reply[WIRE_MAX] = {0};
    static const uint8_t zeroes[WIRE_MAX];
    struct vel_secret secret = {0};
    ASSERT_ERR(what, vel_kem_encapsulate(f->crypto, &f->t.env, group, share, reply, &secret),
               VEL_ERR_MALFORMED);
    CHECK(what, secret.len == 0 && memcmp(reply, zeroes, sizeof reply) == 0);
}

static void bad_shares_are_refused(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 4);
    for (size_t i = 0; i < VEL_GROUP_COUNT; i++) {
        const struct vel_group *group = &vel_groups[i];
        uint8_t good[WIRE_MAX + 1] = {0}, bad[WIRE_MAX + 1];
        struct vel_kem_key *key = NULL;
        ASSERT_OK(vel_kem_generate(f.crypto, &f.t.env, group, &key, good));
        vel_kem_key_free(key);

        check_share(&f, group, "empty", vel_slice(NULL, 0));
        check_share(&f, group, "short", vel_slice(good, group->share_size - 1u));
        check_share(&f, group, "long", vel_slice(good, group->share_size + 1u));

        /* 0xfff is not below q = 3329 (FIPS 203, 7.2). */
        memcpy(bad, good, sizeof bad);
        memset(bad + pq_at(group), 0xff, 3);
        check_share(&f, group, "modulus", vel_slice(bad, group->share_size));

        memcpy(bad, good, sizeof bad);
        size_t at = classical_at(group, group->share_size);
        if (group->code == 0x11ed)
            bad[at + 96] ^= 1; /* off the curve */
        else
            memset(bad + at, 0, 32); /* low order: the result is all zero */
        check_share(&f, group, "classical half", vel_slice(bad, group->share_size));
    }
    fixture_close(&f);
}

/* RFC 7748 6.1 and Wycheproof: the points of low order and their twins at or above p. */
static void low_order_points_are_refused(void **state)
{
    (void)state;
    const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    struct crypto_fixture f;
    fixture_open(&f, 5);
    const struct vel_group *group = vel_group_find(0x11ec);
    uint8_t share[WIRE_MAX], reply[WIRE_MAX];
    struct vel_kem_key *key = NULL;
    struct vel_secret secret;
    ASSERT_OK(vel_kem_generate(f.crypto, &f.t.env, group, &key, share));
    ASSERT_OK(vel_kem_encapsulate(f.crypto, &f.t.env, group, vel_slice(share, group->share_size),
                                  reply, &secret));
    for (size_t i = 0; i < VEL_COUNT(points); i++) {
        test_unhex(points[i], share + 1184, 32);
        check_share(&f, group, points[i], vel_slice(share, group->share_size));
        test_unhex(points[i], reply + 1088, 32);
        ASSERT_ERR(points[i],
                   vel_kem_decapsulate(f.crypto, key, vel_slice(reply, group->reply_size), &secret),
                   VEL_ERR_MALFORMED);
    }
    vel_kem_key_free(key);
    fixture_close(&f);
}

static void bad_replies_are_refused(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 6);
    for (size_t i = 0; i < VEL_GROUP_COUNT; i++) {
        const struct vel_group *group = &vel_groups[i];
        uint8_t share[WIRE_MAX], reply[WIRE_MAX + 1] = {0};
        struct vel_kem_key *key = NULL;
        struct vel_secret server, client = {0};
        ASSERT_OK(vel_kem_generate(f.crypto, &f.t.env, group, &key, share));
        ASSERT_OK(vel_kem_encapsulate(f.crypto, &f.t.env, group,
                                      vel_slice(share, group->share_size), reply, &server));
        ASSERT_ERR(
            "short",
            vel_kem_decapsulate(f.crypto, key, vel_slice(reply, group->reply_size - 1u), &client),
            VEL_ERR_MALFORMED);
        ASSERT_ERR(
            "long",
            vel_kem_decapsulate(f.crypto, key, vel_slice(reply, group->reply_size + 1u), &client),
            VEL_ERR_MALFORMED);
        size_t at = classical_at(group, group->reply_size);
        uint8_t kept[97];
        size_t size = group->code == 0x11ed ? 97 : 32;
        memcpy(kept, reply + at, size);
        memset(reply + at, 0, size);
        ASSERT_ERR("classical half",
                   vel_kem_decapsulate(f.crypto, key, vel_slice(reply, group->reply_size), &client),
                   VEL_ERR_MALFORMED);
        assert_int_equal(client.len, 0);

        /* Tampering with the ciphertext is no error but another secret: implicit rejection. */
        memcpy(reply + at, kept, size);
        reply[pq_at(group)] ^= 1;
        ASSERT_OK(vel_kem_decapsulate(f.crypto, key, vel_slice(reply, group->reply_size), &client));
        CHECK(group->name, !vel_slice_equal(vel_secret_slice(&client), vel_secret_slice(&server)));
        vel_kem_key_free(key);
    }
    fixture_close(&f);
}

static void no_memory_leaves_nothing(void **state)
{
    (void)state;
    struct crypto_fixture f;
    fixture_open(&f, 9);
    struct vel_kem_key *key = NULL;
    uint8_t share[WIRE_MAX];
    f.t.fail_after = 0;
    ASSERT_ERR(
        "generate",
        vel_kem_generate(f.crypto, &f.t.env, vel_profile_group(VEL_PROFILE_LIGHT), &key, share),
        VEL_ERR_NOMEM);
    struct vel_crypto *crypto = NULL;
    ASSERT_ERR("crypto", vel_crypto_new(&f.t.env, &crypto), VEL_ERR_NOMEM);
    assert_null(key);
    assert_null(crypto);
    vel_kem_key_free(NULL);
    vel_crypto_free(NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(a_seed_repeats),
        cmocka_unit_test(libcrypto_answers_our_share),
        cmocka_unit_test(we_answer_a_share_of_libcrypto),
        cmocka_unit_test(bad_shares_are_refused),
        cmocka_unit_test(low_order_points_are_refused),
        cmocka_unit_test(bad_replies_are_refused),
        cmocka_unit_test(no_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
