/* SPDX-License-Identifier: MIT */
#ifndef SYS_UDP_H
#define SYS_UDP_H

#include "velocity/udp.h"

/*
 * The system calls of a UDP socket, one per function; what to do about their failures is decided
 * in links/udp.c.
 */
struct vel_udp {
    int fd;
    bool ip6;          /* an AF_INET6 socket: IPv4 peers appear as mapped addresses */
    bool connected;    /* talks to one peer only */
    bool segmentation; /* UDP_SEGMENT works: whole trains may be sent */
    bool coalescing;   /* UDP_GRO is on: whole trains are received */
    struct vel_addr local;
    size_t receive_buffer, send_buffer; /* bytes that the kernel granted */
};

/* Open, bind and connect a non-blocking socket. Errors as vel_udp_link_new; *udp untouched then. */
vel_result vel_udp_open(const struct vel_udp_setup *setup, struct vel_udp *udp);
void vel_udp_close(struct vel_udp *udp);

/* Datagrams that came and found no room, since it was opened. */
uint32_t vel_udp_overflowed(const struct vel_udp *udp);

/*
 * Send a train with one sendmsg. More than one datagram needs `segmentation`.
 * VEL_ERR_AGAIN        the socket's queue is full
 * VEL_ERR_NOT_FOUND    an earlier datagram met nobody; this one was not sent
 * VEL_ERR_LIMIT        a datagram, or the train, is too large for the route
 * VEL_ERR_UNSUPPORTED  this route cannot segment
 * VEL_ERR_IO           the network will not take it (no route, forbidden, no buffers); see errno
 */
vel_result vel_udp_send(const struct vel_udp *udp, const struct vel_train *train);

/* The same with one datagram a message and one sendmmsg. *sent is the number of datagrams that went
 * out; fewer than the train has only with an error, which is about the next one. */
vel_result vel_udp_send_plain(const struct vel_udp *udp, const struct vel_train *train,
                              size_t *sent);

/*
 * Receive a train with one recvmsg.
 * VEL_ERR_AGAIN      nothing waits
 * VEL_ERR_NOT_FOUND  connected sockets: nobody listens there (train->remote is filled in)
 * VEL_ERR_LIMIT      a datagram did not fit into train->capacity and was dropped
 * VEL_ERR_IO         see errno
 */
vel_result vel_udp_receive(const struct vel_udp *udp, struct vel_train *train);

#endif
