/* SPDX-License-Identifier: MIT */
#include "crypto/mlkem_internal.h"

#include <openssl/core_names.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"

size_t vel_mlkem_public_size(enum vel_mlkem set)
{
    static const uint16_t sizes[VEL_MLKEM_COUNT] = {
        [VEL_MLKEM512] = 800, [VEL_MLKEM768] = 1184, [VEL_MLKEM1024] = VEL_MLKEM_PUBLIC_MAX};
    return sizes[set];
}

size_t vel_mlkem_ciphertext_size(enum vel_mlkem set)
{
    static const uint16_t sizes[VEL_MLKEM_COUNT] = {
        [VEL_MLKEM512] = 768, [VEL_MLKEM768] = 1088, [VEL_MLKEM1024] = VEL_MLKEM_CIPHERTEXT_MAX};
    return sizes[set];
}

vel_result vel_mlkem_generate(const struct vel_env *env, enum vel_mlkem set, EVP_PKEY **key,
                              uint8_t *public_key)
{
    OWNED(pkey_release) EVP_PKEY *made = NULL;
    uint8_t seed[VEL_MLKEM_SEED];
    vel_random(env, seed, sizeof seed);
    enum vel_err err =
        vel_pkey_from_seed(vel_mlkem_names[set], vel_slice(seed, sizeof seed), &made);
    vel_wipe(seed, sizeof seed);
    TRY(err);
    size_t size = vel_mlkem_public_size(set);
    CRYPTO_REQUIRE(EVP_PKEY_get_raw_public_key(made, public_key, &size) == 1, VEL_ERR_CRYPTO);
    *key = GIVE(made);
    return VEL_OK;
}

vel_result vel_mlkem_encapsulate(const struct vel_env *env, enum vel_mlkem set,
                                 struct vel_slice public_key, uint8_t *ciphertext, uint8_t *secret)
{
    REQUIRE(public_key.len == vel_mlkem_public_size(set), VEL_ERR_MALFORMED);
    OWNED(pkey_release)
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, vel_mlkem_names[set], NULL,
                                                    public_key.ptr, public_key.len);
    CRYPTO_REQUIRE(peer != NULL, VEL_ERR_MALFORMED);
    OWNED(pkey_ctx_release) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);

    uint8_t entropy[VEL_MLKEM_ENTROPY];
    vel_random(env, entropy, sizeof entropy);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KEM_PARAM_IKME, entropy, sizeof entropy),
        OSSL_PARAM_construct_end()};
    size_t size = vel_mlkem_ciphertext_size(set);
    size_t secret_size = VEL_MLKEM_SECRET;
    bool done = EVP_PKEY_encapsulate_init(ctx, params) == 1 &&
                EVP_PKEY_encapsulate(ctx, ciphertext, &size, secret, &secret_size) == 1;
    vel_wipe(entropy, sizeof entropy);
    CRYPTO_REQUIRE(done, VEL_ERR_CRYPTO);
    return VEL_OK;
}

vel_result vel_mlkem_decapsulate(enum vel_mlkem set, EVP_PKEY *key, struct vel_slice ciphertext,
                                 uint8_t *secret)
{
    REQUIRE(ciphertext.len == vel_mlkem_ciphertext_size(set), VEL_ERR_MALFORMED);
    OWNED(pkey_ctx_release) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);
    size_t size = VEL_MLKEM_SECRET;
    bool done = EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
                EVP_PKEY_decapsulate(ctx, secret, &size, ciphertext.ptr, ciphertext.len) == 1;
    CRYPTO_REQUIRE(done, VEL_ERR_CRYPTO);
    return VEL_OK;
}
