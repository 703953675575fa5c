/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_TCP_H
#define CLI_SERVE_TCP_H

#include "cli/serve_sockets.h"
#include "velocity/config.h"
#include "web/tcp_server.h"

/*
 * The TCP side of a worker of `velocity serve`: TLS on the port of the UDP link, plain HTTP where it was asked
 * for, and what both ports tell about each other (Alt-Svc, RFC 7838).
 */
struct vel_serve_tcp {
    struct vel_tcp_server *tls;
    struct vel_tcp_server *plain; /* NULL: not asked for */
    char alt_svc[96];             /* the value; empty: nothing to announce */
    struct vel_field announced;
};

/* The field that leads from TLS to what the UDP port serves; none when that is nothing. Good until
 * vel_serve_tcp_close. */
struct vel_fields vel_serve_tcp_announced(struct vel_serve_tcp *tcp,
                                          const struct vel_config *config, uint16_t port);

/* Start both servers of a worker, who takes its sockets. `common` has env, loop, requests, tls, bounds
 * and hook; the rest is filled in here. Errors as vel_tcp_server_new. */
vel_result vel_serve_tcp_start(const struct vel_tcp_server_setup *common,
                               struct vel_serve_sockets *sockets, unsigned worker,
                               struct vel_serve_tcp *tcp);

/* As vel_tcp_server_finish. */
void vel_serve_tcp_finish(struct vel_serve_tcp *tcp);

struct vel_serve_tcp_stats {
    size_t connections; /* now */
    uint64_t accepted;  /* ever */
};
void vel_serve_tcp_get_stats(const struct vel_serve_tcp *tcp, struct vel_serve_tcp_stats *stats);

void vel_serve_tcp_close(struct vel_serve_tcp *tcp);

#endif
