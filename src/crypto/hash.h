/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/secret.h"
#include "crypto/suite.h"
#include "velocity/crypto.h"
#include "velocity/slice.h"

/*
 * Hash, HMAC (RFC 2104), HKDF (RFC 5869) and HKDF-Expand-Label (RFC 8446, 7.1).
 * Every call returns VEL_ERR_CRYPTO when libcrypto fails (out of memory, in practice); its output is
 * then undefined.
 */

/* Digest of up to any number of slices, one after the other; `out` has vel_hash_size bytes. */
vel_result vel_digest(const struct vel_crypto *crypto, enum vel_hash_id hash,
                      const struct vel_slice *parts, size_t count, uint8_t *out);

/* A running hash that can be read without ending it: the handshake transcript. */
struct vel_hasher;
vel_result vel_hasher_new(const struct vel_crypto *crypto, enum vel_hash_id hash,
                          struct vel_hasher **hasher);
vel_result vel_hasher_update(struct vel_hasher *hasher, struct vel_slice bytes);
vel_result vel_hasher_peek(const struct vel_hasher *hasher, uint8_t *out);
void vel_hasher_free(struct vel_hasher *hasher);

vel_result vel_hmac(const struct vel_crypto *crypto, enum vel_hash_id hash, struct vel_slice key,
                    struct vel_slice data, uint8_t *out);

/* RFC 5869 2.2; an empty salt means hash-length zeroes. */
vel_result vel_hkdf_extract(const struct vel_crypto *crypto, enum vel_hash_id hash,
                            struct vel_slice salt, struct vel_slice input, struct vel_secret *out);

/* RFC 5869 2.3. VEL_ERR_ARGUMENT: size over 255 hashes. */
vel_result vel_hkdf_expand(const struct vel_crypto *crypto, enum vel_hash_id hash,
                           struct vel_slice secret, struct vel_slice info, uint8_t *out,
                           size_t size);

/* RFC 8446 7.1 with `prefix` in place of "tls13 " ("vel1 " for our schedule; "tls13 " for QUIC v1
 * packet keys). The full label is prefix || label, at most 255 bytes. */
vel_result vel_hkdf_expand_label(const struct vel_crypto *crypto, enum vel_hash_id hash,
                                 struct vel_slice secret, const char *prefix, const char *label,
                                 struct vel_slice context, uint8_t *out, size_t size);

#endif
