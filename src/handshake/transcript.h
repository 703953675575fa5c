/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_TRANSCRIPT_H
#define HANDSHAKE_TRANSCRIPT_H

#include "crypto/hash.h"

/*
 * The running hash of a handshake, RFC 8446 4.4.1, started with the prologue `Velocity/1` || wire
 * version (VEL-HS-30). Zero-initialise; every call may return VEL_ERR_CRYPTO.
 */
struct vel_transcript {
    const struct vel_crypto *crypto;
    struct vel_hasher *hasher; /* NULL until started */
    enum vel_hash_id hash;
    uint32_t version;
};

/* Begin with the prologue, once the hash is known; drops what was hashed before. */
vel_result vel_transcript_start(struct vel_transcript *t, const struct vel_crypto *crypto,
                                enum vel_hash_id hash, uint32_t version);

/* Add a message with its header. */
vel_result vel_transcript_add(struct vel_transcript *t, struct vel_slice message);

/* Replace the first ClientHello by its message_hash, before HelloRetryRequest is added
 * (VEL-HS-31). */
vel_result vel_transcript_retry(struct vel_transcript *t);

/* Hash so far; the length is the hash's. */
vel_result vel_transcript_hash(const struct vel_transcript *t, struct vel_secret *out);

void vel_transcript_clear(struct vel_transcript *t);

#endif
