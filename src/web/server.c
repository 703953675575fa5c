/* SPDX-License-Identifier: MIT */
#include "web/server.h"

#include "base/try.h"
#include "base/units.h"
#include "web/reply.h"
#include "web/requests.h"

/* Sessions are looked at for slow clients no more often than this. */
#define BETWEEN_LOOKS (1 * SECOND)

struct session {
    struct vel_web_server *server;
    struct vel_conn *conn;
    struct vel_http *http;
    struct session *next, *prev;
    struct vel_web_tally tally;
    bool dirty; /* something to write that no event tells of */
};

struct vel_web_server {
    struct vel_web_server_setup setup;
    struct vel_web_requests requests;
    size_t session_count;
    struct session *sessions;
    vel_time now;
    vel_time look;     /* when some session is to be looked at; may be early */
    vel_time not_till; /* `look` is not before */
    bool dirty;        /* some session is */
    bool finishing;
};

/* ---- what a session tells ---- */

static vel_result export_from(void *self, const char *label, struct vel_slice context, uint8_t *out,
                              size_t size)
{
    const struct session *session = self;
    return vel_conn_export(session->conn, label, context, out, size);
}

static struct vel_web_caller caller_of(struct session *session)
{
    const struct vel_handshake_facts *facts = vel_conn_facts(session->conn);
    return (struct vel_web_caller){
        .protocol = vel_slice(facts->alpn, facts->alpn_len),
        .binding = {.facts = facts,
                    .remote = vel_conn_remote(session->conn),
                    .export = export_from,
                    .self = session},
    };
}

/* A pin is announced only where there will be a record for whoever comes back. */
static struct vel_fields announcements(const struct session *session,
                                       const struct vel_exchange *exchange)
{
    const struct vel_web_server_setup *setup = &session->server->setup;
    struct vel_slice authority = vel_exchange_request(exchange)->authority;
    if (!vel_version_is_velocity(vel_conn_facts(session->conn)->version))
        return setup->on_tls;
    if (setup->fallback == NULL || !vel_web_fallback_is_at(setup->fallback, authority))
        return (struct vel_fields){0};
    return setup->on_velocity;
}

static void on_head(void *self, struct vel_exchange *exchange)
{
    struct session *session = self;
    struct vel_web_server *server = session->server;
    struct vel_web_caller caller = caller_of(session);
    caller.announced = announcements(session, exchange);
    session->tally.requests++;
    vel_web_request_came(&server->requests, &caller, exchange, server->now);
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end)
{
    struct session *session = self;
    struct vel_web_server *server = session->server;
    struct vel_web_caller caller = caller_of(session);
    session->tally.body_bytes += end->body_sent;
    vel_web_request_closed(&server->requests, &caller, exchange, end, server->now);
}

static void on_wake(void *self)
{
    struct session *session = self;
    session->dirty = true;
    session->server->dirty = true;
}

/* ---- sessions ---- */

static void log_connection(const struct session *session)
{
    const struct vel_web_requests *requests = &session->server->requests;
    const struct vel_handshake_facts *facts = vel_conn_facts(session->conn);
    struct vel_conn_stats stats;
    if (requests->log_connection == NULL)
        return;
    vel_conn_get_stats(session->conn, &stats);
    const struct vel_web_connection connection = {
        .remote = vel_conn_remote(session->conn),
        .protocol = vel_slice(facts->alpn, facts->alpn_len),
        .duration = session->server->now - session->tally.since,
        .tally = session->tally,
        .stats = &stats,
        .close = vel_conn_close_reason(session->conn)};
    requests->log_connection(requests->log_self, &connection);
}

static void end_session(struct session *session)
{
    struct vel_web_server *server = session->server;
    vel_http_free(session->http);
    log_connection(session);
    vel_conn_set_user(session->conn, NULL);
    if (session->prev != NULL)
        session->prev->next = session->next;
    else
        server->sessions = session->next;
    if (session->next != NULL)
        session->next->prev = session->prev;
    server->session_count--;
    vel_release(server->setup.env, session, sizeof *session);
}

static vel_result start_session(struct vel_web_server *server, struct vel_conn *conn,
                                struct session **out)
{
    const struct vel_env *env = server->setup.env;
    struct session *session = vel_alloc(env, sizeof *session);
    REQUIRE(session != NULL, VEL_ERR_NOMEM);
    session->server = server;
    session->conn = conn;
    session->tally.since = server->now;
    struct vel_http_events events = {
        .head = on_head, .closed = on_closed, .wake = on_wake, .self = session};
    enum vel_err err = vel_http_new(env, conn, &events, &session->http);
    if (err != VEL_OK) {
        vel_release(env, session, sizeof *session);
        return err;
    }
    session->next = server->sessions;
    if (session->next != NULL)
        session->next->prev = session;
    server->sessions = session;
    server->session_count++;
    vel_http_expire(session->http, server->now); /* tells the time */
    vel_http_set_refusal_fields(session->http, vel_reply_always());
    vel_conn_set_user(conn, session);
    if (server->finishing)
        vel_http_finish(session->http);
    *out = session;
    return VEL_OK;
}

static void note_deadline(struct vel_web_server *server, const struct session *session)
{
    vel_time due = VEL_MAX(vel_http_deadline(session->http), server->not_till);
    server->look = VEL_MIN(server->look, due);
}

void vel_web_server_events(struct vel_web_server *server, struct vel_conn *conn, vel_time now)
{
    server->now = now;
    struct session *session = vel_conn_user(conn);
    struct vel_event event;
    bool closed = false;
    if (session != NULL)
        vel_http_expire(session->http, now);
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED && session == NULL &&
            start_session(server, conn, &session) != VEL_OK)
            vel_conn_close(conn, VEL_H3_INTERNAL_ERROR, "cannot start HTTP/3");
        closed = closed || event.type == VEL_EVENT_CLOSED;
        if (session != NULL)
            vel_http_event(session->http, &event);
    }
    if (session == NULL)
        return;
    if (closed) {
        end_session(session);
        return;
    }
    vel_http_send(session->http);
    note_deadline(server, session);
}

/* The client of one that has nothing to say for itself may be slow. */
static void look_at_sessions(struct vel_web_server *server)
{
    server->look = VEL_NEVER;
    server->not_till = server->now + BETWEEN_LOOKS;
    for (struct session *session = server->sessions; session != NULL; session = session->next) {
        vel_http_expire(session->http, server->now);
        if (server->finishing)
            vel_http_send(session->http); /* this may have been the last thing it waited for */
        note_deadline(server, session);
    }
}

vel_time vel_web_server_deadline(const struct vel_web_server *server)
{
    return server->look;
}

void vel_web_server_flush(struct vel_web_server *server, vel_time now)
{
    server->now = now;
    if (now >= server->look)
        look_at_sessions(server);
    if (!server->dirty)
        return;
    server->dirty = false;
    for (struct session *session = server->sessions; session != NULL; session = session->next) {
        if (!session->dirty)
            continue;
        session->dirty = false;
        vel_http_send(session->http);
    }
}

void vel_web_server_finish(struct vel_web_server *server)
{
    server->finishing = true;
    for (struct session *session = server->sessions; session != NULL; session = session->next) {
        vel_http_finish(session->http);
        vel_http_send(session->http);
    }
}

/* ---- life ---- */

vel_result vel_web_server_new(const struct vel_web_server_setup *setup,
                              struct vel_web_server **server)
{
    struct vel_web_server *fresh = vel_alloc(setup->env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->setup = *setup;
    fresh->look = VEL_NEVER;
    fresh->requests = (struct vel_web_requests){.env = setup->env,
                                                .site = setup->site,
                                                .fallback = setup->fallback,
                                                .unix_offset = setup->unix_offset,
                                                .log = setup->log,
                                                .log_connection = setup->log_connection,
                                                .log_self = setup->log_self};
    *server = fresh;
    return VEL_OK;
}

void vel_web_server_free(struct vel_web_server *server)
{
    if (server == NULL)
        return;
    while (server->sessions != NULL)
        end_session(server->sessions);
    vel_release(server->setup.env, server, sizeof *server);
}

void vel_web_server_get_stats(const struct vel_web_server *server,
                              struct vel_web_server_stats *stats)
{
    *stats = server->requests.stats;
    stats->sessions = server->session_count;
}

struct vel_web_requests *vel_web_server_requests(struct vel_web_server *server)
{
    return &server->requests;
}
