/* SPDX-License-Identifier: MIT */
#ifndef WEB_TCP_SERVER_H
#define WEB_TCP_SERVER_H

#include "velocity/loop.h"
#include "velocity/tls.h"
#include "web/requests.h"

/*
 * A server on a TCP port: TLS 1.3 with HTTP/2 or HTTP/1.1 (ALPN "h2", "http/1.1"), or plain
 * HTTP/1.1. It listens on a loop of its owner and answers by a struct vel_web_requests that a server
 * on QUIC may share.
 *
 * Hostile clients are bounded: connections in all and for each source (endpoint/limits.h says what
 * that is); handshakes under way, of which the oldest goes when there are too many; time for a
 * handshake, a head, a body, and for doing nothing. What is beyond a bound is reset, without a word
 * and without memory.
 */
struct vel_tcp_server;

enum {
    VEL_TCP_SERVER_HANDSHAKES = 4096, /* under way at a time, unless told */
    VEL_TCP_SERVER_PLACES = 8192      /* sources share so many counters */
};

struct vel_tcp_server_setup {
    const struct vel_env *env;
    struct vel_loop *loop;
    struct vel_web_requests *requests; /* outlives the server */
    int listener; /* of vel_tcp_listen (sys/tcp.h); the server's from now on, also in failure */
    const struct vel_tls *tls;   /* NULL: plain HTTP */
    uint16_t redirect_port;      /* 0: serve; else send everybody to https on this port */
    struct vel_fields announced; /* on every response: alt-svc; outlives the server */
    size_t max_connections;      /* in all */
    size_t max_per_source;
    size_t max_handshakes; /* 0: VEL_TCP_SERVER_HANDSHAKES */
    vel_time idle_timeout; /* without a request; 0: 60 s */
    int64_t unix_offset;
    /* Called when the last connection has gone after vel_tcp_server_finish. NULL: nothing to do. */
    void (*gone)(void *self);
    void *self;
};

/* Accepts from now on. VEL_ERR_NOMEM, VEL_ERR_IO (cannot be polled) */
vel_result vel_tcp_server_new(const struct vel_tcp_server_setup *setup,
                              struct vel_tcp_server **server);

/* Drops every connection. NULL is allowed. */
void vel_tcp_server_free(struct vel_tcp_server *server);

/* Where it listens. */
struct vel_addr vel_tcp_server_address(const struct vel_tcp_server *server);

/* Nothing is served here but the way to https. */
bool vel_tcp_server_redirects(const struct vel_tcp_server *server);

/* Accept nothing new, finish what runs, close what is idle. */
void vel_tcp_server_finish(struct vel_tcp_server *server);

struct vel_tcp_server_stats {
    size_t connections; /* now, handshakes included */
    size_t handshakes;  /* under way now */
    uint64_t accepted;  /* ever */
    uint64_t refused;   /* beyond a bound */
    uint64_t evicted;   /* handshakes that made room for others */
};
void vel_tcp_server_get_stats(const struct vel_tcp_server *server,
                              struct vel_tcp_server_stats *stats);

#endif
