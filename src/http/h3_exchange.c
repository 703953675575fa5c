/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"
#include "http/h3_internal.h"
#include "http/qpack.h"

/* Only from the sweep: stopping a stream frees received bytes, which a callback may still be
 * looking at. Each call fails harmlessly where that direction is over. */
static void abandon_stream(struct vel_exchange *exchange)
{
    const struct vel_bytestreams *streams = &vel_h3_of(exchange->http)->streams;
    enum vel_err ignored = streams->ops->stop(streams->self, exchange->stream, exchange->code);
    ignored = streams->ops->reset(streams->self, exchange->stream, exchange->code);
    (void)ignored;
}

static void end_stream(struct vel_exchange *exchange)
{
    const struct vel_http *http = exchange->http;
    if (!http->failed && !http->closed && !exchange->finished)
        abandon_stream(exchange);
}

void vel_h3_release(struct vel_exchange *exchange)
{
    struct vel_h3_exchange *e = vel_h3_exchange_of(exchange);
    vel_h3_leave_ready(e);
    vel_h3_forget_section(e);
    vel_buf_free(&e->out);
    end_stream(exchange);
}

/* ---- heads ---- */

enum { HEAD_MAX = 1024 * 1024 };

/* Room for a HEADERS frame of so many bytes at most, after its header; the header is written when
 * the size is known. */
static vel_result begin_head(struct vel_h3_exchange *e, size_t most, struct vel_writer *w)
{
    e->out.env = e->common.http->env;
    e->out.limit = HEAD_MAX;
    TRY(vel_buf_reserve(&e->out, VEL_H3_FRAME_HEADER + most));
    *w = vel_writer(e->out.ptr + VEL_H3_FRAME_HEADER, most);
    vel_qpack_write_prefix(w);
    return VEL_OK;
}

/* The frame's header stands right before what was written. Of a request there is a method, of a
 * response a status. */
static void end_head(struct vel_h3_exchange *e, const struct vel_writer *w, struct vel_slice method,
                     unsigned status)
{
    size_t size = vel_written(w);
    size_t header = 1 + vel_varint_size(size);
    VEL_ASSERT(vel_write_ok(w)); /* sized by vel_qpack_line_max */
    e->out_at = VEL_H3_FRAME_HEADER - header;
    e->out.len = VEL_H3_FRAME_HEADER + size;
    struct vel_writer h = vel_writer(e->out.ptr + e->out_at, header);
    vel_write_varint(&h, VEL_H3_HEADERS);
    vel_write_varint(&h, size);
    VEL_H3_TRACE(
        vel_h3_of(e->common.http), .type = VEL_HTTP_TRACE_FRAME, .stream = e->common.stream,
        .frame = {.type = VEL_H3_HEADERS, .length = size, .method = method, .status = status});
}

static size_t most_of(struct vel_fields fields)
{
    size_t most = VEL_QPACK_PREFIX;
    for (size_t i = 0; i < fields.count; i++)
        most += vel_qpack_line_max(fields.items[i].name, fields.items[i].value);
    return most;
}

static void write_fields(struct vel_writer *w, struct vel_fields fields)
{
    for (size_t i = 0; i < fields.count; i++)
        vel_qpack_write_line(w, fields.items[i].name, fields.items[i].value);
}

vel_result vel_h3_respond(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body)
{
    enum { STATUS_MAX = 32 };
    struct vel_h3_exchange *e = vel_h3_exchange_of(exchange);
    struct vel_writer w;
    TRY(begin_head(e, STATUS_MAX + most_of(response->fields), &w));
    vel_qpack_write_status(&w, response->status);
    write_fields(&w, response->fields);
    end_head(e, &w, vel_slice(NULL, 0), response->status);
    e->ends = !has_body;
    vel_h3_make_ready(e);
    return VEL_OK;
}

static struct vel_field field_of(const char *name, struct vel_slice value)
{
    return (struct vel_field){.name = vel_slice_text(name), .value = value};
}

static vel_result write_request(struct vel_h3_exchange *e, const struct vel_request *request)
{
    const struct vel_field items[VEL_HTTP_PSEUDO_FIELDS] = {
        field_of(":method", request->method),       field_of(":scheme", request->scheme),
        field_of(":authority", request->authority), field_of(":path", request->path),
        field_of(":protocol", request->protocol),
    };
    bool extended = request->protocol.len > 0;
    struct vel_fields pseudo = {.items = items, .count = VEL_COUNT(items) - !extended};
    struct vel_writer w;
    TRY(begin_head(e, most_of(pseudo) + most_of(request->fields), &w));
    write_fields(&w, pseudo);
    write_fields(&w, request->fields);
    end_head(e, &w, request->method, 0);
    return VEL_OK;
}

vel_result vel_h3_request(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange)
{
    struct vel_h3 *session = vel_h3_of(http);
    uint64_t stream;
    TRY(session->streams.ops->open(session->streams.self, true, &stream));
    struct vel_exchange *fresh;
    TRY(vel_exchange_new(http, stream, &fresh));
    struct vel_h3_exchange *e = vel_h3_exchange_of(fresh);
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_STREAM, .stream = stream,
                 .stream_type = VEL_HTTP_TRACE_REQUEST);
    enum vel_err err = write_request(e, request);
    if (err != VEL_OK) {
        vel_exchange_abort(fresh, VEL_H3_INTERNAL_ERROR, false);
        return err;
    }
    e->length = VEL_H3_LENGTH_UNKNOWN;
    e->head_only = vel_slice_equal(request->method, vel_slice_text("HEAD"));
    e->ends = !has_body;
    vel_h3_make_ready(e);
    *exchange = fresh;
    return VEL_OK;
}

void vel_h3_resume_body(struct vel_exchange *exchange)
{
    vel_h3_make_ready(vel_h3_exchange_of(exchange));
}
