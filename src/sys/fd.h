/* SPDX-License-Identifier: MIT */
#ifndef SYS_FD_H
#define SYS_FD_H

#include <errno.h>
#include <unistd.h>

#include "velocity/err.h"
#include "velocity/slice.h"

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

/* All of it, however often the kernel is interrupted or takes a part. VEL_ERR_IO: errno says why, and
 * some may have been written. */
static inline vel_result vel_fd_write(int fd, struct vel_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(fd, bytes.ptr, bytes.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return VEL_ERR_IO;
        bytes = vel_slice(bytes.ptr + done, bytes.len - (size_t)done);
    }
    return VEL_OK;
}

#endif
