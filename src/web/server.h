/* SPDX-License-Identifier: MIT */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "velocity/http.h"

/*
 * The HTTP side of a server on QUIC: a session for every connection, a site that answers. The owner of the
 * loop calls it; it holds no socket, timer or clock.
 *
 *     for each conn of vel_endpoint_next(endpoint)
 *         vel_web_server_events(server, conn, now);     takes all events of the connection
 *     vel_web_server_flush(server, now);                once, before vel_endpoint_send; and at
 *                                                       vel_web_server_deadline(server)
 *
 * To stop: vel_endpoint_refuse_new, vel_web_server_finish; go on looping until
 * vel_web_server_sessions is 0 or patience is over; then vel_endpoint_close_all.
 */
struct vel_web_server;
struct vel_web_fallback;
struct vel_site;

/* Fields that a server announces on one kind of connection, at most. */
enum { VEL_WEB_ANNOUNCED_MAX = 2 };

/* What a connection has carried. */
struct vel_web_tally {
    vel_time since;
    uint64_t requests;
    uint64_t body_bytes; /* of responses, handed to the transport */
};

/* One answered (or abandoned) request, for the request log. Slices are valid during the call and
 * hold what the peer sent: escape them before printing. */
struct vel_web_record {
    struct vel_addr remote;
    struct vel_slice protocol; /* ALPN: "velocity/1", "h3" */
    struct vel_slice method;
    struct vel_slice authority;
    struct vel_slice path;
    unsigned status;     /* 0: abandoned before it was answered */
    uint64_t body_bytes; /* of the response, handed to the transport */
    vel_time duration;   /* from the end of the request head to the last acknowledgement */
    bool complete;       /* false: the transfer was cut off */
};

/* One connection that had HTTP on it and is over, for the connection log. Valid during the call. */
struct vel_web_connection {
    struct vel_addr remote;    /* where the client was last */
    struct vel_slice protocol; /* as in a record */
    vel_time duration;         /* since the handshake was complete */
    struct vel_web_tally tally;
    const struct vel_conn_stats *stats; /* NULL: on TCP, where the kernel counts */
    const struct vel_close *close;      /* likewise; or the server ends */
    const char *ended;                  /* on TCP: why, as vel_tls_stream_reason_name; else NULL,
                                           and when the server ends */
};

struct vel_web_server_setup {
    const struct vel_env *env;
    struct vel_site *site;             /* outlives the server */
    struct vel_web_fallback *fallback; /* the fallback record; NULL: there is none; outlives it */
    struct vel_fields on_velocity; /* on every response over Velocity/1: velocity-pin; borrowed for
                                      the server's life, VEL_WEB_ANNOUNCED_MAX at most */
    struct vel_fields on_tls; /* on every response over TLS, QUIC v1 and v2: alt-svc; likewise */
    int64_t unix_offset;      /* unix seconds at vel_time 0, as in struct vel_config */
    void (*log)(void *self, const struct vel_web_record *record); /* NULL: no log */
    void (*log_connection)(void *self,
                           const struct vel_web_connection *connection); /* NULL: none */
    void *log_self;
};

/* VEL_ERR_NOMEM */
vel_result vel_web_server_new(const struct vel_web_server_setup *setup,
                              struct vel_web_server **server);

/* Forgets every session; connections are not closed. Free it before the endpoint. NULL is
 * allowed. */
void vel_web_server_free(struct vel_web_server *server);

/* Take and handle all events of a connection, from VEL_EVENT_CONNECTED to VEL_EVENT_CLOSED. Uses
 * vel_conn_set_user. */
void vel_web_server_events(struct vel_web_server *server, struct vel_conn *conn, vel_time now);

/* Write what has become writable without an event, and give up requests that come too slowly (see
 * velocity/http.h). Cheap when there is nothing to do. */
void vel_web_server_flush(struct vel_web_server *server, vel_time now);

/* When vel_web_server_flush has to be called although nothing else happens; VEL_NEVER. */
vel_time vel_web_server_deadline(const struct vel_web_server *server);

/* Let every session finish what runs (GOAWAY) and then close its connection. */
void vel_web_server_finish(struct vel_web_server *server);

/* Where its requests go, for a server on TCP that shares site, log and counts (web/tcp_server.h);
 * lives as long as the server. */
struct vel_web_requests *vel_web_server_requests(struct vel_web_server *server);

struct vel_web_server_stats {
    size_t sessions;         /* QUIC connections with HTTP on them */
    size_t active;           /* requests being answered */
    uint64_t requests;       /* ever begun */
    uint64_t response_bytes; /* of bodies */
    uint64_t by_class[6];    /* answers by first digit of the status; [0]: abandoned */
};
void vel_web_server_get_stats(const struct vel_web_server *server,
                              struct vel_web_server_stats *stats);

#endif
