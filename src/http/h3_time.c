/* SPDX-License-Identifier: MIT */
#include "http/h3_internal.h"

/* Of a server alone. A client's owner has time-outs of its own. */

void vel_h3_await_head(struct vel_h3_exchange *e)
{
    struct vel_h3 *session = vel_h3_of(e->common.http);
    if (session->common.client)
        return;
    e->head_due = session->now + VEL_HTTP_HEAD_TIMEOUT;
    session->heads_due = VEL_MIN(session->heads_due, e->head_due);
}

static void look_at_head(struct vel_exchange *exchange)
{
    struct vel_h3 *session = vel_h3_of(exchange->http);
    const struct vel_h3_exchange *e = vel_h3_exchange_of(exchange);
    if (e->phase != VEL_H3_HEAD || exchange->cancelled)
        return;
    if (session->now < e->head_due)
        session->heads_due = VEL_MIN(session->heads_due, e->head_due);
    else
        vel_exchange_abort(exchange, VEL_H3_REQUEST_CANCELLED, false);
}

/* What came before the time was known came now. */
static void begin(struct vel_exchange *exchange)
{
    vel_h3_await_head(vel_h3_exchange_of(exchange));
}

vel_time vel_h3_deadline(const struct vel_http *http)
{
    const struct vel_h3 *session = (const struct vel_h3 *)http;
    if (http->client || http->failed || http->closed)
        return VEL_NEVER;
    return VEL_MIN(session->heads_due, vel_http_body_due(http));
}

void vel_h3_expire(struct vel_http *http, vel_time now)
{
    struct vel_h3 *session = vel_h3_of(http);
    bool first = session->now == VEL_H3_TIMELESS;
    session->now = now;
    if (first && http->active > 0) {
        vel_exchange_each(http, begin);
        http->due = now + VEL_HTTP_BODY_TIMEOUT;
    }
    if (now < vel_h3_deadline(http))
        return;
    session->heads_due = VEL_NEVER;
    vel_exchange_each(http, look_at_head);
    if (now >= vel_http_body_due(http))
        vel_http_give_up_bodies(http);
    vel_http_settle(http);
}
