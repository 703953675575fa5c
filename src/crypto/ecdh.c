/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "crypto/ecdh_internal.h"

enum { X25519_SIZE = 32 };

void vel_ecdh_key_clear(struct vel_ecdh_key *key)
{
    EVP_PKEY_free(key->x25519);
    vel_wipe(key, sizeof *key);
}

static vel_result x25519_generate(const struct vel_crypto *crypto, const struct vel_env *env,
                                  struct vel_ecdh_key *key, uint8_t *public_value)
{
    (void)crypto;
    uint8_t bytes[X25519_SIZE];
    size_t size = sizeof bytes;
    vel_random(env, bytes, sizeof bytes);
    OWNED(pkey_release)
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, bytes, sizeof bytes);
    vel_wipe(bytes, sizeof bytes);
    CRYPTO_REQUIRE(pkey != NULL, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_PKEY_get_raw_public_key(pkey, public_value, &size) == 1, VEL_ERR_CRYPTO);
    key->x25519 = GIVE(pkey);
    return VEL_OK;
}

static vel_result x25519_derive(const struct vel_crypto *crypto, const struct vel_ecdh_key *key,
                                struct vel_slice peer, uint8_t *secret)
{
    (void)crypto;
    REQUIRE(peer.len == X25519_SIZE, VEL_ERR_MALFORMED);
    OWNED(pkey_release)
    EVP_PKEY *other = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer.ptr, peer.len);
    OWNED(pkey_ctx_release) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->x25519, NULL);
    CRYPTO_REQUIRE(other != NULL && ctx != NULL, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_PKEY_derive_init(ctx) == 1, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_PKEY_derive_set_peer_ex(ctx, other, 0) == 1, VEL_ERR_CRYPTO);

    /* libcrypto refuses an all-zero result (RFC 7748, 6.1); what is left to fail is that. */
    size_t size = X25519_SIZE;
    CRYPTO_REQUIRE(EVP_PKEY_derive(ctx, secret, &size) == 1, VEL_ERR_MALFORMED);
    return VEL_OK;
}

static vel_result p384_generate(const struct vel_crypto *crypto, const struct vel_env *env,
                                struct vel_ecdh_key *key, uint8_t *public_value)
{
    TRY(vel_curve_draw(crypto, env, VEL_CURVE_P384, key->scalar));
    return vel_curve_public(crypto, VEL_CURVE_P384, key->scalar, public_value);
}

static vel_result p384_derive(const struct vel_crypto *crypto, const struct vel_ecdh_key *key,
                              struct vel_slice peer, uint8_t *secret)
{
    return vel_curve_shared(crypto, VEL_CURVE_P384, key->scalar, peer, secret);
}

const struct vel_ecdh vel_ecdh_x25519 = {X25519_SIZE, X25519_SIZE, x25519_generate, x25519_derive};
const struct vel_ecdh vel_ecdh_p384 = {VEL_POINT_MAX, VEL_SCALAR_MAX, p384_generate, p384_derive};
