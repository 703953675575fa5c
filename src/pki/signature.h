/* SPDX-License-Identifier: MIT */
#ifndef PKI_SIGNATURE_H
#define PKI_SIGNATURE_H

#include "crypto/sign.h"
#include "pki/cert.h"

/* The public keys of a certificate, and the two signatures on it. */

/*
 * Decode both public keys. keys->suite is NULL when the pair is in no suite (as a CA's may be).
 *
 * check  set when the result is VEL_ERR_AUTH: VEL_CERT_ALT_MISSING (no extension 72),
 *        VEL_CERT_ALGORITHM (an algorithm we do not use, or one in the other's place) or
 *        VEL_CERT_PARSE
 * keys   on success; release with vel_dual_key_clear
 */
vel_result vel_cert_keys(const struct vel_crypto *crypto, const struct vel_cert *cert,
                         enum vel_cert_check *check, struct vel_dual_key *keys);

/*
 * Verify both signatures of `cert` under the keys of its issuer.
 *
 * check  set when the result is VEL_ERR_AUTH: VEL_CERT_ALT_MISSING, VEL_CERT_CLASSICAL_SIGNATURE
 *        or VEL_CERT_ALT_SIGNATURE
 */
vel_result vel_cert_signed_by(const struct vel_env *env, const struct vel_crypto *crypto,
                              const struct vel_cert *cert, const struct vel_dual_key *issuer,
                              enum vel_cert_check *check);

/* The halves of vel_cert_signed_by. VEL_ERR_AUTH: does not verify, or the key has another
 * algorithm than the certificate states. */
vel_result vel_cert_classical_by(const struct vel_crypto *crypto, const struct vel_cert *cert,
                                 const struct vel_sign_key *issuer);
vel_result vel_cert_alternative_by(const struct vel_env *env, const struct vel_crypto *crypto,
                                   const struct vel_cert *cert, const struct vel_sign_key *issuer);

#endif
