/* SPDX-License-Identifier: MIT */
#include "pki/encode.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/try.h"

vel_result vel_encode_spki(const struct vel_sign_key *key, struct vel_buf *out)
{
    uint8_t *der = NULL;
    int size = i2d_PUBKEY(vel_sign_key_evp(key), &der);
    REQUIRE(size > 0, VEL_ERR_CRYPTO);
    enum vel_err err = vel_buf_append(out, vel_slice(der, (size_t)size));
    OPENSSL_free(der);
    return err;
}

vel_result vel_encode_pkcs8(const struct vel_sign_key *key, struct vel_buf *out)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(vel_sign_key_evp(key));
    REQUIRE(info != NULL, VEL_ERR_CRYPTO);
    uint8_t *der = NULL;
    int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info); /* wipes: its contents are marked as secret */
    REQUIRE(size > 0, VEL_ERR_CRYPTO);
    enum vel_err err = vel_buf_append(out, vel_slice(der, (size_t)size));
    OPENSSL_clear_free(der, (size_t)size);
    return err;
}
