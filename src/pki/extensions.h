/* SPDX-License-Identifier: MIT */
#ifndef PKI_EXTENSIONS_H
#define PKI_EXTENSIONS_H

#include "pki/issue.h"

/* The extensions of a certificate that we make, up to and including 72: of a leaf as in
 * VEL-CERT-07, of a CA as in VEL-CERT-08. */
struct vel_extension_list {
    const struct vel_cert_order *order; /* valid names */
    struct vel_slice spki;
    struct vel_slice alt_spki;
    struct vel_slice issuer_key_id; /* empty: self-signed, or the issuer has none */
};

/* VEL_ERR_LIMIT: they do not fit into `out`, which is filled from its start to its limit. */
vel_result vel_extensions_write(const struct vel_crypto *crypto,
                                const struct vel_extension_list *list, struct vel_buf *out);

#endif
