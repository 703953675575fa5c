/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "crypto/suite.h"
#include "velocity/crypto.h"
#include "velocity/env.h"
#include "velocity/slice.h"

/*
 * Signature keys of one algorithm, and the dual signature of two (PROTOCOL section 4).
 * ECDSA is over SHA-256 (P-256) or SHA-384 (P-384), DER-encoded; Ed25519 and ML-DSA are pure.
 */
enum {
    VEL_ECDSA_SIG_MAX = 104, /* P-384, DER */
    VEL_MLDSA_SIG_MAX = 4627 /* ML-DSA-87 */
};

/* A private key, a public key, or both; read-only once made, so that threads may share it. */
struct vel_sign_key;

/* Randomness from env: the same seed gives the same key. VEL_ERR_CRYPTO: libcrypto failed. */
vel_result vel_sign_key_generate(const struct vel_crypto *crypto, const struct vel_env *env,
                                 enum vel_sign_alg alg, struct vel_sign_key **key);

/* How a private key is written. */
enum vel_key_form {
    VEL_KEY_PKCS8,
    VEL_KEY_EC, /* ECPrivateKey, RFC 5915, with its curve */
    VEL_KEY_RSA /* RSAPrivateKey, RFC 8017 A.1.2 */
};

/* Private key from DER, also RSA of 2,048 bits or more; public key from SubjectPublicKeyInfo DER,
 * never RSA.
 * VEL_ERR_MALFORMED    not such a key, or a point that is not on its curve
 * VEL_ERR_UNSUPPORTED  an algorithm we do not use; for a public key, whatever is not byte for byte
 *                      the one encoding of one we do */
vel_result vel_sign_key_from_der(const struct vel_crypto *crypto, enum vel_key_form form,
                                 struct vel_slice der, struct vel_sign_key **key);
vel_result vel_sign_key_from_pkcs8(const struct vel_crypto *crypto, struct vel_slice der,
                                   struct vel_sign_key **key);
vel_result vel_sign_key_from_spki(const struct vel_crypto *crypto, struct vel_slice der,
                                  struct vel_sign_key **key);
void vel_sign_key_free(struct vel_sign_key *key);

enum vel_sign_alg vel_sign_key_alg(const struct vel_sign_key *key);
bool vel_sign_key_same_public(const struct vel_sign_key *a, const struct vel_sign_key *b);

/* Whether this is, byte for byte, the SubjectPublicKeyInfo of the key. */
bool vel_sign_key_has_spki(const struct vel_sign_key *key, struct vel_slice der);

/* The underlying EVP_PKEY, borrowed, for code that builds X.509 with libcrypto. */
struct evp_pkey_st *vel_sign_key_evp(const struct vel_sign_key *key);

/* How to draw the per-signature randomness: from libcrypto's generator, or none (RFC 6979 and
 * deterministic ML-DSA) so that transcripts repeat byte for byte in tests. */
enum vel_sign_mode { VEL_SIGN_HEDGED, VEL_SIGN_DETERMINISTIC };

/* context: ML-DSA context string (FIPS 204), empty for the others. out has space for the largest
 * signature of the algorithm; *size set on success.
 * VEL_ERR_UNSUPPORTED  an RSA key */
vel_result vel_sign(const struct vel_crypto *crypto, const struct vel_sign_key *key,
                    enum vel_sign_mode mode, struct vel_slice context, struct vel_slice message,
                    uint8_t *out, size_t *size);

/* VEL_ERR_AUTH  the signature does not verify */
vel_result vel_verify(const struct vel_crypto *crypto, const struct vel_sign_key *key,
                      struct vel_slice context, struct vel_slice message,
                      struct vel_slice signature);

/* Two keys that sign and verify together. */
struct vel_dual_key {
    const struct vel_sig_suite *suite;
    struct vel_sign_key *classical;
    struct vel_sign_key *pq;
};

/*
 * The composite construction of PROTOCOL section 4: M' = "VelocityDualSignature2026" || label ||
 * len(ctx) || ctx || SHA-512(message); `use` is ctx: "server", "client", "fallback", "knownkey".
 * Signatures come out separately, each with space for the largest.
 */
struct vel_dual_sig {
    uint8_t classical[VEL_ECDSA_SIG_MAX];
    size_t classical_size;
    uint8_t pq[VEL_MLDSA_SIG_MAX];
    size_t pq_size;
};
vel_result vel_dual_sign(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                         enum vel_sign_mode mode, const char *use, struct vel_slice message,
                         struct vel_dual_sig *out);

/* VEL_ERR_AUTH unless both halves verify. */
vel_result vel_dual_verify(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                           const char *use, struct vel_slice message, struct vel_slice classical,
                           struct vel_slice pq);

#endif
