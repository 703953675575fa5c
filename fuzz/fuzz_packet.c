/* SPDX-License-Identifier: MIT */
/*
 * A datagram from anybody. Properties: every packet takes at least one byte and lies inside the
 * datagram, and so do its parts; the invariants say the same as the full parse; what parses can be
 * written again and parses the same; a forged packet does not open; a packet that we seal with
 * these headers and bytes opens to the same bytes.
 */
#include "base/units.h"
#include "testing/fuzz.h"
#include "transport/keys.h"
#include "transport/packet.h"

enum { SIZE_MAX_DATAGRAM = 2048 };

static struct vel_crypto *crypto;
static struct vel_keys server_read, server_write, client_read, client_write;

static void open_keys(void)
{
    if (crypto != NULL)
        return;
    struct vel_cid dcid = vel_cid(vel_slice_text("12345678"));
    const struct vel_version *version = &vel_versions[0];
    FUZZ_CHECK(vel_crypto_new(&fuzz_env, &crypto) == VEL_OK);
    FUZZ_CHECK(vel_keys_initial(crypto, version, &dcid, true, &client_read, &client_write) ==
               VEL_OK);
    FUZZ_CHECK(vel_keys_initial(crypto, version, &dcid, false, &server_read, &server_write) ==
               VEL_OK);
}

static void check_inside(struct vel_slice outer, struct vel_slice inner)
{
    FUZZ_CHECK(inner.len == 0 ||
               (inner.ptr >= outer.ptr && inner.ptr + inner.len <= outer.ptr + outer.len));
}

static void check_parts(struct vel_slice datagram, const struct vel_packet_header *h)
{
    FUZZ_CHECK(h->size > 0 && h->size <= datagram.len && h->number_offset <= h->size);
    struct vel_slice packet = vel_slice(datagram.ptr, h->size);
    check_inside(packet, h->dcid);
    check_inside(packet, h->scid);
    check_inside(packet, h->token);
    check_inside(packet, h->retry_tag);
    check_inside(packet, h->versions);

    struct vel_invariants v;
    FUZZ_CHECK(vel_packet_invariants(datagram, &v) == VEL_OK);
    FUZZ_CHECK(vel_slice_equal(v.dcid, h->dcid) && vel_slice_equal(v.scid, h->scid));
    FUZZ_CHECK(v.is_long == (h->type != VEL_PACKET_ONE_RTT));
    FUZZ_CHECK(h->version == NULL || h->version->number == v.version);
}

/* Header of the same meaning, in our own encoding; its size. */
static size_t write_again(const struct vel_packet_header *h, uint64_t number, struct vel_writer *w)
{
    struct vel_cid dcid = vel_cid(h->dcid);
    struct vel_cid scid = vel_cid(h->scid);
    if (h->type == VEL_PACKET_ONE_RTT)
        vel_packet_write_short(w, &dcid, 0, number, 4);
    else if (h->type == VEL_PACKET_RETRY)
        vel_packet_write_retry(w, h->version, &dcid, &scid, h->token);
    else
        vel_packet_write_long(w, h->version, h->type, &dcid, &scid, h->token, number, 4);
    FUZZ_CHECK(vel_write_ok(w));
    return vel_written(w);
}

static void check_round_trip(struct vel_slice datagram, const struct vel_packet_header *h)
{
    uint8_t packet[SIZE_MAX_DATAGRAM + 256];
    struct vel_writer w = vel_writer(packet, sizeof packet);
    uint64_t number = datagram.len;
    size_t header_size = write_again(h, number, &w);
    struct vel_packet_header again;
    if (h->type == VEL_PACKET_RETRY) {
        vel_write_bytes(&w, h->retry_tag);
        FUZZ_CHECK(vel_packet_parse(vel_writer_slice(&w), &again) == VEL_OK);
        FUZZ_CHECK(vel_slice_equal(again.token, h->token));
        return;
    }

    size_t payload = VEL_MIN(h->size - h->number_offset, vel_room(&w) - VEL_AEAD_TAG);
    vel_write_bytes(&w, vel_slice(datagram.ptr + h->number_offset, payload));
    FUZZ_CHECK(vel_packet_seal(&client_write, 0, number, packet, header_size, 4, payload) ==
               VEL_OK);
    struct vel_slice sealed = vel_slice(packet, header_size + payload + VEL_AEAD_TAG);
    FUZZ_CHECK(vel_packet_parse(sealed, &again) == VEL_OK);
    FUZZ_CHECK(again.type == h->type && again.version == h->version && again.size == sealed.len);
    FUZZ_CHECK(vel_slice_equal(again.dcid, h->dcid) && vel_slice_equal(again.scid, h->scid));
    FUZZ_CHECK(vel_slice_equal(again.token, h->token));

    struct vel_opened opened;
    FUZZ_CHECK(vel_packet_open(&server_read, 0, VEL_NUMBER_NONE, packet, again.number_offset,
                               again.size, &opened) == VEL_OK);
    FUZZ_CHECK(opened.number == number && opened.header_size == header_size);
    FUZZ_CHECK(
        vel_slice_equal(opened.payload, vel_slice(datagram.ptr + h->number_offset, payload)));
}

/* Nobody can guess a tag, so nothing that the fuzzer makes opens. */
static void check_forged(struct vel_slice datagram, const struct vel_packet_header *h)
{
    uint8_t packet[SIZE_MAX_DATAGRAM];
    memcpy(packet, datagram.ptr, h->size);
    struct vel_opened opened;
    FUZZ_CHECK(vel_packet_open(&server_read, 0, 1000, packet, h->number_offset, h->size, &opened) ==
               VEL_ERR_AUTH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_keys();
    struct vel_slice datagram = vel_slice(data, VEL_MIN(size, (size_t)SIZE_MAX_DATAGRAM));
    while (datagram.len > 0) {
        struct vel_packet_header h;
        if (vel_packet_parse(datagram, &h) != VEL_OK)
            return 0;
        check_parts(datagram, &h);
        if (h.number_offset > 0)
            check_forged(datagram, &h);
        if (h.type != VEL_PACKET_VERSION_NEGOTIATION)
            check_round_trip(datagram, &h);
        datagram = vel_slice(datagram.ptr + h.size, datagram.len - h.size);
    }
    return 0;
}
