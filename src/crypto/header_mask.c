/* SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>

#include "base/own.h"
#include "base/try.h"
#include "crypto/aead.h"
#include "crypto/crypto_internal.h"

/* AES: the mask is the encrypted sample, and ECB does as many as one likes at once. ChaCha20: the
 * sample is counter and nonce (which is libcrypto's own form of its IV), the mask is key stream. */
struct vel_header_mask {
    const struct vel_crypto *crypto;
    EVP_CIPHER_CTX *ctx; /* NULL: at rest */
    enum vel_aead_id id;
    uint8_t key[VEL_AEAD_KEY_MAX];
};

OWNED_POINTER(header_mask_release, struct vel_header_mask, vel_header_mask_free)

static vel_result wake(struct vel_header_mask *mask)
{
    if (mask->ctx != NULL)
        return VEL_OK;
    OWNED(cipher_ctx_release) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);
    const EVP_CIPHER *cipher = mask->crypto->header_mask[mask->id];
    CRYPTO_REQUIRE(EVP_EncryptInit_ex2(ctx, cipher, mask->key, NULL, NULL) == 1, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_CIPHER_CTX_set_padding(ctx, 0) == 1, VEL_ERR_CRYPTO);
    mask->ctx = GIVE(ctx);
    return VEL_OK;
}

vel_result vel_header_mask_new(const struct vel_crypto *crypto, enum vel_aead_id id,
                               struct vel_slice key, struct vel_header_mask **mask)
{
    REQUIRE(key.len == vel_aead_key_size(id), VEL_ERR_ARGUMENT);
    OWNED(header_mask_release) struct vel_header_mask *made = OPENSSL_zalloc(sizeof *made);
    CRYPTO_REQUIRE(made != NULL, VEL_ERR_CRYPTO);
    made->crypto = crypto;
    made->id = id;
    memcpy(made->key, key.ptr, key.len);
    TRY(wake(made));
    *mask = GIVE(made);
    return VEL_OK;
}

void vel_header_mask_rest(struct vel_header_mask *mask)
{
    EVP_CIPHER_CTX_free(mask->ctx);
    mask->ctx = NULL;
}

void vel_header_mask_free(struct vel_header_mask *mask)
{
    if (mask == NULL)
        return;
    EVP_CIPHER_CTX_free(mask->ctx);
    OPENSSL_clear_free(mask, sizeof *mask);
}

static vel_result chacha_masks(EVP_CIPHER_CTX *ctx, const uint8_t *samples, size_t count,
                               uint8_t *masks)
{
    static const uint8_t zeroes[VEL_HP_SAMPLE];
    for (size_t i = 0; i < count; i++) {
        int ignored;
        bool done =
            EVP_EncryptInit_ex2(ctx, NULL, NULL, samples + i * VEL_HP_SAMPLE, NULL) == 1 &&
            EVP_EncryptUpdate(ctx, masks + i * VEL_HP_SAMPLE, &ignored, zeroes, VEL_HP_SAMPLE) == 1;
        CRYPTO_REQUIRE(done, VEL_ERR_CRYPTO);
    }
    return VEL_OK;
}

vel_result vel_header_masks(struct vel_header_mask *mask, const uint8_t *samples, size_t count,
                            uint8_t *masks)
{
    REQUIRE(count <= INT32_MAX / VEL_HP_SAMPLE, VEL_ERR_ARGUMENT);
    TRY(wake(mask));
    if (mask->id == VEL_CHACHA20_POLY1305)
        return chacha_masks(mask->ctx, samples, count, masks);
    int ignored;
    int size = (int)(count * VEL_HP_SAMPLE);
    CRYPTO_REQUIRE(EVP_EncryptUpdate(mask->ctx, masks, &ignored, samples, size) == 1,
                   VEL_ERR_CRYPTO);
    return VEL_OK;
}
