/* SPDX-License-Identifier: MIT */
#ifndef PKI_ALT_H
#define PKI_ALT_H

#include "base/buf.h"
#include "pki/cert.h"

/*
 * What the alternative signature covers (VEL-CERT-05; ITU-T X.509 (2019), 7.2.2): the
 * TBSCertificate without its `signature` field and without extension 2.5.29.74, everything else in
 * place and in order, lengths written anew. The issuer signs these bytes and the verifier rebuilds
 * them, both here.
 */

/* The three cuts of a TBSCertificate, as struct vel_cert names them. */
struct vel_alt_parts {
    struct vel_slice head;
    struct vel_slice middle;
    struct vel_slice extensions; /* extension 74 may be among them */
};

/* Append the covered bytes to `message`.
 * VEL_ERR_MALFORMED  `extensions` does not parse; VEL_ERR_NOMEM, VEL_ERR_LIMIT from the buffer */
vel_result vel_alt_message(const struct vel_alt_parts *parts, struct vel_buf *message);

#endif
