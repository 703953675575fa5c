/* SPDX-License-Identifier: MIT */
#include "http/h3_internal.h"

/* nghttp3 then ends the connection. */
static int refused_by_us(enum vel_err err)
{
    return err == VEL_OK ? 0 : NGHTTP3_ERR_CALLBACK_FAILURE;
}

static int on_begin_headers(nghttp3_conn *h3, int64_t stream, void *user, void *stream_user)
{
    struct vel_h3 *session = user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL)
        exchange = vel_exchange_find(&session->common, (uint64_t)stream);
    if (exchange == NULL)
        return 0;
    vel_exchange_forget_head(exchange); /* of an informational response */
    return nghttp3_conn_set_stream_user_data(h3, stream, exchange);
}

static struct vel_slice slice_of(nghttp3_rcbuf *text)
{
    nghttp3_vec vec = nghttp3_rcbuf_get_buf(text);
    return vel_slice(vec.base, vec.len);
}

static int section_result(struct vel_http *http, enum vel_err err)
{
    if (err == VEL_ERR_LIMIT)
        vel_http_fail(http, VEL_H3_EXCESSIVE_LOAD, "header or trailer section too large");
    return refused_by_us(err);
}

static int on_header(nghttp3_conn *h3, int64_t stream, int32_t token, nghttp3_rcbuf *name,
                     nghttp3_rcbuf *value, uint8_t flags, void *user, void *stream_user)
{
    (void)h3;
    (void)stream;
    (void)flags;
    (void)user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL)
        return 0;
    if (token == NGHTTP3_QPACK_TOKEN_PRIORITY)
        vel_h3_exchange_of(exchange)->prioritized = true;
    return section_result(exchange->http,
                          vel_exchange_add_field(exchange, slice_of(name), slice_of(value)));
}

static int on_trailer(nghttp3_conn *h3, int64_t stream, int32_t token, nghttp3_rcbuf *name,
                      nghttp3_rcbuf *value, uint8_t flags, void *user, void *stream_user)
{
    (void)h3;
    (void)stream;
    (void)token;
    (void)flags;
    (void)user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL)
        return 0;
    return section_result(exchange->http,
                          vel_exchange_count_trailer(exchange, slice_of(name), slice_of(value)));
}

/* Without a word from the client answers take turns, though RFC 9218 4.2 would have one after the
 * other: who asks for two large things at once and says nothing expects both to move. */
void vel_h3_take_priority(struct vel_exchange *exchange)
{
    struct vel_h3 *session = vel_h3_of(exchange->http);
    struct vel_h3_exchange *e = vel_h3_exchange_of(exchange);
    nghttp3_pri priority = {.urgency = NGHTTP3_DEFAULT_URGENCY};
    if (nghttp3_conn_get_stream_priority(session->h3, &priority, (int64_t)exchange->stream) != 0)
        return;
    e->prioritized =
        e->prioritized || priority.urgency != NGHTTP3_DEFAULT_URGENCY || priority.inc != 0;
    if (!e->prioritized)
        return;
    enum vel_err ignored = session->streams.ops->set_priority(
        session->streams.self, exchange->stream, (uint8_t)priority.urgency, priority.inc != 0);
    (void)ignored; /* a hint */
}

static int on_end_headers(nghttp3_conn *h3, int64_t stream, int fin, void *user, void *stream_user)
{
    (void)h3;
    (void)stream;
    (void)fin;
    struct vel_h3 *session = user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL)
        return 0;
    if (!session->common.client)
        vel_h3_take_priority(exchange);
    return refused_by_us(vel_exchange_head_done(exchange));
}

static int on_data(nghttp3_conn *h3, int64_t stream, const uint8_t *bytes, size_t size, void *user,
                   void *stream_user)
{
    (void)h3;
    (void)stream;
    (void)user;
    struct vel_exchange *exchange = stream_user;
    if (exchange != NULL)
        vel_exchange_body_came(exchange, vel_slice(bytes, size));
    return 0;
}

static int on_end_stream(nghttp3_conn *h3, int64_t stream, void *user, void *stream_user)
{
    (void)h3;
    (void)stream;
    (void)user;
    struct vel_exchange *exchange = stream_user;
    if (exchange != NULL)
        vel_exchange_end_came(exchange);
    return 0;
}

/* nghttp3 gives up a stream: a malformed message, or a request after our GOAWAY. Unidirectional
 * streams of unknown type are not stopped: nghttp3 discards their bytes (RFC 9114 6.2). */
static int give_up(struct vel_h3 *session, int64_t stream, uint64_t code)
{
    struct vel_exchange *exchange = vel_exchange_find(&session->common, (uint64_t)stream);
    if (exchange == NULL || exchange->cancelled)
        return 0;
    if (!session->common.client && code != VEL_H3_REQUEST_REJECTED)
        vel_http_count_abandoned(&session->common); /* reset for what the client sent */
    vel_exchange_abort(exchange, code, false);
    return 0;
}

static int on_stop_sending(nghttp3_conn *h3, int64_t stream, uint64_t code, void *user,
                           void *stream_user)
{
    (void)h3;
    (void)stream_user;
    return give_up(user, stream, code);
}

static int on_reset_stream(nghttp3_conn *h3, int64_t stream, uint64_t code, void *user,
                           void *stream_user)
{
    (void)h3;
    (void)stream_user;
    return give_up(user, stream, code);
}

/* GOAWAY, RFC 9114 5.2: requests at or above `id` were not and will not be processed. */
static int on_shutdown(nghttp3_conn *h3, int64_t id, void *user)
{
    (void)h3;
    struct vel_h3 *session = user;
    session->common.peer_finishing = true;
    if (!session->common.client)
        return 0;
    for (size_t i = 0; i < VEL_HTTP_BUCKETS; i++)
        for (struct vel_exchange *e = session->common.buckets[i]; e != NULL; e = e->next)
            if (e->stream >= (uint64_t)id)
                vel_exchange_abort(e, VEL_H3_REQUEST_REJECTED, true);
    return 0;
}

const nghttp3_callbacks vel_h3_callbacks = {
    .begin_headers = on_begin_headers,
    .recv_header = on_header,
    .end_headers = on_end_headers,
    .recv_trailer = on_trailer,
    .recv_data = on_data,
    .end_stream = on_end_stream,
    .stop_sending = on_stop_sending,
    .reset_stream = on_reset_stream,
    .shutdown = on_shutdown,
};
