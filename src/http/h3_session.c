/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "http/blocks.h"
#include "http/h3_internal.h"

void vel_h3_fail_with(struct vel_h3 *session, int error)
{
    vel_http_fail(&session->common, nghttp3_err_infer_quic_app_error_code(error),
                  nghttp3_strerror(error));
}

static vel_result open_streams(struct vel_h3 *session)
{
    uint64_t id[3]; /* control, QPACK encoder, QPACK decoder */
    for (size_t i = 0; i < VEL_COUNT(id); i++)
        TRY(session->streams.ops->open(session->streams.self, false, &id[i]));
    int error = nghttp3_conn_bind_control_stream(session->h3, (int64_t)id[0]);
    if (error == 0)
        error = nghttp3_conn_bind_qpack_streams(session->h3, (int64_t)id[1], (int64_t)id[2]);
    REQUIRE(error == 0, VEL_ERR_NOMEM);
    return VEL_OK;
}

static vel_result open_nghttp3(struct vel_h3 *session)
{
    nghttp3_settings settings;
    nghttp3_settings_default(&settings);
    settings.max_field_section_size = VEL_HTTP_MAX_FIELD_SECTION;
    settings.qpack_encoder_max_dtable_capacity = 0;
    settings.enable_connect_protocol = 1; /* RFC 9220; a client's is not sent */
    if (session->common.client) {
        REQUIRE(nghttp3_conn_client_new(&session->h3, &vel_h3_callbacks, &settings, &session->mem,
                                        session) == 0,
                VEL_ERR_NOMEM);
        return VEL_OK;
    }
    REQUIRE(nghttp3_conn_server_new(&session->h3, &vel_h3_callbacks, &settings, &session->mem,
                                    session) == 0,
            VEL_ERR_NOMEM);
    nghttp3_conn_set_max_client_streams_bidi(session->h3, VEL_HTTP_STREAMS);
    return VEL_OK;
}

static void h3_free(struct vel_http *http)
{
    struct vel_h3 *session = vel_h3_of(http);
    nghttp3_conn_del(session->h3);
    vel_release(http->env, session, sizeof *session);
}

static const struct vel_http_ops h3_ops;

static void free_session(struct vel_h3 **session)
{
    if (*session != NULL)
        vel_http_free(&(*session)->common);
}

vel_result vel_h3_new(const struct vel_env *env, struct vel_bytestreams streams, bool client,
                      const struct vel_http_events *events, struct vel_http **http)
{
    OWNED(free_session) struct vel_h3 *fresh = vel_alloc(env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    vel_http_init(&fresh->common, &h3_ops, env, events, client);
    fresh->streams = streams;
    vel_h3_uni_init(&fresh->uni);
    fresh->mem = (nghttp3_mem){.user_data = vel_blocks_user(env),
                               .malloc = vel_block_alloc,
                               .free = vel_block_free,
                               .calloc = vel_block_calloc,
                               .realloc = vel_block_realloc};
    TRY(open_nghttp3(fresh));
    TRY(open_streams(fresh));
    *http = &GIVE(fresh)->common;
    return VEL_OK;
}

/* ---- reading ---- */

static bool bidirectional(uint64_t stream)
{
    return (stream & 2) == 0; /* RFC 9000 2.1 */
}

/* Bytes of a stream that nothing here is interested in any more. */
static void drain(struct vel_h3 *session, uint64_t stream)
{
    struct vel_slice bytes;
    bool fin;
    while (session->streams.ops->read(session->streams.self, stream, &bytes, &fin) == VEL_OK &&
           bytes.len > 0)
        if (session->streams.ops->consume(session->streams.self, stream, bytes.len) != VEL_OK)
            return;
}

/* Aborts a stream that ends before it began (RFC 9114 4.1): that is not worth the connection. */
static vel_result note_bytes(struct vel_exchange *exchange, size_t size, bool ends)
{
    struct vel_h3_exchange *e = vel_h3_exchange_of(exchange);
    e->read_end = ends;
    e->began = e->began || size > 0;
    if (e->began || !ends)
        return VEL_OK;
    vel_exchange_abort(exchange, VEL_H3_REQUEST_INCOMPLETE, true);
    return VEL_ERR_CLOSED;
}

/* Malformed messages are errors of their stream (RFC 9114 4.1.2). Nothing of another stream depends
 * on it without a dynamic table, and nghttp3 is not given more of it. */
static void give_up(struct vel_h3 *session, struct vel_exchange *exchange, int error)
{
    bool malformed =
        error == NGHTTP3_ERR_MALFORMED_HTTP_MESSAGING || error == NGHTTP3_ERR_MALFORMED_HTTP_HEADER;
    if (!malformed) {
        vel_h3_fail_with(session, error);
        return;
    }
    if (!session->common.client)
        vel_http_count_abandoned(&session->common);
    vel_exchange_abort(exchange, VEL_H3_MESSAGE_ERROR, false);
}

/* Give nghttp3 one slice; false when there is no more to read now. Body bytes are shown on the way,
 * so all of it is consumed. */
static bool read_some(struct vel_h3 *session, uint64_t stream, struct vel_exchange *exchange)
{
    struct vel_slice bytes;
    bool fin;
    if (session->streams.ops->read(session->streams.self, stream, &bytes, &fin) != VEL_OK)
        return false;
    if (bytes.len == 0 && !fin)
        return false;
    size_t size = VEL_MIN(bytes.len, (size_t)VEL_H3_READ_MAX);
    bool ends = fin && size == bytes.len;
    if (note_bytes(exchange, size, ends) != VEL_OK)
        return false;
    nghttp3_ssize n = nghttp3_conn_read_stream(session->h3, (int64_t)stream, bytes.ptr, size, ends);
    if (n < 0) {
        give_up(session, exchange, (int)n);
        return false;
    }
    if (size > 0 && session->streams.ops->consume(session->streams.self, stream, size) != VEL_OK)
        return false;
    return !ends;
}

static bool may_read(const struct vel_exchange *exchange, bool last_look)
{
    return !exchange->cancelled && (!exchange->paused || last_look);
}

void vel_h3_read(struct vel_h3 *session, uint64_t stream)
{
    if (!bidirectional(stream)) {
        vel_h3_read_uni(session, stream);
        return;
    }
    struct vel_exchange *exchange = vel_exchange_find(&session->common, stream);
    if (exchange == NULL || vel_h3_exchange_of(exchange)->read_end) {
        drain(session, stream);
        return;
    }
    session->reading = true;
    while (!session->common.failed && may_read(exchange, session->last_look) &&
           read_some(session, stream, exchange))
        ;
    session->reading = false;
    if (exchange->sent_end && !exchange->cancelled)
        vel_h3_message_sent(session, exchange);
}

/* The connection ended, and its streams go with it: what arrived is shown now or never. */
static void show_the_rest(struct vel_h3 *session)
{
    session->last_look = true;
    for (size_t i = 0; i < VEL_HTTP_BUCKETS; i++)
        for (struct vel_exchange *e = session->common.buckets[i];
             e != NULL && !session->common.failed; e = e->next)
            if (e->paused || e->read_waiting)
                vel_h3_read(session, e->stream);
}

/* ---- events ---- */

static void opened(struct vel_h3 *session, uint64_t stream)
{
    if (!bidirectional(stream))
        return;
    if (session->common.client) { /* RFC 9114 6.1 */
        vel_http_fail(&session->common, VEL_H3_STREAM_CREATION_ERROR,
                      "server opened a bidirectional stream");
        return;
    }
    struct vel_exchange *exchange;
    if (vel_exchange_find(&session->common, stream) == NULL &&
        vel_exchange_new(&session->common, stream, &exchange) != VEL_OK)
        vel_http_fail(&session->common, VEL_H3_INTERNAL_ERROR, "out of memory");
    if (stream > session->last_stream) {
        session->last_stream = stream;
        nghttp3_conn_set_max_client_streams_bidi(session->h3, stream / 4 + VEL_HTTP_STREAMS);
    }
}

static void reset_by_peer(struct vel_h3 *session, uint64_t stream, uint64_t code)
{
    struct vel_exchange *exchange = vel_exchange_find(&session->common, stream);
    if (!bidirectional(stream)) {
        int error = nghttp3_conn_close_stream(session->h3, (int64_t)stream, code);
        if (error != 0 && error != NGHTTP3_ERR_STREAM_NOT_FOUND)
            vel_h3_fail_with(session, error);
        return;
    }
    if (exchange == NULL || exchange->received_end)
        return;
    if (!session->common.client)
        vel_http_count_abandoned(&session->common);
    vel_exchange_abort(exchange, code, true);
}

static void stopped_by_peer(struct vel_h3 *session, uint64_t stream, uint64_t code)
{
    if (!bidirectional(stream)) { /* RFC 9114 6.2.1: critical streams are never stopped */
        vel_http_fail(&session->common, VEL_H3_CLOSED_CRITICAL_STREAM,
                      "peer stopped a critical stream");
        return;
    }
    struct vel_exchange *exchange = vel_exchange_find(&session->common, stream);
    if (exchange == NULL)
        return;
    if (!session->common.client) {
        vel_http_count_abandoned(&session->common);
        vel_exchange_abort(exchange, code, true);
        return;
    }
    /* The server needs no more of the request; its answer still counts (RFC 9114 4.1). */
    nghttp3_conn_shutdown_stream_write(session->h3, (int64_t)stream);
    vel_exchange_end_source(exchange);
    exchange->sent_end = true;
    enum vel_err ignored = session->streams.ops->reset(session->streams.self, stream, code);
    (void)ignored; /* the transport may have done so itself */
}

static void stream_closed(struct vel_h3 *session, uint64_t stream)
{
    struct vel_exchange *exchange = vel_exchange_find(&session->common, stream);
    if (exchange != NULL) {
        vel_exchange_finished(exchange);
        return;
    }
    int error = nghttp3_conn_close_stream(session->h3, (int64_t)stream, VEL_H3_NO_ERROR);
    if (error != 0 && error != NGHTTP3_ERR_STREAM_NOT_FOUND)
        vel_h3_fail_with(session, error);
}

static void writable(struct vel_h3 *session, uint64_t stream)
{
    int error = nghttp3_conn_unblock_stream(session->h3, (int64_t)stream);
    if (error != 0)
        vel_h3_fail_with(session, error);
}

static void handle(struct vel_h3 *session, const struct vel_event *event)
{
    switch (event->type) {
    case VEL_EVENT_STREAM_OPENED:
        opened(session, event->stream);
        break;
    case VEL_EVENT_STREAM_READABLE:
        vel_h3_read(session, event->stream);
        break;
    case VEL_EVENT_STREAM_WRITABLE:
        writable(session, event->stream);
        break;
    case VEL_EVENT_STREAM_RESET:
        reset_by_peer(session, event->stream, event->code);
        break;
    case VEL_EVENT_STREAM_STOPPED:
        stopped_by_peer(session, event->stream, event->code);
        break;
    case VEL_EVENT_STREAM_CLOSED:
        stream_closed(session, event->stream);
        break;
    case VEL_EVENT_CLOSED:
        show_the_rest(session);
        session->common.closed = true;
        break;
    case VEL_EVENT_CONNECTED:
    case VEL_EVENT_STREAMS_AVAILABLE:
    case VEL_EVENT_DATAGRAM:
    case VEL_EVENT_NEW_TOKEN:
    case VEL_EVENT_MIGRATED:
    case VEL_EVENT_MIGRATION_FAILED:
        break;
    }
}

static void h3_event(struct vel_http *http, const struct vel_event *event)
{
    if (http->closed || (http->failed && event->type != VEL_EVENT_CLOSED))
        return;
    handle(vel_h3_of(http), event);
    vel_http_settle(http);
}

static void h3_read_on(struct vel_exchange *exchange)
{
    vel_h3_read(vel_h3_of(exchange->http), exchange->stream);
}

static void h3_send(struct vel_http *http)
{
    if (http->closed || http->failed) {
        vel_http_settle(http);
        return;
    }
    do {
        if (http->attention)
            vel_http_attend(http);
        vel_h3_write(vel_h3_of(http));
        vel_http_settle(http);
    } while (http->attention && !http->failed);
    if (http->finishing && http->active == 0 && !http->failed)
        vel_http_fail(http, VEL_H3_NO_ERROR, "finished");
    vel_http_settle(http);
}

static void h3_finish(struct vel_http *http)
{
    struct vel_h3 *session = vel_h3_of(http);
    int error = nghttp3_conn_shutdown(session->h3);
    if (error != 0)
        vel_h3_fail_with(session, error);
}

static void h3_failed(struct vel_http *http, uint64_t code, const char *reason)
{
    struct vel_h3 *session = vel_h3_of(http);
    session->streams.ops->close(session->streams.self, code, reason);
}

static const struct vel_http_ops h3_ops = {
    .version = VEL_HTTP_3,
    .exchange_size = sizeof(struct vel_h3_exchange),
    .free = h3_free,
    .request = vel_h3_request,
    .respond = vel_h3_respond,
    .respond_whole = vel_h3_respond_whole,
    .read_on = h3_read_on,
    .resume_body = vel_h3_resume_body,
    .aborted = vel_h3_aborted,
    .release = vel_h3_release,
    .finish = h3_finish,
    .failed = h3_failed,
    .event = h3_event,
    .send = h3_send,
};
