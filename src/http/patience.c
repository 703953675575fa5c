/* SPDX-License-Identifier: MIT */
#include "http/session.h"

void vel_exchange_await_body(struct vel_exchange *exchange, vel_time now, vel_time timeout)
{
    struct vel_http *http = exchange->http;
    if (http->client || exchange->owing || exchange->paused || exchange->cancelled ||
        exchange->received_end)
        return;
    exchange->owing = true;
    if (http->owing++ == 0)
        http->due = now + timeout;
}

void vel_exchange_awaits_none(struct vel_exchange *exchange)
{
    exchange->http->owing -= exchange->owing;
    exchange->owing = false;
}

void vel_http_moved(struct vel_http *http, size_t bytes, vel_time now, vel_time timeout)
{
    const vel_time each = SECOND / VEL_HTTP_MIN_RATE;
    vel_time full = now + timeout;
    bool plenty = bytes >= (size_t)(timeout / each);
    http->due = plenty ? full : VEL_MIN(http->due + (vel_time)bytes * each, full);
}

vel_time vel_http_body_due(const struct vel_http *http)
{
    return http->owing > 0 ? http->due : VEL_NEVER;
}

static void give_up(struct vel_exchange *exchange)
{
    if (exchange->owing)
        vel_exchange_abort(exchange, VEL_H3_REQUEST_CANCELLED, false);
}

void vel_http_give_up_bodies(struct vel_http *http)
{
    vel_exchange_each(http, give_up);
}
