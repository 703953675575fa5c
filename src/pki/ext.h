/* SPDX-License-Identifier: MIT */
#ifndef PKI_EXT_H
#define PKI_EXT_H

#include "base/reader.h"
#include "pki/cert.h"

/* The extensions of a certificate (RFC 5280, 4.2). */

/* One Extension; slices into the certificate. */
struct vel_ext {
    struct vel_slice whole; /* the element */
    struct vel_slice oid;
    bool critical;
    struct vel_slice value; /* contents of extnValue */
};

/* Read the next Extension; what is none fails the reader. */
struct vel_ext vel_ext_next(struct vel_reader *extensions);

/* Whether the extension is 2.5.29.n. */
bool vel_ext_is(const struct vel_ext *ext, unsigned n);

/* Fill the fields of *cert that come from cert->extensions.
 * VEL_ERR_MALFORMED  see vel_cert_parse; then *cert is half filled */
vel_result vel_ext_parse(struct vel_cert *cert);

#endif
