/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_UDP_H
#define VELOCITY_UDP_H

#include "velocity/env.h"
#include "velocity/link.h"
#include "velocity/steering.h"

/*
 * The UDP link: one non-blocking socket with segmentation and coalescing in the kernel
 * (UDP_SEGMENT, UDP_GRO) where it has them, ECN marks, the don't-fragment bit, and a plain loop
 * where it has not.
 */
struct vel_udp_setup {
    struct vel_addr local;  /* address to bind; port 0: any; [::] serves IPv4 as well */
    struct vel_addr remote; /* family VEL_ADDR_NONE: talk to everybody; else only to this peer, and
                             * learn at once when nobody listens there */
    size_t socket_buffer;   /* bytes wanted in each direction; 0: VEL_UDP_BUFFER */
    bool plain;             /* no offload, for tests and measurements */
    enum vel_port_sharing sharing;
};

enum { VEL_UDP_BUFFER = 4 * 1024 * 1024 };

/* Logs "udp-buffer-small" with the sysctl to raise when the kernel grants less than was wanted.
 * VEL_ERR_EXISTS       the address is in use
 * VEL_ERR_NOT_FOUND    the address is not one of this machine, or there is no route to `remote`
 * VEL_ERR_UNSUPPORTED  no such address family here, or no sharing of ports
 * VEL_ERR_IO           see errno
 * VEL_ERR_NOMEM */
vel_result vel_udp_link_new(const struct vel_env *env, const struct vel_udp_setup *setup,
                            struct vel_link **link);

/* Lead each datagram to the link of its worker, on all links of this one's port.
 * VEL_ERR_UNSUPPORTED  the kernel will not do it: packets go by the addresses that they come from, and
 *                      a connection that moves gets lost. Serve with one worker. */
vel_result vel_udp_link_steer(struct vel_link *link, const struct vel_steering *steering);

/* What the socket did. A train counts once, whatever it holds. */
struct vel_udp_stats {
    uint64_t sends, receives;      /* system calls that moved datagrams */
    uint64_t lost;                 /* trains that the network would not take */
    uint64_t truncated;            /* received datagrams that did not fit */
    uint64_t overflowed;           /* datagrams that the kernel dropped: the buffer was full */
    bool segmentation, coalescing; /* the kernel's offload is in use */
};
void vel_udp_link_get_stats(const struct vel_link *link, struct vel_udp_stats *stats);

#endif
