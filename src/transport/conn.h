/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_H
#define TRANSPORT_CONN_H

#include "transport/cid.h"
#include "velocity/conn.h"
#include "velocity/train.h"

/*
 * The endpoint's side of a connection: creation and the four verbs (receive, send, expire,
 * deadline). The application's side is velocity/conn.h.
 *
 * A connection composes parts, each in its own file: life (open, closing, draining), spaces with
 * packet keys and acknowledgement state, recovery, congestion and pacing, streams, crypto streams,
 * connection ids, paths. What is left here is their order.
 */

enum { VEL_NEW_TOKEN_MAX = 48 };

/* What the endpoint must be able to keep of one connection: ids of ours, the handshake's included, and
 * reset tokens of the peer. More are not issued, or not told. */
enum { VEL_CONN_IDS_MAX = 22, VEL_CONN_RESETS_MAX = 12 };

/* What a connection asks of the endpoint that owns it. */
struct vel_conn_hooks {
    /* There may be something to send, an event to take, or a nearer deadline. Cheap; may be called
     * often, and from inside any call on the connection. */
    void (*wake)(void *self, struct vel_conn *conn);
    /* Make a new connection id for us to be reached by, with its stateless reset token. */
    vel_result (*issue_cid)(void *self, struct vel_conn *conn, struct vel_cid *cid,
                            uint8_t reset_token[16]);
    void (*retire_cid)(void *self, struct vel_conn *conn, const struct vel_cid *cid);
    /* These are the stateless reset tokens that the peer may use now, VEL_CONN_RESETS_MAX at most:
     * a datagram that ends in one is for this connection, whatever else it says. NULL: not wanted. */
    void (*reset_tokens)(void *self, struct vel_conn *conn,
                         const uint8_t (*tokens)[VEL_RESET_TOKEN], unsigned count);
    /* Server: make a token that validates this address in a later connection (NEW_TOKEN), of at
     * most VEL_NEW_TOKEN_MAX bytes. NULL: none are given. */
    vel_result (*new_token)(void *self, struct vel_conn *conn, const struct vel_addr *remote,
                            vel_time now, uint8_t *token, size_t *size);
    void *self;
};

struct vel_to_sign;
struct vel_signature;

struct vel_conn_setup {
    const struct vel_env *env;
    const struct vel_config *config;
    struct vel_conn_hooks hooks;
    uint32_t version;
    struct vel_addr local, remote;
    struct vel_cid scid; /* ours; issued by the endpoint */
    /* Server only: what the first Initial told. */
    struct vel_cid peer_cid;      /* its Source Connection ID */
    struct vel_cid original_dcid; /* of the client's first Initial, before any Retry */
    struct vel_cid initial_dcid;  /* the Initial keys' input: original_dcid, or our Retry's SCID */
    bool address_validated;       /* a token from us came back */
    bool defer_signature;         /* Velocity/1: the endpoint signs, see vel_conn_is_signing */
    bool defer_work; /* the endpoint says when signatures are verified, see vel_conn_work */
    uint8_t reset_token[VEL_RESET_TOKEN]; /* of scid */
};

vel_result vel_conn_new_client(const struct vel_conn_setup *setup, vel_time now,
                               struct vel_conn **conn);
vel_result vel_conn_new_server(const struct vel_conn_setup *setup, vel_time now,
                               struct vel_conn **conn);
void vel_conn_free(struct vel_conn *conn);

/* Process the datagrams of a train, decrypted in place: whatever they hold, the outcome is that of trains of
 * one datagram each. */
void vel_conn_receive_train(struct vel_conn *conn, const struct vel_train *train, vel_time now);

/* One datagram (may hold several packets), which is not empty. ecn: enum vel_ecn. */
static inline void vel_conn_receive(struct vel_conn *conn, const struct vel_addr *local,
                                    const struct vel_addr *remote, uint8_t ecn, uint8_t *bytes,
                                    size_t size, vel_time now)
{
    struct vel_train train = {.local = *local,
                              .remote = *remote,
                              .bytes = bytes,
                              .len = size,
                              .segment = size,
                              .ecn = ecn};
    vel_conn_receive_train(conn, &train, now);
}

/* Write the next train of at most `max_train` bytes. VEL_ERR_AGAIN: nothing now. */
vel_result vel_conn_send(struct vel_conn *conn, struct vel_train *train, size_t max_train,
                         vel_time now);

vel_time vel_conn_deadline(const struct vel_conn *conn);

/* `heard`: what arrived until then was received. Later arrivals may still lie at a socket, and among them
 * the acknowledgement that a probe or a loss by time waits for: those that became due after `heard` wait. */
void vel_conn_expire_unread(struct vel_conn *conn, vel_time now, vel_time heard);

static inline void vel_conn_expire(struct vel_conn *conn, vel_time now)
{
    vel_conn_expire_unread(conn, now, now);
}

/* The handshake waits for the signature that setup.defer_signature has left to the endpoint. */
bool vel_conn_is_signing(const struct vel_conn *conn);
/* What to sign (handshake/handshake.h). VEL_ERR_UNEXPECTED: nothing; VEL_ERR_CRYPTO. */
vel_result vel_conn_to_sign(const struct vel_conn *conn, struct vel_to_sign *out);
/* The answer; with another err than VEL_OK none could be made, and the connection closes. Nothing happens
 * when none is awaited. */
void vel_conn_take_signature(struct vel_conn *conn, enum vel_err err,
                             const struct vel_signature *signature, vel_time now);

/* With setup.defer_work: bytes of the handshake are here that bring signatures of the peer. They were received
 * and will be acknowledged; what they say waits for vel_conn_work. */
bool vel_conn_wants_work(const struct vel_conn *conn);
/* Verify them, and go on with the handshake. Nothing happens when none wait. */
void vel_conn_work(struct vel_conn *conn, vel_time now);

bool vel_conn_has_events(const struct vel_conn *conn);
/* Nothing more will ever come: free it once the application has taken its events. */
bool vel_conn_is_dead(const struct vel_conn *conn);
/* QUIC's version number, as negotiated so far. */
uint32_t vel_conn_version(const struct vel_conn *conn);
/* Probe time-outs that fired: vel_conn_expire alone makes them fire. */
unsigned vel_conn_probes(const struct vel_conn *conn);
/* The peer's address has proved to be its own (RFC 9000 8.1). */
bool vel_conn_is_validated(const struct vel_conn *conn);

#endif
