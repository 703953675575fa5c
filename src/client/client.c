/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "client/exit.h"
#include "client/transfer_internal.h"

vel_result vel_client_new(const struct vel_client_setup *setup, struct vel_conn *conn, vel_time now,
                          struct vel_client **client)
{
    struct vel_client *fresh = vel_alloc(setup->env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->setup = *setup;
    fresh->conn = conn;
    fresh->start = fresh->now = now;
    if (conn != NULL)
        vel_conn_set_user(conn, fresh);
    *client = fresh;
    return VEL_OK;
}

/* ---- settling: nothing of the session is on the stack ---- */

void vel_client_stir(struct vel_client *client)
{
    client->dirty = true;
    if (client->setup.wake != NULL)
        client->setup.wake(client->setup.self);
}

/* Tell and free those that are over. Telling may fetch more, at the end of the list. */
static void reap(struct vel_client *client)
{
    struct vel_transfer **link = &client->transfers;
    while (*link != NULL) {
        struct vel_transfer *transfer = *link;
        if (transfer->state != VEL_TRANSFER_OVER) {
            link = &transfer->next;
            continue;
        }
        *link = transfer->next;
        client->busy--;
        transfer->sink.done(transfer->sink.self, transfer, &transfer->result);
        transfer->told = true;
        if (!vel_transfer_is_held(transfer)) {
            vel_transfer_free(transfer);
        } else {
            transfer->next = client->leaving;
            client->leaving = transfer;
        }
    }
}

static void start_queued(struct vel_client *client)
{
    client->start_queued = false;
    if (client->http == NULL || client->ended)
        return;
    for (struct vel_transfer *t = client->transfers; t != NULL; t = t->next) {
        if (t->state != VEL_TRANSFER_QUEUED)
            continue;
        enum vel_err err = vel_transfer_start(t);
        if (err == VEL_ERR_AGAIN)
            return;
        if (err != VEL_OK)
            vel_transfer_finish(t, err == VEL_ERR_NOMEM ? VEL_CLIENT_MEMORY : VEL_CLIENT_EMPTY);
    }
}

static void finish_all(struct vel_client *client, enum vel_client_failure failure)
{
    for (struct vel_transfer *t = client->transfers; t != NULL; t = t->next) {
        bool cut = t->result.status != 0 && failure != VEL_CLIENT_TIMEOUT;
        vel_transfer_finish(t, cut ? VEL_CLIENT_PARTIAL : failure);
    }
}

static void settle(struct vel_client *client)
{
    do {
        client->dirty = false;
        if (client->start_queued)
            start_queued(client);
        if (client->ended)
            finish_all(client, client->why == VEL_CLIENT_OK ? VEL_CLIENT_EMPTY : client->why);
        if (client->http != NULL && !client->borrowed)
            vel_http_send(client->http);
        reap(client);
    } while (client->dirty || client->start_queued);
}

/* ---- the connection ---- */

static void connected(struct vel_client *client)
{
    struct vel_http_events events = vel_client_http_events(client);
    client->connected = client->now;
    if (vel_http_new(client->setup.env, client->conn, &events, &client->http) != VEL_OK)
        vel_conn_close(client->conn, VEL_H3_INTERNAL_ERROR, "cannot start HTTP/3");
    client->start_queued = true;
}

static void over(struct vel_client *client, enum vel_client_failure why)
{
    if (client->ended)
        return;
    client->ended = true;
    client->why = why;
}

static void conn_closed(struct vel_client *client)
{
    client->close = *vel_conn_close_reason(client->conn);
    client->has_close = true;
    vel_conn_set_user(client->conn, NULL);
    over(client, vel_client_failure_of_close(&client->close, client->connected != 0));
    vel_http_free(client->http);
    client->http = NULL;
    client->conn = NULL;
}

void vel_client_events(struct vel_client *client, vel_time now)
{
    struct vel_event event;
    client->now = now;
    while (client->conn != NULL && vel_conn_next_event(client->conn, &event)) {
        if (event.type == VEL_EVENT_CONNECTED)
            connected(client);
        if (event.type == VEL_EVENT_STREAMS_AVAILABLE)
            client->start_queued = true;
        if (client->http != NULL)
            vel_http_event(client->http, &event);
        if (event.type == VEL_EVENT_CLOSED)
            conn_closed(client);
    }
    settle(client);
}

void vel_client_attach(struct vel_client *client, struct vel_http *http, vel_time now)
{
    client->now = client->connected = now;
    client->http = http;
    client->borrowed = true;
    client->start_queued = true;
    settle(client);
}

void vel_client_detach(struct vel_client *client, enum vel_client_failure why, vel_time now)
{
    client->now = now;
    client->http = NULL;
    over(client, why);
    settle(client);
}

void vel_client_flush(struct vel_client *client, vel_time now)
{
    client->now = now;
    if (client->dirty || client->start_queued)
        settle(client);
}

vel_result vel_client_fetch(struct vel_client *client, const struct vel_request *request,
                            const struct vel_body_source *body, const struct vel_sink *sink,
                            vel_time now)
{
    struct vel_transfer *transfer;
    REQUIRE(!client->ended, VEL_ERR_CLOSED);
    client->now = now;
    TRY(vel_transfer_new(client, request, body, sink, &transfer));
    struct vel_transfer **link = &client->transfers;
    while (*link != NULL)
        link = &(*link)->next;
    *link = transfer;
    client->busy++;
    client->start_queued = client->start_queued || client->http != NULL;
    vel_client_stir(client);
    return VEL_OK;
}

/* ---- time ---- */

static vel_time connect_deadline(const struct vel_client *client)
{
    bool waiting = client->connected == 0 && !client->ended && client->setup.connect_timeout > 0;
    return waiting ? client->start + client->setup.connect_timeout : VEL_NEVER;
}

vel_time vel_client_deadline(const struct vel_client *client)
{
    vel_time deadline = connect_deadline(client);
    for (const struct vel_transfer *t = client->transfers; t != NULL; t = t->next)
        deadline = VEL_MIN(deadline, vel_transfer_deadline(t));
    return deadline;
}

void vel_client_expire(struct vel_client *client, vel_time now)
{
    client->now = now;
    if (now >= connect_deadline(client)) {
        over(client, VEL_CLIENT_TIMEOUT);
        if (client->conn != NULL)
            vel_conn_close(client->conn, VEL_H3_NO_ERROR, "connect time-out");
    }
    for (struct vel_transfer *t = client->transfers; t != NULL; t = t->next)
        if (now >= vel_transfer_deadline(t))
            vel_transfer_finish(t, VEL_CLIENT_TIMEOUT);
    settle(client);
}

/* ---- the end ---- */

size_t vel_client_busy(const struct vel_client *client)
{
    return client->busy;
}

bool vel_client_ended(const struct vel_client *client, enum vel_client_failure *why)
{
    if (client->ended)
        *why = client->why;
    return client->ended;
}

const struct vel_close *vel_client_close_reason(const struct vel_client *client)
{
    return client->has_close ? &client->close : NULL;
}

void vel_client_close(struct vel_client *client)
{
    if (client->ended)
        return;
    over(client, VEL_CLIENT_OK);
    finish_all(client, VEL_CLIENT_PARTIAL);
    if (client->conn != NULL)
        vel_conn_close(client->conn, VEL_H3_NO_ERROR, "done");
    settle(client);
}

void vel_client_free(struct vel_client *client)
{
    if (client == NULL)
        return;
    over(client, VEL_CLIENT_OK);
    finish_all(client, VEL_CLIENT_PARTIAL);
    if (!client->borrowed)
        vel_http_free(client->http);
    client->http = NULL;
    client->start_queued = false;
    client->setup.wake = NULL;
    reap(client);
    VEL_ASSERT(client->leaving == NULL);
    if (client->conn != NULL)
        vel_conn_set_user(client->conn, NULL);
    vel_release(client->setup.env, client, sizeof *client);
}
