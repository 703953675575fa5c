/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/try.h"
#include "base/units.h"
#include "sys/address.h"
#include "sys/udp.h"

/* Room for the control messages of one call, aligned as the kernel wants them. */
union control {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int))];
};

enum { ECN_BITS = 3 };

/* ---- sending ---- */

static void put(struct msghdr *message, int level, int type, const void *value, size_t size)
{
    struct cmsghdr *at =
        (struct cmsghdr *)((uint8_t *)message->msg_control + message->msg_controllen);
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(at), value, size);
    message->msg_controllen += CMSG_SPACE(size);
}

/* Send from the address that the peer knows, when the socket has several. */
static void put_source(const struct vel_udp *udp, const struct vel_train *train,
                       struct msghdr *message)
{
    const struct vel_addr *local = &train->local;
    if (udp->connected || !vel_addr_is_wildcard(&udp->local) || vel_addr_is_wildcard(local))
        return;
    if (local->family == VEL_ADDR_IP4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip, sizeof info.ipi_spec_dst);
        put(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else if (local->family == VEL_ADDR_IP6) {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
        memcpy(&info.ipi6_addr, local->ip, sizeof info.ipi6_addr);
        put(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}

static void put_mark(const struct vel_train *train, struct msghdr *message)
{
    int mark = train->ecn & ECN_BITS;
    if (mark == VEL_ECN_NOT_ECT)
        return;
    if (train->remote.family == VEL_ADDR_IP4)
        put(message, IPPROTO_IP, IP_TOS, &mark, sizeof mark);
    else
        put(message, IPPROTO_IPV6, IPV6_TCLASS, &mark, sizeof mark);
}

/* Everything of a message but its bytes. */
static void address_message(const struct vel_udp *udp, const struct vel_train *train,
                            struct sockaddr_storage *to, union control *control,
                            struct msghdr *message)
{
    *message = (struct msghdr){.msg_control = control->bytes};
    memset(control, 0, sizeof *control);
    if (!udp->connected) {
        message->msg_namelen = vel_addr_to_system(&train->remote, udp->ip6, to);
        message->msg_name = to;
    }
    put_source(udp, train, message);
    put_mark(train, message);
}

/* The kernel refuses a segment that is larger than the route's datagrams with EINVAL (EMSGSIZE
 * since 6.14), and a device without checksum offload with EIO. */
static enum vel_err send_err(int number)
{
    switch (number) {
    case EAGAIN:
        return VEL_ERR_AGAIN;
    case ECONNREFUSED:
        return VEL_ERR_NOT_FOUND;
    case EMSGSIZE:
    case EINVAL:
        return VEL_ERR_LIMIT;
    case EIO:
        return VEL_ERR_UNSUPPORTED;
    default:
        return VEL_ERR_IO;
    }
}

static void finish_control(struct msghdr *message)
{
    if (message->msg_controllen == 0)
        message->msg_control = NULL;
}

vel_result vel_udp_send(const struct vel_udp *udp, const struct vel_train *train)
{
    struct sockaddr_storage to;
    union control control;
    struct msghdr message;
    struct iovec bytes = {.iov_base = train->bytes, .iov_len = train->len};
    address_message(udp, train, &to, &control, &message);
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    if (train->len > train->segment) {
        uint16_t segment = (uint16_t)train->segment;
        put(&message, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    }
    finish_control(&message);
    ssize_t done;
    do
        done = sendmsg(udp->fd, &message, 0);
    while (done < 0 && errno == EINTR);
    return done < 0 ? send_err(errno) : VEL_OK;
}

vel_result vel_udp_send_plain(const struct vel_udp *udp, const struct vel_train *train,
                              size_t *sent)
{
    struct sockaddr_storage to;
    union control control;
    struct msghdr message;
    address_message(udp, train, &to, &control, &message);
    finish_control(&message);

    struct mmsghdr messages[VEL_TRAIN_SEGMENTS];
    struct iovec bytes[VEL_TRAIN_SEGMENTS];
    unsigned count = 0;
    for (size_t at = 0; at < train->len && count < VEL_TRAIN_SEGMENTS; at += train->segment) {
        bytes[count] = (struct iovec){.iov_base = train->bytes + at,
                                      .iov_len = VEL_MIN(train->segment, train->len - at)};
        messages[count] = (struct mmsghdr){.msg_hdr = message};
        messages[count].msg_hdr.msg_iov = &bytes[count];
        messages[count].msg_hdr.msg_iovlen = 1;
        count++;
    }
    *sent = 0;
    while (*sent < count) {
        int done = sendmmsg(udp->fd, messages + *sent, count - (unsigned)*sent, 0);
        if (done < 0 && errno == EINTR)
            continue;
        REQUIRE(done > 0, send_err(errno));
        *sent += (size_t)done;
    }
    return VEL_OK;
}

/* ---- receiving ---- */

static void take_ip4(const struct cmsghdr *at, struct vel_train *train)
{
    struct in_pktinfo info;
    if (at->cmsg_type == IP_TOS) {
        train->ecn = *CMSG_DATA(at) & ECN_BITS; /* one byte, unlike its IPv6 sister */
    } else if (at->cmsg_type == IP_PKTINFO) {
        memcpy(&info, CMSG_DATA(at), sizeof info);
        train->local.family = VEL_ADDR_IP4;
        memset(train->local.ip, 0, sizeof train->local.ip);
        memcpy(train->local.ip, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
    }
}

static void take_ip6(const struct cmsghdr *at, struct vel_train *train)
{
    int mark;
    struct in6_pktinfo info;
    if (at->cmsg_type == IPV6_TCLASS) {
        memcpy(&mark, CMSG_DATA(at), sizeof mark);
        train->ecn = (uint8_t)(mark & ECN_BITS);
    } else if (at->cmsg_type == IPV6_PKTINFO) {
        memcpy(&info, CMSG_DATA(at), sizeof info);
        uint32_t scope = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
        train->local = vel_addr_from_in6(&info.ipi6_addr, train->local.port, scope);
    }
}

static void take_control(struct msghdr *message, struct vel_train *train)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        int segment;
        if (at->cmsg_level == IPPROTO_IP) {
            take_ip4(at, train);
        } else if (at->cmsg_level == IPPROTO_IPV6) {
            take_ip6(at, train);
        } else if (at->cmsg_level == IPPROTO_UDP && at->cmsg_type == UDP_GRO) {
            memcpy(&segment, CMSG_DATA(at), sizeof segment);
            if (segment > 0 && (size_t)segment < train->len)
                train->segment = (size_t)segment;
        }
    }
}

/* Who refused: the only peer that a connected socket has. */
static struct vel_addr peer_of(const struct vel_udp *udp)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    (void)getpeername(udp->fd, (struct sockaddr *)&storage, &length);
    return vel_addr_from_system(&storage);
}

vel_result vel_udp_receive(const struct vel_udp *udp, struct vel_train *train)
{
    struct sockaddr_storage from = {0};
    union control control;
    struct iovec bytes = {.iov_base = train->bytes, .iov_len = train->capacity};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do
        got = recvmsg(udp->fd, &message, 0);
    while (got < 0 && errno == EINTR);

    if (got < 0 && errno == ECONNREFUSED)
        train->remote = peer_of(udp);
    if (got < 0)
        return errno == EAGAIN         ? VEL_ERR_AGAIN
               : errno == ECONNREFUSED ? VEL_ERR_NOT_FOUND
                                       : VEL_ERR_IO;
    REQUIRE(!(message.msg_flags & MSG_TRUNC), VEL_ERR_LIMIT);

    train->remote = vel_addr_from_system(&from);
    train->local = udp->local;
    train->len = train->segment = (size_t)got;
    train->ecn = VEL_ECN_NOT_ECT;
    take_control(&message, train);
    return VEL_OK;
}
