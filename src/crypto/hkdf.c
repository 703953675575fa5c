/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "base/writer.h"
#include "crypto/crypto_internal.h"
#include "crypto/hash.h"

/* HkdfLabel, RFC 8446 7.1: length, label and context with their own lengths. */
enum { LABEL_MAX = 255, INFO_MAX = 2 + 1 + LABEL_MAX + 1 + LABEL_MAX };

/* EVP_MAC_init takes no empty key with a NULL pointer for "this key". */
static const uint8_t no_bytes[1];

static vel_result hmac_start(const struct vel_crypto *crypto, enum vel_hash_id hash,
                             struct vel_slice key, EVP_MAC_CTX **out)
{
    OWNED(mac_ctx_release) EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(crypto->hmac[hash]);
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);
    const uint8_t *bytes = key.len > 0 ? key.ptr : no_bytes;
    CRYPTO_REQUIRE(EVP_MAC_init(ctx, bytes, key.len, NULL) == 1, VEL_ERR_CRYPTO);
    *out = GIVE(ctx);
    return VEL_OK;
}

static vel_result hmac_finish(EVP_MAC_CTX *ctx, enum vel_hash_id hash, uint8_t *out)
{
    size_t size = 0;
    CRYPTO_REQUIRE(EVP_MAC_final(ctx, out, &size, vel_hash_size(hash)) == 1, VEL_ERR_CRYPTO);
    return VEL_OK;
}

vel_result vel_hmac(const struct vel_crypto *crypto, enum vel_hash_id hash, struct vel_slice key,
                    struct vel_slice data, uint8_t *out)
{
    OWNED(mac_ctx_release) EVP_MAC_CTX *ctx = NULL;
    TRY(hmac_start(crypto, hash, key, &ctx));
    CRYPTO_REQUIRE(EVP_MAC_update(ctx, data.ptr, data.len) == 1, VEL_ERR_CRYPTO);
    return hmac_finish(ctx, hash, out);
}

vel_result vel_hkdf_extract(const struct vel_crypto *crypto, enum vel_hash_id hash,
                            struct vel_slice salt, struct vel_slice input, struct vel_secret *out)
{
    /* HMAC pads a short key with zeroes, so an empty salt already equals hash-length zeroes. */
    OWNED(vel_secret_clear) struct vel_secret made = {.len = vel_hash_size(hash)};
    TRY(vel_hmac(crypto, hash, salt, input, made.bytes));
    *out = made;
    return VEL_OK;
}

/* T(i) = HMAC(T(i-1) || info || i), RFC 5869 2.3, on a context that keeps its key. */
static vel_result next_block(EVP_MAC_CTX *ctx, enum vel_hash_id hash, struct vel_slice previous,
                             struct vel_slice info, uint8_t counter, uint8_t *block)
{
    bool done = EVP_MAC_update(ctx, previous.ptr, previous.len) == 1 &&
                EVP_MAC_update(ctx, info.ptr, info.len) == 1 &&
                EVP_MAC_update(ctx, &counter, sizeof counter) == 1;
    CRYPTO_REQUIRE(done, VEL_ERR_CRYPTO);
    TRY(hmac_finish(ctx, hash, block));
    CRYPTO_REQUIRE(EVP_MAC_init(ctx, NULL, 0, NULL) == 1, VEL_ERR_CRYPTO);
    return VEL_OK;
}

vel_result vel_hkdf_expand(const struct vel_crypto *crypto, enum vel_hash_id hash,
                           struct vel_slice secret, struct vel_slice info, uint8_t *out,
                           size_t size)
{
    size_t step = vel_hash_size(hash);
    REQUIRE(size <= 255 * step, VEL_ERR_ARGUMENT);
    OWNED(mac_ctx_release) EVP_MAC_CTX *ctx = NULL;
    TRY(hmac_start(crypto, hash, secret, &ctx));

    OWNED(vel_secret_clear) struct vel_secret block = {0};
    for (uint8_t counter = 1; size > 0; counter++) {
        TRY(next_block(ctx, hash, vel_secret_slice(&block), info, counter, block.bytes));
        block.len = step;
        size_t count = size < step ? size : step;
        memcpy(out, block.bytes, count);
        out += count;
        size -= count;
    }
    return VEL_OK;
}

vel_result vel_hkdf_expand_label(const struct vel_crypto *crypto, enum vel_hash_id hash,
                                 struct vel_slice secret, const char *prefix, const char *label,
                                 struct vel_slice context, uint8_t *out, size_t size)
{
    uint8_t bytes[INFO_MAX];
    struct vel_writer info = vel_writer(bytes, sizeof bytes);
    vel_write_uint(&info, size, 2);
    uint8_t *mark = vel_begin_vector(&info, 1);
    vel_write_bytes(&info, vel_slice_text(prefix));
    vel_write_bytes(&info, vel_slice_text(label));
    vel_end_vector(&info, mark, 1);
    mark = vel_begin_vector(&info, 1);
    vel_write_bytes(&info, context);
    vel_end_vector(&info, mark, 1);
    REQUIRE(vel_write_ok(&info), VEL_ERR_ARGUMENT);
    return vel_hkdf_expand(crypto, hash, secret, vel_writer_slice(&info), out, size);
}
