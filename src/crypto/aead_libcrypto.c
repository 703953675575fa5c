/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/try.h"
#include "crypto/aead_internal.h"
#include "crypto/crypto_internal.h"

static void release(void *context)
{
    EVP_CIPHER_CTX_free(context);
}

/* Key schedules are the expensive part, so this is once per key. */
static vel_result make(const struct vel_crypto *crypto, enum vel_aead_id id,
                       enum vel_aead_direction direction, struct vel_slice key, void **context)
{
    OWNED(cipher_ctx_release) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);
    int sealing = direction == VEL_SEAL;
    CRYPTO_REQUIRE(EVP_CipherInit_ex2(ctx, crypto->aead[id], key.ptr, NULL, sealing, NULL) == 1,
                   VEL_ERR_CRYPTO);
    *context = GIVE(ctx);
    return VEL_OK;
}

/* Nonce and associated data. */
static bool begin(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct vel_slice ad)
{
    int ignored;
    return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
           (ad.len == 0 || EVP_CipherUpdate(ctx, NULL, &ignored, ad.ptr, (int)ad.len) == 1);
}

static bool encrypt(EVP_CIPHER_CTX *ctx, struct vel_slice plaintext, uint8_t *out)
{
    int done;
    return plaintext.len == 0 ||
           EVP_EncryptUpdate(ctx, out, &done, plaintext.ptr, (int)plaintext.len) == 1;
}

static vel_result seal(void *context, const uint8_t *nonce, struct vel_slice ad,
                       struct vel_slice head, struct vel_slice body, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = context;
    int done;
    uint8_t *tag = out + head.len + body.len;
    CRYPTO_REQUIRE(begin(ctx, nonce, ad), VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(encrypt(ctx, head, out) && encrypt(ctx, body, out + head.len), VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_EncryptFinal_ex(ctx, tag, &done) == 1, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, VEL_AEAD_TAG, tag) == 1,
                   VEL_ERR_CRYPTO);
    return VEL_OK;
}

static vel_result open_sealed(void *context, const uint8_t *nonce, struct vel_slice ad,
                              struct vel_slice sealed, const uint8_t *tag, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = context;
    int done = 0;
    uint8_t expected[VEL_AEAD_TAG]; /* libcrypto's parameter is not const */
    memcpy(expected, tag, sizeof expected);
    CRYPTO_REQUIRE(begin(ctx, nonce, ad), VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof expected, expected) == 1,
                   VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(sealed.len == 0 ||
                       EVP_DecryptUpdate(ctx, out, &done, sealed.ptr, (int)sealed.len) == 1,
                   VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_DecryptFinal_ex(ctx, out + done, &done) == 1, VEL_ERR_AUTH);
    return VEL_OK;
}

const struct vel_aead_provider vel_aead_libcrypto = {
    .name = "libcrypto", .make = make, .release = release, .seal = seal, .open = open_sealed};
