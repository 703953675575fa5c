/* SPDX-License-Identifier: MIT */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "crypto/aead_internal.h"
#include "crypto/crypto_internal.h"

static const char *const md_names[VEL_HASH_COUNT] = {
    [VEL_SHA256] = "SHA2-256", [VEL_SHA384] = "SHA2-384", [VEL_SHA512] = "SHA2-512"};

static const char *const aead_names[VEL_AEAD_COUNT] = {[VEL_AES_128_GCM] = "AES-128-GCM",
                                                       [VEL_AES_256_GCM] = "AES-256-GCM",
                                                       [VEL_CHACHA20_POLY1305] =
                                                           "ChaCha20-Poly1305"};

static const char *const header_mask_names[VEL_AEAD_COUNT] = {[VEL_AES_128_GCM] = "AES-128-ECB",
                                                              [VEL_AES_256_GCM] = "AES-256-ECB",
                                                              [VEL_CHACHA20_POLY1305] = "ChaCha20"};

/* ECDSA is the bare operation: with the digest inside it, libcrypto takes no nonce type. */
static const char *const signature_names[VEL_SIGN_ALG_COUNT] = {
    [VEL_P256] = "ECDSA",        [VEL_P384] = "ECDSA",        [VEL_ED25519] = "ED25519",
    [VEL_MLDSA44] = "ML-DSA-44", [VEL_MLDSA65] = "ML-DSA-65", [VEL_MLDSA87] = "ML-DSA-87"};

const char *const vel_mlkem_names[VEL_MLKEM_COUNT] = {
    [VEL_MLKEM512] = "ML-KEM-512", [VEL_MLKEM768] = "ML-KEM-768", [VEL_MLKEM1024] = "ML-KEM-1024"};

static const int curve_nids[VEL_CURVE_COUNT] = {
    [VEL_CURVE_P256] = NID_X9_62_prime256v1, [VEL_CURVE_P384] = NID_secp384r1};

OWNED_POINTER(crypto_release, struct vel_crypto, vel_crypto_free)

static vel_result fetch_hashes(struct vel_crypto *crypto)
{
    for (size_t i = 0; i < VEL_HASH_COUNT; i++) {
        crypto->md[i] = EVP_MD_fetch(NULL, md_names[i], NULL);
        CRYPTO_REQUIRE(crypto->md[i] != NULL, VEL_ERR_UNSUPPORTED);
    }
    return VEL_OK;
}

static vel_result fetch_ciphers(struct vel_crypto *crypto)
{
    for (size_t i = 0; i < VEL_AEAD_COUNT; i++) {
        crypto->aead[i] = EVP_CIPHER_fetch(NULL, aead_names[i], NULL);
        crypto->header_mask[i] = EVP_CIPHER_fetch(NULL, header_mask_names[i], NULL);
        CRYPTO_REQUIRE(crypto->aead[i] != NULL && crypto->header_mask[i] != NULL,
                       VEL_ERR_UNSUPPORTED);
    }
    return VEL_OK;
}

/* What ipsec-mb does better than libcrypto, where there is an ipsec-mb. */
static vel_result choose_providers(struct vel_crypto *crypto)
{
    TRY(vel_ipsec_mb_load(crypto->env, &crypto->ipsec_mb));
    for (size_t i = 0; i < VEL_AEAD_COUNT; i++)
        crypto->provider[i] = &vel_aead_libcrypto;
    if (crypto->ipsec_mb != NULL)
        crypto->provider[VEL_AES_128_GCM] = crypto->provider[VEL_AES_256_GCM] = &vel_aead_ipsec_mb;
    return VEL_OK;
}

static vel_result fetch_keys(struct vel_crypto *crypto)
{
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        crypto->signature[i] = EVP_SIGNATURE_fetch(NULL, signature_names[i], NULL);
        CRYPTO_REQUIRE(crypto->signature[i] != NULL, VEL_ERR_UNSUPPORTED);
    }
    for (size_t i = 0; i < VEL_MLKEM_COUNT; i++) {
        crypto->mlkem[i] = EVP_KEYMGMT_fetch(NULL, vel_mlkem_names[i], NULL);
        CRYPTO_REQUIRE(crypto->mlkem[i] != NULL, VEL_ERR_UNSUPPORTED);
    }
    crypto->x25519 = EVP_KEYMGMT_fetch(NULL, "X25519", NULL);
    CRYPTO_REQUIRE(crypto->x25519 != NULL, VEL_ERR_UNSUPPORTED);
    for (size_t i = 0; i < VEL_CURVE_COUNT; i++) {
        crypto->curve[i] = EC_GROUP_new_by_curve_name(curve_nids[i]);
        CRYPTO_REQUIRE(crypto->curve[i] != NULL, VEL_ERR_UNSUPPORTED);
    }
    return VEL_OK;
}

vel_result vel_crypto_new(const struct vel_env *env, struct vel_crypto **crypto)
{
    OWNED(crypto_release) struct vel_crypto *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    TRY(fetch_hashes(made));
    TRY(fetch_ciphers(made));
    TRY(choose_providers(made));
    TRY(fetch_keys(made));
    *crypto = GIVE(made);
    return VEL_OK;
}

const char *vel_crypto_aes_gcm(const struct vel_crypto *crypto)
{
    return crypto->provider[VEL_AES_256_GCM]->name;
}

void vel_crypto_free(struct vel_crypto *crypto)
{
    if (crypto == NULL)
        return;
    vel_ipsec_mb_free(crypto->env, crypto->ipsec_mb);
    for (size_t i = 0; i < VEL_CURVE_COUNT; i++)
        EC_GROUP_free(crypto->curve[i]);
    EVP_KEYMGMT_free(crypto->x25519);
    for (size_t i = 0; i < VEL_MLKEM_COUNT; i++)
        EVP_KEYMGMT_free(crypto->mlkem[i]);
    for (size_t i = 0; i < VEL_SIGN_ALG_COUNT; i++)
        EVP_SIGNATURE_free(crypto->signature[i]);
    for (size_t i = 0; i < VEL_AEAD_COUNT; i++) {
        EVP_CIPHER_free(crypto->aead[i]);
        EVP_CIPHER_free(crypto->header_mask[i]);
    }
    for (size_t i = 0; i < VEL_HASH_COUNT; i++)
        EVP_MD_free(crypto->md[i]);
    vel_release(crypto->env, crypto, sizeof *crypto);
}

vel_result vel_pkey_from_seed(const char *type, struct vel_slice seed, EVP_PKEY **pkey)
{
    OWNED(pkey_ctx_release) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OWNED(pkey_release) EVP_PKEY *made = NULL;
    uint8_t copy[64]; /* libcrypto's parameters are not const */
    REQUIRE(seed.len <= sizeof copy, VEL_ERR_ARGUMENT);
    memcpy(copy, seed.ptr, seed.len);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_KEM_SEED, copy, seed.len),
        OSSL_PARAM_construct_end()};
    bool done = ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_params(ctx, params) == 1 && EVP_PKEY_generate(ctx, &made) == 1;
    vel_wipe(copy, sizeof copy);
    CRYPTO_REQUIRE(done, VEL_ERR_CRYPTO);
    *pkey = GIVE(made);
    return VEL_OK;
}
