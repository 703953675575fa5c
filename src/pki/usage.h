/* SPDX-License-Identifier: MIT */
#ifndef PKI_USAGE_H
#define PKI_USAGE_H

#include "pki/cert.h"
#include "pki/verify.h"

/* What a certificate's keys may do, both of them (VEL-CERT-14, VEL-CERT-15). */

/* A leaf may sign handshakes for this use: usage has digitalSignature, purposes have the use;
 * an extension that is absent restricts nothing. */
bool vel_usage_leaf(const struct vel_cert *cert, enum vel_cert_use use);

/* A CA may sign certificates for this use: CA is true, usage is there and has keyCertSign,
 * purposes, if any, have the use. */
bool vel_usage_issuer(const struct vel_cert *cert, enum vel_cert_use use);

#endif
