/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TRANSPORT_CONN_PAIR_H
#define TESTS_TRANSPORT_CONN_PAIR_H

#include "base/units.h"
#include "testing/test.h"
#include "transport/conn.h"

/*
 * Two connections that talk directly, without endpoints, over a wire of fixed delay and a virtual
 * clock: for tests of the connection itself. Networks that misbehave are in tests/sim.
 */
enum { PAIR_WIRE_MAX = 8192 };

struct pair_datagram {
    bool to_server;
    vel_time arrives;
    uint8_t *bytes;
    size_t size;
};

struct conn_pair {
    struct test_env env;
    struct vel_crypto *crypto;
    struct vel_identity *identity;
    struct vel_trust *trust;
    struct vel_config client_config, server_config;
    struct vel_conn *client, *server; /* server: NULL until the first datagram arrived */
    struct pair_datagram wire[PAIR_WIRE_MAX];
    size_t on_wire;
    vel_time now, delay;
    bool mute_server; /* what the server sends is lost */
    bool mute_client;
    struct vel_addr client_at; /* where the server sees the client; what goes elsewhere is lost, */
    size_t strayed;            /* and its bytes are counted */
    size_t wire_mtu;           /* longer datagrams are lost; 0: none are */
    size_t server_sent, server_received_before_validation;
    struct vel_cid issued;
    uint64_t next_cid;
    unsigned wakes;       /* of either side */
    unsigned cids_issued; /* likewise */
};

/* Both ends with a hybrid certificate made on the spot; change the configs, then pair_connect. */
void pair_init(struct conn_pair *p, enum vel_profile profile);
void pair_connect(struct conn_pair *p);

/* Move datagrams and timers until `until` or until nothing more would happen. */
void pair_run(struct conn_pair *p, vel_time until);

/* Ends both and checks that nothing leaked. */
void pair_done(struct conn_pair *p);

#endif
