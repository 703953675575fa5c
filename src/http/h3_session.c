/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"
#include "http/h3_internal.h"

/* ---- our control stream ---- */

static vel_result write_all(struct vel_h3 *session, uint64_t stream, const struct vel_writer *w)
{
    size_t accepted;
    VEL_ASSERT(vel_write_ok(w)); /* sized for what is written */
    TRY(session->streams.ops->write(session->streams.self, stream, vel_writer_slice(w), false,
                                    &accepted));
    REQUIRE(accepted == vel_written(w), VEL_ERR_AGAIN);
    return VEL_OK;
}

/* RFC 9114 7.2.4. The table of QPACK has no room unless we say so. */
static struct vel_slice write_settings(uint8_t room[static VEL_H3_FRAME_HEADER], bool client)
{
    enum { MAX_FIELD_SECTION_SIZE = 0x06, ENABLE_CONNECT_PROTOCOL = 0x08 };
    struct vel_writer w = vel_writer(room, VEL_H3_FRAME_HEADER);
    vel_write_varint(&w, MAX_FIELD_SECTION_SIZE);
    vel_write_varint(&w, VEL_HTTP_MAX_FIELD_SECTION);
    if (!client) {
        vel_write_varint(&w, ENABLE_CONNECT_PROTOCOL); /* RFC 9220 */
        vel_write_varint(&w, 1);
    }
    return vel_writer_slice(&w);
}

static void trace_control(const struct vel_h3 *session, struct vel_slice settings)
{
    struct vel_reader r = vel_reader(settings);
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_STREAM, .stream = session->control);
    while (vel_left(&r) > 0) {
        struct vel_http_trace_setting setting = {.id = vel_read_varint(&r)};
        setting.value = vel_read_varint(&r);
        VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_SETTING, .stream = session->control,
                     .setting = setting);
    }
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_FRAME, .stream = session->control,
                 .frame = {.type = VEL_H3_SETTINGS, .length = settings.len});
}

/* RFC 9114 6.2.1. QPACK's two streams would have nothing to say without a table, so they are not
 * opened (RFC 9204 4.2). */
static vel_result open_control(struct vel_h3 *session)
{
    enum { CONTROL = 0x00 };
    uint8_t room[VEL_H3_FRAME_HEADER], bytes[2 * VEL_H3_FRAME_HEADER];
    struct vel_slice settings = write_settings(room, session->common.client);
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    TRY(session->streams.ops->open(session->streams.self, false, &session->control));
    vel_write_varint(&w, CONTROL);
    vel_write_varint(&w, VEL_H3_SETTINGS);
    vel_write_varint(&w, settings.len);
    vel_write_bytes(&w, settings);
    TRY(write_all(session, session->control, &w));
    trace_control(session, settings);
    return VEL_OK;
}

static void h3_free(struct vel_http *http)
{
    vel_release(http->env, vel_h3_of(http), sizeof(struct vel_h3));
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
    fresh->goaway = VEL_H3_NO_STREAM;
    fresh->peer_goaway = VEL_H3_NO_STREAM;
    fresh->heads_due = VEL_NEVER;
    TRY(open_control(fresh));
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

/* Take one slice; false when there is no more to read now. Body bytes are shown on the way. */
static bool read_some(struct vel_h3 *session, uint64_t stream, struct vel_exchange *exchange)
{
    struct vel_h3_exchange *e = vel_h3_exchange_of(exchange);
    struct vel_slice bytes;
    bool fin;
    if (session->streams.ops->read(session->streams.self, stream, &bytes, &fin) != VEL_OK)
        return false;
    if (bytes.len == 0 && !fin)
        return false;
    size_t size = VEL_MIN(bytes.len, (size_t)VEL_H3_READ_MAX);
    bool body = e->phase != VEL_H3_HEAD;
    size_t taken = vel_h3_bytes_came(e, vel_slice(bytes.ptr, size));
    if (body)
        vel_http_moved(&session->common, taken, session->now, VEL_HTTP_BODY_TIMEOUT);
    bool ends = fin && taken == bytes.len;
    if (ends)
        vel_h3_end_came(e);
    if (taken > 0 && session->streams.ops->consume(session->streams.self, stream, taken) != VEL_OK)
        return false;
    return taken > 0 && !ends;
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
    session->reading = exchange;
    while (!session->common.failed && may_read(exchange, session->last_look) &&
           read_some(session, stream, exchange))
        ;
    session->reading = NULL;
    if (vel_h3_exchange_of(exchange)->phase != VEL_H3_HEAD)
        vel_exchange_await_body(exchange, session->now, VEL_HTTP_BODY_TIMEOUT);
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

/* The first PRIORITY_UPDATE may be faster than its request (RFC 9218 7). */
static void take_early_priority(struct vel_h3 *session, struct vel_h3_exchange *e)
{
    for (size_t i = 0; i < VEL_H3_EARLY_MAX; i++) {
        struct vel_h3_early *early = &session->early[i];
        if (!early->priority.told || early->stream != e->common.stream)
            continue;
        e->priority = early->priority;
        e->prioritized = true;
        early->priority.told = false;
    }
}

static void request_opened(struct vel_h3 *session, uint64_t stream)
{
    struct vel_exchange *exchange;
    if (vel_exchange_find(&session->common, stream) != NULL)
        return;
    if (vel_exchange_new(&session->common, stream, &exchange) != VEL_OK) {
        vel_http_fail(&session->common, VEL_H3_INTERNAL_ERROR, "out of memory");
        return;
    }
    struct vel_h3_exchange *e = vel_h3_exchange_of(exchange);
    e->length = VEL_H3_LENGTH_UNKNOWN;
    take_early_priority(session, e);
    vel_h3_await_head(e);
    session->next_stream = VEL_MAX(session->next_stream, stream + 4);
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_STREAM, .remote = true, .stream = stream,
                 .stream_type = VEL_HTTP_TRACE_REQUEST);
    if (stream >= session->goaway) /* RFC 9114 5.2 */
        vel_exchange_abort(exchange, VEL_H3_REQUEST_REJECTED, false);
}

static void opened(struct vel_h3 *session, uint64_t stream)
{
    if (!bidirectional(stream))
        return;
    if (session->common.client) /* RFC 9114 6.1 */
        vel_http_fail(&session->common, VEL_H3_STREAM_CREATION_ERROR,
                      "server opened a bidirectional stream");
    else
        request_opened(session, stream);
}

static void critical_stream_is_over(struct vel_h3 *session, uint64_t stream)
{
    if (vel_h3_uni_is_critical(&session->uni, stream))
        vel_http_fail(&session->common, VEL_H3_CLOSED_CRITICAL_STREAM,
                      "peer reset a critical stream");
}

static void reset_by_peer(struct vel_h3 *session, uint64_t stream, uint64_t code)
{
    struct vel_exchange *exchange = vel_exchange_find(&session->common, stream);
    if (!bidirectional(stream)) {
        vel_h3_uni_forget(&session->uni, stream);
        critical_stream_is_over(session, stream);
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
    vel_exchange_end_source(exchange);
    exchange->sent_end = true;
    enum vel_err ignored = session->streams.ops->reset(session->streams.self, stream, code);
    (void)ignored; /* the transport may have done so itself */
}

static void stream_closed(struct vel_h3 *session, uint64_t stream)
{
    struct vel_exchange *exchange = vel_exchange_find(&session->common, stream);
    if (exchange != NULL)
        vel_exchange_finished(exchange);
    else
        critical_stream_is_over(session, stream);
}

static void writable(struct vel_h3 *session, uint64_t stream)
{
    struct vel_exchange *exchange = vel_exchange_find(&session->common, stream);
    if (exchange != NULL)
        vel_h3_make_ready(vel_h3_exchange_of(exchange));
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
    case VEL_EVENT_PATHS:
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

/* RFC 9114 5.2: the first request that will not be processed, or the first push. */
static void h3_finish(struct vel_http *http)
{
    struct vel_h3 *session = vel_h3_of(http);
    uint8_t bytes[2 * VEL_H3_FRAME_HEADER];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    uint64_t id = http->client ? 0 : session->next_stream;
    vel_write_varint(&w, VEL_H3_GOAWAY);
    vel_write_varint(&w, vel_varint_size(id));
    vel_write_varint(&w, id);
    session->goaway = id;
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_FRAME, .stream = session->control,
                 .frame = {.type = VEL_H3_GOAWAY, .length = vel_varint_size(id), .id = id});
    if (write_all(session, session->control, &w) != VEL_OK)
        vel_http_fail(http, VEL_H3_INTERNAL_ERROR, "cannot say GOAWAY");
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
    .aborted = NULL, /* the sweep does it all */
    .release = vel_h3_release,
    .finish = h3_finish,
    .failed = h3_failed,
    .deadline = vel_h3_deadline,
    .expire = vel_h3_expire,
    .event = h3_event,
    .send = h3_send,
};
