/* SPDX-License-Identifier: MIT */
#ifndef PKI_ENCODE_H
#define PKI_ENCODE_H

#include "base/buf.h"
#include "crypto/sign.h"

/* Keys in the encodings of X.509 and PKCS#8, by libcrypto. */

/* Append the SubjectPublicKeyInfo (RFC 5280, 4.1). */
vel_result vel_encode_spki(const struct vel_sign_key *key, struct vel_buf *out);

/* Append the private key as PKCS#8 (RFC 5958), not encrypted; libcrypto's copies are wiped.
 * VEL_ERR_CRYPTO  libcrypto failed, or there is no private part */
vel_result vel_encode_pkcs8(const struct vel_sign_key *key, struct vel_buf *out);

#endif
