/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"
#include "crypto/crypto_internal.h"
#include "crypto/hash.h"

/* HkdfLabel, RFC 8446 7.1: length, label and context with their own lengths. */
enum { LABEL_MAX = 255, INFO_MAX = 2 + 1 + LABEL_MAX + 1 + LABEL_MAX };

/* Input block of the hash, the B of RFC 2104; BLOCK_MAX for the two larger ones. */
enum { BLOCK_MAX = 128 };

static size_t block_size(enum vel_hash_id hash)
{
    return hash == VEL_SHA256 ? 64 : BLOCK_MAX;
}

/* One of the two hashes of HMAC: H((key XOR pad) || parts). `out` may be one of the parts. */
static vel_result padded_hash(EVP_MD_CTX *ctx, const struct vel_crypto *crypto,
                              enum vel_hash_id hash, const uint8_t *key, uint8_t pad,
                              const struct vel_slice *parts, size_t count, uint8_t *out)
{
    uint8_t block[BLOCK_MAX];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    bool done = EVP_DigestInit_ex2(ctx, crypto->md[hash], NULL) == 1 &&
                EVP_DigestUpdate(ctx, block, block_size(hash)) == 1;
    vel_wipe(block, sizeof block);
    for (size_t i = 0; i < count; i++)
        done = done && EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) == 1;
    CRYPTO_REQUIRE(done && EVP_DigestFinal_ex(ctx, out, NULL) == 1, VEL_ERR_CRYPTO);
    return VEL_OK;
}

/* HMAC on two plain hashes: half the time of libcrypto's HMAC, which keeps state that pays only
 * when a key is used again, and keys of a key schedule are not. */
struct hmac {
    const struct vel_crypto *crypto;
    enum vel_hash_id hash;
    EVP_MD_CTX *ctx;
    uint8_t key[BLOCK_MAX]; /* padded with zeroes */
};

static void hmac_clear(struct hmac *hmac)
{
    EVP_MD_CTX_free(hmac->ctx);
    vel_wipe(hmac, sizeof *hmac);
}

static vel_result hmac_start(struct hmac *hmac, struct vel_slice key)
{
    hmac->ctx = EVP_MD_CTX_new();
    CRYPTO_REQUIRE(hmac->ctx != NULL, VEL_ERR_CRYPTO);
    if (key.len > block_size(hmac->hash))
        return vel_digest(hmac->crypto, hmac->hash, &key, 1, hmac->key);
    if (key.len > 0)
        memcpy(hmac->key, key.ptr, key.len);
    return VEL_OK;
}

static vel_result hmac_of(struct hmac *hmac, const struct vel_slice *parts, size_t count,
                          uint8_t *out)
{
    enum { INNER = 0x36, OUTER = 0x5c };
    /* As secret as the data: where the key is public, as in Extract, it is all that is missing. */
    OWNED(vel_secret_clear) struct vel_secret digest = {.len = vel_hash_size(hmac->hash)};
    struct vel_slice inner = vel_secret_slice(&digest);
    TRY(padded_hash(hmac->ctx, hmac->crypto, hmac->hash, hmac->key, INNER, parts, count,
                    digest.bytes));
    return padded_hash(hmac->ctx, hmac->crypto, hmac->hash, hmac->key, OUTER, &inner, 1, out);
}

vel_result vel_hmac(const struct vel_crypto *crypto, enum vel_hash_id hash, struct vel_slice key,
                    struct vel_slice data, uint8_t *out)
{
    OWNED(hmac_clear) struct hmac hmac = {.crypto = crypto, .hash = hash};
    TRY(hmac_start(&hmac, key));
    return hmac_of(&hmac, &data, 1, out);
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

vel_result vel_hkdf_expand(const struct vel_crypto *crypto, enum vel_hash_id hash,
                           struct vel_slice secret, struct vel_slice info, uint8_t *out,
                           size_t size)
{
    size_t step = vel_hash_size(hash);
    REQUIRE(size <= 255 * step, VEL_ERR_ARGUMENT);
    OWNED(hmac_clear) struct hmac hmac = {.crypto = crypto, .hash = hash};
    TRY(hmac_start(&hmac, secret));

    /* T(i) = HMAC(T(i-1) || info || i), RFC 5869 2.3. */
    OWNED(vel_secret_clear) struct vel_secret block = {0};
    for (uint8_t counter = 1; size > 0; counter++) {
        const struct vel_slice parts[] = {vel_secret_slice(&block), info, {&counter, 1}};
        TRY(hmac_of(&hmac, parts, VEL_COUNT(parts), block.bytes));
        block.len = step;
        size_t count = VEL_MIN(size, step);
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
