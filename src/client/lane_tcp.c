/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/try.h"
#include "client/attempt_internal.h"
#include "runtime/http_link.h"
#include "velocity/system.h"

/* The ladder tells when it is too late; the stream must not end first. */
#define HANDSHAKE_TIMEOUT (3600 * SECOND)

/* HTTP over TLS over TCP, or over TCP alone. */
struct lane_tcp {
    struct vel_lane lane; /* first: a vel_lane points here */
    const struct vel_env *env;
    struct vel_http_link *link; /* NULL once it is over */
    struct vel_timer *timer;
    vel_time started, ready;
    bool plain;
    bool woken;
    struct vel_attempt_facts known;
};

static struct lane_tcp *of(struct vel_lane *lane)
{
    return (struct lane_tcp *)lane;
}

/* ---- how a stream ends ---- */

static const struct {
    enum vel_client_failure before; /* the connection was complete */
    enum vel_client_failure after;
} ends[] = {
    [VEL_TLS_STREAM_FINISHED] = {VEL_CLIENT_HANDSHAKE, VEL_CLIENT_OK},
    [VEL_TLS_STREAM_REFUSED] = {VEL_CLIENT_CONNECT, VEL_CLIENT_CONNECT},
    [VEL_TLS_STREAM_UNANSWERED] = {VEL_CLIENT_TIMEOUT, VEL_CLIENT_TIMEOUT},
    [VEL_TLS_STREAM_SLOW] = {VEL_CLIENT_TIMEOUT, VEL_CLIENT_TIMEOUT},
    [VEL_TLS_STREAM_REJECTED] = {VEL_CLIENT_HANDSHAKE, VEL_CLIENT_HANDSHAKE},
    [VEL_TLS_STREAM_BROKEN] = {VEL_CLIENT_HANDSHAKE, VEL_CLIENT_PROTOCOL},
    [VEL_TLS_STREAM_VIOLATION] = {VEL_CLIENT_HANDSHAKE, VEL_CLIENT_PROTOCOL},
    [VEL_TLS_STREAM_EXHAUSTED] = {VEL_CLIENT_MEMORY, VEL_CLIENT_MEMORY},
};

static enum vel_client_failure failure_of(const struct vel_tls_stream_end *end)
{
    if (end->failure.verdict.check != VEL_CERT_OK)
        return VEL_CLIENT_CERTIFICATE;
    if ((size_t)end->reason >= VEL_COUNT(ends))
        return VEL_CLIENT_PROTOCOL;
    return end->connected ? ends[end->reason].after : ends[end->reason].before;
}

static void keep_close(struct lane_tcp *self, const struct vel_tls_stream_end *end)
{
    struct vel_close *close = &self->known.close;
    const char *reason =
        end->failure.reason != NULL ? end->failure.reason : vel_tls_stream_reason_text(end->reason);
    self->known.closed = end->reason != VEL_TLS_STREAM_FINISHED || !end->connected;
    *close = (struct vel_close){
        .origin = VEL_CLOSE_LOCAL, .code = end->failure.wire_code, .verdict = end->failure.verdict};
    snprintf(close->reason, sizeof close->reason, "%s", reason);
}

/* ---- while it runs ---- */

static void turn(struct lane_tcp *self, vel_time now)
{
    self->woken = false;
    vel_client_flush(self->lane.client, now);
    vel_lane_turned(&self->lane, now);
    if (!self->woken && !self->lane.ended)
        vel_timer_set(self->timer, vel_client_deadline(self->lane.client));
}

static void on_time(void *self_pointer, vel_time now)
{
    struct lane_tcp *self = self_pointer;
    if (vel_client_deadline(self->lane.client) <= now)
        vel_client_expire(self->lane.client, now);
    turn(self, now);
}

static void wake(void *self_pointer)
{
    struct lane_tcp *self = self_pointer;
    self->woken = true;
    vel_timer_set(self->timer, 0);
}

static void keep_facts(struct lane_tcp *self)
{
    const struct vel_tls_stream *stream = vel_http_link_stream(self->link);
    const struct vel_handshake_facts *facts = vel_tls_stream_facts(stream);
    self->known.remote = self->lane.remote;
    if (facts != NULL)
        self->known.handshake = *facts;
    self->known.stats.handshake_time = self->ready - self->started;
    /* TCP's, and TLS 1.3's where there is one. */
    self->known.stats.handshake_round_trips = 1 + (facts == NULL ? 0 : facts->hello_retry ? 2 : 1);
}

static void on_ready(void *self_pointer, struct vel_http_link *link)
{
    struct lane_tcp *self = self_pointer;
    vel_time now = self->ready = vel_clock_now();
    struct vel_http *http = vel_http_link_session(link);
    keep_facts(self);
    self->known.http = vel_http_version(http);
    vel_client_attach(self->lane.client, http, now);
    vel_lane_answered(&self->lane, now);
    vel_lane_connected(&self->lane, now);
}

/* No more requests here, though the stream lasts a little longer. */
static void on_ended(void *self_pointer, struct vel_http_link *link)
{
    struct lane_tcp *self = self_pointer;
    (void)link;
    vel_client_detach(self->lane.client, VEL_CLIENT_OK, vel_clock_now());
    wake(self);
}

static void on_over(void *self_pointer, struct vel_http_link *link,
                    const struct vel_tls_stream_end *end)
{
    struct lane_tcp *self = self_pointer;
    enum vel_client_failure failure = failure_of(end);
    vel_time now = vel_clock_now();
    (void)link;
    keep_close(self, end);
    if (!self->lane.connected)
        self->lane.failure = (struct vel_rung_failure){failure, VEL_FALLBACK_NONE};
    vel_client_detach(self->lane.client, failure, now);
    vel_timer_set(self->timer, VEL_NEVER);
    vel_lane_turned(&self->lane, now);
    vel_lane_ended(&self->lane, now);
}

/* ---- making and ending ---- */

static void tcp_wake(struct vel_lane *lane)
{
    wake(of(lane));
}

static void tcp_close(struct vel_lane *lane, vel_time now)
{
    (void)now;
    vel_client_close(lane->client);
    vel_http_link_finish(of(lane)->link);
}

static void tcp_facts(const struct vel_lane *lane, struct vel_attempt_facts *facts)
{
    const struct lane_tcp *self = (const struct lane_tcp *)lane;
    struct vel_attempt_facts known = self->known;
    known.rung = facts->rung;
    known.connected = facts->connected;
    known.encrypted = facts->encrypted;
    known.remote = facts->remote;
    *facts = known;
}

static vel_result tcp_export(struct vel_lane *lane, const char *label, struct vel_slice context,
                             uint8_t *out, size_t size)
{
    return vel_tls_stream_export(vel_http_link_stream(of(lane)->link), label, context, out, size);
}

/* The link goes first: it closes the exchanges, which the client's transfers are told. */
static void tcp_free(struct vel_lane *lane)
{
    struct lane_tcp *self = of(lane);
    lane->ended = true;
    vel_http_link_free(self->link);
    if (lane->client != NULL)
        vel_client_detach(lane->client, VEL_CLIENT_OK, vel_clock_now());
    vel_client_free(lane->client);
    vel_timer_free(self->timer);
    vel_release(self->env, self, sizeof *self);
}

static const struct vel_lane_ops tcp_ops = {.free = tcp_free,
                                            .wake = tcp_wake,
                                            .close = tcp_close,
                                            .facts = tcp_facts,
                                            .export = tcp_export};

static vel_result open_parts(const struct vel_lane_setup *setup, struct lane_tcp *self,
                             vel_time now)
{
    const struct vel_config *config = setup->config;
    const struct vel_client_setup client = {.env = setup->env, .wake = wake, .self = self};
    TRY(vel_timer_new(setup->loop, on_time, self, &self->timer));
    TRY(vel_client_new(&client, NULL, now, &self->lane.client));
    const struct vel_http_link_setup link = {
        .stream = {.env = setup->env,
                   .loop = setup->loop,
                   .tls = setup->plain ? NULL : config->tls,
                   .server_name = config->server_name,
                   .alpn = config->alpn,
                   .alpn_count = config->alpn_count,
                   .unix_offset = config->unix_offset,
                   .prefer_chacha = config->prefer_chacha,
                   .handshake_timeout = HANDSHAKE_TIMEOUT},
        .http = {.events = vel_client_http_events(self->lane.client)},
        .events = {.ready = on_ready, .ended = on_ended, .over = on_over, .self = self}};
    return vel_http_link_connect(&link, &self->lane.remote, &self->link);
}

enum vel_err vel_lane_open_tcp(const struct vel_lane_setup *setup, struct vel_attempt *attempt,
                               const struct vel_addr *remote, vel_time now, struct vel_lane **lane)
{
    struct lane_tcp *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = setup->env;
    made->started = now;
    made->plain = setup->plain;
    made->lane = (struct vel_lane){.ops = &tcp_ops, .attempt = attempt, .remote = *remote};
    enum vel_err err = open_parts(setup, made, now);
    if (err != VEL_OK) {
        tcp_free(&made->lane);
        return err;
    }
    *lane = &made->lane;
    return VEL_OK;
}
