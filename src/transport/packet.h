/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_PACKET_H
#define TRANSPORT_PACKET_H

#include "base/writer.h"
#include "transport/cid.h"
#include "transport/version.h"
#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * Packet headers, RFC 8999 and RFC 9000 section 17: reading and writing what is not encrypted.
 * Nothing here has been authenticated: an error means that the packet, and what follows it in the
 * datagram, is dropped without a word. transport/keys.h seals and opens what comes after.
 *
 * Slices in these structs point into the datagram and live as long as it stays unchanged.
 */
enum vel_packet_type {
    VEL_PACKET_INITIAL,
    VEL_PACKET_ZERO_RTT,
    VEL_PACKET_HANDSHAKE,
    VEL_PACKET_RETRY, /* the four with a row in vel_version.long_type_bits */
    VEL_PACKET_ONE_RTT,
    VEL_PACKET_VERSION_NEGOTIATION,
    VEL_PACKET_TYPE_COUNT
};

enum {
    VEL_INITIAL_DATAGRAM_MIN = 1200, /* RFC 9000 14.1 */
    VEL_PACKET_NUMBER_MAX = 4,       /* bytes of a packet number on the wire */
    VEL_PACKET_LENGTH_MAX = 16383,   /* a long header's Length: we write it in two bytes */
    VEL_SHORT_HEADER_MAX = 1 + VEL_CID_MAX + VEL_PACKET_NUMBER_MAX
};

/* Bits of the first byte once header protection is off; RFC 9000 17.2 and 17.3.1. */
enum {
    VEL_BIT_LONG = 0x80,
    VEL_BIT_FIXED = 0x40,
    VEL_BIT_SPIN = 0x20,
    VEL_BIT_KEY_PHASE = 0x04,
    VEL_BITS_NUMBER_SIZE = 0x03
};

/* No packet number yet: the value before 0, so that the arithmetic of RFC 9000 A works. */
#define VEL_NUMBER_NONE UINT64_MAX

/* What every version of QUIC has in common (RFC 8999): enough to route a datagram, and to answer
 * a version that we do not speak. Ids may have up to 255 bytes here. */
struct vel_invariants {
    bool is_long;
    uint32_t version; /* long headers only */
    struct vel_slice dcid;
    struct vel_slice scid; /* long headers only */
};

/*
 * Read the invariants of the first packet of a datagram; a short header's id is taken to be ours,
 * VEL_CID_OURS bytes.
 * VEL_ERR_MALFORMED  the bytes end inside them
 */
vel_result vel_packet_invariants(struct vel_slice datagram, struct vel_invariants *out);

/* One packet, still protected. */
struct vel_packet_header {
    enum vel_packet_type type;
    const struct vel_version *version; /* NULL: short header, Version Negotiation */
    struct vel_slice dcid;
    struct vel_slice scid;      /* empty: short header */
    struct vel_slice token;     /* Initial and Retry */
    struct vel_slice retry_tag; /* Retry: the last 16 bytes */
    struct vel_slice versions;  /* Version Negotiation: 4 bytes each, at least one */
    size_t number_offset;       /* of the packet number; 0 for Retry and Version Negotiation */
    size_t size;                /* bytes of the datagram that this packet takes */
};

/*
 * Split the first packet off a datagram (RFC 9000 12.2, 17). Continue with the bytes after
 * header.size until none are left.
 *
 * VEL_ERR_UNSUPPORTED  long header of a version that we do not speak: see vel_packet_invariants
 * VEL_ERR_MALFORMED    ends early, fixed bit clear, an id over 20 bytes, a Retry without token,
 *                      a Version Negotiation with an uneven list: drop the rest of the datagram
 */
vel_result vel_packet_parse(struct vel_slice datagram, struct vel_packet_header *out);

/* Bytes needed to send `number` (RFC 9000 A.2): 1 to 4. largest_acked in the same packet number
 * space, or VEL_NUMBER_NONE. */
size_t vel_packet_number_size(uint64_t number, uint64_t largest_acked);

/* The packet number nearest to largest + 1 that ends in the `size` bytes `truncated` (RFC 9000
 * A.3); largest may be VEL_NUMBER_NONE. */
uint64_t vel_packet_number_decode(uint64_t largest, uint64_t truncated, size_t size);

/*
 * Header writers. They end with the packet number, so what vel_written() grew by is the header
 * size for vel_packet_seal, which also fills in the Length. token: VEL_PACKET_INITIAL only.
 */
void vel_packet_write_long(struct vel_writer *w, const struct vel_version *version,
                           enum vel_packet_type type, const struct vel_cid *dcid,
                           const struct vel_cid *scid, struct vel_slice token, uint64_t number,
                           size_t number_size);

/* flags: VEL_BIT_SPIN and VEL_BIT_KEY_PHASE, or 0. */
void vel_packet_write_short(struct vel_writer *w, const struct vel_cid *dcid, uint8_t flags,
                            uint64_t number, size_t number_size);

/* Answer to a packet of a version that is not served (RFC 9000 17.2.1): the versions that are, and a
 * reserved one made from `random`. dcid and scid are the received packet's; they are swapped
 * here. */
void vel_packet_write_version_negotiation(struct vel_writer *w, struct vel_slice dcid,
                                          struct vel_slice scid, const uint32_t *versions,
                                          size_t count, uint32_t random);

/* A Retry up to, not including, its integrity tag (vel_retry_tag). dcid: the client's id. */
void vel_packet_write_retry(struct vel_writer *w, const struct vel_version *version,
                            const struct vel_cid *dcid, const struct vel_cid *scid,
                            struct vel_slice token);

#endif
