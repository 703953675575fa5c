/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_CRYPTO_INTERNAL_H
#define CRYPTO_CRYPTO_INTERNAL_H

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/sign.h"
#include "crypto/suite.h"
#include "velocity/crypto.h"
#include "velocity/env.h"

/*
 * Everything that is looked up by name in libcrypto, looked up once. Read-only once made, so that
 * threads may share it; that is also why objects made with it (contexts, keys) come from
 * libcrypto's allocator and not from the env, which belongs to one thread.
 */
enum vel_mlkem { VEL_MLKEM512, VEL_MLKEM768, VEL_MLKEM1024, VEL_MLKEM_COUNT };

/* Curves of private keys that are drawn as a scalar below the order. */
enum vel_curve { VEL_CURVE_P256, VEL_CURVE_P384, VEL_CURVE_COUNT };

struct vel_crypto {
    const struct vel_env *env;
    EVP_MD *md[VEL_HASH_COUNT];
    EVP_CIPHER *aead[VEL_AEAD_COUNT];
    const struct vel_aead_provider *provider[VEL_AEAD_COUNT]; /* who protects packets with it */
    struct vel_ipsec_mb *ipsec_mb;                            /* NULL: not built in, or not fit */
    EVP_CIPHER *header_mask[VEL_AEAD_COUNT];
    EVP_SIGNATURE *signature[VEL_SIGN_ALG_COUNT];
    EVP_KEYMGMT *mlkem[VEL_MLKEM_COUNT]; /* held so that libcrypto's cache keeps them */
    EVP_KEYMGMT *x25519;
    struct ec_group_st *curve[VEL_CURVE_COUNT];
};

/* As REQUIRE, for calls of libcrypto: its error queue is emptied, so that nothing a peer sends
 * piles up there. */
#define CRYPTO_REQUIRE(condition, err)                                                             \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            ERR_clear_error();                                                                     \
            return (err);                                                                          \
        }                                                                                          \
    } while (0)

/* Releases for OWNED locals. */
static inline void pkey_release(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
}

static inline void pkey_ctx_release(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static inline void md_ctx_release(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

static inline void cipher_ctx_release(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

/* Names of the key type in libcrypto, by vel_mlkem. */
extern const char *const vel_mlkem_names[VEL_MLKEM_COUNT];

/* Key pair of `type` ("ML-KEM-768", "ML-DSA-65") from the seed of FIPS 203 or 204. */
vel_result vel_pkey_from_seed(const char *type, struct vel_slice seed, EVP_PKEY **pkey);

#endif
