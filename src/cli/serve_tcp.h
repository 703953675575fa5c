/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_TCP_H
#define CLI_SERVE_TCP_H

#include "cli/serve.h"
#include "velocity/config.h"
#include "velocity/link.h"
#include "web/tcp_server.h"

/*
 * The TCP side of `velocity serve`: TLS on the port of the UDP link, plain HTTP where it was asked
 * for, and what both ports tell about each other (Alt-Svc, RFC 7838).
 */
struct vel_serve_tcp {
    int listener; /* of the port of the link, until the server has it */
    struct vel_tcp_server *tls;
    struct vel_tcp_server *plain; /* NULL: not asked for */
    char alt_svc[96];             /* the value; empty: nothing to announce */
    struct vel_field announced;
};

/* Everything empty. */
void vel_serve_tcp_init(struct vel_serve_tcp *tcp);

/* Open the UDP link, and a TCP listener on the port of the same number; with port 0, one that is
 * free for both. Tells on stderr what is wrong when it fails. */
vel_result vel_serve_tcp_open(const struct vel_call *call, const struct vel_env *env,
                              const struct vel_addr *local, struct vel_link **link,
                              struct vel_serve_tcp *tcp);

/* The field that leads from TLS to what the UDP port serves; none when that is nothing. Good until
 * vel_serve_tcp_close. */
struct vel_fields vel_serve_tcp_announced(struct vel_serve_tcp *tcp,
                                          const struct vel_config *config, uint16_t port);

/* Start both servers. `common` has env, loop, requests, tls, bounds and hook; the rest is filled in
 * here. Tells what is wrong. */
vel_result vel_serve_tcp_start(const struct vel_call *call,
                               const struct vel_tcp_server_setup *common,
                               struct vel_serve_tcp *tcp);

/* As vel_tcp_server_finish. */
void vel_serve_tcp_finish(struct vel_serve_tcp *tcp);
size_t vel_serve_tcp_connections(const struct vel_serve_tcp *tcp);

void vel_serve_tcp_close(struct vel_serve_tcp *tcp);

#endif
