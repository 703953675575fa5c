/* SPDX-License-Identifier: MIT */
#ifndef SYS_FD_H
#define SYS_FD_H

#include <errno.h>
#include <unistd.h>

/* A descriptor as a local: OWNED(vel_fd_close) int fd = open(...). Negative ones are ignored, and
 * errno stays what it was, so that a failing call can still report it. */
static inline void vel_fd_close(int *fd)
{
    int number = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = number;
}

/* Hand an owned descriptor to someone else. */
static inline int vel_fd_give(int *fd)
{
    int given = *fd;
    *fd = -1;
    return given;
}

#endif
