/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "http/bytes_source.h"
#include "http/prepared.h"
#include "http/session.h"

vel_result vel_exchange_new(struct vel_http *http, uint64_t stream, struct vel_exchange **exchange)
{
    struct vel_exchange *fresh = vel_alloc(http->env, http->ops->exchange_size);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->http = http;
    fresh->stream = stream;
    fresh->code = VEL_H3_NO_ERROR;
    vel_headers_init(&fresh->head, http->env);
    struct vel_exchange **bucket = &http->buckets[vel_exchange_bucket(stream)];
    fresh->next = *bucket;
    *bucket = fresh;
    http->active++;
    *exchange = fresh;
    return VEL_OK;
}

/* To be swept. */
static void list(struct vel_exchange *exchange)
{
    if (exchange->listed)
        return;
    exchange->listed = true;
    exchange->next_over = exchange->http->over;
    exchange->http->over = exchange;
}

void vel_exchange_abort(struct vel_exchange *exchange, uint64_t code, bool by_peer)
{
    struct vel_http *http = exchange->http;
    if (exchange->cancelled || exchange->finished)
        return;
    exchange->cancelled = true;
    vel_exchange_awaits_none(exchange);
    exchange->by_peer = by_peer;
    exchange->code = code;
    list(exchange);
    if (http->ops->aborted != NULL && !http->failed && !http->closed)
        http->ops->aborted(exchange);
}

void vel_exchange_finished(struct vel_exchange *exchange)
{
    exchange->finished = true;
    vel_exchange_awaits_none(exchange);
    list(exchange);
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
    vel_exchange_awaits_none(exchange);
    vel_exchange_end_source(exchange);
    vel_http_pieces_orphan(exchange);
    http->ops->release(exchange);
    vel_exchange_forget_head(exchange);
    http->active--;
    vel_release(http->env, exchange, http->ops->exchange_size);
}

static void unlink_exchange(struct vel_exchange *exchange)
{
    struct vel_exchange **link = &exchange->http->buckets[vel_exchange_bucket(exchange->stream)];
    while (*link != exchange)
        link = &(*link)->next;
    *link = exchange->next;
}

void vel_exchange_sweep(struct vel_http *http, bool all)
{
    if (all)
        vel_exchange_each(http, list);
    /* Closing one may list others, and start requests. */
    while (http->over != NULL) {
        struct vel_exchange *exchange = http->over;
        http->over = exchange->next_over;
        unlink_exchange(exchange);
        exchange->cancelled = exchange->cancelled || !exchange->finished;
        tell_closed(exchange);
        free_exchange(exchange);
    }
}

void vel_exchange_each(struct vel_http *http, void (*visit)(struct vel_exchange *exchange))
{
    for (size_t i = 0; i < VEL_HTTP_BUCKETS; i++)
        for (struct vel_exchange *e = http->buckets[i]; e != NULL; e = e->next)
            visit(e);
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

static void open_source(struct vel_exchange *exchange, const struct vel_body_source *body)
{
    if (body == NULL)
        return;
    exchange->source = *body;
    exchange->source_open = true;
}

static vel_result may_respond(const struct vel_exchange *exchange,
                              const struct vel_response *response)
{
    const struct vel_http *http = exchange->http;
    REQUIRE(!http->client && !exchange->answered, VEL_ERR_UNEXPECTED);
    REQUIRE(!exchange->cancelled && !http->failed && !http->closed, VEL_ERR_CLOSED);
    REQUIRE(response->status >= 200 && response->status <= 599, VEL_ERR_ARGUMENT);
    size_t prepared =
        response->prepared == NULL ? 0 : vel_prepared_fields(response->prepared).count;
    REQUIRE(prepared + response->fields.count < VEL_HTTP_MAX_FIELDS, VEL_ERR_LIMIT);
    return VEL_OK;
}

/* All fields in one list, in `space` if need be. */
static struct vel_response without_prepared(const struct vel_response *response,
                                            struct vel_field space[VEL_HTTP_MAX_FIELDS])
{
    if (response->prepared == NULL)
        return *response;
    struct vel_fields first = vel_prepared_fields(response->prepared);
    struct vel_fields last = response->fields;
    memcpy(space, first.items, first.count * sizeof *space);
    if (last.count > 0)
        memcpy(space + first.count, last.items, last.count * sizeof *space);
    return (struct vel_response){.status = response->status,
                                 .fields = {.items = space, .count = first.count + last.count}};
}

vel_result vel_exchange_respond(struct vel_exchange *exchange, const struct vel_response *response,
                                const struct vel_body_source *body)
{
    TRY(may_respond(exchange, response));
    struct vel_field space[VEL_HTTP_MAX_FIELDS];
    struct vel_response flat = without_prepared(response, space);
    TRY(exchange->http->ops->respond(exchange, &flat, body != NULL));
    exchange->answered = true;
    open_source(exchange, body);
    vel_http_wake(exchange->http);
    return VEL_OK;
}

vel_result vel_exchange_respond_bytes(struct vel_exchange *exchange,
                                      const struct vel_response *response, struct vel_slice bytes,
                                      vel_release_fn release, void *context)
{
    const struct vel_http_ops *ops = exchange->http->ops;
    TRY(may_respond(exchange, response));
    enum vel_err err = VEL_ERR_AGAIN;
    if (ops->respond_whole != NULL)
        err = ops->respond_whole(exchange, response, bytes, release, context);
    if (err == VEL_ERR_AGAIN) {
        struct vel_body_source source;
        TRY(vel_bytes_source_new(exchange->http->env, bytes, release, context, &source));
        err = vel_exchange_respond(exchange, response, &source);
        if (err != VEL_OK)
            vel_bytes_source_abandon(&source);
        return err;
    }
    if (err != VEL_OK) {
        vel_exchange_abort(exchange, VEL_H3_INTERNAL_ERROR, false); /* a part may be out */
        return err;
    }
    exchange->answered = true;
    exchange->sent_end = true;
    exchange->body_sent = bytes.len;
    return VEL_OK;
}

vel_result vel_http_request(struct vel_http *http, const struct vel_request *request,
                            const struct vel_body_source *body, void *user,
                            struct vel_exchange **exchange)
{
    REQUIRE(http->client, VEL_ERR_UNEXPECTED);
    REQUIRE(!http->failed && !http->closed && !http->finishing && !http->peer_finishing,
            VEL_ERR_CLOSED);
    REQUIRE(request->fields.count + VEL_HTTP_PSEUDO_FIELDS <= VEL_HTTP_MAX_FIELDS, VEL_ERR_LIMIT);
    struct vel_exchange *fresh;
    TRY(http->ops->request(http, request, body != NULL, &fresh));
    fresh->told = true;
    fresh->user = user;
    open_source(fresh, body);
    vel_http_wake(http);
    *exchange = fresh;
    return VEL_OK;
}

void vel_exchange_resume_body(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    if (http->failed || http->closed || exchange->cancelled)
        return;
    http->ops->resume_body(exchange);
    vel_http_wake(http);
}

void vel_exchange_pause(struct vel_exchange *exchange)
{
    exchange->paused = true;
    vel_exchange_awaits_none(exchange);
}

void vel_exchange_resume(struct vel_exchange *exchange)
{
    if (!exchange->paused)
        return;
    exchange->paused = false;
    exchange->read_waiting = true;
    exchange->http->attention = true;
    vel_http_wake(exchange->http);
}

void vel_exchange_cancel(struct vel_exchange *exchange, uint64_t code)
{
    vel_exchange_abort(exchange, code, false);
    vel_http_wake(exchange->http);
}
