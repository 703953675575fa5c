/* SPDX-License-Identifier: MIT */
#ifndef PKI_SEAL_H
#define PKI_SEAL_H

#include "base/writer.h"
#include "crypto/sign.h"
#include "pki/alt.h"

/*
 * Sign a certificate (VEL-CERT-06): add extensions 73 and 74, whose value signs
 * vel_alt_message(parts), then sign the whole with the classical key.
 *
 * parts   without extensions 73 and 74; extensions may be empty
 * signer  the issuer's private keys; with pq NULL the certificate is classical
 * cert    receives the DER
 *
 * VEL_ERR_LIMIT      the certificate exceeds VEL_CERT_MAX_BYTES, or the buffer's limit
 * VEL_ERR_MALFORMED  parts->extensions does not parse
 */
vel_result vel_cert_seal(const struct vel_env *env, const struct vel_crypto *crypto,
                         const struct vel_alt_parts *parts, const struct vel_dual_key *signer,
                         enum vel_sign_mode mode, struct vel_buf *cert);

/* Write an Extension 2.5.29.n; pass the result to vel_ext_end after writing its value. */
struct vel_ext_mark {
    uint8_t *extension;
    uint8_t *value;
};
struct vel_ext_mark vel_ext_begin(struct vel_writer *w, unsigned n, bool critical);
void vel_ext_end(struct vel_writer *w, struct vel_ext_mark mark);

#endif
