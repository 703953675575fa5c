/* SPDX-License-Identifier: MIT */
/* A preloaded setsockopt of a kernel that grants less: socket buffers of the default size, whoever
 * asks, with POOR_BUFFERS in the environment; no steering of datagrams, with POOR_STEERING. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEFAULT_BUFFER = 212992 };

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    static const int most = DEFAULT_BUFFER / 2; /* the kernel doubles it */
    if (level == SOL_SOCKET && getenv("POOR_BUFFERS") != NULL) {
        if (name == SO_RCVBUFFORCE || name == SO_SNDBUFFORCE) {
            errno = EPERM;
            return -1;
        }
        if (name == SO_RCVBUF || name == SO_SNDBUF)
            value = &most;
    }
    if (level == SOL_SOCKET && name == SO_ATTACH_REUSEPORT_CBPF &&
        getenv("POOR_STEERING") != NULL) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}
