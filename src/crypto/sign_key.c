/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "crypto/ec_internal.h"
#include "crypto/sign_internal.h"

enum { ED25519_SIZE = 32, MLDSA_SEED = 32, POINT_UNCOMPRESSED = 4, RSA_BITS_MIN = 2048 };

/* DER has one encoding of each value, so a SubjectPublicKeyInfo of these algorithms is constant
 * bytes followed by the key: comparing them is a complete and strict parser (RFC 5480, RFC 8410,
 * RFC 9881; named curves and uncompressed points only). */
#define SPKI(bytes) {.ptr = (const uint8_t *)(bytes), .len = sizeof(bytes) - 1}
#define SPKI_P256                                                                                  \
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" \
    "\x03\x42\x00"
#define SPKI_P384                                                                                  \
    "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00"
#define SPKI_ED25519 "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
#define SPKI_MLDSA(size, set, bits)                                                                \
    "\x30\x82" size "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03" set "\x03\x82" bits "\x00"

const struct vel_sign_facts vel_sign_algs[VEL_SIGN_ALG_COUNT] = {
    [VEL_P256] = {.type = "EC",
                  .curve_name = "P-256",
                  .curve = VEL_CURVE_P256,
                  .hash = VEL_SHA256,
                  .signature_max = 72,
                  .spki = SPKI(SPKI_P256),
                  .public_size = 65},
    [VEL_P384] = {.type = "EC",
                  .curve_name = "P-384",
                  .curve = VEL_CURVE_P384,
                  .hash = VEL_SHA384,
                  .signature_max = VEL_ECDSA_SIG_MAX,
                  .spki = SPKI(SPKI_P384),
                  .public_size = 97},
    [VEL_ED25519] = {.type = "ED25519",
                     .signature_max = 64,
                     .spki = SPKI(SPKI_ED25519),
                     .public_size = ED25519_SIZE},
    [VEL_MLDSA44] = {.type = "ML-DSA-44",
                     .has_context = true,
                     .signature_max = 2420,
                     .spki = SPKI(SPKI_MLDSA("\x05\x32", "\x11", "\x05\x21")),
                     .public_size = 1312},
    [VEL_MLDSA65] = {.type = "ML-DSA-65",
                     .has_context = true,
                     .signature_max = 3309,
                     .spki = SPKI(SPKI_MLDSA("\x07\xb2", "\x12", "\x07\xa1")),
                     .public_size = 1952},
    [VEL_MLDSA87] = {.type = "ML-DSA-87",
                     .has_context = true,
                     .signature_max = VEL_MLDSA_SIG_MAX,
                     .spki = SPKI(SPKI_MLDSA("\x0a\x32", "\x13", "\x0a\x21")),
                     .public_size = 2592},
};

/* libcrypto wipes the part that holds the scalar, since that came from a secure BIGNUM. */
static void params_release(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static void param_bld_release(OSSL_PARAM_BLD **bld)
{
    OSSL_PARAM_BLD_free(*bld);
}

static void bn_release(BIGNUM **number)
{
    BN_clear_free(*number);
}

static vel_result wrap(EVP_PKEY *pkey, enum vel_sign_alg alg, struct vel_sign_key **key)
{
    struct vel_sign_key *made = OPENSSL_zalloc(sizeof *made);
    if (made == NULL)
        EVP_PKEY_free(pkey);
    CRYPTO_REQUIRE(made != NULL, VEL_ERR_CRYPTO);
    made->pkey = pkey;
    made->alg = alg;
    *key = made;
    return VEL_OK;
}

/* A key on a NIST curve from its point and, unless that is NULL, its scalar. */
static vel_result ec_key(const struct vel_sign_facts *facts, struct vel_slice point,
                         const uint8_t *scalar, EVP_PKEY **out)
{
    OWNED(pkey_ctx_release) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OWNED(param_bld_release) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    OWNED(params_release) OSSL_PARAM *params = NULL;
    OWNED(bn_release) BIGNUM *number = BN_secure_new();
    OWNED(pkey_release) EVP_PKEY *pkey = NULL;
    CRYPTO_REQUIRE(ctx != NULL && bld != NULL && number != NULL, VEL_ERR_CRYPTO);

    bool done =
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, facts->curve_name, 0) ==
            1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.ptr, point.len) == 1;
    if (done && scalar != NULL) {
        int size = (int)vel_curve_scalar_size(facts->curve);
        done = BN_bin2bn(scalar, size, number) != NULL &&
               OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1;
    }
    CRYPTO_REQUIRE(done && (params = OSSL_PARAM_BLD_to_param(bld)) != NULL, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_PKEY_fromdata_init(ctx) == 1, VEL_ERR_CRYPTO);
    int selection = scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    CRYPTO_REQUIRE(EVP_PKEY_fromdata(ctx, &pkey, selection, params) == 1, VEL_ERR_MALFORMED);
    *out = GIVE(pkey);
    return VEL_OK;
}

static vel_result generate_ec(const struct vel_crypto *crypto, const struct vel_env *env,
                              const struct vel_sign_facts *facts, EVP_PKEY **pkey)
{
    uint8_t scalar[VEL_SCALAR_MAX];
    uint8_t point[VEL_POINT_MAX];
    enum vel_err err = vel_curve_draw(crypto, env, facts->curve, scalar);
    if (err == VEL_OK)
        err = vel_curve_public(crypto, facts->curve, scalar, point);
    if (err == VEL_OK)
        err = ec_key(facts, vel_slice(point, facts->public_size), scalar, pkey);
    vel_wipe(scalar, sizeof scalar);
    return err;
}

static vel_result generate_ed25519(const struct vel_env *env, EVP_PKEY **pkey)
{
    uint8_t bytes[ED25519_SIZE];
    vel_random(env, bytes, sizeof bytes);
    EVP_PKEY *made = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, bytes, sizeof bytes);
    vel_wipe(bytes, sizeof bytes);
    CRYPTO_REQUIRE(made != NULL, VEL_ERR_CRYPTO);
    *pkey = made;
    return VEL_OK;
}

static vel_result generate_mldsa(const struct vel_env *env, const char *type, EVP_PKEY **pkey)
{
    uint8_t seed[MLDSA_SEED];
    vel_random(env, seed, sizeof seed);
    enum vel_err err = vel_pkey_from_seed(type, vel_slice(seed, sizeof seed), pkey);
    vel_wipe(seed, sizeof seed);
    return err;
}

vel_result vel_sign_key_generate(const struct vel_crypto *crypto, const struct vel_env *env,
                                 enum vel_sign_alg alg, struct vel_sign_key **key)
{
    const struct vel_sign_facts *facts = &vel_sign_algs[alg];
    EVP_PKEY *pkey = NULL;
    if (facts->curve_name != NULL)
        TRY(generate_ec(crypto, env, facts, &pkey));
    else if (facts->has_context)
        TRY(generate_mldsa(env, facts->type, &pkey));
    else
        TRY(generate_ed25519(env, &pkey));
    return wrap(pkey, alg, key);
}

static bool is_of(const EVP_PKEY *pkey, const struct vel_sign_facts *facts)
{
    if (EVP_PKEY_is_a(pkey, facts->type) != 1)
        return false;
    if (facts->curve_name == NULL)
        return true;
    /* A key that names its curve otherwise than by name has no group name. */
    char name[32];
    return EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name,
                                          NULL) == 1 &&
           EC_curve_nist2nid(facts->curve_name) == OBJ_sn2nid(name);
}

/* NULL: not such a key. *end moves behind it. */
static EVP_PKEY *decode(enum vel_key_form form, const uint8_t **end, long size)
{
    if (form != VEL_KEY_PKCS8)
        return d2i_PrivateKey_ex(form == VEL_KEY_EC ? EVP_PKEY_EC : EVP_PKEY_RSA, NULL, end, size,
                                 NULL, NULL);
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, end, size);
    EVP_PKEY *pkey = info != NULL ? EVP_PKCS82PKEY_ex(info, NULL, NULL) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

vel_result vel_sign_key_from_pkcs8(const struct vel_crypto *crypto, struct vel_slice der,
                                   struct vel_sign_key **key)
{
    return vel_sign_key_from_der(crypto, VEL_KEY_PKCS8, der, key);
}

vel_result vel_sign_key_from_der(const struct vel_crypto *crypto, enum vel_key_form form,
                                 struct vel_slice der, struct vel_sign_key **key)
{
    (void)crypto;
    REQUIRE(der.len > 0 && der.len <= LONG_MAX, VEL_ERR_MALFORMED);
    const uint8_t *end = der.ptr;
    OWNED(pkey_release) EVP_PKEY *pkey = decode(form, &end, (long)der.len);
    CRYPTO_REQUIRE(pkey != NULL && end == der.ptr + der.len, VEL_ERR_MALFORMED);

    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++)
        if (is_of(pkey, &vel_sign_algs[i]))
            return wrap(GIVE(pkey), (enum vel_sign_alg)i, key);
    CRYPTO_REQUIRE(EVP_PKEY_is_a(pkey, "RSA") == 1 && EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN,
                   VEL_ERR_UNSUPPORTED);
    return wrap(GIVE(pkey), VEL_RSA, key);
}

/* Which algorithm these constant bytes stand for, and the key after them. What is none of ours is
 * not decoded at all: libcrypto would compute on any curve that a peer makes up. */
static const struct vel_sign_facts *find_spki(struct vel_slice der, struct vel_slice *public_key)
{
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        const struct vel_sign_facts *facts = &vel_sign_algs[i];
        if (der.len != facts->spki.len + facts->public_size ||
            !vel_slice_equal(vel_slice(der.ptr, facts->spki.len), facts->spki))
            continue;
        *public_key = vel_slice(der.ptr + facts->spki.len, facts->public_size);
        return facts;
    }
    return NULL;
}

vel_result vel_sign_key_from_spki(const struct vel_crypto *crypto, struct vel_slice der,
                                  struct vel_sign_key **key)
{
    (void)crypto;
    struct vel_slice public_key;
    const struct vel_sign_facts *facts = find_spki(der, &public_key);
    REQUIRE(facts != NULL, VEL_ERR_UNSUPPORTED);
    /* libcrypto would take the hybrid form of a point as well (X9.62, 4.3.6). */
    REQUIRE(facts->curve_name == NULL || public_key.ptr[0] == POINT_UNCOMPRESSED,
            VEL_ERR_MALFORMED);

    EVP_PKEY *pkey = NULL;
    if (facts->curve_name != NULL)
        TRY(ec_key(facts, public_key, NULL, &pkey));
    else
        pkey =
            EVP_PKEY_new_raw_public_key_ex(NULL, facts->type, NULL, public_key.ptr, public_key.len);
    CRYPTO_REQUIRE(pkey != NULL, VEL_ERR_MALFORMED);
    return wrap(pkey, (enum vel_sign_alg)(facts - vel_sign_algs), key);
}

void vel_sign_key_free(struct vel_sign_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    OPENSSL_free(key);
}

enum vel_sign_alg vel_sign_key_alg(const struct vel_sign_key *key)
{
    return key->alg;
}

bool vel_sign_key_same_public(const struct vel_sign_key *a, const struct vel_sign_key *b)
{
    bool same = a->alg == b->alg && EVP_PKEY_eq(a->pkey, b->pkey) == 1;
    ERR_clear_error();
    return same;
}

bool vel_sign_key_has_spki(const struct vel_sign_key *key, struct vel_slice der)
{
    uint8_t *own = NULL;
    int size = i2d_PUBKEY(key->pkey, &own);
    bool same = size > 0 && vel_slice_equal(vel_slice(own, (size_t)size), der);
    OPENSSL_free(own);
    ERR_clear_error();
    return same;
}

struct evp_pkey_st *vel_sign_key_evp(const struct vel_sign_key *key)
{
    return key->pkey;
}
