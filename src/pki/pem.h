/* SPDX-License-Identifier: MIT */
#ifndef PKI_PEM_H
#define PKI_PEM_H

#include "base/buf.h"
#include "base/reader.h"

/* The textual form of certificates and keys, RFC 7468. */
#define VEL_PEM_CERTIFICATE "CERTIFICATE"
#define VEL_PEM_PRIVATE_KEY "PRIVATE KEY"
/* As others wrote keys before PKCS#8, and some do. */
#define VEL_PEM_EC_PRIVATE_KEY "EC PRIVATE KEY"
#define VEL_PEM_RSA_PRIVATE_KEY "RSA PRIVATE KEY"

/*
 * Decode the next block with this label; text around blocks and blocks with other labels are
 * passed over.
 *
 * text  moves behind the block on success
 * der   receives the bytes after what it holds
 *
 * VEL_ERR_NOT_FOUND  no further block; VEL_ERR_MALFORMED  the block has no end, is empty or is not
 * base64; VEL_ERR_LIMIT  it does not fit
 */
vel_result vel_pem_next(struct vel_reader *text, const char *label, struct vel_buf *der);

/* The label that the next block has among these; NULL: there is no further one with any of them. */
const char *vel_pem_peek(struct vel_slice text, const char *const *labels, size_t count);

/* Append a block with lines of 64 characters. Errors as vel_buf_append, text untouched. */
vel_result vel_pem_append(struct vel_buf *text, const char *label, struct vel_slice der);

#endif
