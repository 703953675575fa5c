/* SPDX-License-Identifier: MIT */
#include "crypto/aead.h"

#include <limits.h>
#include <openssl/crypto.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "crypto/crypto_internal.h"

struct vel_aead {
    EVP_CIPHER_CTX *ctx;
    enum vel_aead_direction direction;
    uint8_t iv[VEL_AEAD_IV];
};

OWNED_POINTER(aead_release, struct vel_aead, vel_aead_free)

/* A keyed context; key schedules are the expensive part, so this is once per key. */
static vel_result keyed(const struct vel_crypto *crypto, enum vel_aead_id id,
                        enum vel_aead_direction direction, struct vel_slice key,
                        EVP_CIPHER_CTX **out)
{
    REQUIRE(key.len == vel_aead_key_size(id), VEL_ERR_ARGUMENT);
    OWNED(cipher_ctx_release) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);
    int sealing = direction == VEL_SEAL;
    CRYPTO_REQUIRE(EVP_CipherInit_ex2(ctx, crypto->aead[id], key.ptr, NULL, sealing, NULL) == 1,
                   VEL_ERR_CRYPTO);
    *out = GIVE(ctx);
    return VEL_OK;
}

vel_result vel_aead_new(const struct vel_crypto *crypto, enum vel_aead_id id,
                        enum vel_aead_direction direction, struct vel_slice key,
                        struct vel_slice iv, struct vel_aead **aead)
{
    REQUIRE(iv.len == VEL_AEAD_IV, VEL_ERR_ARGUMENT);
    OWNED(aead_release) struct vel_aead *made = OPENSSL_zalloc(sizeof *made);
    CRYPTO_REQUIRE(made != NULL, VEL_ERR_CRYPTO);
    made->direction = direction;
    memcpy(made->iv, iv.ptr, iv.len);
    TRY(keyed(crypto, id, direction, key, &made->ctx));
    *aead = GIVE(made);
    return VEL_OK;
}

void vel_aead_free(struct vel_aead *aead)
{
    if (aead == NULL)
        return;
    EVP_CIPHER_CTX_free(aead->ctx);
    OPENSSL_clear_free(aead, sizeof *aead);
}

/* The number whose bytes in memory are those of `value`, the highest first. */
static uint64_t highest_first(uint64_t value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(value) : value;
}

/* RFC 9001 5.3, with the path identifier in the four bytes that the packet number leaves. */
static void make_nonce(const struct vel_aead *aead, uint32_t path, uint64_t number,
                       uint8_t nonce[VEL_AEAD_IV])
{
    uint64_t low;
    for (unsigned i = 0; i < 4; i++)
        nonce[i] = (uint8_t)(aead->iv[i] ^ path >> (24 - 8 * i));
    memcpy(&low, aead->iv + 4, sizeof low);
    low ^= highest_first(number);
    memcpy(nonce + 4, &low, sizeof low);
}

/* Nonce and associated data; libcrypto counts in int. */
static bool begin(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct vel_slice ad, size_t size)
{
    int ignored;
    return ad.len <= INT_MAX && size <= INT_MAX &&
           EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
           (ad.len == 0 || EVP_CipherUpdate(ctx, NULL, &ignored, ad.ptr, (int)ad.len) == 1);
}

static bool encrypt(EVP_CIPHER_CTX *ctx, struct vel_slice plaintext, uint8_t *out)
{
    int done;
    return plaintext.len == 0 ||
           EVP_EncryptUpdate(ctx, out, &done, plaintext.ptr, (int)plaintext.len) == 1;
}

/* `head`, which may lie at `out`, and `body` after it. */
static vel_result seal_with(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct vel_slice ad,
                            struct vel_slice head, struct vel_slice body, uint8_t *out)
{
    int done;
    uint8_t *tag = out + head.len + body.len;
    CRYPTO_REQUIRE(begin(ctx, nonce, ad, head.len + body.len), VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(encrypt(ctx, head, out) && encrypt(ctx, body, out + head.len), VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_EncryptFinal_ex(ctx, tag, &done) == 1, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, VEL_AEAD_TAG, tag) == 1,
                   VEL_ERR_CRYPTO);
    return VEL_OK;
}

static vel_result open_with(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct vel_slice ad,
                            struct vel_slice sealed, uint8_t *out)
{
    REQUIRE(sealed.len >= VEL_AEAD_TAG, VEL_ERR_AUTH);
    size_t size = sealed.len - VEL_AEAD_TAG;
    uint8_t tag[VEL_AEAD_TAG];
    memcpy(tag, sealed.ptr + size, sizeof tag);
    int done = 0;
    CRYPTO_REQUIRE(begin(ctx, nonce, ad, size), VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1,
                   VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(size == 0 || EVP_DecryptUpdate(ctx, out, &done, sealed.ptr, (int)size) == 1,
                   VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_DecryptFinal_ex(ctx, out + done, &done) == 1, VEL_ERR_AUTH);
    return VEL_OK;
}

vel_result vel_aead_seal_from(struct vel_aead *aead, uint32_t path, uint64_t number,
                              struct vel_slice ad, uint8_t *out, size_t head, struct vel_slice body)
{
    VEL_ASSERT(aead->direction == VEL_SEAL);
    uint8_t nonce[VEL_AEAD_IV];
    make_nonce(aead, path, number, nonce);
    return seal_with(aead->ctx, nonce, ad, vel_slice(out, head), body, out);
}

vel_result vel_aead_seal(struct vel_aead *aead, uint32_t path, uint64_t number, struct vel_slice ad,
                         uint8_t *bytes, size_t size)
{
    return vel_aead_seal_from(aead, path, number, ad, bytes, size, (struct vel_slice){0});
}

vel_result vel_aead_open(struct vel_aead *aead, uint32_t path, uint64_t number, struct vel_slice ad,
                         uint8_t *bytes, size_t size)
{
    VEL_ASSERT(aead->direction == VEL_OPEN);
    uint8_t nonce[VEL_AEAD_IV];
    make_nonce(aead, path, number, nonce);
    return open_with(aead->ctx, nonce, ad, vel_slice(bytes, size), bytes);
}

vel_result vel_aead_seal_once(const struct vel_crypto *crypto, enum vel_aead_id id,
                              struct vel_slice key, struct vel_slice nonce, struct vel_slice ad,
                              struct vel_slice plaintext, uint8_t *out)
{
    REQUIRE(nonce.len == VEL_AEAD_IV, VEL_ERR_ARGUMENT);
    OWNED(cipher_ctx_release) EVP_CIPHER_CTX *ctx = NULL;
    TRY(keyed(crypto, id, VEL_SEAL, key, &ctx));
    return seal_with(ctx, nonce.ptr, ad, plaintext, (struct vel_slice){0}, out);
}

vel_result vel_aead_open_once(const struct vel_crypto *crypto, enum vel_aead_id id,
                              struct vel_slice key, struct vel_slice nonce, struct vel_slice ad,
                              struct vel_slice sealed, uint8_t *out)
{
    REQUIRE(nonce.len == VEL_AEAD_IV, VEL_ERR_ARGUMENT);
    OWNED(cipher_ctx_release) EVP_CIPHER_CTX *ctx = NULL;
    TRY(keyed(crypto, id, VEL_OPEN, key, &ctx));
    return open_with(ctx, nonce.ptr, ad, sealed, out);
}
