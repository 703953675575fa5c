/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/writer.h"
#include "http/h3_internal.h"
#include "http/prepared.h"
#include "http/qpack.h"

/*
 * A small answer in one go: its fields are prepared, so two frames (RFC 9114 7.2.1, 7.2.2) and a few
 * literal field lines around what is there already are all of it.
 */
enum {
    HEAD_MAX = 4096, /* longer ones take the long way */
    FRAME_HEADER_MAX = 8
};

static void write_section(struct vel_writer *w, const struct vel_response *response)
{
    vel_qpack_write_prefix(w);
    vel_qpack_write_status(w, response->status);
    if (response->prepared != NULL)
        vel_write_bytes(w, vel_prepared_lines(response->prepared));
    for (size_t i = 0; i < response->fields.count; i++)
        vel_qpack_write_literal(w, response->fields.items[i].name, response->fields.items[i].value);
}

static void write_frame(struct vel_writer *w, uint64_t type, size_t size)
{
    vel_write_varint(w, type);
    vel_write_varint(w, size);
}

static void trace_frames(const struct vel_h3 *session, uint64_t stream, unsigned status,
                         size_t section, size_t body)
{
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_FRAME, .stream = stream,
                 .frame = {.type = VEL_H3_HEADERS, .length = section, .status = status});
    if (body > 0)
        VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_FRAME, .stream = stream,
                     .frame = {.type = VEL_H3_DATA, .length = body});
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
    write_frame(&w, VEL_H3_HEADERS, vel_written(&s));
    vel_write_bytes(&w, vel_writer_slice(&s));
    if (body.len > 0)
        write_frame(&w, VEL_H3_DATA, body.len);
    REQUIRE(vel_write_ok(&w), VEL_ERR_AGAIN);
    REQUIRE(vel_written(&w) + body.len <= streams->ops->writable(streams->self, exchange->stream),
            VEL_ERR_AGAIN);
    if (session->reading != exchange &&
        !exchange->received_end) { /* else vel_h3_read looks itself */
        exchange->read_waiting = true;
        session->common.attention = true;
    }
    trace_frames(session, exchange->stream, response->status, vel_written(&s), body.len);
    size_t accepted; /* all, since there was room */
    TRY(streams->ops->write(streams->self, exchange->stream, vel_writer_slice(&w), body.len == 0,
                            &accepted));
    if (body.len > 0)
        return streams->ops->write_borrowed(streams->self, exchange->stream, body, true, release,
                                            context);
    release(context, body);
    return VEL_OK;
}
