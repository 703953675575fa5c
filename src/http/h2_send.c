/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "http/h2_internal.h"

/* ---- heads ---- */

/* nghttp2's are not const, and it only reads and copies. */
static nghttp2_nv name_value(struct vel_slice name, struct vel_slice value)
{
    union {
        const uint8_t *bytes;
        uint8_t *base;
    } n = {.bytes = name.ptr}, v = {.bytes = value.ptr};
    return (nghttp2_nv){
        .name = n.base, .namelen = name.len, .value = v.base, .valuelen = value.len};
}

static size_t add_fields(nghttp2_nv *to, size_t count, struct vel_fields fields)
{
    for (size_t i = 0; i < fields.count; i++)
        to[count + i] = name_value(fields.items[i].name, fields.items[i].value);
    return count + fields.count;
}

static vel_result result_of(int32_t error)
{
    if (error >= 0)
        return VEL_OK;
    return error == NGHTTP2_ERR_NOMEM ? VEL_ERR_NOMEM : VEL_ERR_CLOSED;
}

static nghttp2_ssize read_body(nghttp2_session *h2, int32_t stream, uint8_t *to, size_t room,
                               uint32_t *flags, nghttp2_data_source *source, void *user);

static const nghttp2_data_provider2 body_provider = {.read_callback = read_body};

vel_result vel_h2_respond(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    char status[4];
    snprintf(status, sizeof status, "%u", response->status % 1000);
    nghttp2_nv fields[VEL_HTTP_MAX_FIELDS];
    fields[0] = name_value(vel_slice_text(":status"), vel_slice_text(status));
    size_t count = add_fields(fields, 1, response->fields);
    TRY(result_of(nghttp2_submit_response2(session->h2, (int32_t)exchange->stream, fields, count,
                                           has_body ? &body_provider : NULL)));
    vel_h2_moved(exchange);
    return VEL_OK;
}

static vel_result may_request(struct vel_h2 *session)
{
    REQUIRE(nghttp2_session_check_request_allowed(session->h2) != 0, VEL_ERR_CLOSED);
    uint32_t limit =
        nghttp2_session_get_remote_settings(session->h2, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    REQUIRE(session->common.active < limit, VEL_ERR_AGAIN);
    return VEL_OK;
}

static vel_result submit_request(struct vel_h2 *session, const struct vel_request *request,
                                 bool has_body, int32_t *stream)
{
    nghttp2_nv fields[VEL_HTTP_MAX_FIELDS] = {
        name_value(vel_slice_text(":method"), request->method),
        name_value(vel_slice_text(":scheme"), request->scheme),
        name_value(vel_slice_text(":authority"), request->authority),
        name_value(vel_slice_text(":path"), request->path),
        name_value(vel_slice_text(":protocol"), request->protocol),
    };
    bool extended = request->protocol.len > 0;
    size_t count = add_fields(fields, VEL_HTTP_PSEUDO_FIELDS - !extended, request->fields);
    int32_t id = nghttp2_submit_request2(session->h2, NULL, fields, count,
                                         has_body ? &body_provider : NULL, NULL);
    TRY(result_of(id));
    *stream = id;
    return VEL_OK;
}

vel_result vel_h2_request(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange)
{
    struct vel_h2 *session = vel_h2_of(http);
    TRY(may_request(session));
    int32_t next = (int32_t)nghttp2_session_get_next_stream_id(session->h2);
    struct vel_exchange *fresh;
    TRY(vel_exchange_new(http, (uint64_t)next, &fresh));
    int32_t stream;
    enum vel_err err = submit_request(session, request, has_body, &stream);
    if (err != VEL_OK) {
        vel_h2_exchange_of(fresh)->gone = true;
        vel_exchange_abort(fresh, VEL_H3_INTERNAL_ERROR, false);
        return err;
    }
    vel_h2_exchange_of(fresh)->held =
        (struct vel_buf){.env = http->env, .limit = VEL_H2_CLIENT_WINDOW};
    vel_h2_moved(fresh);
    *exchange = fresh;
    return VEL_OK;
}

/* ---- bodies ---- */

static bool next_piece(struct vel_exchange *exchange)
{
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    if (e->piece != NULL || e->piece_last)
        return true;
    e->source_waits = vel_exchange_pull(exchange, &e->piece, &e->piece_last) != VEL_OK;
    return !e->source_waits;
}

/* nghttp2 wants to make a DATA frame of at most `room` bytes: windows and frame size allow them. */
static nghttp2_ssize read_body(nghttp2_session *h2, int32_t stream, uint8_t *to, size_t room,
                               uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)h2;
    (void)to;
    (void)source;
    struct vel_exchange *exchange = vel_h2_find(user, stream);
    if (exchange == NULL || exchange->cancelled)
        return NGHTTP2_ERR_DEFERRED;
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    e->deferred = !next_piece(exchange);
    if (e->deferred)
        return NGHTTP2_ERR_DEFERRED;
    if (e->piece == NULL) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return 0;
    }
    size_t left = e->piece->body.bytes.len - e->piece->given;
    size_t size = VEL_MIN(left, room);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (e->piece_last && size == left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (nghttp2_ssize)size;
}

/* The frame whose size was just agreed, into the output. Nothing here pads frames. */
static int send_data(nghttp2_session *h2, nghttp2_frame *frame, const uint8_t *head, size_t size,
                     nghttp2_data_source *source, void *user)
{
    enum { FRAME_HEAD = 9 };
    (void)h2;
    (void)source;
    struct vel_h2 *session = user;
    struct vel_exchange *exchange = vel_h2_find(session, frame->hd.stream_id);
    if (exchange == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    struct vel_slice part = vel_slice(e->piece->body.bytes.ptr + e->piece->given, size);
    if (vel_buf_reserve(&session->output, FRAME_HEAD + size) != VEL_OK ||
        vel_buf_append(&session->output, vel_slice(head, FRAME_HEAD)) != VEL_OK ||
        vel_buf_append(&session->output, part) != VEL_OK)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    struct vel_http_piece *piece = e->piece;
    piece->given += size;
    if (piece->given == piece->body.bytes.len)
        e->piece = NULL;
    vel_http_piece_release(piece, part);
    exchange->body_sent += size;
    session->idle_allowed += size / VEL_H2_SENT_PER_IDLE;
    vel_h2_moved(exchange);
    vel_http_moved(&session->common, size, session->now, session->body_timeout);
    return session->output.len < VEL_H2_OUTPUT_STOP ? 0 : NGHTTP2_ERR_PAUSE;
}

void vel_h2_stop_request(struct vel_exchange *exchange)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    exchange->received_end = true;
    vel_exchange_awaits_none(exchange);
    vel_h2_fail_with(session,
                     nghttp2_submit_rst_stream(session->h2, NGHTTP2_FLAG_NONE,
                                               (int32_t)exchange->stream, NGHTTP2_NO_ERROR));
}

/* A server that has answered does not need the rest of the request and may reset the stream (RFC
 * 9113 8.1). Clients are known to lose an answer whose reset comes close behind, so a request that
 * is nearly whole may end by itself. */
static void message_sent(struct vel_exchange *exchange)
{
    exchange->sent_end = true;
    if (exchange->http->client || exchange->received_end)
        return;
    vel_h2_exchange_of(exchange)->unwanted = true;
    vel_exchange_awaits_none(exchange);
    vel_h2_forget_held(exchange);
    if (vel_h2_exchange_of(exchange)->held_end)
        exchange->received_end = true;
    vel_h2_moved(exchange);
}

static int on_frame_sent(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    (void)h2;
    struct vel_h2 *session = user;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        session->common.failed = true; /* nghttp2 found the peer out: nothing is read any more */
    bool message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    struct vel_exchange *exchange = vel_h2_find(session, frame->hd.stream_id);
    if (!message || exchange == NULL || exchange->cancelled ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    message_sent(exchange);
    return 0;
}

void vel_h2_resume_body(struct vel_exchange *exchange)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    vel_h2_moved(exchange);
    if (!e->deferred)
        return;
    e->deferred = false;
    e->source_waits = false;
    int error = nghttp2_session_resume_data(session->h2, (int32_t)exchange->stream);
    if (error != 0 && error != NGHTTP2_ERR_INVALID_ARGUMENT)
        vel_h2_fail_with(session, error);
}

void vel_h2_set_send_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
}
