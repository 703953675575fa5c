/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ENDPOINT_TALK_H
#define TESTS_ENDPOINT_TALK_H

#include <stdbool.h>

#include "base/units.h"
#include "velocity/endpoint.h"

/*
 * Two real endpoints, a server and one with clients, and a wire between them that delivers at once
 * on a virtual clock. No test library in here: the fuzz target uses it as well. A call that fails
 * here traps.
 */
struct talk {
    const struct vel_env *env;
    struct vel_crypto *crypto;
    struct vel_identity *identity;
    struct vel_trust *trust;
    struct vel_config client_config, server_config;
    struct vel_endpoint *clients, *server;
    struct vel_addr server_addr;
    vel_time now;
};

/* Crypto, certificate and configs, without endpoints; then both endpoints, with max_connections and
 * max_half_open of the server. */
void talk_prepare(struct talk *talk, const struct vel_env *env);
void talk_open(struct talk *talk, size_t max_connections, size_t max_half_open);

/* The endpoints go, the rest stays; then the rest. */
void talk_close(struct talk *talk);
void talk_done(struct talk *talk);

/* A client at this address; its first flight waits. */
struct vel_conn *talk_connect(struct talk *talk, struct vel_addr from);

/* What an endpoint has to send reaches the other, which does not work on it. True: something did. */
bool talk_carry(struct talk *talk, struct vel_endpoint *from, struct vel_endpoint *to);

/* All that an endpoint has to work on, before it answers. */
void talk_work(struct talk *talk, struct vel_endpoint *endpoint);

/* What each client has to send reaches the server, and the other way round. True: something did. */
bool talk_exchange(struct talk *talk);

/* Exchange until nothing is left to say, letting time-outs pass up to `until`. */
void talk_run(struct talk *talk, vel_time until);

/* Connections with events that are VEL_EVENT_CONNECTED, taken from an endpoint; the last one of
 * them in *conn. Other events are taken too. */
unsigned talk_connected(struct vel_endpoint *endpoint, struct vel_conn **conn);

struct vel_addr talk_addr(uint32_t ip, uint16_t port);

#endif
