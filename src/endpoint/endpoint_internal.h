/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_ENDPOINT_INTERNAL_H
#define ENDPOINT_ENDPOINT_INTERNAL_H

#include "endpoint/backlog.h"
#include "endpoint/demux.h"
#include "endpoint/half_open.h"
#include "endpoint/list.h"
#include "endpoint/replies.h"
#include "endpoint/reset.h"
#include "endpoint/signing.h"
#include "endpoint/timers.h"
#include "endpoint/token.h"
#include "endpoint/verifying.h"
#include "transport/conn.h"
#include "transport/packet.h"
#include "velocity/endpoint.h"

/*
 * The inside of struct vel_endpoint:
 *
 *   endpoint.c  the verbs
 *   accept.c    datagrams that belong to no connection
 *   peer.c      what the endpoint keeps of one connection, from birth to end
 *   demux.c     connection ids to peers     half_open.c  bounds on strangers
 *   timers.c    deadlines                   replies.c    answers without a connection
 *   token.c     Retry and NEW_TOKEN     reset.c      stateless resets
 *   own_ids.c   connection ids of ours  backlog.c    first packets that wait for their turn
 *   signing.c   handshakes that wait for our signature
 *   verifying.c handshakes with signatures of the peer to verify
 */
/* One connection, as its endpoint sees it. */
struct vel_peer {
    struct vel_endpoint *endpoint;
    struct vel_conn *conn;
    const struct vel_crypto *crypto;
    struct vel_timer timer;
    struct vel_list all;       /* on endpoint->peers */
    struct vel_list sending;   /* may have something to send */
    struct vel_list eventful;  /* may have events */
    struct vel_list signing;   /* waits for our signature */
    struct vel_list verifying; /* has the peer's to verify */
    struct vel_list expired;   /* its deadline has passed, while expire runs */
    uint64_t routes[VEL_ROUTES_MAX];
    unsigned route_count;
    uint64_t resets[VEL_CONN_RESETS_MAX]; /* routes of the peer's reset tokens */
    unsigned reset_count;
    struct vel_addr remote; /* at birth: the source that a half-open one counts against */
    bool is_server;
    bool half_open;
    bool handshaking;
    bool connected; /* was, at some time: only then the application hears of a server's one */
    bool told;      /* its failed handshake was logged */
};

struct vel_endpoint {
    const struct vel_env *env;
    const struct vel_config *server; /* NULL: clients only */
    size_t max_connections;
    size_t max_send_train;
    bool refusing;
    bool always_retry;

    struct vel_backlog backlog;
    bool draining; /* what is received has waited in the backlog */
    struct vel_signing signing;
    struct vel_list verifying;
    struct vel_demux demux;
    struct vel_timers timers;
    struct vel_list peers, sending, eventful;
    struct vel_half_open half_open;   /* addresses that are not proved */
    struct vel_half_open handshaking; /* handshakes under way, proved or not */
    struct vel_replies replies;       /* servers only */
    struct vel_token_key retry_key, new_token_key;
    struct vel_spent_tokens spent;
    uint8_t reset_key[VEL_RESET_KEY];
    struct vel_steering steering; /* workers 0: alone */
    uint32_t worker;
    struct vel_endpoint_stats stats;
};

/* ---- own_ids.c ---- */

/* A new id: random, and such that packets with it come to this worker. */
void vel_own_id_draw(const struct vel_endpoint *endpoint, struct vel_cid *id);

/* It may have been drawn by this worker. */
bool vel_own_id_is_mine(const struct vel_endpoint *endpoint, const struct vel_cid *id);

/* ---- peer.c ---- */

/* What a new peer is made from. `conn` is made by the caller with vel_peer_setup. */
vel_result vel_peer_new(struct vel_endpoint *endpoint, const struct vel_config *config,
                        const struct vel_addr *remote, struct vel_peer **peer);

/* Half-built ones and NULL are fine. Every trace of it in the endpoint goes. */
void vel_peer_free(struct vel_peer *peer);

/* The part of a connection's set-up that the endpoint fills in: env, hooks and a new id of ours.
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO */
vel_result vel_peer_setup(struct vel_peer *peer, struct vel_conn_setup *setup);

/* Lead another route to it. VEL_ERR_EXISTS: it leads elsewhere; VEL_ERR_LIMIT, VEL_ERR_NOMEM. */
vel_result vel_peer_add_route(struct vel_peer *peer, uint64_t route);

/* It may have something to send and events to take. */
void vel_peer_wake(struct vel_peer *peer);

/* After anything was done with its connection: deadline, counters, queues; and its end, when
 * nothing more will come: the peer is gone then. */
void vel_peer_refresh(struct vel_peer *peer);

/* The application may see it. */
static inline bool vel_peer_is_visible(const struct vel_peer *peer)
{
    return !peer->is_server || peer->connected;
}

/* ---- accept.c ---- */

/* A short header to an id that nobody has: a stateless reset, when the pace allows. */
void vel_accept_orphan(struct vel_endpoint *endpoint, const struct vel_train *from,
                       struct vel_slice dcid, size_t size, vel_time now);

/* A datagram that no route knows. A first packet goes to the backlog, if there is room and it does not
 * come from there. Counts what it drops. `from`: addresses and ECN. True when it was
 * answered, and no connection made: so would be whatever comes with it to the same id. */
bool vel_accept(struct vel_endpoint *endpoint, const struct vel_train *from,
                const struct vel_invariants *invariants, uint8_t *bytes, size_t size, vel_time now);

#endif
