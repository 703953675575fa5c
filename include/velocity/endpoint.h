/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_ENDPOINT_H
#define VELOCITY_ENDPOINT_H

#include "velocity/conn.h"
#include "velocity/steering.h"
#include "velocity/train.h"

/*
 * Many connections on one socket, without the socket: the application owns the I/O. Feed every
 * received train to vel_endpoint_receive; take trains from vel_endpoint_send until it has none;
 * call vel_endpoint_expire no later than vel_endpoint_deadline. After each of these take
 * connections with events from vel_endpoint_next.
 *
 *     for (;;) {
 *         wait for a datagram or vel_endpoint_deadline(ep)
 *         vel_endpoint_receive(ep, &train, now)   for each one that came
 *         vel_endpoint_expire(ep, now)            if that is due
 *         while ((conn = vel_endpoint_next(ep)) != NULL)
 *             while (vel_conn_next_event(conn, &event)) react
 *         while (vel_endpoint_send(ep, &train, now) == VEL_OK) put it on the wire
 *     }
 *
 * One thread at a time. `now` never goes backwards.
 */
struct vel_endpoint;

enum { VEL_TOKEN_KEYS = 64, VEL_RESET_KEY = 32 };

struct vel_endpoint_setup {
    const struct vel_env *env;       /* outlives the endpoint */
    const struct vel_config *server; /* accept with this; NULL: clients only */
    size_t max_connections;          /* 0: 65536 */
    size_t max_half_open;            /* unvalidated handshakes before Retry is demanded; 0: 1024 */
    bool always_retry;               /* Retry is demanded of every client without a token */
    size_t
        max_backlog; /* bytes of first packets that wait for vel_endpoint_expire, each call of which
                           begins one handshake, so that those take turns with all that is received;
                           0: handshakes begin in vel_endpoint_receive */
    size_t max_send_train; /* largest train vel_endpoint_send writes; 0: one datagram */
    const uint8_t
        *reset_key; /* VEL_RESET_KEY secret bytes, read by vel_endpoint_new; NULL: random ones. A
                                 server that starts again with the same key can tell the peers it
                                 has forgotten so (RFC 9000 10.3), who else wait for a time-out.
                                 Whoever has the key can end connections. */
    const uint8_t *token_keys; /* VEL_TOKEN_KEYS secret bytes, likewise: those that Retry and
                                  NEW_TOKEN tokens are sealed with. Workers of one server have them
                                  in common. A NEW_TOKEN counts once for each of them. */
    const struct vel_steering *steering; /* one of several workers of a server, who have the reset
                                            key in common too; NULL: alone. Read by vel_endpoint_new */
    uint32_t worker;                     /* its number, below steering->workers */
};

/* VEL_ERR_NOMEM; VEL_ERR_ARGUMENT: a server config without versions, with one unknown here, or
 * without what a version of it needs: identity or tls; or a number that no worker has */
vel_result vel_endpoint_new(const struct vel_endpoint_setup *setup, struct vel_endpoint **endpoint);

/* Drops all connections without telling the peers. NULL is allowed. */
void vel_endpoint_free(struct vel_endpoint *endpoint);

/* Start a client connection; the first flight waits in vel_endpoint_send.
 * config must outlive the connection. VEL_ERR_ARGUMENT, VEL_ERR_NOMEM, VEL_ERR_LIMIT. */
vel_result vel_endpoint_connect(struct vel_endpoint *endpoint, const struct vel_config *config,
                                const struct vel_addr *local, const struct vel_addr *remote,
                                vel_time now, struct vel_conn **conn);

/* Process received datagrams; decrypts in place. Never fails: what is malformed, forged or unknown
 * is dropped and counted. */
void vel_endpoint_receive(struct vel_endpoint *endpoint, const struct vel_train *train,
                          vel_time now);

/* Write the next train: fill in train->bytes and capacity (at least 1,500), the rest comes back.
 * Connections take turns, a train each.
 * VEL_ERR_AGAIN     nothing to send now
 * VEL_ERR_ARGUMENT  the capacity is smaller */
vel_result vel_endpoint_send(struct vel_endpoint *endpoint, struct vel_train *train, vel_time now);

/* When vel_endpoint_expire is due; VEL_NEVER if nothing is pending. It is due at once (0) when a handshake has
 * signatures of the peer to verify, which each call does for one connection, and with a backlog when newcomers
 * wait or handshakes of Velocity/1 want the server's signature: so that what takes a processor long is done
 * between looks at what has arrived. Whoever calls it before vel_endpoint_send answers in as few datagrams as
 * can be. */
vel_time vel_endpoint_deadline(const struct vel_endpoint *endpoint);

/* For who may lag behind what arrives: everything that came until `heard` (at most `now`) was received, and
 * what came later may still wait. Time-outs of loss recovery that became due since then wait as well,
 * since their acknowledgement may be there; all else is done. */
void vel_endpoint_expire_unread(struct vel_endpoint *endpoint, vel_time now, vel_time heard);

static inline void vel_endpoint_expire(struct vel_endpoint *endpoint, vel_time now)
{
    vel_endpoint_expire_unread(endpoint, now, now);
}

/* The next connection that has events; NULL when none has. It is given once: take its events until
 * there are none. New server connections appear here with VEL_EVENT_CONNECTED; those that never get
 * so far are not shown, only counted as failed; why stands in the log, as `handshake-failed` with
 * `remote` (a struct vel_addr), `by-peer`, `reason`, `name` and `code`. */
struct vel_conn *vel_endpoint_next(struct vel_endpoint *endpoint);

/* Stop accepting; new handshakes are refused with CONNECTION_REFUSED. */
void vel_endpoint_refuse_new(struct vel_endpoint *endpoint);

/* Close every connection with an application code. */
void vel_endpoint_close_all(struct vel_endpoint *endpoint, uint64_t code, const char *reason);

struct vel_endpoint_stats {
    size_t connections; /* alive now, closing ones included */
    size_t half_open;   /* handshakes whose address is not validated */
    uint64_t accepted, completed, failed;
    uint64_t datagrams_received, datagrams_dropped;
    uint64_t retries_sent, version_negotiations_sent, resets_sent;
    uint64_t signatures; /* of Velocity/1 handshakes; one may be for many of them */
    uint64_t probes;     /* probe time-outs that fired (RFC 9002 6.2), ended connections included */
};
void vel_endpoint_get_stats(const struct vel_endpoint *endpoint, struct vel_endpoint_stats *stats);

#endif
