/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_SOCKETS_H
#define CLI_SERVE_SOCKETS_H

#include "cli/serve_preferred.h"
#include "velocity/link.h"
#include "velocity/steering.h"
#include "velocity/udp.h"

/*
 * The sockets of `velocity serve`, a set for each worker: UDP, TCP on the port of the same number, and
 * TCP for plain HTTP where it was asked for. They are opened before there are workers and stay open
 * in the parent as long as it lives: the number of a worker in the kernel's eyes is that of its
 * socket, and what arrives while a worker is started again waits there.
 */
struct vel_serve_sockets {
    unsigned count; /* of workers */
    struct vel_env
        silent; /* for all but the first: what is to be said about that is true of them */
    struct vel_addr local; /* of UDP and TLS */
    struct vel_addr plain; /* of plain HTTP; family VEL_ADDR_NONE: none */
    struct vel_link *udp[VEL_WORKERS_MAX];
    int tls_listeners[VEL_WORKERS_MAX];
    int plain_listeners[VEL_WORKERS_MAX]; /* -1: none */
    struct vel_serve_preferred preferred;
};

/* Why an address cannot be served on, in terms of what the user gave. */
const char *vel_serve_why_no_socket(enum vel_err err);

/* How the socket of a worker has its port, when there are so many. */
enum vel_port_sharing vel_serve_sharing(unsigned workers, unsigned worker);

/* Everything empty, for so many workers. */
void vel_serve_sockets_init(struct vel_serve_sockets *sockets, unsigned count);

/*
 * Open all of them, on one port that is free for UDP and TCP when `local` has none, and have datagrams
 * steered to the workers. Where the kernel will not do that, says so and leaves one worker. Tells on
 * stderr what is wrong when it fails.
 */
vel_result vel_serve_sockets_open(const struct vel_call *call, const struct vel_env *env,
                                  const struct vel_addr *local, const struct vel_steering *steering,
                                  struct vel_serve_sockets *sockets);

/* Plain HTTP is for this machine only, so nobody else is sent there. */
bool vel_serve_sockets_plain_is_local(const struct vel_serve_sockets *sockets);

/* In the process of one worker: close those of the others. */
void vel_serve_sockets_keep(struct vel_serve_sockets *sockets, unsigned worker);

/* In the parent: nobody new gets in by TCP. */
void vel_serve_sockets_stop_listening(struct vel_serve_sockets *sockets);

void vel_serve_sockets_close(struct vel_serve_sockets *sockets);

#endif
