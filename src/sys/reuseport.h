/* SPDX-License-Identifier: MIT */
#ifndef SYS_REUSEPORT_H
#define SYS_REUSEPORT_H

#include "velocity/err.h"
#include "velocity/steering.h"

/*
 * Sockets of one port: a group (SO_REUSEPORT), whose members the kernel counts from 0 in the order in
 * which they were bound, and of which it picks one for each datagram or connection.
 */

/*
 * Let the socket be one of a group. A socket that binds joins the group when it and all that are there
 * have asked for this before, under one user. The first of a server asks after it was bound, the others
 * before: so a second server that is started by accident does not join, but finds the address in use.
 * VEL_ERR_UNSUPPORTED
 */
vel_result vel_reuseport_share(int fd);

/*
 * Have the kernel pick by connection id (RFC 9000, RFC 8999): a program that it runs over each
 * datagram for the group, in place of a hash of the addresses. `fd` is any member. What carries no
 * id of 8 bytes or more still goes by the addresses. Needs no privilege.
 * VEL_ERR_UNSUPPORTED  the kernel will not have it; see errno
 */
vel_result vel_reuseport_steer(int fd, const struct vel_steering *steering);

#endif
