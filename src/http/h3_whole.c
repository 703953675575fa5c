/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/try.h"
#include "base/writer.h"
#include "http/h3_internal.h"
#include "http/prepared.h"

/*
 * A small answer in one go, past nghttp3: its fields are prepared, so two frames (RFC 9114 7.2.1,
 * 7.2.2) and a few literal field lines around what is there already are all of it. The receiving side
 * of the stream stays nghttp3's.
 */
enum {
    FRAME_DATA = 0x00,
    FRAME_HEADERS = 0x01,
    HEAD_MAX = 4096, /* longer ones take the long way */
    FRAME_HEADER_MAX = 8
};

/* An integer of QPACK (RFC 7541 5.1) after the bits that share its first byte. */
static void write_integer(struct vel_writer *w, uint8_t first, unsigned bits, size_t value)
{
    size_t most = ((size_t)1 << bits) - 1;
    if (value < most) {
        vel_write_uint(w, first | value, 1);
        return;
    }
    vel_write_uint(w, first | most, 1);
    for (value -= most; value >= 0x80; value >>= 7)
        vel_write_uint(w, 0x80 | (value & 0x7f), 1);
    vel_write_uint(w, value, 1);
}

/* RFC 9204 4.5.6, without Huffman codes. */
static void write_literal(struct vel_writer *w, const struct vel_field *field)
{
    write_integer(w, 0x20, 3, field->name.len);
    vel_write_bytes(w, field->name);
    write_integer(w, 0x00, 7, field->value.len);
    vel_write_bytes(w, field->value);
}

/* RFC 9204 4.5.2 and 4.5.4: entries 24 to 28 of the static table are ":status". */
static void write_status(struct vel_writer *w, unsigned status)
{
    enum { STATUS = 24, STATUS_200 = 25 };
    char text[4];
    if (status == 200) {
        write_integer(w, 0xc0, 6, STATUS_200);
        return;
    }
    snprintf(text, sizeof text, "%u", status % 1000);
    write_integer(w, 0x50, 4, STATUS);
    write_integer(w, 0x00, 7, 3);
    vel_write_bytes(w, vel_slice_text(text));
}

static void write_section(struct vel_writer *w, const struct vel_response *response)
{
    vel_write_uint(w, 0, 2); /* no reference to a dynamic table (RFC 9204 4.5.1) */
    write_status(w, response->status);
    if (response->prepared != NULL)
        vel_write_bytes(w, vel_prepared_lines(response->prepared));
    for (size_t i = 0; i < response->fields.count; i++)
        write_literal(w, &response->fields.items[i]);
}

static void write_frame(struct vel_writer *w, uint64_t type, size_t size)
{
    vel_write_varint(w, type);
    vel_write_varint(w, size);
}

vel_result vel_h3_respond_whole(struct vel_exchange *exchange, const struct vel_response *response,
                                struct vel_slice body, vel_release_fn release, void *context)
{
    struct vel_h3 *session = vel_h3_of(exchange->http);
    const struct vel_bytestreams *streams = &session->streams;
    uint8_t section[HEAD_MAX];
    uint8_t head[HEAD_MAX + 2 * FRAME_HEADER_MAX];
    struct vel_writer s = vel_writer(section, sizeof section);
    struct vel_writer w = vel_writer(head, sizeof head);
    write_section(&s, response);
    REQUIRE(vel_write_ok(&s), VEL_ERR_AGAIN);
    write_frame(&w, FRAME_HEADERS, vel_written(&s));
    vel_write_bytes(&w, vel_writer_slice(&s));
    if (body.len > 0)
        write_frame(&w, FRAME_DATA, body.len);
    REQUIRE(vel_write_ok(&w), VEL_ERR_AGAIN);
    REQUIRE(vel_written(&w) + body.len <= streams->ops->writable(streams->self, exchange->stream),
            VEL_ERR_AGAIN);
    if (!session->reading && !exchange->received_end) { /* else vel_h3_read looks itself */
        exchange->read_waiting = true;
        session->common.attention = true;
    }
    size_t accepted; /* all, since there was room */
    TRY(streams->ops->write(streams->self, exchange->stream, vel_writer_slice(&w), body.len == 0,
                            &accepted));
    if (body.len > 0)
        return streams->ops->write_borrowed(streams->self, exchange->stream, body, true, release,
                                            context);
    release(context, body);
    return VEL_OK;
}
