/* SPDX-License-Identifier: MIT */
#include <openssl/bn.h>
#include <openssl/ec.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "crypto/ec_internal.h"

enum { UNCOMPRESSED = 4 };

static void bn_release(BIGNUM **number)
{
    BN_clear_free(*number);
}

static void bn_ctx_release(BN_CTX **ctx)
{
    BN_CTX_free(*ctx);
}

static void point_release(EC_POINT **point)
{
    EC_POINT_clear_free(*point);
}

size_t vel_curve_scalar_size(enum vel_curve curve)
{
    static const uint8_t sizes[VEL_CURVE_COUNT] = {
        [VEL_CURVE_P256] = 32, [VEL_CURVE_P384] = VEL_SCALAR_MAX};
    return sizes[curve];
}

/* The flag makes libcrypto take its constant-time ways. */
static BIGNUM *secret_number(enum vel_curve curve, const uint8_t *scalar)
{
    BIGNUM *number = BN_secure_new();
    if (number == NULL)
        return NULL;
    BN_set_flags(number, BN_FLG_CONSTTIME);
    return BN_bin2bn(scalar, (int)vel_curve_scalar_size(curve), number);
}

vel_result vel_curve_draw(const struct vel_crypto *crypto, const struct vel_env *env,
                          enum vel_curve curve, uint8_t *scalar)
{
    const BIGNUM *order = EC_GROUP_get0_order(crypto->curve[curve]);
    for (;;) {
        vel_random(env, scalar, vel_curve_scalar_size(curve));
        OWNED(bn_release) BIGNUM *number = secret_number(curve, scalar);
        CRYPTO_REQUIRE(number != NULL, VEL_ERR_CRYPTO);
        if (!BN_is_zero(number) && BN_cmp(number, order) < 0)
            return VEL_OK;
    }
}

vel_result vel_curve_public(const struct vel_crypto *crypto, enum vel_curve curve,
                            const uint8_t *scalar, uint8_t *point)
{
    const EC_GROUP *group = crypto->curve[curve];
    OWNED(bn_ctx_release) BN_CTX *ctx = BN_CTX_secure_new();
    OWNED(bn_release) BIGNUM *number = secret_number(curve, scalar);
    OWNED(point_release) EC_POINT *product = EC_POINT_new(group);
    CRYPTO_REQUIRE(ctx != NULL && number != NULL && product != NULL, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EC_POINT_mul(group, product, number, NULL, NULL, ctx) == 1, VEL_ERR_CRYPTO);
    size_t size = 1 + 2 * vel_curve_scalar_size(curve);
    CRYPTO_REQUIRE(
        EC_POINT_point2oct(group, product, POINT_CONVERSION_UNCOMPRESSED, point, size, ctx) == size,
        VEL_ERR_CRYPTO);
    return VEL_OK;
}

vel_result vel_curve_shared(const struct vel_crypto *crypto, enum vel_curve curve,
                            const uint8_t *scalar, struct vel_slice peer, uint8_t *secret)
{
    const EC_GROUP *group = crypto->curve[curve];
    size_t size = vel_curve_scalar_size(curve);
    REQUIRE(peer.len == 1 + 2 * size && peer.ptr[0] == UNCOMPRESSED, VEL_ERR_MALFORMED);

    OWNED(bn_ctx_release) BN_CTX *ctx = BN_CTX_secure_new();
    OWNED(bn_release) BIGNUM *number = secret_number(curve, scalar);
    OWNED(bn_release) BIGNUM *x = BN_secure_new();
    OWNED(point_release) EC_POINT *point = EC_POINT_new(group);
    OWNED(point_release) EC_POINT *product = EC_POINT_new(group);
    CRYPTO_REQUIRE(ctx != NULL && number != NULL && x != NULL, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(point != NULL && product != NULL, VEL_ERR_CRYPTO);

    /* This is where libcrypto checks that the point is on the curve. */
    CRYPTO_REQUIRE(EC_POINT_oct2point(group, point, peer.ptr, peer.len, ctx) == 1,
                   VEL_ERR_MALFORMED);
    CRYPTO_REQUIRE(EC_POINT_mul(group, product, NULL, point, number, ctx) == 1, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EC_POINT_get_affine_coordinates(group, product, x, NULL, ctx) == 1,
                   VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(BN_bn2binpad(x, secret, (int)size) == (int)size, VEL_ERR_CRYPTO);
    return VEL_OK;
}
