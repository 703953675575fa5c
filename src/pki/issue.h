/* SPDX-License-Identifier: MIT */
#ifndef PKI_ISSUE_H
#define PKI_ISSUE_H

#include "base/buf.h"
#include "crypto/sign.h"
#include "velocity/pki.h"

/*
 * Making hybrid certificates with fresh keys: leaves, self-signed or under a CA, and CAs
 * (spec/certificates.md). Everything random comes from env and the signatures' mode, so a seeded
 * env, given times and VEL_SIGN_DETERMINISTIC give the same bytes again.
 */
enum {
    VEL_ISSUE_NAMES_MAX = 64,
    VEL_CHAIN_PEM_MAX = 384 * 1024, /* limits that do for the two results */
    VEL_KEY_PEM_MAX = 32 * 1024
};

/* What to certify. Everything is borrowed for the call. */
struct vel_cert_order {
    const char *common_name;  /* at most 64 bytes of UTF-8; NULL: the first name */
    const char *const *names; /* for leaves: DNS names (perhaps "*.example.org") and IP addresses */
    size_t name_count;
    const char *const *permitted; /* for CAs: DNS names whose domains they may certify; none: all */
    size_t permitted_count;
    enum vel_sign_alg classical; /* VEL_P256, VEL_P384 or VEL_ED25519 */
    enum vel_profile profile;    /* decides the ML-DSA level */
    int64_t not_before;          /* Unix seconds */
    int64_t validity;            /* seconds, more than 0 */
    bool ca;
    int path_length;         /* CAs below a CA; negative: unlimited */
    enum vel_sign_mode mode; /* VEL_SIGN_HEDGED unless bytes must repeat */
};

/* The classical algorithm to use when nothing else was asked for: P-256 (P-384 when secure). */
enum vel_sign_alg vel_order_classical(enum vel_profile profile);

/*
 * Draw two key pairs and certify them.
 *
 * issuer     NULL: self-signed; else an identity whose leaf is a CA
 * chain_pem  receives the certificate, then the issuer's certificates that are not self-issued;
 *            its end of validity is the issuer's when that is earlier
 * key_pem    receives both private keys, the classical one first
 *
 * VEL_ERR_ARGUMENT     a name that is no DNS name or address, no or too many names, validity not
 *                      positive or outside the issuer's, a pair of algorithms in no suite
 * VEL_ERR_UNSUPPORTED  the issuer is no CA with both keys, is weaker than the profile (no verifier
 *                      of that profile would take it), or may not have another CA below it
 * VEL_ERR_AUTH         the issuer's name constraints forbid a name
 * On failure both buffers hold what they held.
 */
vel_result vel_cert_issue(const struct vel_env *env, const struct vel_crypto *crypto,
                          const struct vel_cert_order *order, const struct vel_identity *issuer,
                          struct vel_buf *chain_pem, struct vel_buf *key_pem);

#endif
