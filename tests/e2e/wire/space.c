/* SPDX-License-Identifier: MIT */
#include "wire/space.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "net0"
enum { QUEUE_PACKETS = 5000, USABLE_TRIES = 10000 };

static void name(struct ifreq *request, const char *device)
{
    *request = (struct ifreq){0};
    memcpy(request->ifr_name, device, strlen(device) + 1);
}

static int open_tun(void)
{
    struct ifreq request;
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    name(&request, DEVICE);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int bring_up(int control, const char *device)
{
    struct ifreq request;
    name(&request, device);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return ioctl(control, SIOCSIFFLAGS, &request);
}

static int set_ipv4(int control, unsigned long what, uint32_t address)
{
    struct ifreq request;
    name(&request, DEVICE);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(&request.ifr_addr, &in, sizeof in);
    return ioctl(control, what, &request);
}

static int set_queue(int control)
{
    struct ifreq request;
    name(&request, DEVICE);
    request.ifr_qlen = QUEUE_PACKETS;
    return ioctl(control, SIOCSIFTXQLEN, &request);
}

/*
 * A new address is tentative until a worker of the kernel has had its turn. Who connects before that
 * gets ::1 for a source, for good: nothing is ever heard from there.
 */
static int wait_until_usable(int fd, const struct in6_addr *ip)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = *ip};
    for (unsigned tries = 0; tries < USABLE_TRIES; tries++) {
        if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
            return 0;
        if (errno != EADDRNOTAVAIL)
            return -1;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return -1;
}

static int add_ipv6(unsigned char host)
{
    int control = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0)
        return -1;
    struct in6_ifreq request = {.ifr6_prefixlen = 64, .ifr6_ifindex = (int)if_nametoindex(DEVICE)};
    request.ifr6_addr.s6_addr[0] = 0xfd;
    request.ifr6_addr.s6_addr[15] = host;
    int done = ioctl(control, SIOCSIFADDR, &request);
    if (done == 0)
        done = wait_until_usable(control, &request.ifr6_addr);
    close(control);
    return done;
}

static int configure(unsigned char host)
{
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0)
        return -1;
    int done = bring_up(control, "lo");
    if (done == 0)
        done = set_ipv4(control, SIOCSIFADDR, 0x0a000000u | host);
    if (done == 0)
        done = set_ipv4(control, SIOCSIFNETMASK, 0xffffff00u);
    if (done == 0)
        done = set_queue(control);
    if (done == 0)
        done = bring_up(control, DEVICE);
    close(control);
    return done == 0 ? add_ipv6(host) : done;
}

int space_open(unsigned char host, struct space *space)
{
    *space = (struct space){.ns = -1, .tun = -1};
    if (unshare(CLONE_NEWNET) != 0)
        return -1;
    space->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    space->tun = open_tun();
    if (space->ns < 0 || space->tun < 0)
        return -1;
    return configure(host);
}
