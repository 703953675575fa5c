/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/try.h"
#include "http/h3_internal.h"

static struct vel_exchange **bucket_of(struct vel_http *http, uint64_t stream)
{
    return &http->buckets[(stream >> 2) % VEL_H3_BUCKETS]; /* the low bits are the stream's type */
}

struct vel_exchange *vel_h3_exchange_find(const struct vel_http *http, uint64_t stream)
{
    struct vel_exchange *exchange = http->buckets[(stream >> 2) % VEL_H3_BUCKETS];
    while (exchange != NULL && exchange->stream != stream)
        exchange = exchange->next;
    return exchange;
}

vel_result vel_h3_exchange_new(struct vel_http *http, uint64_t stream,
                               struct vel_exchange **exchange)
{
    struct vel_exchange *fresh = vel_alloc(http->env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->http = http;
    fresh->stream = stream;
    fresh->code = VEL_H3_NO_ERROR;
    vel_headers_init(&fresh->head, http->env);
    struct vel_exchange **bucket = bucket_of(http, stream);
    fresh->next = *bucket;
    *bucket = fresh;
    http->active++;
    *exchange = fresh;
    return VEL_OK;
}

void vel_h3_exchange_forget_head(struct vel_exchange *exchange)
{
    exchange->http->heads -= exchange->head.section_size;
    vel_headers_clear(&exchange->head);
}

void vel_h3_exchange_end_source(struct vel_exchange *exchange)
{
    if (!exchange->source_open)
        return;
    exchange->source_open = false;
    if (exchange->source.done != NULL)
        exchange->source.done(exchange->source.self);
}

void vel_h3_exchange_abort(struct vel_exchange *exchange, uint64_t code, bool by_peer)
{
    struct vel_http *http = exchange->http;
    if (exchange->cancelled || exchange->finished)
        return;
    exchange->cancelled = true;
    exchange->by_peer = by_peer;
    exchange->code = code;
    http->sweep = true;
    if (!http->failed && !http->closed)
        nghttp3_conn_shutdown_stream_write(http->h3, (int64_t)exchange->stream);
}

/* Only from the sweep: stopping a stream frees received bytes, which a callback may still be
 * looking at. Each call fails harmlessly where that direction is over. */
static void abandon_stream(struct vel_exchange *exchange)
{
    const struct vel_bytestreams *streams = &exchange->http->streams;
    enum vel_err ignored = streams->ops->stop(streams->self, exchange->stream, exchange->code);
    ignored = streams->ops->reset(streams->self, exchange->stream, exchange->code);
    (void)ignored;
}

static void tell_closed(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    struct vel_exchange_end end = {
        .complete = exchange->finished && !exchange->cancelled && exchange->received_end &&
                    exchange->sent_end,
        .by_peer = exchange->by_peer,
        .code = exchange->code,
        .body_sent = exchange->body_sent,
        .body_received = exchange->body_received,
    };
    if (end.complete)
        http->done++;
    else if (end.code == VEL_H3_NO_ERROR)
        end.code = VEL_H3_REQUEST_INCOMPLETE;
    if (exchange->told && http->events.closed != NULL)
        http->events.closed(http->events.self, exchange, &end);
}

static void free_exchange(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    vel_h3_exchange_end_source(exchange);
    vel_h3_pieces_orphan(exchange);
    if (!http->failed && !http->closed) {
        if (!exchange->finished)
            abandon_stream(exchange);
        int error = nghttp3_conn_close_stream(http->h3, (int64_t)exchange->stream, exchange->code);
        if (error != 0 && error != NGHTTP3_ERR_STREAM_NOT_FOUND)
            vel_h3_fail_with(http, error);
    }
    vel_h3_exchange_forget_head(exchange);
    http->active--;
    vel_release(http->env, exchange, sizeof *exchange);
}

void vel_h3_exchange_sweep(struct vel_http *http, bool all)
{
    /* Closing one may cancel others, which then sit in a bucket that was passed already. */
    do {
        http->sweep = false;
        for (size_t i = 0; i < VEL_H3_BUCKETS; i++) {
            struct vel_exchange **link = &http->buckets[i];
            while (*link != NULL) {
                struct vel_exchange *exchange = *link;
                if (!all && !exchange->cancelled && !exchange->finished) {
                    link = &exchange->next;
                    continue;
                }
                /* Unlinked first: the callback may start a request in the same bucket. */
                *link = exchange->next;
                exchange->cancelled = exchange->cancelled || !exchange->finished;
                tell_closed(exchange);
                free_exchange(exchange);
            }
        }
    } while (http->sweep);
}

/* ---- what the application calls ---- */

const struct vel_request *vel_exchange_request(const struct vel_exchange *exchange)
{
    return exchange->head_complete && !exchange->http->client ? &exchange->request : NULL;
}

const struct vel_response *vel_exchange_response(const struct vel_exchange *exchange)
{
    return exchange->head_complete && exchange->http->client ? &exchange->response : NULL;
}

void vel_exchange_set_user(struct vel_exchange *exchange, void *user)
{
    exchange->user = user;
}

void *vel_exchange_user(const struct vel_exchange *exchange)
{
    return exchange->user;
}

static nghttp3_nv name_value(struct vel_slice name, struct vel_slice value)
{
    return (nghttp3_nv){
        .name = name.ptr, .namelen = name.len, .value = value.ptr, .valuelen = value.len};
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

static void open_source(struct vel_exchange *exchange, const struct vel_body_source *body)
{
    if (body == NULL)
        return;
    exchange->source = *body;
    exchange->source_open = true;
}

vel_result vel_exchange_respond(struct vel_exchange *exchange, const struct vel_response *response,
                                const struct vel_body_source *body)
{
    struct vel_http *http = exchange->http;
    REQUIRE(!http->client && !exchange->answered, VEL_ERR_UNEXPECTED);
    REQUIRE(!exchange->cancelled && !http->failed && !http->closed, VEL_ERR_CLOSED);
    REQUIRE(response->status >= 200 && response->status <= 599, VEL_ERR_ARGUMENT);
    REQUIRE(response->fields.count < VEL_HTTP_MAX_FIELDS, VEL_ERR_LIMIT);
    char status[4];
    snprintf(status, sizeof status, "%u", response->status % 1000);
    nghttp3_nv fields[VEL_HTTP_MAX_FIELDS];
    fields[0] = name_value(vel_slice_text(":status"), vel_slice_text(status));
    for (size_t i = 0; i < response->fields.count; i++)
        fields[i + 1] = name_value(response->fields.items[i].name, response->fields.items[i].value);
    TRY(result_of(nghttp3_conn_submit_response(http->h3, (int64_t)exchange->stream, fields,
                                               response->fields.count + 1,
                                               body == NULL ? NULL : &vel_h3_body_reader)));
    exchange->answered = true;
    open_source(exchange, body);
    return VEL_OK;
}

void vel_h3_exchange_refuse(struct vel_exchange *exchange, unsigned status)
{
    static const struct vel_field none = {{(const uint8_t *)"content-length", 14},
                                          {(const uint8_t *)"0", 1}};
    struct vel_response response = {.status = status, .fields = {.items = &none, .count = 1}};
    if (vel_exchange_respond(exchange, &response, NULL) != VEL_OK)
        vel_h3_exchange_abort(exchange, VEL_H3_INTERNAL_ERROR, false);
}

vel_result vel_http_request(struct vel_http *http, const struct vel_request *request,
                            const struct vel_body_source *body, void *user,
                            struct vel_exchange **exchange)
{
    enum { PSEUDO = 4 };
    REQUIRE(http->client, VEL_ERR_UNEXPECTED);
    REQUIRE(!http->failed && !http->closed && !http->finishing && !http->peer_finishing,
            VEL_ERR_CLOSED);
    REQUIRE(request->fields.count + PSEUDO <= VEL_HTTP_MAX_FIELDS, VEL_ERR_LIMIT);
    nghttp3_nv fields[VEL_HTTP_MAX_FIELDS] = {
        name_value(vel_slice_text(":method"), request->method),
        name_value(vel_slice_text(":scheme"), request->scheme),
        name_value(vel_slice_text(":authority"), request->authority),
        name_value(vel_slice_text(":path"), request->path),
    };
    for (size_t i = 0; i < request->fields.count; i++)
        fields[i + PSEUDO] =
            name_value(request->fields.items[i].name, request->fields.items[i].value);
    uint64_t stream;
    TRY(http->streams.ops->open(http->streams.self, true, &stream));
    struct vel_exchange *fresh;
    TRY(vel_h3_exchange_new(http, stream, &fresh));
    enum vel_err err = result_of(nghttp3_conn_submit_request(
        http->h3, (int64_t)stream, fields, request->fields.count + PSEUDO,
        body == NULL ? NULL : &vel_h3_body_reader, fresh));
    if (err != VEL_OK) {
        vel_h3_exchange_abort(fresh, VEL_H3_INTERNAL_ERROR, false);
        return err;
    }
    fresh->told = true;
    fresh->user = user;
    open_source(fresh, body);
    *exchange = fresh;
    return VEL_OK;
}

void vel_exchange_resume_body(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    if (http->failed || http->closed || exchange->cancelled)
        return;
    int error = nghttp3_conn_resume_stream(http->h3, (int64_t)exchange->stream);
    if (error != 0)
        vel_h3_fail_with(http, error);
}

void vel_exchange_pause(struct vel_exchange *exchange)
{
    exchange->paused = true;
}

void vel_exchange_resume(struct vel_exchange *exchange)
{
    if (!exchange->paused)
        return;
    exchange->paused = false;
    exchange->read_waiting = true;
    exchange->http->attention = true;
}

void vel_exchange_cancel(struct vel_exchange *exchange, uint64_t code)
{
    vel_h3_exchange_abort(exchange, code, false);
}
