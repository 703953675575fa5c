/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "crypto/hash.h"
#include "endpoint/endpoint_internal.h"
#include "transport/error.h"
#include "velocity/log.h"

vel_result vel_peer_new(struct vel_endpoint *endpoint, const struct vel_config *config,
                        const struct vel_addr *remote, struct vel_peer **peer)
{
    REQUIRE(endpoint->stats.connections < endpoint->max_connections, VEL_ERR_LIMIT);
    TRY(vel_timers_reserve(&endpoint->timers, endpoint->stats.connections + 1));
    struct vel_peer *made = vel_alloc(endpoint->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->endpoint = endpoint;
    made->crypto = config->crypto;
    made->remote = *remote;
    vel_list_init(&made->all);
    vel_list_init(&made->sending);
    vel_list_init(&made->eventful);
    vel_list_init(&made->signing);
    vel_list_init(&made->verifying);
    vel_list_init(&made->expired);
    vel_list_append(&endpoint->peers, &made->all);
    endpoint->stats.connections++;
    *peer = made;
    return VEL_OK;
}

static void leave_half_open(struct vel_peer *peer)
{
    if (peer->half_open)
        vel_half_open_remove(&peer->endpoint->half_open, &peer->remote);
    peer->half_open = false;
}

static void leave_handshaking(struct vel_peer *peer)
{
    if (peer->handshaking)
        vel_half_open_remove(&peer->endpoint->handshaking, &peer->remote);
    peer->handshaking = false;
}

static void forget_resets(struct vel_peer *peer)
{
    while (peer->reset_count > 0)
        vel_demux_remove(&peer->endpoint->demux, peer->resets[--peer->reset_count]);
}

void vel_peer_free(struct vel_peer *peer)
{
    if (peer == NULL)
        return;
    struct vel_endpoint *endpoint = peer->endpoint;
    vel_signing_leave(peer);
    vel_conn_free(peer->conn);
    leave_half_open(peer);
    leave_handshaking(peer);
    forget_resets(peer);
    while (peer->route_count > 0)
        vel_demux_remove(&endpoint->demux, peer->routes[--peer->route_count]);
    vel_timers_set(&endpoint->timers, &peer->timer, VEL_NEVER);
    vel_list_remove(&peer->all);
    vel_list_remove(&peer->sending);
    vel_list_remove(&peer->eventful);
    vel_list_remove(&peer->verifying);
    vel_list_remove(&peer->expired);
    endpoint->stats.connections--;
    vel_release(endpoint->env, peer, sizeof *peer);
}

vel_result vel_peer_add_route(struct vel_peer *peer, uint64_t route)
{
    struct vel_demux *demux = &peer->endpoint->demux;
    REQUIRE(peer->route_count < VEL_ROUTES_MAX, VEL_ERR_LIMIT);
    REQUIRE(vel_demux_find(demux, route) == NULL, VEL_ERR_EXISTS);
    TRY(vel_demux_add(demux, route, peer));
    peer->routes[peer->route_count++] = route;
    return VEL_OK;
}

/* ---- hooks of the connection ---- */

void vel_peer_wake(struct vel_peer *peer)
{
    vel_list_enqueue(&peer->endpoint->sending, &peer->sending);
    vel_list_enqueue(&peer->endpoint->eventful, &peer->eventful);
}

static void on_wake(void *self, struct vel_conn *conn)
{
    (void)conn;
    vel_peer_wake(self);
}

static vel_result on_issue_cid(void *self, struct vel_conn *conn, struct vel_cid *cid,
                               uint8_t reset_token[VEL_RESET_TOKEN])
{
    (void)conn;
    struct vel_peer *peer = self;
    struct vel_cid made;
    vel_own_id_draw(peer->endpoint, &made);
    TRY(vel_reset_token(peer->crypto, peer->endpoint->reset_key, &made, reset_token));
    TRY(vel_peer_add_route(peer, vel_route_own(&peer->endpoint->demux, vel_cid_slice(&made))));
    *cid = made;
    return VEL_OK;
}

static void on_retire_cid(void *self, struct vel_conn *conn, const struct vel_cid *cid)
{
    (void)conn;
    struct vel_peer *peer = self;
    uint64_t route = vel_route_own(&peer->endpoint->demux, vel_cid_slice(cid));
    for (unsigned i = 0; i < peer->route_count; i++) {
        if (peer->routes[i] != route)
            continue;
        peer->routes[i] = peer->routes[--peer->route_count];
        vel_demux_remove(&peer->endpoint->demux, route);
        return;
    }
}

/* Without memory a reset is not understood, and the connection ends by its idle time-out. A token
 * that another connection has already stays its own. */
static void on_reset_tokens(void *self, struct vel_conn *conn,
                            const uint8_t (*tokens)[VEL_RESET_TOKEN], unsigned count)
{
    (void)conn;
    struct vel_peer *peer = self;
    struct vel_demux *demux = &peer->endpoint->demux;
    forget_resets(peer);
    for (unsigned i = 0; i < count; i++) {
        uint64_t route = vel_route_reset(demux, tokens[i]);
        if (vel_demux_find(demux, route) == NULL && vel_demux_add(demux, route, peer) == VEL_OK)
            peer->resets[peer->reset_count++] = route;
    }
}

static vel_result on_new_token(void *self, struct vel_conn *conn, const struct vel_addr *remote,
                               vel_time now, uint8_t *token, size_t *size)
{
    struct vel_peer *peer = self;
    struct vel_endpoint *endpoint = peer->endpoint;
    struct vel_new_token_facts facts = {.remote = *remote, .version = vel_conn_version(conn)};
    return vel_new_token_seal(peer->crypto, endpoint->env, &endpoint->new_token_key, &facts, now,
                              token, size);
}

vel_result vel_peer_setup(struct vel_peer *peer, struct vel_conn_setup *setup)
{
    TRY(on_issue_cid(peer, NULL, &setup->scid, setup->reset_token));
    setup->env = peer->endpoint->env;
    setup->defer_work = true;
    setup->hooks = (struct vel_conn_hooks){.wake = on_wake,
                                           .issue_cid = on_issue_cid,
                                           .retire_cid = on_retire_cid,
                                           .reset_tokens = on_reset_tokens,
                                           .new_token = peer->is_server ? on_new_token : NULL,
                                           .self = peer};
    return VEL_OK;
}

/* ---- after a call ---- */

static void count_progress(struct vel_peer *peer)
{
    if (!peer->connected && vel_conn_is_connected(peer->conn)) {
        peer->connected = true;
        peer->endpoint->stats.completed++;
        leave_handshaking(peer);
    }
    if (vel_conn_is_validated(peer->conn))
        leave_half_open(peer);
}

/* The application never sees a server's connection that does not come about: its end is an event of
 * the log. Silence is none, so forged first flights make no events. */
static void tell_failure(struct vel_peer *peer)
{
    const struct vel_close *close = vel_conn_close_reason(peer->conn);
    bool silent = close->origin == VEL_CLOSE_IDLE || close->origin == VEL_CLOSE_TIMEOUT;
    if (peer->told || vel_peer_is_visible(peer) || close->code == 0 || silent)
        return;
    peer->told = true;
    LOG_EVENT(peer->endpoint->env->log, "handshake-failed",
              LOG_HEX("remote", &peer->remote, sizeof peer->remote),
              LOG_UINT("by-peer", close->origin == VEL_CLOSE_PEER),
              LOG_TEXT("reason", close->reason), LOG_TEXT("name", vel_wire_error_name(close->code)),
              LOG_UINT("code", close->code));
}

void vel_peer_refresh(struct vel_peer *peer)
{
    struct vel_endpoint *endpoint = peer->endpoint;
    vel_signing_note(peer);
    vel_verifying_note(peer);
    count_progress(peer);
    tell_failure(peer);
    bool to_tell = vel_peer_is_visible(peer) && vel_conn_has_events(peer->conn);
    if (!vel_conn_is_dead(peer->conn)) {
        vel_timers_set(&endpoint->timers, &peer->timer, vel_conn_deadline(peer->conn));
    } else if (to_tell) {
        leave_half_open(peer);
        vel_timers_set(&endpoint->timers, &peer->timer, VEL_NEVER);
    } else {
        endpoint->stats.failed += !peer->connected;
        vel_peer_free(peer);
        return;
    }
    if (to_tell)
        vel_list_enqueue(&endpoint->eventful, &peer->eventful);
}
