/* SPDX-License-Identifier: MIT */
#include "transport/keys.h"

#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "crypto/hash.h"

/* RFC 9001 5.4: the sample starts where the payload would if the number had four bytes. */
enum {
    SAMPLE_OFFSET = VEL_PACKET_NUMBER_MAX,
    LONG_MASK_BITS = 0x0f,
    SHORT_MASK_BITS = 0x1f,
    LONG_RESERVED = 0x0c,
    SHORT_RESERVED = 0x18,
    LENGTH_SIZE = 2,
    LENGTH_VARINT = 0x4000
};

OWNED_POINTER(release_aead, struct vel_aead, vel_aead_free)
OWNED_POINTER(release_mask, struct vel_header_mask, vel_header_mask_free)

/* Initial packets use it whatever the handshake will choose (RFC 9001 5). */
static const struct vel_suite initial_suite = {.aead = VEL_AES_128_GCM, .hash = VEL_SHA256};

void vel_keys_clear(struct vel_keys *keys)
{
    vel_aead_free(keys->aead);
    vel_header_mask_free(keys->mask);
    *keys = (struct vel_keys){0};
}

/* One output of the RFC 9001 5.1 kind: no context. */
static vel_result expand(const struct vel_crypto *crypto, const struct vel_version *version,
                         enum vel_hash_id hash, const struct vel_secret *secret, const char *label,
                         struct vel_secret *out, size_t size)
{
    TRY(vel_hkdf_expand_label(crypto, hash, vel_secret_slice(secret), version->label_prefix, label,
                              (struct vel_slice){0}, out->bytes, size));
    out->len = size;
    return VEL_OK;
}

static vel_result make_aead(const struct vel_crypto *crypto, const struct vel_version *version,
                            const struct vel_suite *suite, const struct vel_secret *secret,
                            enum vel_direction direction, struct vel_aead **aead)
{
    OWNED(vel_secret_clear) struct vel_secret key = {0};
    OWNED(vel_secret_clear) struct vel_secret iv = {0};
    TRY(expand(crypto, version, suite->hash, secret, version->label_key, &key,
               vel_aead_key_size(suite->aead)));
    TRY(expand(crypto, version, suite->hash, secret, version->label_iv, &iv, VEL_AEAD_IV));
    return vel_aead_new(crypto, suite->aead, direction == VEL_WRITE ? VEL_SEAL : VEL_OPEN,
                        vel_secret_slice(&key), vel_secret_slice(&iv), aead);
}

vel_result vel_keys_from_secret(const struct vel_crypto *crypto, const struct vel_version *version,
                                const struct vel_suite *suite, const struct vel_secret *secret,
                                enum vel_direction direction, struct vel_keys *keys)
{
    OWNED(vel_secret_clear) struct vel_secret header = {0};
    OWNED(release_aead) struct vel_aead *aead = NULL;
    OWNED(release_mask) struct vel_header_mask *mask = NULL;
    TRY(make_aead(crypto, version, suite, secret, direction, &aead));
    TRY(expand(crypto, version, suite->hash, secret, version->label_header, &header,
               vel_aead_key_size(suite->aead)));
    TRY(vel_header_mask_new(crypto, suite->aead, vel_secret_slice(&header), &mask));
    *keys = (struct vel_keys){.aead = GIVE(aead), .mask = GIVE(mask)};
    return VEL_OK;
}

vel_result vel_keys_initial(const struct vel_crypto *crypto, const struct vel_version *version,
                            const struct vel_cid *dcid, bool is_client, struct vel_keys *read,
                            struct vel_keys *write)
{
    OWNED(vel_secret_clear) struct vel_secret initial = {0};
    OWNED(vel_secret_clear) struct vel_secret client = {0};
    OWNED(vel_secret_clear) struct vel_secret server = {0};
    enum vel_hash_id hash = initial_suite.hash;
    TRY(vel_hkdf_extract(crypto, hash, vel_slice(version->initial_salt, VEL_INITIAL_SALT),
                         vel_cid_slice(dcid), &initial));
    TRY(expand(crypto, version, hash, &initial, version->label_client_initial, &client,
               vel_hash_size(hash)));
    TRY(expand(crypto, version, hash, &initial, version->label_server_initial, &server,
               vel_hash_size(hash)));

    OWNED(vel_keys_clear) struct vel_keys made = {0};
    TRY(vel_keys_from_secret(crypto, version, &initial_suite, is_client ? &server : &client,
                             VEL_READ, &made));
    TRY(vel_keys_from_secret(crypto, version, &initial_suite, is_client ? &client : &server,
                             VEL_WRITE, write));
    *read = made;
    made = (struct vel_keys){0};
    return VEL_OK;
}

vel_result vel_keys_next(const struct vel_crypto *crypto, const struct vel_version *version,
                         const struct vel_suite *suite, enum vel_direction direction,
                         struct vel_secret *secret, struct vel_aead **aead)
{
    OWNED(vel_secret_clear) struct vel_secret next = {0};
    TRY(expand(crypto, version, suite->hash, secret, version->label_update, &next,
               vel_hash_size(suite->hash)));
    TRY(make_aead(crypto, version, suite, &next, direction, aead));
    *secret = next;
    return VEL_OK;
}

/* Packets of at most 2^11 bytes stay within the bounds of RFC 9001 B.1 for longer. */
enum { SMALL_DATAGRAM = 2048 };

static const struct {
    uint64_t seal, seal_small, forgery;
} limits[VEL_AEAD_COUNT] = {
    [VEL_AES_128_GCM] = {UINT64_C(1) << 23, UINT64_C(1) << 28, UINT64_C(1) << 52},
    [VEL_AES_256_GCM] = {UINT64_C(1) << 23, UINT64_C(1) << 28, UINT64_C(1) << 52},
    /* More than there are packet numbers. */
    [VEL_CHACHA20_POLY1305] = {UINT64_C(1) << 62, UINT64_C(1) << 62, UINT64_C(1) << 36},
};

uint64_t vel_keys_seal_limit(enum vel_aead_id aead, size_t max_datagram)
{
    return max_datagram <= SMALL_DATAGRAM ? limits[aead].seal_small : limits[aead].seal;
}

uint64_t vel_keys_forgery_limit(enum vel_aead_id aead)
{
    return limits[aead].forgery;
}

static bool is_long(uint8_t first_byte)
{
    return (first_byte & VEL_BIT_LONG) != 0;
}

/* The form bit is never masked, so this works in both directions. */
static void mask_first(uint8_t *packet, uint8_t mask)
{
    packet[0] ^= mask & (is_long(packet[0]) ? LONG_MASK_BITS : SHORT_MASK_BITS);
}

static void mask_number(uint8_t *number, size_t number_size, const uint8_t *mask)
{
    for (size_t i = 0; i < number_size; i++)
        number[i] ^= mask[1 + i];
}

vel_result vel_packet_encrypt(struct vel_aead *aead, uint32_t path, uint64_t number,
                              uint8_t *packet, size_t header_size, size_t payload_size,
                              struct vel_slice body)
{
    return vel_aead_seal_from(aead, path, number, vel_slice(packet, header_size),
                              packet + header_size, payload_size - body.len, body);
}

vel_result vel_packets_mask(struct vel_header_mask *mask, uint8_t *packets, size_t size,
                            size_t count, size_t header_size, size_t number_size)
{
    VEL_ASSERT(number_size >= 1 && number_size <= VEL_PACKET_NUMBER_MAX);
    VEL_ASSERT(count >= 1 && count <= VEL_PACKETS_MASKED);
    uint8_t masks[VEL_PACKETS_MASKED][VEL_HP_SAMPLE];
    size_t number = header_size - number_size;
    for (size_t i = 0; i < count; i++)
        memcpy(masks[i], packets + i * size + number + SAMPLE_OFFSET, VEL_HP_SAMPLE);
    TRY(vel_header_masks(mask, masks[0], count, masks[0]));
    for (size_t i = 0; i < count; i++) {
        mask_first(packets + i * size, masks[i][0]);
        mask_number(packets + i * size + number, number_size, masks[i]);
    }
    return VEL_OK;
}

vel_result vel_packet_seal_from(struct vel_keys *keys, uint32_t path, uint64_t number,
                                uint8_t *packet, size_t header_size, size_t number_size,
                                size_t payload_size, struct vel_slice body)
{
    VEL_ASSERT(number_size + payload_size >= SAMPLE_OFFSET);
    if (is_long(packet[0])) {
        size_t length = number_size + payload_size + VEL_AEAD_TAG;
        VEL_ASSERT(length <= VEL_PACKET_LENGTH_MAX);
        vel_store_uint(packet + header_size - number_size - LENGTH_SIZE, LENGTH_VARINT | length,
                       LENGTH_SIZE);
    }
    TRY(vel_packet_encrypt(keys->aead, path, number, packet, header_size, payload_size, body));
    return vel_packets_mask(keys->mask, packet, header_size + payload_size + VEL_AEAD_TAG, 1,
                            header_size, number_size);
}

vel_result vel_packet_seal(struct vel_keys *keys, uint32_t path, uint64_t number, uint8_t *packet,
                           size_t header_size, size_t number_size, size_t payload_size)
{
    return vel_packet_seal_from(keys, path, number, packet, header_size, number_size, payload_size,
                                (struct vel_slice){0});
}

vel_result vel_packet_unprotect(struct vel_header_mask *mask, uint64_t largest, uint8_t *packet,
                                size_t number_offset, size_t size, struct vel_opened *opened)
{
    REQUIRE(size >= number_offset + SAMPLE_OFFSET + VEL_HP_SAMPLE, VEL_ERR_AUTH);
    uint8_t bytes[VEL_HP_SAMPLE];
    TRY(vel_header_masks(mask, packet + number_offset + SAMPLE_OFFSET, 1, bytes));
    vel_packet_unmask(bytes, largest, packet, number_offset, opened);
    return VEL_OK;
}

/* The number whose bytes in memory are those of `value`, the highest first; and the other way round. */
static uint32_t highest_first(uint32_t value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(value) : value;
}

static uint32_t load_number(const uint8_t bytes[VEL_PACKET_NUMBER_MAX])
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return highest_first(number);
}

void vel_packet_unmask(const uint8_t *mask, uint64_t largest, uint8_t *packet, size_t number_offset,
                       struct vel_opened *opened)
{
    mask_first(packet, mask[0]);
    size_t number_size = (packet[0] & VEL_BITS_NUMBER_SIZE) + 1u;
    /* Four bytes are there, whatever the number takes of them: the sample comes later. */
    unsigned others = 8 * (unsigned)(VEL_PACKET_NUMBER_MAX - number_size);
    uint32_t covered = load_number(mask + 1) & UINT32_MAX << others;
    uint32_t number = load_number(packet + number_offset) ^ covered;
    uint64_t truncated = number >> others;
    number = highest_first(number);
    memcpy(packet + number_offset, &number, sizeof number);
    *opened = (struct vel_opened){
        .first_byte = packet[0],
        .number = vel_packet_number_decode(largest, truncated, number_size),
        .header_size = number_offset + number_size,
    };
}

vel_result vel_packet_decrypt(struct vel_aead *aead, uint32_t path, uint8_t *packet, size_t size,
                              struct vel_opened *opened)
{
    uint8_t *payload = packet + opened->header_size;
    size_t sealed = size - opened->header_size;
    TRY(vel_aead_open(aead, path, opened->number, vel_slice(packet, opened->header_size), payload,
                      sealed));
    /* Only now: before, the answer would be an oracle for the mask (RFC 9001 9.5). */
    uint8_t reserved = is_long(packet[0]) ? LONG_RESERVED : SHORT_RESERVED;
    REQUIRE((packet[0] & reserved) == 0, VEL_ERR_MALFORMED);
    opened->payload = vel_slice(payload, sealed - VEL_AEAD_TAG);
    return VEL_OK;
}

vel_result vel_packet_open(struct vel_keys *keys, uint32_t path, uint64_t largest, uint8_t *packet,
                           size_t number_offset, size_t size, struct vel_opened *opened)
{
    struct vel_opened found;
    TRY(vel_packet_unprotect(keys->mask, largest, packet, number_offset, size, &found));
    TRY(vel_packet_decrypt(keys->aead, path, packet, size, &found));
    *opened = found;
    return VEL_OK;
}

vel_result vel_retry_tag(const struct vel_crypto *crypto, const struct vel_version *version,
                         const struct vel_cid *original_dcid, struct vel_slice retry_without_tag,
                         uint8_t tag[VEL_RETRY_TAG])
{
    uint8_t pseudo[1 + VEL_CID_MAX + VEL_RETRY_MAX];
    REQUIRE(retry_without_tag.len <= VEL_RETRY_MAX, VEL_ERR_LIMIT);
    struct vel_writer w = vel_writer(pseudo, sizeof pseudo);
    vel_write_uint(&w, original_dcid->len, 1);
    vel_write_bytes(&w, vel_cid_slice(original_dcid));
    vel_write_bytes(&w, retry_without_tag);
    return vel_aead_seal_once(crypto, VEL_AES_128_GCM, vel_slice(version->retry_key, VEL_RETRY_KEY),
                              vel_slice(version->retry_nonce, VEL_RETRY_NONCE),
                              vel_writer_slice(&w), (struct vel_slice){0}, tag);
}
