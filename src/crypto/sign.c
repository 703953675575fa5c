/* SPDX-License-Identifier: MIT */
#include "crypto/sign.h"

#include <openssl/core_names.h>
#include <stdio.h>

#include "base/own.h"
#include "base/try.h"
#include "crypto/hash.h"
#include "crypto/sign_internal.h"

/* RFC 6979, as libcrypto numbers it. */
enum { NONCE_DETERMINISTIC = 1 };

enum { PARAMS_MAX = 4, CONTEXT_MAX = 255, HASH_NAME_MAX = 16 };

/* Parameters of one operation; libcrypto's are not const, so what they point at is kept here. */
struct operation {
    OSSL_PARAM params[PARAMS_MAX];
    size_t count;
    uint8_t context[CONTEXT_MAX];
    char hash_name[HASH_NAME_MAX];
    unsigned nonce_type;
    int deterministic;
    uint8_t digest[VEL_HASH_MAX];
};

/* FIPS 204 context string. */
static vel_result add_context(struct operation *op, const struct vel_sign_facts *facts,
                              struct vel_slice context)
{
    if (context.len == 0)
        return VEL_OK;
    REQUIRE(facts->has_context && context.len <= sizeof op->context, VEL_ERR_ARGUMENT);
    memcpy(op->context, context.ptr, context.len);
    op->params[op->count++] = OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_CONTEXT_STRING,
                                                                op->context, context.len);
    return VEL_OK;
}

/* RFC 6979 needs to know the hash that made the digest; Ed25519 is deterministic as it is. */
static void add_determinism(struct operation *op, const struct vel_crypto *crypto,
                            const struct vel_sign_facts *facts)
{
    if (facts->has_context) {
        op->deterministic = 1;
        op->params[op->count++] =
            OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_DETERMINISTIC, &op->deterministic);
    }
    if (facts->curve_name != NULL) {
        snprintf(op->hash_name, sizeof op->hash_name, "%s",
                 EVP_MD_get0_name(crypto->md[facts->hash]));
        op->nonce_type = NONCE_DETERMINISTIC;
        op->params[op->count++] =
            OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, op->hash_name, 0);
        op->params[op->count++] =
            OSSL_PARAM_construct_uint(OSSL_SIGNATURE_PARAM_NONCE_TYPE, &op->nonce_type);
    }
}

/* What the key operation works on: ECDSA takes a digest, the others the message. */
static vel_result operand(struct operation *op, const struct vel_crypto *crypto,
                          const struct vel_sign_facts *facts, struct vel_slice *message)
{
    if (facts->curve_name == NULL)
        return VEL_OK;
    TRY(vel_digest(crypto, facts->hash, message, 1, op->digest));
    *message = vel_slice(op->digest, vel_hash_size(facts->hash));
    return VEL_OK;
}

vel_result vel_sign(const struct vel_crypto *crypto, const struct vel_sign_key *key,
                    enum vel_sign_mode mode, struct vel_slice context, struct vel_slice message,
                    uint8_t *out, size_t *size)
{
    REQUIRE(key->alg < VEL_SIGN_ALG_COUNT, VEL_ERR_UNSUPPORTED);
    const struct vel_sign_facts *facts = &vel_sign_algs[key->alg];
    EVP_SIGNATURE *algorithm = crypto->signature[key->alg];
    struct operation op = {.count = 0};
    TRY(add_context(&op, facts, context));
    if (mode == VEL_SIGN_DETERMINISTIC)
        add_determinism(&op, crypto, facts);
    op.params[op.count] = OSSL_PARAM_construct_end();
    TRY(operand(&op, crypto, facts, &message));

    OWNED(pkey_ctx_release) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);
    int started = facts->curve_name != NULL ? EVP_PKEY_sign_init_ex2(ctx, algorithm, op.params)
                                            : EVP_PKEY_sign_message_init(ctx, algorithm, op.params);
    CRYPTO_REQUIRE(started == 1, VEL_ERR_CRYPTO);
    size_t written = facts->signature_max;
    CRYPTO_REQUIRE(EVP_PKEY_sign(ctx, out, &written, message.ptr, message.len) == 1,
                   VEL_ERR_CRYPTO);
    *size = written;
    return VEL_OK;
}

vel_result vel_verify(const struct vel_crypto *crypto, const struct vel_sign_key *key,
                      struct vel_slice context, struct vel_slice message,
                      struct vel_slice signature)
{
    REQUIRE(key->alg < VEL_SIGN_ALG_COUNT, VEL_ERR_UNSUPPORTED);
    const struct vel_sign_facts *facts = &vel_sign_algs[key->alg];
    EVP_SIGNATURE *algorithm = crypto->signature[key->alg];
    REQUIRE(signature.len > 0 && signature.len <= facts->signature_max, VEL_ERR_AUTH);
    struct operation op = {.count = 0};
    TRY(add_context(&op, facts, context));
    op.params[op.count] = OSSL_PARAM_construct_end();
    TRY(operand(&op, crypto, facts, &message));

    OWNED(pkey_ctx_release) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    CRYPTO_REQUIRE(ctx != NULL, VEL_ERR_CRYPTO);
    int started = facts->curve_name != NULL
                      ? EVP_PKEY_verify_init_ex2(ctx, algorithm, op.params)
                      : EVP_PKEY_verify_message_init(ctx, algorithm, op.params);
    CRYPTO_REQUIRE(started == 1, VEL_ERR_CRYPTO);
    CRYPTO_REQUIRE(EVP_PKEY_verify(ctx, signature.ptr, signature.len, message.ptr, message.len) ==
                       1,
                   VEL_ERR_AUTH);
    return VEL_OK;
}
