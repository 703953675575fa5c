/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/h2_internal.h"

/* Whatever moves only puts its deadline off, so the session's may be early: vel_h2_expire looks at
 * each and sets the next. */

void vel_h2_due(struct vel_h2 *session, vel_time since, vel_time timeout)
{
    if (since != VEL_NEVER)
        session->deadline = VEL_MIN(session->deadline, since + timeout);
}

void vel_h2_moved(struct vel_exchange *exchange)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    vel_h2_exchange_of(exchange)->moved = session->now;
    vel_h2_due(session, session->now, session->body_timeout);
}

/* The peer owes us bytes, or room for ours. Bodies of requests that are wanted: http/patience.c. */
static bool waits_for_peer(struct vel_exchange *exchange)
{
    struct vel_h2_exchange *e = vel_h2_exchange_of(exchange);
    bool coming = !exchange->received_end && !exchange->paused && !e->held_end &&
                  (exchange->http->client || e->unwanted);
    bool going = (exchange->answered || exchange->http->client) && !exchange->sent_end &&
                 !e->source_waits && !exchange->starved;
    return coming || going;
}

static void look_at_exchange(struct vel_exchange *exchange)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    if (exchange->cancelled || exchange->finished || !waits_for_peer(exchange))
        return;
    vel_time since = vel_h2_exchange_of(exchange)->moved;
    if (session->now - since < session->body_timeout)
        vel_h2_due(session, since, session->body_timeout);
    else if (vel_h2_exchange_of(exchange)->unwanted)
        vel_h2_stop_request(exchange);
    else
        vel_exchange_abort(exchange, VEL_H3_REQUEST_CANCELLED, false);
}

static bool elapsed(struct vel_h2 *session, vel_time since, vel_time timeout)
{
    if (since != VEL_NEVER && session->now - since >= timeout)
        return true;
    vel_h2_due(session, since, timeout);
    return false;
}

vel_time vel_h2_deadline(const struct vel_http *http)
{
    const struct vel_h2 *session = (const struct vel_h2 *)http;
    return session->dead ? VEL_NEVER : VEL_MIN(session->deadline, vel_http_body_due(http));
}

void vel_h2_expire(struct vel_http *http, vel_time now)
{
    struct vel_h2 *session = vel_h2_of(http);
    session->now = now;
    if (now < vel_h2_deadline(http))
        return;
    session->deadline = VEL_NEVER;
    bool waiting = session->output_taken < session->output.len;
    if (waiting && elapsed(session, session->output_moved, session->body_timeout)) {
        session->dead = true; /* the peer does not read: there is no telling it */
        http->closed = true;
    } else if (!session->greeted && elapsed(session, session->started, session->head_timeout)) {
        vel_http_fail(http, VEL_H3_MISSING_SETTINGS, "no SETTINGS came");
    } else if (elapsed(session, session->head_since, session->head_timeout)) {
        vel_http_fail(http, VEL_H3_EXCESSIVE_LOAD, "a header section took too long");
    } else if (elapsed(session, session->idle_since, session->idle_timeout)) {
        vel_http_fail(http, VEL_H3_NO_ERROR, "idle");
    } else {
        vel_exchange_each(http, look_at_exchange);
        if (now >= vel_http_body_due(http))
            vel_http_give_up_bodies(http);
    }
    if (http->failed)
        vel_h2_due(session, now, session->body_timeout); /* for the last words */
    vel_http_settle(http);
}
