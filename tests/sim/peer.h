/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_PEER_H
#define TESTS_SIM_PEER_H

#include "sim/credit.h"
#include "sim/exchange.h"
#include "sim/sim.h"
#include "testing/test.h"
#include "velocity/endpoint.h"

/* A host with an endpoint: the application's loop of velocity/endpoint.h over simulated I/O, with
 * at most one connection. */
struct peer {
    struct sim *sim;
    bool is_client;
    struct test_env t;
    struct vel_config config; /* change it before peer_start */
    size_t max_send_train;    /* likewise; 0: one datagram */
    size_t max_half_open;     /* likewise; server; 0: the default */
    struct vel_endpoint *endpoint;
    struct vel_conn *conn; /* NULL before and after */
    struct ask ask;        /* client */
    struct exchange exchange;
    struct credit credit; /* server */

    bool connected, closed;
    vel_time connected_at, closed_at;
    struct vel_handshake_facts facts;     /* once connected */
    struct vel_close close;               /* once closed */
    struct vel_conn_stats stats;          /* latest known */
    unsigned connections;                 /* server: accepted so far */
    unsigned migrated, failed_migrations; /* events */
    unsigned path_events;
};

void peer_init(struct peer *peer, struct sim *sim, bool is_client, uint64_t seed);
/* Make the endpoint and take the place in the simulation; the client connects. */
void peer_start(struct peer *peer);
/* The first flight of a client that is never heard of again reaches the server, which has started. */
void peer_hear_stranger(struct peer *server, const struct vel_config *config, vel_time now);
/* The client goes on from another of its addresses. */
void peer_migrate(struct peer *client, unsigned which);
/* The client opens another path from there; its number. */
uint32_t peer_open_path(struct peer *client, unsigned which);
/* What is known of a path; state VEL_PATH_ABANDONED and no bytes when there is none. */
struct vel_path_stats peer_path(const struct peer *peer, uint32_t path);
/* A client whose connection is closed connects once more and asks for the same again. */
void peer_reconnect(struct peer *client, struct peer *server);
/* A server loses everything but its configuration and its reset key, as if started again. */
void peer_restart(struct peer *server);
void peer_free(struct peer *peer);

/* A host has two addresses, 0 and 1; a client starts at the first, and calls the server's first. */
struct vel_addr peer_addr(const struct peer *peer, unsigned which);

/* Read the counters of the connection again, if there is one. */
const struct vel_conn_stats *peer_stats(struct peer *peer);

#endif
