/* SPDX-License-Identifier: MIT */
/*
 * Public keys from anybody. Properties: what is accepted is one of our algorithms and, written by
 * libcrypto, gives the same bytes again, so each key has exactly one form; and no signature made of
 * the same bytes verifies.
 */
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "crypto/sign.h"
#include "testing/fuzz.h"

static struct vel_crypto *crypto;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vel_sign_key *key = NULL;
    struct vel_slice der = vel_slice(data, size);
    if (crypto == NULL)
        FUZZ_CHECK(vel_crypto_new(&fuzz_env, &crypto) == VEL_OK);
    enum vel_err err = vel_sign_key_from_spki(crypto, der, &key);
    FUZZ_CHECK(err == VEL_OK || err == VEL_ERR_MALFORMED || err == VEL_ERR_UNSUPPORTED);
    FUZZ_CHECK((err == VEL_OK) == (key != NULL));
    if (key == NULL)
        return 0;

    uint8_t *again = NULL;
    int len = i2d_PUBKEY(vel_sign_key_evp(key), &again);
    FUZZ_CHECK(len > 0 && vel_slice_equal(der, vel_slice(again, (size_t)len)));
    FUZZ_CHECK(vel_sign_key_alg(key) < VEL_SIGN_ALG_COUNT);
    FUZZ_CHECK(vel_verify(crypto, key, vel_slice(NULL, 0), der, der) == VEL_ERR_AUTH);
    OPENSSL_free(again);
    vel_sign_key_free(key);
    return 0;
}
