/* SPDX-License-Identifier: MIT */
#include "http/session.h"

#include "base/try.h"

void vel_http_init(struct vel_http *http, const struct vel_http_ops *ops, const struct vel_env *env,
                   const struct vel_http_events *events, bool client)
{
    http->ops = ops;
    http->env = env;
    http->events = *events;
    http->client = client;
}

vel_result vel_http_new_on_stream(const struct vel_http_stream_setup *setup, vel_time now,
                                  struct vel_http **http)
{
    switch (setup->version) {
    case VEL_HTTP_1_1:
        return vel_h1_new(setup, now, http);
    case VEL_HTTP_2:
        return vel_h2_new(setup, now, http);
    case VEL_HTTP_3:
        break;
    }
    return VEL_ERR_ARGUMENT;
}

void vel_http_wake(struct vel_http *http)
{
    if (http->ops->output != NULL && http->events.wake != NULL)
        http->events.wake(http->events.self);
}

void vel_http_set_refusal_fields(struct vel_http *http, struct vel_fields fields)
{
    VEL_ASSERT(fields.count <= VEL_HTTP_MAX_FIELDS / 2); /* the server's own */
    http->refusal_fields = fields;
}

void vel_http_free(struct vel_http *http)
{
    if (http == NULL)
        return;
    http->closed = true;
    vel_exchange_sweep(http, true);
    vel_http_pieces_forget_session(http);
    http->ops->free(http);
}

void vel_http_fail(struct vel_http *http, uint64_t code, const char *reason)
{
    if (http->failed || http->closed)
        return;
    http->failed = true;
    http->failure = reason;
    http->failure_code = code;
}

void vel_http_settle(struct vel_http *http)
{
    if (http->failed && http->failure != NULL) {
        const char *reason = http->failure;
        http->failure = NULL;
        http->ops->failed(http, http->failure_code, reason);
    }
    if (http->failed || http->closed)
        vel_exchange_sweep(http, true);
    else if (http->over != NULL)
        vel_exchange_sweep(http, false);
}

static void attend(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    if (http->failed)
        return;
    if (exchange->source_failed)
        vel_exchange_abort(exchange, VEL_H3_INTERNAL_ERROR, false);
    if (exchange->read_waiting && !exchange->paused) {
        exchange->read_waiting = false;
        http->ops->read_on(exchange);
    }
    if (exchange->starved && !http->starving) {
        exchange->starved = false;
        vel_exchange_resume_body(exchange);
    }
}

void vel_http_attend(struct vel_http *http)
{
    http->attention = false;
    vel_exchange_each(http, attend);
}

void vel_http_count_abandoned(struct vel_http *http)
{
    http->abandoned++;
    if (http->abandoned > VEL_HTTP_ABANDONED_FREE + VEL_HTTP_ABANDONED_PER_DONE * http->done)
        vel_http_fail(http, VEL_H3_EXCESSIVE_LOAD, "too many requests abandoned");
}

size_t vel_http_active(const struct vel_http *http)
{
    return http->active;
}

enum vel_http_version vel_http_version(const struct vel_http *http)
{
    return http->ops->version;
}

void vel_http_finish(struct vel_http *http)
{
    if (http->finishing || http->failed || http->closed)
        return;
    http->finishing = true;
    http->ops->finish(http);
    vel_http_wake(http);
}

void vel_http_event(struct vel_http *http, const struct vel_event *event)
{
    http->ops->event(http, event);
}

void vel_http_send(struct vel_http *http)
{
    http->ops->send(http);
}

void vel_http_receive(struct vel_http *http, struct vel_slice bytes, size_t *taken, vel_time now)
{
    http->ops->receive(http, bytes, taken, now);
}

void vel_http_receive_end(struct vel_http *http, bool truncated, vel_time now)
{
    http->ops->receive_end(http, truncated, now);
}

struct vel_slice vel_http_output(struct vel_http *http, vel_time now)
{
    return http->ops->output(http, now);
}

void vel_http_output_taken(struct vel_http *http, size_t count, vel_time now)
{
    http->ops->output_taken(http, count, now);
}

bool vel_http_is_over(const struct vel_http *http)
{
    return http->ops->is_over(http);
}

vel_time vel_http_deadline(const struct vel_http *http)
{
    return http->ops->deadline(http);
}

void vel_http_expire(struct vel_http *http, vel_time now)
{
    http->ops->expire(http, now);
}
