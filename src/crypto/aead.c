/* SPDX-License-Identifier: MIT */
#include "crypto/aead.h"

#include <limits.h>
#include <openssl/crypto.h>

#include "base/own.h"
#include "base/try.h"
#include "crypto/aead_internal.h"
#include "crypto/crypto_internal.h"

struct vel_aead {
    const struct vel_aead_provider *provider;
    const struct vel_crypto *crypto;
    void *context; /* the provider's; NULL: at rest */
    enum vel_aead_id id;
    enum vel_aead_direction direction;
    uint8_t iv[VEL_AEAD_IV];
    uint8_t key[VEL_AEAD_KEY_MAX];
};

OWNED_POINTER(aead_release, struct vel_aead, vel_aead_free)

vel_result vel_aead_new(const struct vel_crypto *crypto, enum vel_aead_id id,
                        enum vel_aead_direction direction, struct vel_slice key,
                        struct vel_slice iv, struct vel_aead **aead)
{
    REQUIRE(key.len == vel_aead_key_size(id) && iv.len == VEL_AEAD_IV, VEL_ERR_ARGUMENT);
    OWNED(aead_release) struct vel_aead *made = OPENSSL_zalloc(sizeof *made);
    CRYPTO_REQUIRE(made != NULL, VEL_ERR_CRYPTO);
    made->provider = crypto->provider[id];
    made->crypto = crypto;
    made->id = id;
    made->direction = direction;
    memcpy(made->iv, iv.ptr, iv.len);
    memcpy(made->key, key.ptr, key.len);
    TRY(vel_aead_wake(made));
    *aead = GIVE(made);
    return VEL_OK;
}

void vel_aead_rest(struct vel_aead *aead)
{
    if (aead->context != NULL)
        aead->provider->release(aead->context);
    aead->context = NULL;
}

vel_result vel_aead_wake(struct vel_aead *aead)
{
    if (aead->context != NULL)
        return VEL_OK;
    return aead->provider->make(aead->crypto, aead->id, aead->direction,
                                vel_slice(aead->key, vel_aead_key_size(aead->id)), &aead->context);
}

void vel_aead_free(struct vel_aead *aead)
{
    if (aead == NULL)
        return;
    vel_aead_rest(aead);
    OPENSSL_clear_free(aead, sizeof *aead);
}

/* The numbers whose bytes in memory are those of `value`, the highest first. */
static uint64_t highest_first(uint64_t value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(value) : value;
}

static uint32_t highest_first_32(uint32_t value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(value) : value;
}

/* RFC 9001 5.3, with the path identifier in the four bytes that the packet number leaves. */
static void make_nonce(const struct vel_aead *aead, uint32_t path, uint64_t number,
                       uint8_t nonce[VEL_AEAD_IV])
{
    uint32_t high;
    uint64_t low;
    memcpy(&high, aead->iv, sizeof high);
    memcpy(&low, aead->iv + sizeof high, sizeof low);
    high ^= highest_first_32(path);
    low ^= highest_first(number);
    memcpy(nonce, &high, sizeof high);
    memcpy(nonce + sizeof high, &low, sizeof low);
}

/* libcrypto counts in int. */
static bool is_countable(struct vel_slice ad, size_t size)
{
    return ad.len <= INT_MAX && size <= INT_MAX;
}

static vel_result seal_with(struct vel_aead *aead, const uint8_t *nonce, struct vel_slice ad,
                            struct vel_slice head, struct vel_slice body, uint8_t *out)
{
    REQUIRE(is_countable(ad, head.len + body.len), VEL_ERR_CRYPTO);
    TRY(vel_aead_wake(aead));
    return aead->provider->seal(aead->context, nonce, ad, head, body, out);
}

static vel_result open_with(struct vel_aead *aead, const uint8_t *nonce, struct vel_slice ad,
                            struct vel_slice sealed, uint8_t *out)
{
    REQUIRE(sealed.len >= VEL_AEAD_TAG, VEL_ERR_AUTH);
    REQUIRE(is_countable(ad, sealed.len), VEL_ERR_CRYPTO);
    size_t size = sealed.len - VEL_AEAD_TAG;
    TRY(vel_aead_wake(aead));
    return aead->provider->open(aead->context, nonce, ad, vel_slice(sealed.ptr, size),
                                sealed.ptr + size, out);
}

vel_result vel_aead_seal_from(struct vel_aead *aead, uint32_t path, uint64_t number,
                              struct vel_slice ad, uint8_t *out, size_t head, struct vel_slice body)
{
    VEL_ASSERT(aead->direction == VEL_SEAL);
    uint8_t nonce[VEL_AEAD_IV];
    make_nonce(aead, path, number, nonce);
    return seal_with(aead, nonce, ad, vel_slice(out, head), body, out);
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
    return open_with(aead, nonce, ad, vel_slice(bytes, size), bytes);
}

vel_result vel_aead_seal_once(const struct vel_crypto *crypto, enum vel_aead_id id,
                              struct vel_slice key, struct vel_slice nonce, struct vel_slice ad,
                              struct vel_slice plaintext, uint8_t *out)
{
    OWNED(aead_release) struct vel_aead *aead = NULL;
    TRY(vel_aead_new(crypto, id, VEL_SEAL, key, nonce, &aead));
    return seal_with(aead, nonce.ptr, ad, plaintext, (struct vel_slice){0}, out);
}

vel_result vel_aead_open_once(const struct vel_crypto *crypto, enum vel_aead_id id,
                              struct vel_slice key, struct vel_slice nonce, struct vel_slice ad,
                              struct vel_slice sealed, uint8_t *out)
{
    OWNED(aead_release) struct vel_aead *aead = NULL;
    TRY(vel_aead_new(crypto, id, VEL_OPEN, key, nonce, &aead));
    return open_with(aead, nonce.ptr, ad, sealed, out);
}
