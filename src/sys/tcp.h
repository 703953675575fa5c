/* SPDX-License-Identifier: MIT */
#ifndef SYS_TCP_H
#define SYS_TCP_H

#include <stddef.h>
#include <sys/uio.h>

#include "velocity/addr.h"
#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/steering.h"

/*
 * The system calls of TCP sockets, one per function: non-blocking, closed on exec, without delay
 * for small writes, never raising SIGPIPE. A socket is its descriptor: poll it with vel_watch, close
 * it with vel_fd_close. links/tls_stream.h is what one normally wants instead.
 */
enum { VEL_TCP_BACKLOG = 1024 };

/*
 * Listen on an address; [::] serves IPv4 as well, port 0 takes any free one. Workers share a port by
 * a socket each; the kernel spreads connections over them.
 * *bound  the address with its port
 * VEL_ERR_EXISTS       the address is in use
 * VEL_ERR_NOT_FOUND    not an address of this machine
 * VEL_ERR_UNSUPPORTED  no such address family here
 * VEL_ERR_IO           see errno
 */
vel_result vel_tcp_listen(const struct vel_addr *local, enum vel_port_sharing sharing, int *fd,
                          struct vel_addr *bound);

/*
 * Take one connection that waits.
 * VEL_ERR_AGAIN  nothing waits (or what waited has gone)
 * VEL_ERR_LIMIT  out of descriptors or memory: it still waits; free something, try again later
 * VEL_ERR_IO     see errno
 */
vel_result vel_tcp_accept(int listener, int *fd, struct vel_addr *remote);

/*
 * Begin to connect. The socket becomes writable when there is an outcome: ask vel_tcp_connected.
 * VEL_ERR_UNSUPPORTED  no such address family here
 * VEL_ERR_LIMIT        out of descriptors, ports or memory
 * others               as vel_tcp_connected, when the outcome is known at once
 */
vel_result vel_tcp_connect(const struct vel_addr *remote, int *fd);

/*
 * The outcome of connecting.
 * VEL_ERR_AGAIN      not known yet
 * VEL_ERR_NOT_FOUND  nobody listens there, or there is no way to get there; see errno
 * VEL_ERR_TIMEOUT    no answer
 * VEL_ERR_IO         see errno
 */
vel_result vel_tcp_connected(int fd);

/*
 * Read what has arrived, at most `capacity` bytes.
 * VEL_ERR_AGAIN   nothing now
 * VEL_ERR_CLOSED  the peer has sent everything (FIN)
 * VEL_ERR_IO      the connection is broken: reset, timed out; see errno
 */
vel_result vel_tcp_read(int fd, void *bytes, size_t capacity, size_t *count);

/*
 * Write some of the parts, in order; *count tells how many bytes were taken.
 * VEL_ERR_AGAIN   the socket's buffer is full
 * VEL_ERR_IO      the connection is broken; see errno
 */
vel_result vel_tcp_write(int fd, const struct iovec *parts, size_t part_count, size_t *count);

/* Nothing more will be written (FIN). The other direction stays open. */
void vel_tcp_shutdown(int fd);

/* Notice a peer that has vanished, after about `idle` of silence and three unanswered probes. */
void vel_tcp_keep_alive(int fd, vel_time idle);

/* Make the coming close a reset: for peers that are to be dropped without further ado. */
void vel_tcp_reset_on_close(int fd);

/* Allow this process as many descriptors as its hard limit does. Returns how many sockets it may
 * have open then, with some kept back for files and the like. */
size_t vel_tcp_raise_limit(void);

/* This end of the connection; family VEL_ADDR_NONE when it is gone. */
struct vel_addr vel_tcp_local(int fd);

#endif
