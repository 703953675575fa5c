/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "http/h1_internal.h"

/* ---- the end of exchanges, and of the session ---- */

void vel_h1_end(struct vel_h1 *h1)
{
    h1->over = true;
    h1->ignoring = true;
}

void vel_h1_refuse(struct vel_h1 *h1, unsigned status)
{
    if (h1->over)
        return;
    h1->refusal = status;
    h1->ignoring = true;
    if (h1->current != NULL) { /* h1_release answers */
        uint64_t code = status == 500 ? VEL_H3_INTERNAL_ERROR : VEL_H3_MESSAGE_ERROR;
        vel_exchange_abort(&h1->current->base, code, status != 500);
        return;
    }
    if (!h1->http.client)
        vel_h1_write_refusal(h1, status);
    vel_h1_end(h1);
}

/* A server that answered before it had the whole request wants no more of it (RFC 9112 9.3). */
static void stop_sending(struct vel_h1 *h1)
{
    h1->current->base.sent_end = true;
    h1->close_after = true;
    h1->out.len = 0;
}

void vel_h1_advance(struct vel_h1 *h1)
{
    struct vel_h1_exchange *own = h1->current;
    if (own == NULL || own->base.cancelled)
        return;
    if (vel_h1_sent(h1))
        own->base.sent_end = true;
    if (h1->http.client && own->base.received_end && !own->base.sent_end)
        stop_sending(h1);
    bool enough = own->base.received_end || (!h1->http.client && h1->close_after);
    if (!own->base.sent_end || !enough)
        return;
    vel_exchange_finished(&own->base);
    h1->current = NULL;
    h1->phase = VEL_H1_AWAITING;
    h1->idle_since = h1->now;
    vel_h1_parser_reset(h1);
    if (h1->close_after || h1->http.finishing)
        vel_h1_end(h1);
    else if (h1->held_back)
        vel_http_wake(&h1->http);
}

/* An exchange that was given up takes the connection with it: there is no other way to say it. */
static void h1_release(struct vel_exchange *exchange)
{
    struct vel_h1 *h1 = vel_h1_of(exchange->http);
    const struct vel_h1_exchange *own = h1->current;
    if (own == NULL || &own->base != exchange)
        return;
    h1->current = NULL;
    if (!h1->http.client && !own->queued) {
        h1->out.len = 0;
        vel_h1_write_refusal(h1, h1->refusal != 0 ? h1->refusal : 500);
    }
    vel_h1_end(h1);
}

/* h1_release does it. */
static void h1_aborted(struct vel_exchange *exchange)
{
    (void)exchange;
}

static void h1_failed(struct vel_http *http, uint64_t code, const char *reason)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    (void)code;
    (void)reason;
    h1->current = NULL;
    vel_h1_end(h1);
}

static void h1_finish(struct vel_http *http)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    if (h1->current == NULL && h1->phase == VEL_H1_AWAITING)
        vel_h1_end(h1);
}

/* ---- what the peer sends ---- */

static bool takes_input(const struct vel_h1 *h1)
{
    const struct vel_h1_exchange *own = h1->current;
    if (h1->ignoring || h1->phase == VEL_H1_COMPLETE)
        return false;
    if (own == NULL)
        return !h1->http.client;
    return !own->base.paused && !own->base.cancelled;
}

/* Some of the bytes; how many. */
static size_t take(struct vel_h1 *h1, struct vel_slice bytes)
{
    bool body = h1->phase == VEL_H1_BODY;
    size_t taken = vel_h1_parse(h1, bytes);
    if (body)
        vel_http_moved(&h1->http, taken, h1->now, h1->body_timeout);
    vel_http_settle(&h1->http);
    return taken;
}

static void h1_receive(struct vel_http *http, struct vel_slice bytes, size_t *taken, vel_time now)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    size_t at = 0;
    h1->now = now;
    h1->received_at = now;
    while (at < bytes.len && takes_input(h1))
        at += take(h1, vel_slice(bytes.ptr + at, bytes.len - at));
    if (at < bytes.len && http->client && h1->current == NULL)
        vel_h1_end(h1); /* a response to nothing: who knows what it belongs to */
    *taken = h1->ignoring ? bytes.len : at;
    h1->held_back = *taken < bytes.len;
}

static void h1_read_on(struct vel_exchange *exchange)
{
    struct vel_h1 *h1 = vel_h1_of(exchange->http);
    h1->received_at = h1->now;
    vel_exchange_await_body(exchange, h1->now, h1->body_timeout);
    if (h1->phase == VEL_H1_BODY)
        (void)vel_h1_parse_body(h1, vel_slice("", 0));
    if (h1->held_back)
        vel_http_wake(&h1->http);
}

static void server_peer_ended(struct vel_h1 *h1)
{
    if (h1->phase == VEL_H1_COMPLETE)
        h1->close_after = true; /* the answer goes on */
    else if (h1->phase == VEL_H1_AWAITING)
        vel_h1_end(h1);
    else
        vel_h1_refuse(h1, 400);
}

/* RFC 9112 6.3: a body without a length ends with the connection; everything else was cut off, but for
 * an answer whose last bytes made the application pause. */
static void client_peer_ended(struct vel_h1 *h1, bool truncated)
{
    h1->close_after = true;
    h1->http.peer_finishing = true;
    if (h1->phase == VEL_H1_BODY && !h1->current->base.cancelled)
        (void)vel_h1_parse_body(h1, vel_slice("", 0));
    struct vel_h1_exchange *own = h1->current;
    if (own == NULL) {
        vel_h1_end(h1);
    } else if (h1->phase == VEL_H1_BODY && llhttp_message_needs_eof(&h1->parser) && !truncated) {
        vel_h1_message_came(h1);
    } else {
        vel_exchange_abort(&own->base, VEL_H3_REQUEST_INCOMPLETE, true);
    }
}

static void h1_receive_end(struct vel_http *http, bool truncated, vel_time now)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    h1->now = now;
    if (h1->over)
        return;
    if (http->client)
        client_peer_ended(h1, truncated);
    else
        server_peer_ended(h1);
    vel_http_settle(http);
}

/* ---- time ---- */

static vel_time receive_deadline(const struct vel_h1 *h1)
{
    bool paused = h1->current != NULL && h1->current->base.paused;
    switch (h1->phase) {
    case VEL_H1_AWAITING:
        return h1->current == NULL ? h1->idle_since + h1->idle_timeout : VEL_NEVER;
    case VEL_H1_LINE:
    case VEL_H1_FIELDS:
        return h1->http.client ? h1->received_at + h1->body_timeout
                               : h1->head_since + h1->head_timeout;
    case VEL_H1_BODY:
        if (h1->current != NULL &&
            h1->current->base.sent_end) /* the rest is worth no more than this */
            return h1->sent_at + h1->body_timeout;
        if (paused || h1->ignoring)
            return VEL_NEVER;
        return h1->http.client ? h1->received_at + h1->body_timeout : vel_http_body_due(&h1->http);
    case VEL_H1_COMPLETE:
        break;
    }
    return VEL_NEVER;
}

static vel_time h1_deadline(const struct vel_http *http)
{
    const struct vel_h1 *h1 = vel_h1_of(http);
    vel_time sending = h1->offered ? h1->sent_at + h1->body_timeout : VEL_NEVER;
    return h1->over ? sending : VEL_MIN(sending, receive_deadline(h1));
}

/* A peer that takes nothing is told nothing. */
static void cut(struct vel_h1 *h1)
{
    h1->cut = true;
    if (h1->current != NULL)
        vel_exchange_abort(&h1->current->base, VEL_H3_REQUEST_CANCELLED, true);
    vel_h1_end(h1);
}

static void h1_expire(struct vel_http *http, vel_time now)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    h1->now = now;
    if (now < h1_deadline(http))
        return;
    if (h1->over || (h1->offered && now >= h1->sent_at + h1->body_timeout))
        cut(h1);
    else if (h1->phase == VEL_H1_AWAITING)
        vel_h1_end(h1);
    else if (http->client)
        vel_exchange_abort(&h1->current->base, VEL_H3_REQUEST_CANCELLED, true);
    else
        vel_h1_refuse(h1, 408);
    vel_http_settle(http);
}

static bool h1_is_over(const struct vel_http *http)
{
    const struct vel_h1 *h1 = vel_h1_of(http);
    return h1->over && (h1->cut || h1->out.len == 0);
}

/* ---- life ---- */

/* Output asks its source each time. */
static void h1_resume_body(struct vel_exchange *exchange)
{
    (void)exchange;
}

static void h1_free(struct vel_http *http)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    vel_buf_free(&h1->line);
    vel_buf_free(&h1->name);
    vel_buf_free(&h1->value);
    vel_buf_free(&h1->out);
    vel_release(http->env, h1, sizeof *h1);
}

static const struct vel_http_ops h1_ops = {
    .version = VEL_HTTP_1_1,
    .exchange_size = sizeof(struct vel_h1_exchange),
    .free = h1_free,
    .request = vel_h1_request,
    .respond = vel_h1_respond,
    .read_on = h1_read_on,
    .resume_body = h1_resume_body,
    .aborted = h1_aborted,
    .release = h1_release,
    .finish = h1_finish,
    .failed = h1_failed,
    .receive = h1_receive,
    .receive_end = h1_receive_end,
    .output = vel_h1_output,
    .output_taken = vel_h1_output_taken,
    .is_over = h1_is_over,
    .deadline = h1_deadline,
    .expire = h1_expire,
};

static vel_time or_else(vel_time given, vel_time otherwise)
{
    return given > 0 ? given : otherwise;
}

vel_result vel_h1_new(const struct vel_http_stream_setup *setup, vel_time now,
                      struct vel_http **http)
{
    const struct vel_env *env = setup->env;
    struct vel_h1 *h1 = vel_alloc(env, sizeof *h1);
    REQUIRE(h1 != NULL, VEL_ERR_NOMEM);
    vel_http_init(&h1->http, &h1_ops, env, &setup->events, setup->client);
    h1->secure = setup->secure;
    h1->head_timeout = or_else(setup->head_timeout, VEL_HTTP_HEAD_TIMEOUT);
    h1->body_timeout = or_else(setup->body_timeout, VEL_HTTP_BODY_TIMEOUT);
    h1->idle_timeout = or_else(setup->idle_timeout, VEL_HTTP_IDLE_TIMEOUT);
    h1->now = h1->idle_since = h1->received_at = now;
    h1->line = (struct vel_buf){.env = env, .limit = VEL_H1_LINE_MAX};
    h1->name = (struct vel_buf){.env = env, .limit = VEL_HTTP_MAX_FIELD_SECTION};
    h1->value = (struct vel_buf){.env = env, .limit = VEL_HTTP_MAX_FIELD_SECTION};
    h1->out = (struct vel_buf){.env = env, .limit = VEL_H1_OUT_MAX};
    vel_h1_parser_reset(h1);
    *http = &h1->http;
    return VEL_OK;
}
