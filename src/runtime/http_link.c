/* SPDX-License-Identifier: MIT */
#include "runtime/http_link.h"

#include "base/own.h"
#include "base/try.h"
#include "sys/fd.h"
#include "velocity/system.h"

struct vel_http_link {
    struct vel_http_link_setup setup;
    bool client;
    struct vel_addr remote;
    struct vel_tls_stream *stream;
    struct vel_http *http;   /* from `ready` until the session is over */
    struct vel_alarm *alarm; /* the session's time, and calls from outside */
    bool connected;
    bool woken;   /* the session has something to send, or takes bytes again */
    bool dropped; /* `over` is owed, without more from the stream */
    enum vel_tls_stream_reason drop_reason;
};

static void tell_over(struct vel_http_link *link, const struct vel_tls_stream_end *end)
{
    struct vel_http *http = GIVE(link->http);
    vel_alarm_set(link->alarm, VEL_NEVER);
    vel_http_free(http); /* its callbacks may look at the link */
    link->setup.events.over(link->setup.events.self, link, end);
}

/* ---- moving bytes and time ---- */

/* The session has had its say: the stream ends when that has gone out. What the peer still sends is
 * of no interest. */
static void end_session(struct vel_http_link *link)
{
    vel_http_free(GIVE(link->http));
    vel_alarm_set(link->alarm, VEL_NEVER);
    vel_tls_stream_finish(link->stream);
    vel_tls_stream_resume(link->stream);
    if (link->setup.events.ended != NULL)
        link->setup.events.ended(link->setup.events.self, link);
}

static void pump(struct vel_http_link *link, vel_time now)
{
    struct vel_slice bytes;
    while ((bytes = vel_http_output(link->http, now)).len > 0) {
        size_t taken = 0;
        if (vel_tls_stream_write(link->stream, bytes, &taken) != VEL_OK)
            return; /* the stream is over, and will say so */
        vel_http_output_taken(link->http, taken, now);
        if (taken < bytes.len)
            break;
    }
    if (vel_http_is_over(link->http))
        end_session(link);
    else
        vel_alarm_set(link->alarm, link->woken ? 0 : vel_http_deadline(link->http));
}

static size_t on_received(void *self, struct vel_slice bytes)
{
    struct vel_http_link *link = self;
    if (link->http == NULL)
        return bytes.len;
    vel_time now = vel_clock_now();
    size_t taken = 0;
    vel_http_receive(link->http, bytes, &taken, now);
    pump(link, now);
    return link->http == NULL ? bytes.len : taken;
}

/* After a truncation a client has nothing more to say. A request that came whole is answered all the
 * same. */
static void on_received_end(void *self, bool truncated)
{
    struct vel_http_link *link = self;
    if (link->http == NULL)
        return;
    vel_time now = vel_clock_now();
    vel_http_receive_end(link->http, truncated, now);
    if (truncated && link->client)
        end_session(link);
    else
        pump(link, now);
}

static void on_writable(void *self)
{
    struct vel_http_link *link = self;
    if (link->http != NULL)
        pump(link, vel_clock_now());
}

static void alarm_rang(void *self, vel_time now)
{
    struct vel_http_link *link = self;
    if (link->dropped) {
        const struct vel_tls_stream_end end = {.reason = link->drop_reason};
        tell_over(link, &end);
        return;
    }
    if (link->http == NULL)
        return;
    link->woken = false;
    if (now >= vel_http_deadline(link->http))
        vel_http_expire(link->http, now);
    /* A session that was paused takes bytes again; the rest of them come in the stream's turn. */
    vel_tls_stream_resume(link->stream);
    pump(link, now);
}

/* ---- what the session tells: passed on, but for the wake ---- */

static void on_head(void *self, struct vel_exchange *exchange)
{
    const struct vel_http_events *events = &((struct vel_http_link *)self)->setup.http.events;
    if (events->head != NULL)
        events->head(events->self, exchange);
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    const struct vel_http_events *events = &((struct vel_http_link *)self)->setup.http.events;
    if (events->body != NULL)
        events->body(events->self, exchange, bytes);
}

static void on_end(void *self, struct vel_exchange *exchange)
{
    const struct vel_http_events *events = &((struct vel_http_link *)self)->setup.http.events;
    if (events->end != NULL)
        events->end(events->self, exchange);
}

static void on_exchange_closed(void *self, struct vel_exchange *exchange,
                               const struct vel_exchange_end *end)
{
    const struct vel_http_events *events = &((struct vel_http_link *)self)->setup.http.events;
    if (events->closed != NULL)
        events->closed(events->self, exchange, end);
}

static void on_wake(void *self)
{
    struct vel_http_link *link = self;
    link->woken = true;
    vel_alarm_set(link->alarm, 0);
}

/* ---- beginning and end ---- */

static void drop(struct vel_http_link *link, enum vel_tls_stream_reason reason)
{
    link->dropped = true;
    link->drop_reason = reason;
    vel_alarm_set(link->alarm, 0);
}

static enum vel_http_version negotiated(const struct vel_tls_stream *stream)
{
    const struct vel_handshake_facts *facts = vel_tls_stream_facts(stream);
    bool h2 = facts != NULL && facts->alpn_len == 2 && memcmp(facts->alpn, "h2", 2) == 0;
    return h2 ? VEL_HTTP_2 : VEL_HTTP_1_1;
}

static void on_connected(void *self)
{
    struct vel_http_link *link = self;
    vel_time now = vel_clock_now();
    struct vel_http_stream_setup setup = link->setup.http;
    setup.env = link->setup.stream.env;
    setup.version = negotiated(link->stream);
    setup.client = link->client;
    setup.secure = link->setup.stream.tls != NULL;
    setup.remote = link->remote;
    setup.events = (struct vel_http_events){.head = on_head,
                                            .body = on_body,
                                            .end = on_end,
                                            .closed = on_exchange_closed,
                                            .wake = on_wake,
                                            .self = link};
    link->connected = true;
    if (vel_http_new_on_stream(&setup, now, &link->http) != VEL_OK) {
        drop(link, VEL_TLS_STREAM_EXHAUSTED);
        return;
    }
    on_wake(link);
    if (link->setup.events.ready != NULL)
        link->setup.events.ready(link->setup.events.self, link);
}

static void on_closed(void *self, const struct vel_tls_stream_end *end)
{
    tell_over(self, end);
}

void vel_http_link_cut_off(struct vel_http_link *link)
{
    vel_http_free(GIVE(link->http));
}

void vel_http_link_free(struct vel_http_link *link)
{
    if (link == NULL)
        return;
    vel_http_link_cut_off(link);
    vel_tls_stream_free(link->stream);
    vel_alarm_free(link->alarm);
    vel_release(link->setup.stream.env, link, sizeof *link);
}

OWNED_POINTER(drop_link, struct vel_http_link, vel_http_link_free)

static vel_result make(const struct vel_http_link_setup *setup, const struct vel_addr *remote,
                       bool client, struct vel_http_link **out)
{
    OWNED(drop_link) struct vel_http_link *made = vel_alloc(setup->stream.env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    made->client = client;
    made->remote = *remote;
    made->setup.stream.events = (struct vel_tls_stream_events){.connected = on_connected,
                                                               .received = on_received,
                                                               .received_end = on_received_end,
                                                               .writable = on_writable,
                                                               .closed = on_closed,
                                                               .self = made};
    TRY(vel_alarm_new(setup->stream.loop, alarm_rang, made, &made->alarm));
    *out = GIVE(made);
    return VEL_OK;
}

vel_result vel_http_link_connect(const struct vel_http_link_setup *setup,
                                 const struct vel_addr *remote, struct vel_http_link **link)
{
    OWNED(drop_link) struct vel_http_link *made = NULL;
    TRY(make(setup, remote, true, &made));
    TRY(vel_tls_stream_connect(&made->setup.stream, remote, &made->stream));
    *link = GIVE(made);
    return VEL_OK;
}

vel_result vel_http_link_accept(const struct vel_http_link_setup *setup, int fd,
                                const struct vel_addr *remote, struct vel_http_link **link)
{
    OWNED(drop_link) struct vel_http_link *made = NULL;
    enum vel_err err = make(setup, remote, false, &made);
    if (err == VEL_OK)
        err = vel_tls_stream_accept(&made->setup.stream, vel_fd_give(&fd), remote, &made->stream);
    vel_fd_close(&fd);
    TRY(err);
    *link = GIVE(made);
    return VEL_OK;
}

struct vel_http *vel_http_link_session(const struct vel_http_link *link)
{
    return link->http;
}

const struct vel_tls_stream *vel_http_link_stream(const struct vel_http_link *link)
{
    return link->stream;
}

void vel_http_link_finish(struct vel_http_link *link)
{
    if (!link->connected) {
        drop(link, VEL_TLS_STREAM_FINISHED);
    } else if (link->http != NULL) {
        vel_http_finish(link->http);
        on_wake(link);
    }
}
