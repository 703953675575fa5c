/* SPDX-License-Identifier: MIT */
#include "transport/packet.h"

#include "base/reader.h"
#include "base/try.h"

enum { TYPE_SHIFT = 4, TYPE_BITS = 3, LENGTH_SIZE = 2, VERSION_SIZE = 4 };

/* RFC 8999 5.1 and 5.2; leaves the reader behind them. */
static struct vel_invariants read_invariants(struct vel_reader *r)
{
    struct vel_invariants v = {0};
    v.is_long = (vel_read_uint(r, 1) & VEL_BIT_LONG) != 0;
    if (v.is_long) {
        v.version = (uint32_t)vel_read_uint(r, VERSION_SIZE);
        v.dcid = vel_read_vector(r, 1);
        v.scid = vel_read_vector(r, 1);
    } else {
        v.dcid = vel_read_bytes(r, VEL_CID_OURS);
    }
    return v;
}

vel_result vel_packet_invariants(struct vel_slice datagram, struct vel_invariants *out)
{
    struct vel_reader r = vel_reader(datagram);
    struct vel_invariants v = read_invariants(&r);
    REQUIRE(vel_read_ok(&r), VEL_ERR_MALFORMED);
    *out = v;
    return VEL_OK;
}

static enum vel_packet_type long_type(const struct vel_version *version, uint8_t first)
{
    uint8_t bits = first >> TYPE_SHIFT & TYPE_BITS;
    unsigned type = 0;
    while (version->long_type_bits[type] != bits)
        type++;
    return (enum vel_packet_type)type;
}

/* RFC 9000 17.2.1: runs to the end of the datagram. The fixed bit means nothing here. */
static vel_result parse_negotiation(struct vel_reader *r, struct vel_packet_header *h)
{
    h->type = VEL_PACKET_VERSION_NEGOTIATION;
    h->versions = vel_read_rest(r);
    REQUIRE(h->versions.len > 0 && h->versions.len % VERSION_SIZE == 0, VEL_ERR_MALFORMED);
    return VEL_OK;
}

/* RFC 9000 17.2.5: no Length, so it runs to the end of the datagram. */
static vel_result parse_retry(struct vel_reader *r, struct vel_packet_header *h)
{
    REQUIRE(vel_left(r) > VEL_RETRY_TAG, VEL_ERR_MALFORMED);
    h->token = vel_read_bytes(r, vel_left(r) - VEL_RETRY_TAG);
    h->retry_tag = vel_read_rest(r);
    return VEL_OK;
}

/* What follows the connection ids of a version that we speak. */
static vel_result parse_long(struct vel_reader *r, const uint8_t *start,
                             struct vel_packet_header *h)
{
    REQUIRE(start[0] & VEL_BIT_FIXED, VEL_ERR_MALFORMED);
    REQUIRE(h->dcid.len <= VEL_CID_MAX && h->scid.len <= VEL_CID_MAX, VEL_ERR_MALFORMED);
    h->type = long_type(h->version, start[0]);
    if (h->type == VEL_PACKET_RETRY)
        return parse_retry(r, h);
    if (h->type == VEL_PACKET_INITIAL)
        h->token = vel_read_bytes(r, vel_read_varint(r));
    uint64_t length = vel_read_varint(r);
    h->number_offset = (size_t)(r->pos - start);
    vel_read_bytes(r, length);
    return vel_read_ok(r) ? VEL_OK : VEL_ERR_MALFORMED;
}

vel_result vel_packet_parse(struct vel_slice datagram, struct vel_packet_header *out)
{
    struct vel_reader r = vel_reader(datagram);
    struct vel_invariants v = read_invariants(&r);
    REQUIRE(vel_read_ok(&r), VEL_ERR_MALFORMED);

    struct vel_packet_header h = {.dcid = v.dcid, .scid = v.scid};
    if (!v.is_long) {
        REQUIRE(datagram.ptr[0] & VEL_BIT_FIXED, VEL_ERR_MALFORMED);
        h.type = VEL_PACKET_ONE_RTT;
        h.number_offset = datagram.len - vel_left(&r);
        vel_read_rest(&r);
    } else if (v.version == VEL_VERSION_NEGOTIATION) {
        TRY(parse_negotiation(&r, &h));
    } else {
        h.version = vel_version_find(v.version);
        REQUIRE(h.version != NULL, VEL_ERR_UNSUPPORTED);
        TRY(parse_long(&r, datagram.ptr, &h));
    }
    h.size = datagram.len - vel_left(&r);
    *out = h;
    return VEL_OK;
}

size_t vel_packet_number_size(uint64_t number, uint64_t largest_acked)
{
    /* Twice the numbers in doubt must fit; NONE is -1, so all `number` + 1 are in doubt then. */
    uint64_t in_doubt = number - largest_acked;
    for (size_t size = 1; size < VEL_PACKET_NUMBER_MAX; size++) {
        if (in_doubt <= UINT64_C(1) << (8 * size - 1))
            return size;
    }
    return VEL_PACKET_NUMBER_MAX;
}

uint64_t vel_packet_number_decode(uint64_t largest, uint64_t truncated, size_t size)
{
    uint64_t window = UINT64_C(1) << (8 * size);
    uint64_t expected = largest + 1;
    uint64_t candidate = (expected & ~(window - 1)) | truncated;
    if (candidate + window / 2 <= expected && candidate < (UINT64_C(1) << 62) - window)
        return candidate + window;
    if (candidate > expected + window / 2 && candidate >= window)
        return candidate - window;
    return candidate;
}

static void write_cid(struct vel_writer *w, struct vel_slice cid)
{
    vel_write_uint(w, cid.len, 1);
    vel_write_bytes(w, cid);
}

static void write_long_start(struct vel_writer *w, const struct vel_version *version,
                             enum vel_packet_type type, size_t low_bits, const struct vel_cid *dcid,
                             const struct vel_cid *scid)
{
    unsigned bits = version->long_type_bits[type];
    vel_write_uint(w, VEL_BIT_LONG | VEL_BIT_FIXED | bits << TYPE_SHIFT | low_bits, 1);
    vel_write_uint(w, version->number, VERSION_SIZE);
    write_cid(w, vel_cid_slice(dcid));
    write_cid(w, vel_cid_slice(scid));
}

static void write_number(struct vel_writer *w, uint64_t number, size_t number_size)
{
    vel_write_uint(w, number & (UINT64_MAX >> (64 - 8 * number_size)), number_size);
}

void vel_packet_write_long(struct vel_writer *w, const struct vel_version *version,
                           enum vel_packet_type type, const struct vel_cid *dcid,
                           const struct vel_cid *scid, struct vel_slice token, uint64_t number,
                           size_t number_size)
{
    VEL_ASSERT(type < VEL_PACKET_RETRY);
    VEL_ASSERT(number_size >= 1 && number_size <= VEL_PACKET_NUMBER_MAX);
    write_long_start(w, version, type, number_size - 1, dcid, scid);
    if (type == VEL_PACKET_INITIAL) {
        vel_write_varint(w, token.len);
        vel_write_bytes(w, token);
    }
    vel_write_varint_sized(w, 0, LENGTH_SIZE); /* vel_packet_seal knows it */
    write_number(w, number, number_size);
}

void vel_packet_write_short(struct vel_writer *w, const struct vel_cid *dcid, uint8_t flags,
                            uint64_t number, size_t number_size)
{
    VEL_ASSERT(number_size >= 1 && number_size <= VEL_PACKET_NUMBER_MAX);
    vel_write_uint(w, VEL_BIT_FIXED | flags | (number_size - 1), 1);
    vel_write_bytes(w, vel_cid_slice(dcid));
    write_number(w, number, number_size);
}

void vel_packet_write_version_negotiation(struct vel_writer *w, struct vel_slice dcid,
                                          struct vel_slice scid, const uint32_t *versions,
                                          size_t count, uint32_t random)
{
    /* The seven bits after the form bit mean nothing; the fixed bit is set, as 17.2.1 wishes. */
    vel_write_uint(w, VEL_BIT_LONG | VEL_BIT_FIXED | (random & 0x3f), 1);
    vel_write_uint(w, VEL_VERSION_NEGOTIATION, VERSION_SIZE);
    write_cid(w, scid);
    write_cid(w, dcid);
    vel_write_uint(w, vel_version_reserved(random), VERSION_SIZE);
    for (size_t i = 0; i < count; i++)
        vel_write_uint(w, versions[i], VERSION_SIZE);
}

void vel_packet_write_retry(struct vel_writer *w, const struct vel_version *version,
                            const struct vel_cid *dcid, const struct vel_cid *scid,
                            struct vel_slice token)
{
    write_long_start(w, version, VEL_PACKET_RETRY, 0, dcid, scid);
    vel_write_bytes(w, token);
}
