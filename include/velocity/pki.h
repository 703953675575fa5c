/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_PKI_H
#define VELOCITY_PKI_H

#include "velocity/crypto.h"
#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/profile.h"
#include "velocity/slice.h"

/*
 * Hybrid certificates: X.509 v3 with a classical key and signature, and a second, ML-DSA, key and
 * signature in the alternative extensions of ITU-T X.509 (2019). Both signatures are verified on
 * every certificate of a chain (spec/certificates.md). No files here: slices in,
 * slices out. Times are seconds of the Unix epoch. Objects are read-only once made, so threads may
 * share them.
 */

/* A certificate chain with the private keys of its leaf. */
struct vel_identity;

/*
 * chain_pem  CERTIFICATE blocks, leaf first; key_pem  two PRIVATE KEY blocks, the classical one first
 * (one block: a classical identity, good for TLS only); the classical one may be an EC PRIVATE KEY or
 * RSA PRIVATE KEY block, too
 * VEL_ERR_MALFORMED    not PEM or not a certificate or key
 * VEL_ERR_AUTH         the keys do not belong to the leaf
 * VEL_ERR_UNSUPPORTED  algorithms that no profile admits
 */
vel_result vel_identity_parse(const struct vel_env *env, const struct vel_crypto *crypto,
                              struct vel_slice chain_pem, struct vel_slice key_pem,
                              struct vel_identity **identity);
void vel_identity_free(struct vel_identity *identity);

/* Certificates that a verifier starts from. A root without an alternative key anchors nothing for
 * Velocity. */
struct vel_trust;
vel_result vel_trust_new(const struct vel_env *env, const struct vel_crypto *crypto,
                         struct vel_trust **trust);
/* Add every CERTIFICATE block. VEL_ERR_MALFORMED: none, or one does not parse; VEL_ERR_LIMIT: more
 * than 1024 in all. On failure nothing was added. */
vel_result vel_trust_add_pem(struct vel_trust *trust, struct vel_slice pem);
void vel_trust_free(struct vel_trust *trust);

/*
 * A hybrid certificate made on the spot, for experiments: fresh keys, one name (DNS name or address),
 * self-signed, valid for VEL_SELF_SIGNED_DAYS from `not_before`. It is added to `trust` unless that is
 * NULL. What a site needs beyond that (files, several names, a CA) is `velocity cert issue`.
 * VEL_ERR_ARGUMENT  no DNS name or address
 * VEL_ERR_LIMIT     the trust store is full
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO  *identity untouched in all cases
 */
enum { VEL_SELF_SIGNED_DAYS = 10 };
vel_result vel_identity_self_signed(const struct vel_env *env, const struct vel_crypto *crypto,
                                    const char *name, enum vel_profile profile, int64_t not_before,
                                    struct vel_trust *trust, struct vel_identity **identity);

/* Which check a chain failed. Names appear in --json, texts in messages. */
#define VEL_CERT_CHECK_MAP(X)                                                                      \
    X(VEL_CERT_OK, "ok", "certificate is valid")                                                   \
    X(VEL_CERT_PARSE, "parse", "certificate does not parse")                                       \
    X(VEL_CERT_NOT_YET_VALID, "not-yet-valid", "certificate is not valid yet")                     \
    X(VEL_CERT_EXPIRED, "expired", "certificate has expired")                                      \
    X(VEL_CERT_NAME, "name", "certificate is not for this name")                                   \
    X(VEL_CERT_UNKNOWN_ISSUER, "unknown-issuer", "no trusted issuer signed this certificate")      \
    X(VEL_CERT_CLASSICAL_SIGNATURE, "classical-signature", "classical signature does not verify")  \
    X(VEL_CERT_ALT_MISSING, "alternative-missing", "post-quantum key or signature is missing")     \
    X(VEL_CERT_ALT_SIGNATURE, "alternative-signature", "post-quantum signature does not verify")   \
    X(VEL_CERT_LEVEL, "level", "post-quantum key is weaker than the profile demands")              \
    X(VEL_CERT_USAGE, "usage", "certificate is not meant for this use")                            \
    X(VEL_CERT_CONSTRAINTS, "constraints", "certificate violates a constraint of its issuer")      \
    X(VEL_CERT_CRITICAL, "critical-extension",                                                     \
      "certificate has a critical extension unknown here")                                         \
    X(VEL_CERT_ALGORITHM, "algorithm", "certificate uses an algorithm that no profile admits")

#define VEL_CERT_AS_ENUM(code, name, text) code,
enum vel_cert_check { VEL_CERT_CHECK_MAP(VEL_CERT_AS_ENUM) VEL_CERT_CHECK_COUNT };
#undef VEL_CERT_AS_ENUM

const char *vel_cert_check_name(enum vel_cert_check check);
const char *vel_cert_check_text(enum vel_cert_check check);

/* The outcome of a verification: what failed, on which certificate of the chain. */
struct vel_cert_verdict {
    enum vel_cert_check check;
    unsigned depth;    /* 0 is the leaf */
    char subject[128]; /* of that certificate, printable ASCII, cut to fit */
};

#endif
