/* SPDX-License-Identifier: MIT */
#include "velocity/endpoint.h"

#include "base/own.h"
#include "base/try.h"
#include "endpoint/endpoint_internal.h"

/* A limit under which vel_conn_send writes one datagram, of whatever size its path carries. */
enum { ONE_DATAGRAM = 2 * VEL_INITIAL_DATAGRAM_MIN - 1, SEND_CAPACITY_MIN = 1500 };

OWNED_POINTER(endpoint_release, struct vel_endpoint, vel_endpoint_free)

static size_t or_default(size_t value, size_t default_value)
{
    return value != 0 ? value : default_value;
}

/* Versions that we know, and for each what its handshake needs. */
static bool can_serve(const struct vel_config *config)
{
    for (unsigned i = 0; i < config->versions.count; i++) {
        const struct vel_version *version = vel_version_find(config->versions.items[i]);
        if (version == NULL || (version->tls ? config->tls == NULL : config->identity == NULL))
            return false;
    }
    return config->crypto != NULL && config->versions.count > 0;
}

/* Given ones, or else random ones. */
static void take_keys(struct vel_endpoint *endpoint, const struct vel_endpoint_setup *setup)
{
    if (setup->token_keys != NULL) {
        memcpy(endpoint->retry_key.bytes, setup->token_keys, VEL_TOKEN_KEY);
        memcpy(endpoint->new_token_key.bytes, setup->token_keys + VEL_TOKEN_KEY, VEL_TOKEN_KEY);
    } else {
        vel_token_key_init(&endpoint->retry_key, setup->env);
        vel_token_key_init(&endpoint->new_token_key, setup->env);
    }
    if (setup->reset_key != NULL)
        memcpy(endpoint->reset_key, setup->reset_key, sizeof endpoint->reset_key);
    else
        vel_random(setup->env, endpoint->reset_key, sizeof endpoint->reset_key);
}

vel_result vel_endpoint_new(const struct vel_endpoint_setup *setup, struct vel_endpoint **endpoint)
{
    REQUIRE(setup->server == NULL || can_serve(setup->server), VEL_ERR_ARGUMENT);
    REQUIRE(setup->steering == NULL || setup->worker < setup->steering->workers, VEL_ERR_ARGUMENT);
    OWNED(endpoint_release) struct vel_endpoint *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = setup->env;
    made->server = setup->server;
    made->max_connections = or_default(setup->max_connections, VEL_DEFAULT_CONNECTIONS);
    made->always_retry = setup->always_retry;
    made->max_send_train = or_default(setup->max_send_train, ONE_DATAGRAM);
    vel_list_init(&made->peers);
    vel_list_init(&made->sending);
    vel_list_init(&made->eventful);
    vel_signing_init(&made->signing);
    vel_list_init(&made->verifying);
    made->timers.env = setup->env;
    vel_demux_init(&made->demux, setup->env);
    vel_backlog_init(&made->backlog, setup->env, setup->max_backlog);
    size_t half_open = or_default(setup->max_half_open, VEL_DEFAULT_HALF_OPEN);
    vel_half_open_init(&made->half_open, setup->env, half_open, half_open / VEL_SOURCE_SHARE);
    vel_half_open_init(&made->handshaking, setup->env, made->max_connections,
                       VEL_SOURCE_HANDSHAKES);
    take_keys(made, setup);
    if (setup->steering != NULL)
        made->steering = *setup->steering;
    made->worker = setup->worker;
    if (setup->server != NULL)
        TRY(vel_replies_init(&made->replies, setup->env));
    *endpoint = GIVE(made);
    return VEL_OK;
}

static struct vel_peer *first_of_all(const struct vel_endpoint *endpoint)
{
    return VEL_LIST_OWNER(endpoint->peers.next, struct vel_peer, all);
}

void vel_endpoint_free(struct vel_endpoint *endpoint)
{
    if (endpoint == NULL)
        return;
    while (!vel_list_is_empty(&endpoint->peers))
        vel_peer_free(first_of_all(endpoint));
    vel_backlog_clear(&endpoint->backlog);
    vel_demux_clear(&endpoint->demux);
    vel_timers_clear(&endpoint->timers);
    vel_half_open_clear(&endpoint->half_open);
    vel_half_open_clear(&endpoint->handshaking);
    vel_replies_clear(&endpoint->replies);
    vel_release(endpoint->env, endpoint, sizeof *endpoint);
}

vel_result vel_endpoint_connect(struct vel_endpoint *endpoint, const struct vel_config *config,
                                const struct vel_addr *local, const struct vel_addr *remote,
                                vel_time now, struct vel_conn **conn)
{
    REQUIRE(config->crypto != NULL && config->versions.count > 0, VEL_ERR_ARGUMENT);
    struct vel_peer *peer;
    struct vel_conn_setup setup = {
        .config = config, .version = config->versions.items[0], .local = *local, .remote = *remote};
    TRY(vel_peer_new(endpoint, config, remote, &peer));
    enum vel_err err = vel_peer_setup(peer, &setup);
    if (err == VEL_OK)
        err = vel_conn_new_client(&setup, now, &peer->conn);
    if (err != VEL_OK) {
        vel_peer_free(peer);
        return err;
    }
    struct vel_conn *made = peer->conn;
    vel_peer_wake(peer);
    vel_peer_refresh(peer);
    *conn = made;
    return VEL_OK;
}

/* ---- receive ---- */

/* By an id of ours. */
static struct vel_peer *find_by_id(const struct vel_endpoint *endpoint, struct vel_slice dcid)
{
    const struct vel_demux *demux = &endpoint->demux;
    return dcid.len == VEL_CID_OURS ? vel_demux_find(demux, vel_route_own(demux, dcid)) : NULL;
}

/* By what a client made up, or by a stateless reset token. */
static struct vel_peer *find_otherwise(const struct vel_endpoint *endpoint,
                                       const struct vel_invariants *invariants,
                                       const struct vel_train *datagram)
{
    const struct vel_demux *demux = &endpoint->demux;
    if (invariants->dcid.len > VEL_CID_MAX)
        return NULL;
    if (invariants->is_long)
        return vel_demux_find(demux, vel_route_first(demux, invariants->dcid, &datagram->remote));
    if (datagram->len < VEL_RESET_MIN)
        return NULL;
    return vel_demux_find(
        demux, vel_route_reset(demux, datagram->bytes + datagram->len - VEL_RESET_TOKEN));
}

/* Where the datagram before went to; `dcid` points into it. */
struct last_route {
    struct vel_peer *peer; /* NULL: nowhere */
    bool answered;         /* without a connection */
    struct vel_slice dcid;
};

/* A first flight is several datagrams, and one answer is enough for all of them: clients take no more
 * than one Retry (RFC 9000 17.2.5.2). */
static bool is_answered(const struct last_route *last, const struct vel_invariants *invariants)
{
    return last->answered && invariants->is_long && vel_slice_equal(last->dcid, invariants->dcid);
}

/* Bytes of the datagrams at the start of a train that have short headers with this id. An id cannot be
 * retired by a packet that was sent to it, so they all belong to whoever has it. */
static size_t size_of_alike(const struct vel_train *train, struct vel_slice dcid)
{
    size_t end = train->segment;
    while (end < train->len && train->len - end > VEL_CID_OURS &&
           (train->bytes[end] & VEL_BIT_LONG) == 0 &&
           memcmp(train->bytes + end + 1, dcid.ptr, VEL_CID_OURS) == 0)
        end += train->segment;
    return VEL_MIN(end, train->len);
}

/* A datagram whose id says nothing: it is for a peer all the same, for a stranger, or for nobody. */
static struct last_route receive_stray(struct vel_endpoint *endpoint,
                                       const struct vel_invariants *invariants,
                                       const struct vel_train *datagram, vel_time now)
{
    struct vel_peer *peer = find_otherwise(endpoint, invariants, datagram);
    if (peer != NULL) {
        vel_conn_receive_train(peer->conn, datagram, now);
        return (struct last_route){.peer = peer, .dcid = invariants->dcid};
    }
    if (!invariants->is_long) {
        vel_accept_orphan(endpoint, datagram, invariants->dcid, datagram->len, now);
        return (struct last_route){0};
    }
    bool answered = vel_accept(endpoint, datagram, invariants, datagram->bytes, datagram->len, now);
    return (struct last_route){.answered = answered, .dcid = invariants->dcid};
}

/* What goes one way of the train `part`, which is made as long as that: packets to the same id of ours, or
 * one datagram. */
static struct last_route receive_part(struct vel_endpoint *endpoint, const struct last_route *last,
                                      struct vel_train *part, vel_time now)
{
    struct vel_invariants invariants;
    struct vel_train rest = *part;
    part->len = VEL_MIN(part->segment, part->len);
    if (vel_packet_invariants(vel_slice(part->bytes, part->len), &invariants) != VEL_OK) {
        endpoint->stats.datagrams_dropped++;
        return (struct last_route){0};
    }
    if (is_answered(last, &invariants)) {
        endpoint->stats.datagrams_dropped++;
        return (struct last_route){.answered = true, .dcid = invariants.dcid};
    }
    struct vel_peer *peer = find_by_id(endpoint, invariants.dcid);
    if (peer == NULL)
        return receive_stray(endpoint, &invariants, part, now);
    if (!invariants.is_long)
        part->len = size_of_alike(&rest, invariants.dcid);
    vel_conn_receive_train(peer->conn, part, now);
    return (struct last_route){.peer = peer, .dcid = invariants.dcid};
}

static void finish_peer(struct vel_peer *peer)
{
    if (peer == NULL)
        return;
    vel_peer_wake(peer);
    vel_peer_refresh(peer);
}

/* The datagrams of a train are mostly for one connection: it is looked up once, and its deadline is
 * asked for once. */
void vel_endpoint_receive(struct vel_endpoint *endpoint, const struct vel_train *train,
                          vel_time now)
{
    struct vel_train rest = *train;
    struct last_route last = {0};
    if (rest.segment == 0)
        rest.segment = rest.len;
    while (rest.len > 0) {
        struct vel_train part = rest;
        struct last_route route = receive_part(endpoint, &last, &part, now);
        endpoint->stats.datagrams_received += (part.len + part.segment - 1) / part.segment;
        if (route.peer != last.peer)
            finish_peer(last.peer);
        last = route;
        rest.bytes += part.len;
        rest.len -= part.len;
    }
    finish_peer(last.peer);
    if (endpoint->backlog.limit == 0)
        vel_signing_turn(endpoint, now);
}

/* ---- the backlog ---- */

/* It is of the same flight as the one before, which went there. */
static bool belongs_to(const struct vel_waiting *waiting, const struct vel_waiting *before,
                       const struct last_route *last)
{
    struct vel_invariants invariants;
    return before != NULL && vel_addr_equal(&waiting->train.remote, &before->train.remote) &&
           vel_packet_invariants(vel_slice(waiting->bytes, waiting->train.len), &invariants) ==
               VEL_OK &&
           vel_slice_equal(last->dcid, invariants.dcid);
}

/* Begin one handshake, with all that came for it; what is answered without one costs little. */
static void receive_waiting(struct vel_endpoint *endpoint, vel_time now)
{
    struct vel_backlog *backlog = &endpoint->backlog;
    struct vel_waiting *before = NULL; /* `last` points into it */
    struct last_route last = {0};
    uint64_t accepted = endpoint->stats.accepted;
    endpoint->draining = true;
    for (int budget = VEL_BACKLOG_TURN; budget > 0 && backlog->first != NULL; budget--) {
        bool together = belongs_to(backlog->first, before, &last);
        if (endpoint->stats.accepted > accepted && !together)
            break;
        if (!together)
            last = (struct last_route){0};
        struct vel_waiting *next = vel_backlog_take(backlog);
        last = receive_part(endpoint, &last, &next->train, now);
        finish_peer(last.peer);
        last.peer = NULL; /* that may have been its end */
        vel_backlog_free(backlog, before);
        before = next;
    }
    vel_backlog_free(backlog, before);
    endpoint->draining = false;
}

/* ---- send ---- */

/* In turn: whoever sent goes to the end. */
vel_result vel_endpoint_send(struct vel_endpoint *endpoint, struct vel_train *train, vel_time now)
{
    REQUIRE(train->capacity >= SEND_CAPACITY_MIN, VEL_ERR_ARGUMENT);
    if (vel_replies_send(&endpoint->replies, train) == VEL_OK)
        return VEL_OK;
    while (!vel_list_is_empty(&endpoint->sending)) {
        struct vel_peer *peer = VEL_LIST_OWNER(endpoint->sending.next, struct vel_peer, sending);
        bool sent = !vel_signing_holds(peer) &&
                    vel_conn_send(peer->conn, train, endpoint->max_send_train, now) == VEL_OK;
        if (sent)
            vel_list_append(&endpoint->sending, &peer->sending);
        else
            vel_list_remove(&peer->sending);
        vel_peer_refresh(peer);
        if (sent)
            return VEL_OK;
    }
    return VEL_ERR_AGAIN;
}

/* ---- time ---- */

vel_time vel_endpoint_deadline(const struct vel_endpoint *endpoint)
{
    const struct vel_timer *first = vel_timers_first(&endpoint->timers);
    if (endpoint->backlog.first != NULL || endpoint->signing.count > 0 ||
        !vel_list_is_empty(&endpoint->verifying))
        return 0;
    return first != NULL ? first->deadline : VEL_NEVER;
}

/* Each connection is asked once, even if it then names a time that has passed as well. */
void vel_endpoint_expire_unread(struct vel_endpoint *endpoint, vel_time now, vel_time heard)
{
    struct vel_list expired;
    vel_list_init(&expired);
    receive_waiting(endpoint, now);
    vel_signing_turn(endpoint, now);
    vel_verifying_turn(endpoint, now);
    struct vel_timer *timer = vel_timers_first(&endpoint->timers);
    for (; timer != NULL && timer->deadline <= now; timer = vel_timers_first(&endpoint->timers)) {
        struct vel_peer *peer = VEL_LIST_OWNER(timer, struct vel_peer, timer);
        vel_timers_set(&endpoint->timers, timer, VEL_NEVER);
        vel_list_append(&expired, &peer->expired);
    }
    while (!vel_list_is_empty(&expired)) {
        struct vel_peer *peer = VEL_LIST_OWNER(expired.next, struct vel_peer, expired);
        vel_list_remove(&peer->expired);
        unsigned probes = vel_conn_probes(peer->conn);
        vel_conn_expire_unread(peer->conn, now, heard);
        endpoint->stats.probes += vel_conn_probes(peer->conn) - probes;
        vel_peer_wake(peer);
        vel_peer_refresh(peer);
    }
}

/* ---- the application ---- */

struct vel_conn *vel_endpoint_next(struct vel_endpoint *endpoint)
{
    while (!vel_list_is_empty(&endpoint->eventful)) {
        struct vel_peer *peer = VEL_LIST_OWNER(endpoint->eventful.next, struct vel_peer, eventful);
        vel_list_remove(&peer->eventful);
        if (vel_peer_is_visible(peer) && vel_conn_has_events(peer->conn))
            return peer->conn;
    }
    return NULL;
}

void vel_endpoint_refuse_new(struct vel_endpoint *endpoint)
{
    endpoint->refusing = true;
}

void vel_endpoint_close_all(struct vel_endpoint *endpoint, uint64_t code, const char *reason)
{
    for (struct vel_list *node = endpoint->peers.next; node != &endpoint->peers; node = node->next)
        vel_conn_close(VEL_LIST_OWNER(node, struct vel_peer, all)->conn, code, reason);
}

void vel_endpoint_get_stats(const struct vel_endpoint *endpoint, struct vel_endpoint_stats *stats)
{
    *stats = endpoint->stats;
    stats->half_open = endpoint->half_open.total;
}
