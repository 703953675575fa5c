/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/try.h"
#include "http/h3_internal.h"

void vel_h3_aborted(struct vel_exchange *exchange)
{
    nghttp3_conn_shutdown_stream_write(vel_h3_of(exchange->http)->h3, (int64_t)exchange->stream);
}

/* Only from the sweep: stopping a stream frees received bytes, which a callback may still be
 * looking at. Each call fails harmlessly where that direction is over. */
static void abandon_stream(struct vel_exchange *exchange)
{
    const struct vel_bytestreams *streams = &vel_h3_of(exchange->http)->streams;
    enum vel_err ignored = streams->ops->stop(streams->self, exchange->stream, exchange->code);
    ignored = streams->ops->reset(streams->self, exchange->stream, exchange->code);
    (void)ignored;
}

void vel_h3_release(struct vel_exchange *exchange)
{
    struct vel_h3 *session = vel_h3_of(exchange->http);
    if (session->common.failed || session->common.closed)
        return;
    if (!exchange->finished)
        abandon_stream(exchange);
    int error = nghttp3_conn_close_stream(session->h3, (int64_t)exchange->stream, exchange->code);
    if (error != 0 && error != NGHTTP3_ERR_STREAM_NOT_FOUND)
        vel_h3_fail_with(session, error);
}

static nghttp3_nv name_value(struct vel_slice name, struct vel_slice value)
{
    return (nghttp3_nv){
        .name = name.ptr, .namelen = name.len, .value = value.ptr, .valuelen = value.len};
}

static size_t add_fields(nghttp3_nv *to, size_t count, struct vel_fields fields)
{
    for (size_t i = 0; i < fields.count; i++)
        to[count + i] = name_value(fields.items[i].name, fields.items[i].value);
    return count + fields.count;
}

static vel_result result_of(int error)
{
    switch (error) {
    case 0:
        return VEL_OK;
    case NGHTTP3_ERR_NOMEM:
        return VEL_ERR_NOMEM;
    default:
        return VEL_ERR_CLOSED;
    }
}

vel_result vel_h3_respond(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body)
{
    char status[4];
    snprintf(status, sizeof status, "%u", response->status % 1000);
    nghttp3_nv fields[VEL_HTTP_MAX_FIELDS];
    fields[0] = name_value(vel_slice_text(":status"), vel_slice_text(status));
    size_t count = add_fields(fields, 1, response->fields);
    return result_of(nghttp3_conn_submit_response(vel_h3_of(exchange->http)->h3,
                                                  (int64_t)exchange->stream, fields, count,
                                                  has_body ? &vel_h3_body_reader : NULL));
}

vel_result vel_h3_request(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange)
{
    struct vel_h3 *session = vel_h3_of(http);
    nghttp3_nv fields[VEL_HTTP_MAX_FIELDS] = {
        name_value(vel_slice_text(":method"), request->method),
        name_value(vel_slice_text(":scheme"), request->scheme),
        name_value(vel_slice_text(":authority"), request->authority),
        name_value(vel_slice_text(":path"), request->path),
        name_value(vel_slice_text(":protocol"), request->protocol),
    };
    bool extended = request->protocol.len > 0;
    size_t count = add_fields(fields, VEL_HTTP_PSEUDO_FIELDS - !extended, request->fields);
    uint64_t stream;
    TRY(session->streams.ops->open(session->streams.self, true, &stream));
    struct vel_exchange *fresh;
    TRY(vel_exchange_new(http, stream, &fresh));
    enum vel_err err = result_of(nghttp3_conn_submit_request(
        session->h3, (int64_t)stream, fields, count, has_body ? &vel_h3_body_reader : NULL, fresh));
    if (err != VEL_OK) {
        vel_exchange_abort(fresh, VEL_H3_INTERNAL_ERROR, false);
        return err;
    }
    *exchange = fresh;
    return VEL_OK;
}

void vel_h3_resume_body(struct vel_exchange *exchange)
{
    struct vel_h3 *session = vel_h3_of(exchange->http);
    int error = nghttp3_conn_resume_stream(session->h3, (int64_t)exchange->stream);
    if (error != 0)
        vel_h3_fail_with(session, error);
}
