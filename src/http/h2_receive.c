/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "http/h2_internal.h"

/* Our own error or the peer's excess; nghttp2 stops, and vel_h2_fail_with finds the session failed
 * already if it was told why. */
static int refused_by_us(struct vel_exchange *exchange, enum vel_err err)
{
    if (err == VEL_ERR_LIMIT)
        vel_http_fail(exchange->http, VEL_H3_EXCESSIVE_LOAD, "header or trailer section too large");
    return err == VEL_OK ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ---- heads ---- */

static int begin_request(struct vel_h2 *session, int32_t stream)
{
    struct vel_exchange *exchange;
    if (vel_exchange_new(&session->common, (uint64_t)stream, &exchange) != VEL_OK)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    e->held = (struct vel_buf){.env = session->common.env, .limit = VEL_H2_SERVER_WINDOW};
    session->idle_allowed += VEL_H2_IDLE_PER_EXCHANGE;
    vel_h2_moved(exchange);
    return 0;
}

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    (void)h2;
    struct vel_h2 *session = user;
    if (!session->common.client) {
        session->head_since = session->now;
        vel_h2_due(session, session->now, session->head_timeout);
    }
    if (session->common.failed || session->common.closed)
        return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        return begin_request(session, frame->hd.stream_id);
    struct vel_exchange *exchange = vel_h2_find(session, frame->hd.stream_id);
    if (exchange != NULL && !exchange->head_complete)
        vel_exchange_forget_head(exchange); /* of an informational response */
    return 0;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    (void)h2;
    (void)flags;
    struct vel_exchange *exchange = vel_h2_find(user, frame->hd.stream_id);
    if (exchange == NULL)
        return 0;
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
    nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
    struct vel_slice name_bytes = vel_slice(n.base, n.len);
    struct vel_slice value_bytes = vel_slice(v.base, v.len);
    if (vel_slice_equal(name_bytes, vel_slice_text("priority")))
        vel_h2_exchange_of(exchange)->prioritized = true;
    if (exchange->head_complete)
        return refused_by_us(exchange,
                             vel_exchange_count_trailer(exchange, name_bytes, value_bytes));
    return refused_by_us(exchange, vel_exchange_add_field(exchange, name_bytes, value_bytes));
}

/* RFC 9113 8.2.1: such a message is malformed; nghttp2 alone would drop the field. */
static int on_invalid_header(nghttp2_session *h2, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                             nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    (void)h2, (void)frame, (void)name, (void)value, (void)flags, (void)user;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* ---- bodies ---- */

static void consumed(struct vel_h2 *session, int error)
{
    if (error != 0)
        vel_h2_fail_with(session, error);
}

/* Bytes that nobody wants leave the windows open for those that somebody does. */
static void skip(struct vel_h2 *session, int32_t stream, size_t size)
{
    consumed(session, nghttp2_session_consume(session->h2, stream, size));
}

/* The exchange is paused: its own window stays closed by these bytes; the session's opens as long
 * as not too much is held. */
static int hold(struct vel_exchange *exchange, struct vel_slice bytes)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    enum vel_err err = vel_buf_append(&vel_h2_exchange_of(exchange)->held, bytes);
    if (err != VEL_OK)
        return refused_by_us(exchange, err);
    session->held += bytes.len;
    if (session->held <= VEL_H2_HELD_FREE)
        consumed(session, nghttp2_session_consume_connection(session->h2, bytes.len));
    else
        session->unconsumed += bytes.len;
    return 0;
}

/* Of a request that was answered. Its window is not opened again, so the client runs dry soon. */
static void drop(struct vel_exchange *exchange, size_t size)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    e->dropped += size;
    consumed(session, nghttp2_session_consume_connection(session->h2, size));
    if (e->dropped > VEL_HTTP_SHORT_BODY && !exchange->received_end)
        vel_h2_stop_request(exchange);
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t size, void *user)
{
    (void)h2;
    (void)flags;
    struct vel_h2 *session = user;
    session->idle_allowed += size * (VEL_H2_IDLE_PER_BYTE + 1);
    struct vel_exchange *exchange = vel_h2_find(session, stream);
    if (exchange == NULL || exchange->cancelled) {
        skip(session, stream, size);
        return 0;
    }
    if (vel_h2_exchange_of(exchange)->unwanted) { /* which does not get more time by this */
        drop(exchange, size);
        return 0;
    }
    vel_h2_moved(exchange);
    vel_http_moved(&session->common, size, session->now, session->body_timeout);
    if (exchange->paused || vel_h2_exchange_of(exchange)->held.len > 0)
        return hold(exchange, vel_slice(bytes, size));
    vel_exchange_body_came(exchange, vel_slice(bytes, size));
    skip(session, stream, size);
    return 0;
}

/* The session's window gets back what was kept from it. */
static void unhold(struct vel_h2 *session, size_t size)
{
    session->held -= size;
    size_t late = VEL_MIN(size, session->unconsumed);
    session->unconsumed -= late;
    if (late > 0 && !session->common.failed)
        consumed(session, nghttp2_session_consume_connection(session->h2, late));
}

static void message_ended(struct vel_exchange *exchange)
{
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    e->held_end = e->held.len > 0;
    if (e->unwanted)
        exchange->received_end = true;
    else if (!e->held_end)
        vel_exchange_end_came(exchange);
}

void vel_h2_read_on(struct vel_exchange *exchange)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    vel_h2_moved(exchange);
    while (e->held.len > 0 && !exchange->paused && !exchange->cancelled) {
        size_t size = VEL_MIN(e->held.len, (size_t)VEL_H2_READ_MAX);
        vel_exchange_body_came(exchange, vel_slice(e->held.ptr, size));
        vel_buf_consume(&e->held, size);
        unhold(session, size);
        if (!e->gone)
            consumed(session,
                     nghttp2_session_consume_stream(session->h2, (int32_t)exchange->stream, size));
    }
    if (e->held.len > 0 || exchange->cancelled)
        return;
    vel_buf_free(&e->held);
    if (!e->held_end)
        vel_exchange_await_body(exchange, session->now, session->body_timeout);
    if (e->held_end)
        message_ended(exchange);
    if (e->gone)
        vel_exchange_finished(exchange);
}

void vel_h2_forget_held(struct vel_exchange *exchange)
{
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    unhold(vel_h2_of(exchange->http), e->held.len);
    vel_buf_free(&e->held);
}

/* ---- frames ---- */

/* RFC 9218, by nghttp2. Without a word from the client answers take turns, as in HTTP/3. */
static void take_turns(struct vel_exchange *exchange)
{
    nghttp2_session *h2 = vel_h2_of(exchange->http)->h2;
    nghttp2_extpri priority;
    if (vel_h2_exchange_of(exchange)->prioritized ||
        nghttp2_session_get_extpri_stream_priority(h2, &priority, (int32_t)exchange->stream) != 0 ||
        priority.urgency != NGHTTP2_EXTPRI_DEFAULT_URGENCY)
        return;
    priority.inc = 1;
    int ignored =
        nghttp2_session_change_extpri_stream_priority(h2, (int32_t)exchange->stream, &priority, 0);
    (void)ignored; /* a hint */
}

static int head_came(struct vel_exchange *exchange)
{
    if (exchange->head_complete || exchange->answered)
        return 0; /* trailers */
    vel_h2_of(exchange->http)->idle_allowed += exchange->head.section_size;
    vel_h2_moved(exchange);
    if (!exchange->http->client)
        take_turns(exchange);
    return refused_by_us(exchange, vel_exchange_head_done(exchange));
}

/* One round trip after the warning, every request that the client sent before it saw that is here:
 * now the last stream can be told. */
static int say_farewell(struct vel_h2 *session)
{
    session->farewell = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(session->h2);
    return nghttp2_submit_goaway(session->h2, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *user)
{
    (void)h2;
    struct vel_h2 *session = user;
    struct vel_exchange *exchange = vel_h2_find(session, frame->hd.stream_id);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        session->head_since = VEL_NEVER;
        if (exchange != NULL && head_came(exchange) != 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        if (exchange != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
            vel_exchange_await_body(exchange, session->now, session->body_timeout);
        break;
    case NGHTTP2_DATA:
        break;
    case NGHTTP2_SETTINGS:
        session->greeted = true;
        return 0;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && session->common.finishing &&
            !session->common.client && !session->farewell)
            return say_farewell(session);
        return 0;
    case NGHTTP2_GOAWAY:
        /* nghttp2 closes the streams that were not and will not be processed (RFC 9113 6.8). */
        session->common.peer_finishing = true;
        return 0;
    case NGHTTP2_RST_STREAM:
        if (exchange != NULL)
            exchange->by_peer = true;
        return 0;
    default:
        return 0;
    }
    if (exchange != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        message_ended(exchange);
    return 0;
}

/* A header section that nghttp2 refuses ends here too: no more of it is awaited. */
static int on_invalid_frame(nghttp2_session *h2, const nghttp2_frame *frame, int error, void *user)
{
    (void)h2;
    (void)error;
    struct vel_h2 *session = user;
    if (frame->hd.type == NGHTTP2_HEADERS)
        session->head_since = VEL_NEVER;
    return 0;
}

/* ---- the end of a stream ---- */

/* NO_ERROR: both messages are whole, or the server answered early and needs no more of the request
 * (RFC 9113 8.1). */
static void closed_well(struct vel_exchange *exchange)
{
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    if (exchange->http->client && (exchange->received_end || e->held_end)) {
        exchange->sent_end = true;
        vel_exchange_end_source(exchange);
    }
    e->gone = true;
    exchange->by_peer = false;
    if (!exchange->http->client)
        vel_h2_forget_held(exchange); /* it has answered */
    if (e->held.len == 0)
        vel_exchange_finished(exchange);
}

static int on_stream_close(nghttp2_session *h2, int32_t stream, uint32_t code, void *user)
{
    (void)h2;
    struct vel_h2 *session = user;
    struct vel_exchange *exchange = vel_h2_find(session, stream);
    if (exchange == NULL || exchange->cancelled)
        return 0;
    bool complete = (exchange->received_end || vel_h2_exchange_of(exchange)->held_end) &&
                    (exchange->sent_end || exchange->http->client);
    if (code == NGHTTP2_NO_ERROR && complete) {
        closed_well(exchange);
        return 0;
    }
    vel_h2_exchange_of(exchange)->gone = true;
    if (!session->common.client) /* reset by the client, or for what it sent */
        vel_http_count_abandoned(&session->common);
    bool refused = session->common.peer_finishing && code == NGHTTP2_REFUSED_STREAM;
    vel_exchange_abort(exchange, vel_h2_code_in(code), exchange->by_peer || refused);
    return 0;
}

void vel_h2_set_receive_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}
