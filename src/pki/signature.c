/* SPDX-License-Identifier: MIT */
#include "pki/signature.h"

#include "base/own.h"
#include "base/try.h"
#include "pki/algorithm.h"
#include "pki/alt.h"
#include "pki/verify.h"

void vel_dual_key_clear(struct vel_dual_key *key)
{
    vel_sign_key_free(key->classical);
    vel_sign_key_free(key->pq);
    *key = (struct vel_dual_key){0};
}

/* One public key of the kind wanted. */
static vel_result decode(const struct vel_crypto *crypto, struct vel_slice spki, bool pq,
                         enum vel_cert_check *check, struct vel_sign_key **key)
{
    struct vel_sign_key *made = NULL;
    enum vel_err err = vel_sign_key_from_spki(crypto, spki, &made);
    if (err == VEL_OK && vel_algorithm_is_pq(vel_sign_key_alg(made)) != pq) {
        vel_sign_key_free(made);
        err = VEL_ERR_UNSUPPORTED;
    }
    if (err == VEL_ERR_UNSUPPORTED || err == VEL_ERR_MALFORMED) {
        *check = err == VEL_ERR_MALFORMED ? VEL_CERT_PARSE : VEL_CERT_ALGORITHM;
        return VEL_ERR_AUTH;
    }
    if (err == VEL_OK)
        *key = made;
    return err;
}

vel_result vel_cert_keys(const struct vel_crypto *crypto, const struct vel_cert *cert,
                         enum vel_cert_check *check, struct vel_dual_key *keys)
{
    OWNED(vel_dual_key_clear) struct vel_dual_key made = {0};
    if (cert->alt_spki.len == 0) {
        *check = VEL_CERT_ALT_MISSING;
        return VEL_ERR_AUTH;
    }
    TRY(decode(crypto, cert->spki, false, check, &made.classical));
    TRY(decode(crypto, cert->alt_spki, true, check, &made.pq));
    made.suite = vel_sig_suite_of(vel_sign_key_alg(made.classical), vel_sign_key_alg(made.pq));
    *keys = made;
    made = (struct vel_dual_key){0};
    return VEL_OK;
}

vel_result vel_cert_classical_by(const struct vel_crypto *crypto, const struct vel_cert *cert,
                                 const struct vel_sign_key *issuer)
{
    REQUIRE(vel_algorithm_of(cert->algorithm) == vel_sign_key_alg(issuer), VEL_ERR_AUTH);
    return vel_verify(crypto, issuer, vel_slice(NULL, 0), cert->tbs, cert->signature);
}

vel_result vel_cert_alternative_by(const struct vel_env *env, const struct vel_crypto *crypto,
                                   const struct vel_cert *cert, const struct vel_sign_key *issuer)
{
    REQUIRE(vel_algorithm_of(cert->alt_algorithm) == vel_sign_key_alg(issuer), VEL_ERR_AUTH);
    const struct vel_alt_parts parts = {cert->head, cert->middle, cert->extensions};
    OWNED(vel_buf_free) struct vel_buf message = {.env = env, .limit = cert->der.len + 64};
    TRY(vel_alt_message(&parts, &message));
    return vel_verify(crypto, issuer, vel_slice(NULL, 0), vel_buf_slice(&message),
                      cert->alt_signature);
}

vel_result vel_cert_signed_by(const struct vel_env *env, const struct vel_crypto *crypto,
                              const struct vel_cert *cert, const struct vel_dual_key *issuer,
                              enum vel_cert_check *check)
{
    *check = VEL_CERT_ALT_MISSING;
    REQUIRE(vel_cert_is_hybrid(cert), VEL_ERR_AUTH);
    *check = VEL_CERT_CLASSICAL_SIGNATURE;
    TRY(vel_cert_classical_by(crypto, cert, issuer->classical));
    *check = VEL_CERT_ALT_SIGNATURE;
    return vel_cert_alternative_by(env, crypto, cert, issuer->pq);
}
