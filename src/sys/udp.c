/* SPDX-License-Identifier: MIT */
#include "sys/udp.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
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
    case EADDRNOTAVAIL:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return VEL_ERR_NOT_FOUND;
    case EAFNOSUPPORT:
        return VEL_ERR_UNSUPPORTED;
    case ENOMEM:
        return VEL_ERR_NOMEM;
    default:
        return VEL_ERR_IO;
    }
}

static bool set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* What each datagram tells and asks beyond its bytes. The IPv4 rows also serve the mapped traffic
 * of an IPv6 socket. A kernel that lacks one costs that feature only, so failures are ignored. */
static void set_options(int fd, bool ip6)
{
    static const struct {
        int level, name, value;
        bool on_ip4, on_ip6;
    } options[] = {
        {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, true, true}, /* RFC 9000 14: never split */
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, false, true},
        {IPPROTO_IP, IP_RECVTOS, 1, true, true},
        {IPPROTO_IPV6, IPV6_RECVTCLASS, 1, false, true},
        {IPPROTO_IP, IP_PKTINFO, 1, true, false},
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, false, true}, /* mapped destinations included */
        {IPPROTO_IPV6, IPV6_V6ONLY, 0, false, true},
    };
    for (size_t i = 0; i < VEL_COUNT(options); i++)
        if (ip6 ? options[i].on_ip6 : options[i].on_ip4)
            (void)set(fd, options[i].level, options[i].name, options[i].value);
}

/* Ask for `wanted` bytes, past the administrator's limit where we may. Returns what was granted:
 * the kernel reports twice that, its bookkeeping included. */
static size_t set_buffer(int fd, int force, int ask, size_t wanted)
{
    int value = (int)VEL_MIN(wanted, (size_t)INT32_MAX / 2);
    if (!set(fd, SOL_SOCKET, force, value))
        (void)set(fd, SOL_SOCKET, ask, value);
    int granted = 0;
    socklen_t length = sizeof granted;
    (void)getsockopt(fd, SOL_SOCKET, ask, &granted, &length);
    return granted > 0 ? (size_t)granted / 2 : 0;
}

/* The address to bind: unless told, any of the peer's family. */
static struct vel_addr address_to_bind(const struct vel_udp_setup *setup)
{
    struct vel_addr local = setup->local;
    if (local.family == VEL_ADDR_NONE)
        local.family = setup->remote.family;
    return local;
}

static vel_result attach(const struct vel_udp_setup *setup, struct vel_udp *udp)
{
    struct sockaddr_storage storage;
    struct vel_addr local = address_to_bind(setup);
    socklen_t length = vel_addr_to_system(&local, false, &storage);
    if (setup->sharing == VEL_PORT_NEXT)
        TRY(vel_reuseport_share(udp->fd));
    REQUIRE(bind(udp->fd, (struct sockaddr *)&storage, length) == 0, err_of(errno));
    if (setup->sharing == VEL_PORT_FIRST)
        TRY(vel_reuseport_share(udp->fd));

    if (setup->remote.family != VEL_ADDR_NONE) {
        length = vel_addr_to_system(&setup->remote, udp->ip6, &storage);
        REQUIRE(connect(udp->fd, (struct sockaddr *)&storage, length) == 0, err_of(errno));
        udp->connected = true;
    }
    length = sizeof storage;
    REQUIRE(getsockname(udp->fd, (struct sockaddr *)&storage, &length) == 0, VEL_ERR_IO);
    udp->local = vel_addr_from_system(&storage);
    return VEL_OK;
}

/* Kernels that know UDP_SEGMENT accept 0, "off", as the socket's default. */
static void probe_offload(struct vel_udp *udp)
{
    udp->segmentation = set(udp->fd, IPPROTO_UDP, UDP_SEGMENT, 0);
    udp->coalescing = set(udp->fd, IPPROTO_UDP, UDP_GRO, 1);
}

vel_result vel_udp_open(const struct vel_udp_setup *setup, struct vel_udp *udp)
{
    uint8_t family = address_to_bind(setup).family;
    REQUIRE(family == VEL_ADDR_IP4 || family == VEL_ADDR_IP6, VEL_ERR_UNSUPPORTED);

    struct vel_udp made = {.ip6 = family == VEL_ADDR_IP6};
    int type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    OWNED(vel_fd_close) int fd = socket(made.ip6 ? AF_INET6 : AF_INET, type, 0);
    REQUIRE(fd >= 0, err_of(errno));
    made.fd = fd;

    set_options(fd, made.ip6);
    size_t wanted = setup->socket_buffer > 0 ? setup->socket_buffer : VEL_UDP_BUFFER;
    made.receive_buffer = set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, wanted);
    made.send_buffer = set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, wanted);
    if (!setup->plain)
        probe_offload(&made);
    TRY(attach(setup, &made));

    vel_fd_give(&fd);
    *udp = made;
    return VEL_OK;
}

void vel_udp_close(struct vel_udp *udp)
{
    vel_fd_close(&udp->fd);
}

uint32_t vel_udp_overflowed(const struct vel_udp *udp)
{
    uint32_t numbers[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof numbers;
    if (getsockopt(udp->fd, SOL_SOCKET, SO_MEMINFO, numbers, &size) != 0)
        return 0;
    return numbers[SK_MEMINFO_DROPS];
}
