/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_KEYS_H
#define TRANSPORT_KEYS_H

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/suite.h"
#include "handshake/handshake.h"
#include "transport/cid.h"
#include "transport/packet.h"
#include "transport/version.h"
#include "velocity/crypto.h"

/*
 * Packet protection, RFC 9001 section 5: keys from secrets, sealing and opening in place.
 *
 * struct vel_keys protects one direction of one encryption level and owns its contexts. All zero
 * is "no keys"; release with vel_keys_clear. A call that makes keys leaves its outputs untouched
 * on failure, and fails only with VEL_ERR_CRYPTO or VEL_ERR_NOMEM. Outputs must hold no keys.
 */
struct vel_keys {
    struct vel_aead *aead;
    struct vel_header_mask *mask; /* stays the same when a key update replaces the aead */
};

void vel_keys_clear(struct vel_keys *keys);

static inline bool vel_keys_ready(const struct vel_keys *keys)
{
    return keys->aead != NULL;
}

/* Initial keys (RFC 9001 5.2): dcid is the Destination Connection ID of the client's first Initial,
 * or of the first one after a Retry. */
vel_result vel_keys_initial(const struct vel_crypto *crypto, const struct vel_version *version,
                            const struct vel_cid *dcid, bool is_client, struct vel_keys *read,
                            struct vel_keys *write);

/* Keys of a level whose traffic secret the handshake gave (RFC 9001 5.1). */
vel_result vel_keys_from_secret(const struct vel_crypto *crypto, const struct vel_version *version,
                                const struct vel_suite *suite, const struct vel_secret *secret,
                                enum vel_direction direction, struct vel_keys *keys);

/* Key update (RFC 9001 6.1): replace `secret` by its successor and make the successor's packet
 * protection. The header mask goes on unchanged. */
vel_result vel_keys_next(const struct vel_crypto *crypto, const struct vel_version *version,
                         const struct vel_suite *suite, enum vel_direction direction,
                         struct vel_secret *secret, struct vel_aead **aead);

/* Packets that one key may seal, and failed openings after which the connection must end (RFC 9001
 * 6.6, B.1; PROTOCOL section 3). max_datagram: largest UDP payload we send. */
uint64_t vel_keys_seal_limit(enum vel_aead_id aead, size_t max_datagram);
uint64_t vel_keys_forgery_limit(enum vel_aead_id aead);

/*
 * Encrypt a packet in place: header_size bytes of header (from vel_packet_write_*, number_size of
 * them the packet number), then payload_size bytes of frames, then room for the 16-byte tag. Fills
 * in the Length of a long header. The packet is header_size + payload_size + 16 bytes afterwards.
 * The caller has padded: number_size + payload_size is at least 4 (RFC 9001 5.4.2).
 * VEL_ERR_CRYPTO  libcrypto failed; the packet must not be sent
 */
vel_result vel_packet_seal(struct vel_keys *keys, uint32_t path, uint64_t number, uint8_t *packet,
                           size_t header_size, size_t number_size, size_t payload_size);

/* The same when the last body.len bytes of the payload do not lie in the packet but at body.ptr: they
 * are encrypted on their way. */
vel_result vel_packet_seal_from(struct vel_keys *keys, uint32_t path, uint64_t number,
                                uint8_t *packet, size_t header_size, size_t number_size,
                                size_t payload_size, struct vel_slice body);

/*
 * Sealing in two steps, for packets with short headers that follow each other: encrypt each of them,
 * which leaves the headers readable, then mask them all, which takes one call of the cipher.
 * vel_packets_mask: `count` packets of `size` bytes each, one behind the other, alike in header_size
 * and number_size. Errors as vel_packet_seal.
 */
enum { VEL_PACKETS_MASKED = 64 }; /* most at a time */
vel_result vel_packet_encrypt(struct vel_aead *aead, uint32_t path, uint64_t number,
                              uint8_t *packet, size_t header_size, size_t payload_size,
                              struct vel_slice body);
vel_result vel_packets_mask(struct vel_header_mask *mask, uint8_t *packets, size_t size,
                            size_t count, size_t header_size, size_t number_size);

/* What opening a packet shows, filled in two steps. */
struct vel_opened {
    uint8_t first_byte; /* unprotected: VEL_BIT_KEY_PHASE, VEL_BIT_SPIN */
    uint64_t number;
    size_t header_size;       /* through the packet number */
    struct vel_slice payload; /* frames, in place; after decryption only */
};

/*
 * Decrypt one packet in place. largest: the largest number received so far in this space, or
 * VEL_NUMBER_NONE. number_offset and size as vel_packet_parse found them.
 *
 * On every error the packet's bytes are spoilt: drop the packet. `opened` is then untouched.
 * VEL_ERR_AUTH       too short for a sample, or the tag is wrong: count it (forgery limit) and drop
 * VEL_ERR_MALFORMED  authentic, but reserved bits are set: close with PROTOCOL_VIOLATION
 * VEL_ERR_CRYPTO     libcrypto failed: drop
 */
vel_result vel_packet_open(struct vel_keys *keys, uint32_t path, uint64_t largest, uint8_t *packet,
                           size_t number_offset, size_t size, struct vel_opened *opened);

/*
 * The same in two steps, for 1-RTT packets, where the key phase (in first_byte, not yet
 * authenticated) and the number choose between the previous, this and the next aead.
 * vel_packet_unprotect: VEL_ERR_AUTH (too short), VEL_ERR_CRYPTO. Everything but payload is set.
 * vel_packet_decrypt: errors as vel_packet_open; sets payload.
 */
vel_result vel_packet_unprotect(struct vel_header_mask *mask, uint64_t largest, uint8_t *packet,
                                size_t number_offset, size_t size, struct vel_opened *opened);
/* With a mask that was made before, from the VEL_HP_SAMPLE bytes that lie VEL_PACKET_NUMBER_MAX behind
 * number_offset. */
void vel_packet_unmask(const uint8_t *mask, uint64_t largest, uint8_t *packet, size_t number_offset,
                       struct vel_opened *opened);
vel_result vel_packet_decrypt(struct vel_aead *aead, uint32_t path, uint8_t *packet, size_t size,
                              struct vel_opened *opened);

/*
 * Integrity tag of a Retry (RFC 9001 5.8) over all bytes before the tag; original_dcid is the one
 * that the client sent first. To check one, compare with memcmp: the key is public.
 * VEL_ERR_LIMIT  the Retry is longer than VEL_RETRY_MAX: drop it
 */
enum { VEL_RETRY_MAX = 1500 };
vel_result vel_retry_tag(const struct vel_crypto *crypto, const struct vel_version *version,
                         const struct vel_cid *original_dcid, struct vel_slice retry_without_tag,
                         uint8_t tag[VEL_RETRY_TAG]);

#endif
