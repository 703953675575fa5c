/* SPDX-License-Identifier: MIT */
#include "http/h3_internal.h"

/* nghttp3 then ends the connection. */
static int refused_by_us(enum vel_err err)
{
    return err == VEL_OK ? 0 : NGHTTP3_ERR_CALLBACK_FAILURE;
}

static int on_begin_headers(nghttp3_conn *h3, int64_t stream, void *user, void *stream_user)
{
    struct vel_http *http = user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL)
        exchange = vel_h3_exchange_find(http, (uint64_t)stream);
    if (exchange == NULL)
        return 0;
    vel_h3_exchange_forget_head(exchange); /* of an informational response */
    return nghttp3_conn_set_stream_user_data(h3, stream, exchange);
}

/* Fields beyond our limits are counted and dropped; a peer that goes on far beyond them only wants
 * to cost us time. */
static int on_header(nghttp3_conn *h3, int64_t stream, int32_t token, nghttp3_rcbuf *name,
                     nghttp3_rcbuf *value, uint8_t flags, void *user, void *stream_user)
{
    enum { FAR_BEYOND = 4 * VEL_HTTP_MAX_FIELD_SECTION };
    (void)h3;
    (void)stream;
    (void)token;
    (void)flags;
    struct vel_http *http = user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL)
        return 0;
    nghttp3_vec n = nghttp3_rcbuf_get_buf(name);
    nghttp3_vec v = nghttp3_rcbuf_get_buf(value);
    size_t before = exchange->head.section_size;
    enum vel_err err = VEL_ERR_LIMIT;
    if (http->heads <= VEL_HTTP_MAX_HEADS)
        err = vel_headers_add(&exchange->head, vel_slice(n.base, n.len), vel_slice(v.base, v.len));
    else
        exchange->head.section_size += n.len + v.len;
    http->heads += exchange->head.section_size - before;
    if (err != VEL_ERR_LIMIT)
        return refused_by_us(err);
    exchange->refused = true;
    if (exchange->head.section_size <= FAR_BEYOND)
        return 0;
    vel_h3_fail(http, VEL_H3_EXCESSIVE_LOAD, "header section too large");
    return NGHTTP3_ERR_CALLBACK_FAILURE;
}

/* Trailers are not shown, but they count: one section is 64 KiB at most. */
static int on_trailer(nghttp3_conn *h3, int64_t stream, int32_t token, nghttp3_rcbuf *name,
                      nghttp3_rcbuf *value, uint8_t flags, void *user, void *stream_user)
{
    (void)h3;
    (void)stream;
    (void)token;
    (void)flags;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL)
        return 0;
    size_t size = nghttp3_rcbuf_get_buf(name).len + nghttp3_rcbuf_get_buf(value).len;
    exchange->head.section_size += size;
    exchange->http->heads += size; /* given back with the head */
    if (exchange->head.section_size <= 2 * (size_t)VEL_HTTP_MAX_FIELD_SECTION)
        return 0;
    vel_h3_fail(user, VEL_H3_EXCESSIVE_LOAD, "trailer section too large");
    return NGHTTP3_ERR_CALLBACK_FAILURE;
}

static struct vel_slice pseudo(const struct vel_exchange *exchange, const char *name)
{
    const struct vel_slice *value = vel_fields_find(vel_headers_all(&exchange->head), name);
    return value == NULL ? vel_slice(NULL, 0) : *value;
}

/* RFC 9218: the transport sends urgent streams first. */
static void take_priority(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    nghttp3_pri priority = {.urgency = NGHTTP3_DEFAULT_URGENCY};
    int error = nghttp3_conn_get_stream_priority(http->h3, &priority, (int64_t)exchange->stream);
    if (error != 0 || priority.urgency == NGHTTP3_DEFAULT_URGENCY)
        return;
    enum vel_err ignored = http->streams.ops->set_urgency(http->streams.self, exchange->stream,
                                                          (uint8_t)priority.urgency);
    (void)ignored; /* a hint */
}

static void take_request(struct vel_exchange *exchange)
{
    exchange->request = (struct vel_request){
        .method = pseudo(exchange, ":method"),
        .scheme = pseudo(exchange, ":scheme"),
        .authority = pseudo(exchange, ":authority"),
        .path = pseudo(exchange, ":path"),
        .fields = vel_headers_regular(&exchange->head),
    };
    if (exchange->request.authority.len == 0)
        exchange->request.authority = pseudo(exchange, "host");
}

/* nghttp3 has checked that it is three digits. */
static unsigned status_of(struct vel_slice text)
{
    unsigned status = 0;
    for (size_t i = 0; i < text.len && i < 3; i++)
        status = status * 10 + (unsigned)(text.ptr[i] - '0') % 10;
    return status;
}

static int on_end_headers(nghttp3_conn *h3, int64_t stream, int fin, void *user, void *stream_user)
{
    (void)h3;
    (void)stream;
    (void)fin;
    struct vel_http *http = user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL || exchange->cancelled)
        return 0;
    if (exchange->refused) {
        if (http->client)
            vel_h3_exchange_abort(exchange, VEL_H3_EXCESSIVE_LOAD, false);
        else
            vel_h3_exchange_refuse(exchange, 431);
        return 0;
    }
    if (vel_headers_seal(&exchange->head) != VEL_OK)
        return NGHTTP3_ERR_CALLBACK_FAILURE;
    if (http->client) {
        unsigned status = status_of(pseudo(exchange, ":status"));
        if (status < 200)
            return 0;
        exchange->response =
            (struct vel_response){.status = status, .fields = vel_headers_regular(&exchange->head)};
    } else {
        take_request(exchange);
        take_priority(exchange);
        exchange->told = true;
    }
    exchange->head_complete = true;
    if (http->events.head != NULL)
        http->events.head(http->events.self, exchange);
    return 0;
}

static int on_data(nghttp3_conn *h3, int64_t stream, const uint8_t *bytes, size_t size, void *user,
                   void *stream_user)
{
    (void)h3;
    (void)stream;
    struct vel_http *http = user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL || exchange->cancelled || !exchange->head_complete)
        return 0;
    exchange->body_received += size;
    if (http->events.body != NULL)
        http->events.body(http->events.self, exchange, vel_slice(bytes, size));
    return 0;
}

static int on_end_stream(nghttp3_conn *h3, int64_t stream, void *user, void *stream_user)
{
    (void)h3;
    (void)stream;
    struct vel_http *http = user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL || exchange->cancelled)
        return 0;
    exchange->received_end = true;
    if (exchange->head_complete && http->events.end != NULL)
        http->events.end(http->events.self, exchange);
    return 0;
}

/* nghttp3 gives up a stream: a malformed message, or a request after our GOAWAY. Unidirectional
 * streams of unknown type are not stopped: nghttp3 discards their bytes (RFC 9114 6.2). */
static int give_up(struct vel_http *http, int64_t stream, uint64_t code)
{
    struct vel_exchange *exchange = vel_h3_exchange_find(http, (uint64_t)stream);
    if (exchange != NULL)
        vel_h3_exchange_abort(exchange, code, false);
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
    struct vel_http *http = user;
    http->peer_finishing = true;
    if (!http->client)
        return 0;
    for (size_t i = 0; i < VEL_H3_BUCKETS; i++)
        for (struct vel_exchange *e = http->buckets[i]; e != NULL; e = e->next)
            if (e->stream >= (uint64_t)id)
                vel_h3_exchange_abort(e, VEL_H3_REQUEST_REJECTED, true);
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
