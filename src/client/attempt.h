/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ATTEMPT_H
#define CLIENT_ATTEMPT_H

#include "client/rung.h"
#include "velocity/config.h"
#include "velocity/loop.h"

/*
 * One attempt to reach a server on one rung of the ladder, from its sockets to the HTTP session and
 * its end. Whatever is underneath, the owner sees the same: it is told when the server answers,
 * when the session is there, and when it is over; requests go through vel_attempt_client.
 *
 * A server with several addresses is tried on all of them as RFC 8305 says: one after the other,
 * each with a short lead over the next; the first that is connected is kept.
 *
 * An attempt belongs to one loop and works through it alone. Callbacks come from the loop, never
 * from inside a call of this header; they may do anything but free the attempt.
 */
struct vel_attempt;
struct vel_tls;

enum { VEL_ATTEMPT_ADDRS_MAX = 16, VEL_ATTEMPT_ALPN_MAX = 8, VEL_ATTEMPT_LOCALS_MAX = 4 };

/* Lead of one address over the next (RFC 8305 5). */
#define VEL_ADDRESS_LEAD (250 * MS)

struct vel_attempt_events {
    /* The server said something, on any address; once. May be NULL. */
    void (*answered)(void *self, struct vel_attempt *attempt, vel_time now);
    /* Handshake complete, certificate fine, HTTP ready: vel_attempt_facts, vel_attempt_client. */
    void (*connected)(void *self, struct vel_attempt *attempt, vel_time now);
    /* The last one: it got no connection (vel_attempt_failure), or the connection is over
     * (vel_client_ended). */
    void (*ended)(void *self, struct vel_attempt *attempt, vel_time now);
    /* After each turn of the connection: transfers may have moved. May be NULL. */
    void (*turned)(void *self, struct vel_attempt *attempt, vel_time now);
    void *self;
};

struct vel_attempt_setup {
    const struct vel_env *env;
    struct vel_loop *loop;
    enum vel_rung rung;
    bool plain; /* TCP: http:// without TLS, HTTP/1.1 */
    /* Of every rung, outlives the attempt: trust, name, profiles, limits. ALPN and versions are
     * set here by the rung: of config->alpn those names that belong to it are offered. Unless
     * keep_server_address says otherwise it goes on where the server prefers (RFC 9000 9.6). */
    const struct vel_config *config;
    struct vel_version_list versions; /* QUIC: these instead of the rung's, unless empty */
    vel_time
        migrate_after; /* QUIC: go on from another port, so long after it is connected; 0: no */
    /* QUIC: addresses of ours, port 0 for any. Of those of the server's family the first that is there is
     * where the connection begins, and from each of the others a path is opened, if the server takes them
     * (multipath; config->limits.max_paths must admit it). When none is there the attempt fails, with
     * VEL_CLIENT_CONNECT and no reason to fall back. None given: the system's choice. */
    struct vel_addr locals[VEL_ATTEMPT_LOCALS_MAX];
    size_t local_count;
    struct vel_addr addrs[VEL_ATTEMPT_ADDRS_MAX]; /* in the order to try */
    size_t addr_count;
    struct vel_attempt_events events;
};

/* What is known of an attempt; it outlives the attempt as a copy. */
struct vel_attempt_facts {
    enum vel_rung rung;
    bool connected;                       /* it was, at least */
    bool encrypted;                       /* false: http:// */
    enum vel_http_version http;           /* once connected */
    struct vel_addr remote;               /* the address that was connected, or tried last */
    struct vel_addr local;                /* ours, as last used; family VEL_ADDR_NONE over TCP */
    bool preferred;                       /* `remote` is where the server asked us to go on */
    struct vel_handshake_facts handshake; /* version 0 over TCP */
    struct vel_conn_stats stats;          /* over TCP: handshake time and round trips alone */
    bool multipath;                       /* the server takes several paths */
    struct vel_path_stats paths[VEL_PATHS_OPEN_MAX]; /* that there are, or were at the end */
    size_t path_count;                               /* none over TCP */
    bool gone;                                       /* nobody listens there any more */
    bool closed;                                     /* by something else than us; see close */
    struct vel_close close;
};

/* What it speaks, in constant words. Version: "velocity/1", "quic-v1", "quic-v2", "tls1.3", "none".
 * Protocol: "velocity/1", "h3", "h2", "http/1.1". HTTP: "HTTP/3", "HTTP/2", "HTTP/1.1". */
const char *vel_attempt_version_name(const struct vel_attempt_facts *facts);
const char *vel_attempt_protocol(const struct vel_attempt_facts *facts);
const char *vel_attempt_http_name(const struct vel_attempt_facts *facts);

/* "hybrid" when both signatures were verified, "classical" when there was one, "none". */
const char *vel_attempt_certificate_kind(const struct vel_attempt_facts *facts);

/* The first address is tried in the next turn of the loop.
 * VEL_ERR_ARGUMENT     no address, or no ALPN name that belongs to this rung
 * VEL_ERR_UNSUPPORTED  the rung needs config->tls
 * VEL_ERR_NOMEM, VEL_ERR_IO */
vel_result vel_attempt_new(const struct vel_attempt_setup *setup, vel_time now,
                           struct vel_attempt **attempt);

/* Ends every transfer (with `done`) and the connection, without waiting. NULL is allowed. */
void vel_attempt_free(struct vel_attempt *attempt);

/* Requests go here; NULL before it is connected. Good until the attempt is freed. */
struct vel_client *vel_attempt_client(struct vel_attempt *attempt);

/* Something was asked outside the callbacks (vel_client_fetch, vel_transfer_resume): it is seen to
 * in the next turn of the loop. Cheap. */
void vel_attempt_wake(struct vel_attempt *attempt);

/* Close the connection; transfers that run end as VEL_CLIENT_PARTIAL. `ended` follows. */
void vel_attempt_close(struct vel_attempt *attempt, vel_time now);

void vel_attempt_get_facts(const struct vel_attempt *attempt, struct vel_attempt_facts *facts);

/* After `ended` without `connected`: why, of all addresses the one that tells most. */
struct vel_rung_failure vel_attempt_failure(const struct vel_attempt *attempt);

/* Keying material bound to the connection (RFC 8446 7.5).
 * VEL_ERR_UNEXPECTED   not connected
 * VEL_ERR_UNSUPPORTED  http:// has no keys */
vel_result vel_attempt_export(struct vel_attempt *attempt, const char *label,
                              struct vel_slice context, uint8_t *out, size_t size);

/* The QUIC connection, for its authenticated version list; NULL over TCP, before it is connected,
 * and after it ended. */
struct vel_conn *vel_attempt_conn(struct vel_attempt *attempt);

#endif
