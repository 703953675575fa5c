/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_EXPORTER_H
#define HANDSHAKE_EXPORTER_H

#include "crypto/hash.h"

/*
 * RFC 8446 7.5: key material for others, from a handshake's exporter secret. `prefix` is that of the
 * handshake's labels ("tls13 ", "vel1 ").
 * VEL_ERR_ARGUMENT  label over 200 bytes, or size over 255 hashes
 * VEL_ERR_CRYPTO
 */
vel_result vel_exporter_derive(const struct vel_crypto *crypto, enum vel_hash_id hash,
                               const char *prefix, const struct vel_secret *exporter,
                               const char *label, struct vel_slice context, uint8_t *out,
                               size_t size);

#endif
