/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "crypto/suite.h"
#include "velocity/crypto.h"
#include "velocity/slice.h"

/*
 * Packet protection contexts. A context is keyed once for one direction and re-initialised with an
 * nonce only, for each packet. It belongs to the vel_crypto it was made with. Not for concurrent use.
 */
struct vel_aead;
enum vel_aead_direction { VEL_SEAL, VEL_OPEN };

/* key: vel_aead_key_size bytes; iv: 12 bytes. VEL_ERR_CRYPTO on failure of libcrypto. */
vel_result vel_aead_new(const struct vel_crypto *crypto, enum vel_aead_id id,
                        enum vel_aead_direction direction, struct vel_slice key,
                        struct vel_slice iv, struct vel_aead **aead);
void vel_aead_free(struct vel_aead *aead);

/*
 * A context that will not be used for a while rests: of 1.2 kB it keeps the key, some hundred bytes. The next
 * packet wakes it, which takes some hundred nanoseconds more; who must not show by time which of several
 * contexts a packet was for wakes all of them before.
 * VEL_ERR_CRYPTO  no memory to wake up in; the context stays at rest
 */
void vel_aead_rest(struct vel_aead *aead);
vel_result vel_aead_wake(struct vel_aead *aead);

/* Encrypt `size` bytes at `bytes` in place and write the 16-byte tag after them. The nonce is the
 * IV XOR (path 32 bits | number 64 bits): RFC 9001 5.3 with path 0, multipath otherwise. */
vel_result vel_aead_seal(struct vel_aead *aead, uint32_t path, uint64_t number, struct vel_slice ad,
                         uint8_t *bytes, size_t size);

/* The same when only the first `head` bytes of the plaintext lie at `out`, and the others are those
 * of `body`, elsewhere: these are not copied but encrypted on their way. */
vel_result vel_aead_seal_from(struct vel_aead *aead, uint32_t path, uint64_t number,
                              struct vel_slice ad, uint8_t *out, size_t head,
                              struct vel_slice body);

/* Decrypt in place `size` bytes, of which the last 16 are the tag.
 * VEL_ERR_AUTH  tag wrong or size under 16; the bytes are then undefined and must be dropped */
vel_result vel_aead_open(struct vel_aead *aead, uint32_t path, uint64_t number, struct vel_slice ad,
                         uint8_t *bytes, size_t size);

/* Header protection, RFC 9001 5.4: AES-ECB or ChaCha20 over 16-byte samples. */
struct vel_header_mask;
enum { VEL_HP_SAMPLE = 16, VEL_HP_MASK = 5 };
vel_result vel_header_mask_new(const struct vel_crypto *crypto, enum vel_aead_id id,
                               struct vel_slice key, struct vel_header_mask **mask);
void vel_header_mask_free(struct vel_header_mask *mask);
void vel_header_mask_rest(struct vel_header_mask *mask); /* until the next mask, as vel_aead_rest */

/* Masks of `count` samples that lie one after the other; `masks` may be the same memory: 16 bytes
 * each, of which the first 5 count. */
vel_result vel_header_masks(struct vel_header_mask *mask, const uint8_t *samples, size_t count,
                            uint8_t *masks);

/* AEAD with a whole nonce, for tokens and tickets and Retry integrity (AES-128-GCM). `out` has
 * plaintext.len + 16 (seal) or sealed.len - 16 (open) bytes and may be the input's memory. */
vel_result vel_aead_seal_once(const struct vel_crypto *crypto, enum vel_aead_id id,
                              struct vel_slice key, struct vel_slice nonce, struct vel_slice ad,
                              struct vel_slice plaintext, uint8_t *out);
vel_result vel_aead_open_once(const struct vel_crypto *crypto, enum vel_aead_id id,
                              struct vel_slice key, struct vel_slice nonce, struct vel_slice ad,
                              struct vel_slice sealed, uint8_t *out);

#endif
