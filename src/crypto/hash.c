/* SPDX-License-Identifier: MIT */
#include "crypto/hash.h"

#include <openssl/crypto.h>

#include "base/own.h"
#include "base/try.h"
#include "crypto/crypto_internal.h"

vel_result vel_digest(const struct vel_crypto *crypto, enum vel_hash_id hash,
                      const struct vel_slice *parts, size_t count, uint8_t *out)
{
    OWNED(md_ctx_release) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_DigestInit_ex2(ctx, crypto->md[hash], NULL) == 1, VEL_ERR_CRYPTO);
    for (size_t i = 0; i < count; i++)
        CRYPTO_REQUIRE(EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_DigestFinal_ex(ctx, out, NULL) == 1, VEL_ERR_CRYPTO);
    return VEL_OK;
}

struct vel_hasher {
    EVP_MD_CTX *running;
    EVP_MD_CTX *copy; /* scratch of vel_hasher_peek */
};

OWNED_POINTER(hasher_release, struct vel_hasher, vel_hasher_free)

vel_result vel_hasher_new(const struct vel_crypto *crypto, enum vel_hash_id hash,
                          struct vel_hasher **hasher)
{
    OWNED(hasher_release) struct vel_hasher *made = OPENSSL_zalloc(sizeof *made);
    CRYPTO_REQUIRE(made != NULL, VEL_ERR_CRYPTO);
    made->running = EVP_MD_CTX_new();
    made->copy = EVP_MD_CTX_new();
    CRYPTO_REQUIRE(made->running != NULL && made->copy != NULL, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_DigestInit_ex2(made->running, crypto->md[hash], NULL) == 1, VEL_ERR_CRYPTO);
    *hasher = GIVE(made);
    return VEL_OK;
}

vel_result vel_hasher_update(struct vel_hasher *hasher, struct vel_slice bytes)
{
    CRYPTO_REQUIRE(EVP_DigestUpdate(hasher->running, bytes.ptr, bytes.len) == 1, VEL_ERR_CRYPTO);
    return VEL_OK;
}

vel_result vel_hasher_peek(const struct vel_hasher *hasher, uint8_t *out)
{
    CRYPTO_REQUIRE(EVP_MD_CTX_copy_ex(hasher->copy, hasher->running) == 1, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_DigestFinal_ex(hasher->copy, out, NULL) == 1, VEL_ERR_CRYPTO);
    return VEL_OK;
}

void vel_hasher_free(struct vel_hasher *hasher)
{
    if (hasher == NULL)
        return;
    EVP_MD_CTX_free(hasher->running);
    EVP_MD_CTX_free(hasher->copy);
    OPENSSL_clear_free(hasher, sizeof *hasher);
}
