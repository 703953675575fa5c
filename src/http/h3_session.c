/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "http/h3_internal.h"

void vel_h3_fail(struct vel_http *http, uint64_t code, const char *reason)
{
    if (http->failed || http->closed)
        return;
    http->failed = true;
    http->failure = reason;
    http->failure_code = code;
}

void vel_h3_fail_with(struct vel_http *http, int error)
{
    vel_h3_fail(http, nghttp3_err_infer_quic_app_error_code(error), nghttp3_strerror(error));
}

/* End of every call from outside: nothing of ours is on the stack. */
static void settle(struct vel_http *http)
{
    if (http->failed && http->failure != NULL) {
        const char *reason = http->failure;
        http->failure = NULL;
        http->streams.ops->close(http->streams.self, http->failure_code, reason);
    }
    if (http->failed || http->closed)
        vel_h3_exchange_sweep(http, true);
    else if (http->sweep)
        vel_h3_exchange_sweep(http, false);
}

static vel_result open_streams(struct vel_http *http)
{
    uint64_t id[3]; /* control, QPACK encoder, QPACK decoder */
    for (size_t i = 0; i < VEL_COUNT(id); i++)
        TRY(http->streams.ops->open(http->streams.self, false, &id[i]));
    int error = nghttp3_conn_bind_control_stream(http->h3, (int64_t)id[0]);
    if (error == 0)
        error = nghttp3_conn_bind_qpack_streams(http->h3, (int64_t)id[1], (int64_t)id[2]);
    REQUIRE(error == 0, VEL_ERR_NOMEM);
    return VEL_OK;
}

OWNED_POINTER(free_http, struct vel_http, vel_http_free)

vel_result vel_h3_new(const struct vel_env *env, struct vel_bytestreams streams, bool client,
                      const struct vel_http_events *events, struct vel_http **http)
{
    OWNED(free_http) struct vel_http *fresh = vel_alloc(env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->env = env;
    fresh->streams = streams;
    fresh->events = *events;
    fresh->client = client;
    fresh->mem = vel_h3_memory(env);
    nghttp3_settings settings;
    nghttp3_settings_default(&settings);
    settings.max_field_section_size = VEL_HTTP_MAX_FIELD_SECTION;
    settings.qpack_encoder_max_dtable_capacity = 0;
    int error =
        client
            ? nghttp3_conn_client_new(&fresh->h3, &vel_h3_callbacks, &settings, &fresh->mem, fresh)
            : nghttp3_conn_server_new(&fresh->h3, &vel_h3_callbacks, &settings, &fresh->mem, fresh);
    REQUIRE(error == 0, VEL_ERR_NOMEM);
    if (!client)
        nghttp3_conn_set_max_client_streams_bidi(fresh->h3, VEL_H3_STREAMS_AHEAD);
    TRY(open_streams(fresh));
    *http = GIVE(fresh);
    return VEL_OK;
}

void vel_http_free(struct vel_http *http)
{
    if (http == NULL)
        return;
    http->closed = true;
    vel_h3_exchange_sweep(http, true);
    vel_h3_pieces_forget_session(http);
    nghttp3_conn_del(http->h3);
    vel_release(http->env, http, sizeof *http);
}

/* ---- reading ---- */

static bool bidirectional(uint64_t stream)
{
    return (stream & 2) == 0; /* RFC 9000 2.1 */
}

/* Bytes of a stream that nothing here is interested in any more. */
static void drain(struct vel_http *http, uint64_t stream)
{
    struct vel_slice bytes;
    bool fin;
    while (http->streams.ops->read(http->streams.self, stream, &bytes, &fin) == VEL_OK &&
           bytes.len > 0)
        if (http->streams.ops->consume(http->streams.self, stream, bytes.len) != VEL_OK)
            return;
}

/* Give nghttp3 one slice; false when there is no more to read now. Body bytes are shown on the way,
 * so all of it is consumed. */
static bool read_some(struct vel_http *http, uint64_t stream, struct vel_exchange *exchange)
{
    struct vel_slice bytes;
    bool fin;
    if (http->streams.ops->read(http->streams.self, stream, &bytes, &fin) != VEL_OK)
        return false;
    if (bytes.len == 0 && !fin)
        return false;
    size_t size = VEL_MIN(bytes.len, (size_t)VEL_H3_READ_MAX);
    bool ends = fin && size == bytes.len;
    if (exchange != NULL && ends)
        exchange->read_end = true;
    nghttp3_ssize n = nghttp3_conn_read_stream(http->h3, (int64_t)stream, bytes.ptr, size, ends);
    if (n < 0) {
        vel_h3_fail_with(http, (int)n);
        return false;
    }
    if (size > 0 && http->streams.ops->consume(http->streams.self, stream, size) != VEL_OK)
        return false;
    return !ends;
}

void vel_h3_read(struct vel_http *http, uint64_t stream)
{
    struct vel_exchange *exchange = vel_h3_exchange_find(http, stream);
    if (bidirectional(stream) && (exchange == NULL || exchange->read_end)) {
        drain(http, stream);
        return;
    }
    while (!http->failed) {
        bool paused = exchange != NULL && exchange->paused && !http->last_look;
        if (paused || (exchange != NULL && exchange->cancelled))
            return;
        if (!read_some(http, stream, exchange))
            return;
    }
}

/* The connection ended, and its streams go with it: what arrived is shown now or never. */
static void show_the_rest(struct vel_http *http)
{
    http->last_look = true;
    for (size_t i = 0; i < VEL_H3_BUCKETS; i++)
        for (struct vel_exchange *e = http->buckets[i]; e != NULL && !http->failed; e = e->next)
            if (e->paused || e->read_waiting)
                vel_h3_read(http, e->stream);
}

/* ---- events ---- */

static void opened(struct vel_http *http, uint64_t stream)
{
    if (!bidirectional(stream))
        return;
    if (http->client) { /* RFC 9114 6.1 */
        vel_h3_fail(http, VEL_H3_STREAM_CREATION_ERROR, "server opened a bidirectional stream");
        return;
    }
    struct vel_exchange *exchange;
    if (vel_h3_exchange_find(http, stream) == NULL &&
        vel_h3_exchange_new(http, stream, &exchange) != VEL_OK)
        vel_h3_fail(http, VEL_H3_INTERNAL_ERROR, "out of memory");
    if (stream > http->last_stream) {
        http->last_stream = stream;
        nghttp3_conn_set_max_client_streams_bidi(http->h3, stream / 4 + VEL_H3_STREAMS_AHEAD);
    }
}

/* Requests that are started only to be abandoned cost us more than the client. */
static void count_abandoned(struct vel_http *http)
{
    http->abandoned++;
    if (http->abandoned > VEL_H3_ABANDONED_FREE + VEL_H3_ABANDONED_PER_DONE * http->done)
        vel_h3_fail(http, VEL_H3_EXCESSIVE_LOAD, "too many requests abandoned");
}

static void reset_by_peer(struct vel_http *http, uint64_t stream, uint64_t code)
{
    struct vel_exchange *exchange = vel_h3_exchange_find(http, stream);
    if (!bidirectional(stream)) {
        int error = nghttp3_conn_close_stream(http->h3, (int64_t)stream, code);
        if (error != 0 && error != NGHTTP3_ERR_STREAM_NOT_FOUND)
            vel_h3_fail_with(http, error);
        return;
    }
    if (exchange == NULL || exchange->received_end)
        return;
    if (!http->client)
        count_abandoned(http);
    vel_h3_exchange_abort(exchange, code, true);
}

static void stopped_by_peer(struct vel_http *http, uint64_t stream, uint64_t code)
{
    if (!bidirectional(stream)) { /* RFC 9114 6.2.1: critical streams are never stopped */
        vel_h3_fail(http, VEL_H3_CLOSED_CRITICAL_STREAM, "peer stopped a critical stream");
        return;
    }
    struct vel_exchange *exchange = vel_h3_exchange_find(http, stream);
    if (exchange == NULL)
        return;
    if (!http->client) {
        count_abandoned(http);
        vel_h3_exchange_abort(exchange, code, true);
        return;
    }
    /* The server needs no more of the request; its answer still counts (RFC 9114 4.1). */
    nghttp3_conn_shutdown_stream_write(http->h3, (int64_t)stream);
    vel_h3_exchange_end_source(exchange);
    exchange->sent_end = true;
    enum vel_err ignored = http->streams.ops->reset(http->streams.self, stream, code);
    (void)ignored; /* the transport may have done so itself */
}

static void stream_closed(struct vel_http *http, uint64_t stream)
{
    struct vel_exchange *exchange = vel_h3_exchange_find(http, stream);
    if (exchange != NULL) {
        exchange->finished = true;
        http->sweep = true;
        return;
    }
    int error = nghttp3_conn_close_stream(http->h3, (int64_t)stream, VEL_H3_NO_ERROR);
    if (error != 0 && error != NGHTTP3_ERR_STREAM_NOT_FOUND)
        vel_h3_fail_with(http, error);
}

static void writable(struct vel_http *http, uint64_t stream)
{
    int error = nghttp3_conn_unblock_stream(http->h3, (int64_t)stream);
    if (error != 0)
        vel_h3_fail_with(http, error);
}

static void handle(struct vel_http *http, const struct vel_event *event)
{
    switch (event->type) {
    case VEL_EVENT_STREAM_OPENED:
        opened(http, event->stream);
        break;
    case VEL_EVENT_STREAM_READABLE:
        vel_h3_read(http, event->stream);
        break;
    case VEL_EVENT_STREAM_WRITABLE:
        writable(http, event->stream);
        break;
    case VEL_EVENT_STREAM_RESET:
        reset_by_peer(http, event->stream, event->code);
        break;
    case VEL_EVENT_STREAM_STOPPED:
        stopped_by_peer(http, event->stream, event->code);
        break;
    case VEL_EVENT_STREAM_CLOSED:
        stream_closed(http, event->stream);
        break;
    case VEL_EVENT_CLOSED:
        show_the_rest(http);
        http->closed = true;
        break;
    case VEL_EVENT_CONNECTED:
    case VEL_EVENT_STREAMS_AVAILABLE:
        break;
    }
}

void vel_http_event(struct vel_http *http, const struct vel_event *event)
{
    if (http->closed || (http->failed && event->type != VEL_EVENT_CLOSED))
        return;
    handle(http, event);
    settle(http);
}

/* ---- writing ---- */

/* What pauses, starvation and lost sources left to do. */
static void attend(struct vel_http *http)
{
    http->attention = false;
    for (size_t i = 0; i < VEL_H3_BUCKETS; i++) {
        for (struct vel_exchange *e = http->buckets[i]; e != NULL; e = e->next) {
            if (e->source_failed)
                vel_h3_exchange_abort(e, VEL_H3_INTERNAL_ERROR, false);
            if (e->read_waiting && !e->paused) {
                e->read_waiting = false;
                vel_h3_read(http, e->stream);
            }
            if (e->starved && !http->starving) {
                e->starved = false;
                vel_exchange_resume_body(e);
            }
            if (http->failed)
                return;
        }
    }
}

void vel_http_send(struct vel_http *http)
{
    if (http->closed || http->failed) {
        settle(http);
        return;
    }
    do {
        if (http->attention)
            attend(http);
        vel_h3_write(http);
        settle(http);
    } while (http->attention && !http->failed);
    if (http->finishing && http->active == 0 && !http->failed)
        vel_h3_fail(http, VEL_H3_NO_ERROR, "finished");
    settle(http);
}

void vel_http_finish(struct vel_http *http)
{
    if (http->finishing || http->failed || http->closed)
        return;
    http->finishing = true;
    int error = http->client ? 0 : nghttp3_conn_shutdown(http->h3);
    if (error != 0)
        vel_h3_fail_with(http, error);
}

size_t vel_http_active(const struct vel_http *http)
{
    return http->active;
}
