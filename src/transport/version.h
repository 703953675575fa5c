/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_VERSION_H
#define TRANSPORT_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "velocity/config.h"

/*
 * What differs between the QUIC versions we speak (RFC 8999, section 6): everything that a packet
 * needs before a handshake has said anything. One row per version; the rest of the transport is
 * the same code for all of them.
 *
 * The constants of Velocity/1 are HKDF-SHA256 outputs, so that nobody had to choose them:
 *   initial = HKDF-Extract("", "Velocity/1 initial")   salt  = HKDF-Expand(initial, "salt", 20)
 *   retry   = HKDF-Extract("", "Velocity/1 retry")     key   = HKDF-Expand(retry, "key", 16)
 *                                                      nonce = HKDF-Expand(retry, "nonce", 12)
 */
enum {
    VEL_VERSION_NEGOTIATION = 0, /* the version field of a Version Negotiation packet */
    VEL_INITIAL_SALT = 20,
    VEL_RETRY_KEY = 16,
    VEL_RETRY_NONCE = 12,
    VEL_RETRY_TAG = 16,
    VEL_LONG_TYPES = 4
};

struct vel_version {
    uint32_t number;
    const char *name;
    uint8_t initial_salt[VEL_INITIAL_SALT];
    uint8_t retry_key[VEL_RETRY_KEY];     /* AES-128-GCM, RFC 9001 5.8 */
    uint8_t retry_nonce[VEL_RETRY_NONCE]; /* the same */
    /* HKDF-Expand-Label takes label_prefix and one of the labels: "tls13 " and "quic key". */
    const char *label_prefix;
    const char *label_client_initial, *label_server_initial;
    const char *label_key, *label_iv, *label_header, *label_update;
    uint8_t long_type_bits[VEL_LONG_TYPES]; /* by enum vel_packet_type; bits 4 and 5 of byte 0 */
    bool tls;                               /* the handshake is TLS 1.3; else Velocity's */
};

/* Rows, most wanted first. */
enum { VEL_VERSION_COUNT = 3 };
extern const struct vel_version vel_versions[VEL_VERSION_COUNT];

/* NULL when we do not speak it. */
const struct vel_version *vel_version_find(uint32_t number);

/* Whether a first flight of the one can be answered in the other (RFC 9368 2.2). */
bool vel_version_compatible(const struct vel_version *a, const struct vel_version *b);

/* A version of the pattern 0x?a?a?a?a, which exists to be ignored (RFC 9000 section 15). */
static inline bool vel_version_is_reserved(uint32_t number)
{
    return (number & UINT32_C(0x0f0f0f0f)) == UINT32_C(0x0a0a0a0a);
}

/* One of those, from any random number. */
static inline uint32_t vel_version_reserved(uint32_t random)
{
    return (random & UINT32_C(0xf0f0f0f0)) | UINT32_C(0x0a0a0a0a);
}

#endif
