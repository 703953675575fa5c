/* SPDX-License-Identifier: MIT */
#include "sys/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "sys/address.h"
#include "sys/fd.h"
#include "sys/reuseport.h"

static enum vel_err err_of(int number)
{
    switch (number) {
    case EADDRINUSE:
        return VEL_ERR_EXISTS;
    case ECONNREFUSED:
    case EADDRNOTAVAIL:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return VEL_ERR_NOT_FOUND;
    case EAFNOSUPPORT:
        return VEL_ERR_UNSUPPORTED;
    case ETIMEDOUT:
        return VEL_ERR_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return VEL_ERR_LIMIT;
    default:
        return VEL_ERR_IO;
    }
}

/* A kernel that lacks one costs that feature only, so failures are ignored. */
static void set(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static vel_result open_socket(const struct vel_addr *addr, int *fd)
{
    REQUIRE(addr->family == VEL_ADDR_IP4 || addr->family == VEL_ADDR_IP6, VEL_ERR_UNSUPPORTED);
    int family = addr->family == VEL_ADDR_IP6 ? AF_INET6 : AF_INET;
    int made = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    REQUIRE(made >= 0, err_of(errno));
    *fd = made;
    return VEL_OK;
}

struct vel_addr vel_tcp_local(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &length) != 0)
        return (struct vel_addr){.family = VEL_ADDR_NONE};
    return vel_addr_from_system(&storage);
}

vel_result vel_tcp_listen(const struct vel_addr *local, enum vel_port_sharing sharing, int *fd,
                          struct vel_addr *bound)
{
    OWNED(vel_fd_close) int made = -1;
    TRY(open_socket(local, &made));
    set(made, SOL_SOCKET, SO_REUSEADDR, 1);
    if (local->family == VEL_ADDR_IP6)
        set(made, IPPROTO_IPV6, IPV6_V6ONLY, 0);

    struct sockaddr_storage storage;
    socklen_t length = vel_addr_to_system(local, false, &storage);
    if (sharing == VEL_PORT_NEXT)
        TRY(vel_reuseport_share(made));
    REQUIRE(bind(made, (struct sockaddr *)&storage, length) == 0, err_of(errno));
    if (sharing == VEL_PORT_FIRST)
        TRY(vel_reuseport_share(made));
    REQUIRE(listen(made, VEL_TCP_BACKLOG) == 0, err_of(errno));
    *bound = vel_tcp_local(made);
    *fd = vel_fd_give(&made);
    return VEL_OK;
}

/* Errors of the connection that was about to be taken, which is none of the listener's business
 * (accept(2)). */
static bool concerns_the_peer(int number)
{
    return number == EAGAIN || number == EINTR || number == ECONNABORTED || number == EPROTO ||
           number == ENETDOWN || number == ENETUNREACH || number == EHOSTDOWN ||
           number == EHOSTUNREACH || number == ENONET || number == ENOPROTOOPT || number == EPERM ||
           number == ETIMEDOUT;
}

vel_result vel_tcp_accept(int listener, int *fd, struct vel_addr *remote)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    int made =
        accept4(listener, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    REQUIRE(made >= 0 || !concerns_the_peer(errno), VEL_ERR_AGAIN);
    REQUIRE(made >= 0, err_of(errno));
    set(made, IPPROTO_TCP, TCP_NODELAY, 1);
    *remote = vel_addr_from_system(&storage);
    *fd = made;
    return VEL_OK;
}

vel_result vel_tcp_connect(const struct vel_addr *remote, int *fd)
{
    OWNED(vel_fd_close) int made = -1;
    TRY(open_socket(remote, &made));
    set(made, IPPROTO_TCP, TCP_NODELAY, 1);
    struct sockaddr_storage storage;
    socklen_t length = vel_addr_to_system(remote, false, &storage);
    int status = connect(made, (struct sockaddr *)&storage, length);
    REQUIRE(status == 0 || errno != EADDRNOTAVAIL, VEL_ERR_LIMIT); /* no port is free */
    REQUIRE(status == 0 || errno == EINPROGRESS, err_of(errno));
    *fd = vel_fd_give(&made);
    return VEL_OK;
}

vel_result vel_tcp_connected(int fd)
{
    int number = 0;
    socklen_t length = sizeof number;
    REQUIRE(getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0, VEL_ERR_IO);
    errno = number;
    REQUIRE(number == 0, err_of(number));
    struct sockaddr_storage storage;
    length = sizeof storage;
    if (getpeername(fd, (struct sockaddr *)&storage, &length) == 0)
        return VEL_OK;
    return errno == ENOTCONN ? VEL_ERR_AGAIN : VEL_ERR_IO;
}

vel_result vel_tcp_read(int fd, void *bytes, size_t capacity, size_t *count)
{
    ssize_t got = recv(fd, bytes, capacity, 0);
    REQUIRE(got >= 0 || (errno != EAGAIN && errno != EINTR), VEL_ERR_AGAIN);
    REQUIRE(got >= 0, VEL_ERR_IO);
    REQUIRE(got > 0 || capacity == 0, VEL_ERR_CLOSED);
    *count = (size_t)got;
    return VEL_OK;
}

vel_result vel_tcp_write(int fd, const struct iovec *parts, size_t part_count, size_t *count)
{
    /* sendmsg only reads the parts, but its struct is not const. */
    union {
        const struct iovec *read;
        struct iovec *given;
    } pun = {.read = parts};
    const struct msghdr message = {.msg_iov = pun.given, .msg_iovlen = part_count};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    REQUIRE(sent >= 0 || (errno != EAGAIN && errno != EINTR && errno != ENOBUFS), VEL_ERR_AGAIN);
    REQUIRE(sent >= 0, VEL_ERR_IO);
    *count = (size_t)sent;
    return VEL_OK;
}

void vel_tcp_shutdown(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

void vel_tcp_keep_alive(int fd, vel_time idle)
{
    enum { PROBES = 3, PROBE_SECONDS = 10 };
    int seconds = (int)VEL_MIN(VEL_MAX(idle / SECOND, 1), 32767); /* the kernel's limit */
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_SECONDS);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void vel_tcp_reset_on_close(int fd)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

size_t vel_tcp_raise_limit(void)
{
    enum { KEPT_BACK = 128, FEWEST = 16 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return FEWEST;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    return limit.rlim_cur < KEPT_BACK + FEWEST ? FEWEST : (size_t)limit.rlim_cur - KEPT_BACK;
}
