/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_PREFERRED_H
#define CLI_SERVE_PREFERRED_H

#include "cli/serve.h"
#include "velocity/runtime.h"
#include "velocity/steering.h"

/*
 * Where `velocity serve` asks its clients to go on after the handshake (--preferred-address, RFC 9000
 * 9.6): one address of each version of IP at most. Each worker has a UDP socket for it, unless that of
 * --listen receives what is sent there as well.
 */
struct vel_serve_preferred {
    struct vel_addr ip4, ip6;                                       /* family VEL_ADDR_NONE: none */
    struct vel_link *udp4[VEL_WORKERS_MAX], *udp6[VEL_WORKERS_MAX]; /* NULL: none is needed */
};

struct vel_serve_sockets;

/* For all workers of these sockets, which are open otherwise. Tells on stderr what is wrong when it
 * fails; then there may be links all the same.
 * VEL_ERR_ARGUMENT  not an address that can be served on, a wildcard, the same as --listen, or two of a
 *                   version */
vel_result vel_serve_preferred_open(const struct vel_call *call, const struct vel_env *env,
                                    const struct vel_steering *steering,
                                    struct vel_serve_sockets *sockets);

/* Those of one worker. Errors as vel_runtime_add_link. */
vel_result vel_serve_preferred_join(const struct vel_serve_preferred *preferred, unsigned worker,
                                    struct vel_runtime *runtime);
void vel_serve_preferred_close(struct vel_serve_preferred *preferred, unsigned worker);

#endif
