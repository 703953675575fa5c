/* SPDX-License-Identifier: MIT */
/*
 * bench_echo [--requests N] [--repeat N]: the least that one request after another can take here. Two
 * processes, pinned as the others are, do nothing but answer each other's datagrams over loopback, of
 * the sizes that a request and an answer of 1 kB have in HTTP/3: no encryption, no protocol, no timers,
 * and one system call to wait and one to send.
 *
 *   request_latency_floor      the median of the times there and back
 *   request_latency_floor_p99  the 99th of a hundred
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/bench_measure.h"
#include "cli/bench_node.h"
#include "cli/bench_spread.h"
#include "velocity/system.h"

enum { REQUEST_BYTES = 70, ANSWER_BYTES = 1100 };

static void require(const char *what, ssize_t result)
{
    if (result >= 0)
        return;
    perror(what);
    exit(1);
}

static int open_socket(struct sockaddr_in *local)
{
    socklen_t size = sizeof *local;
    *local = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require("socket", fd);
    require("bind", bind(fd, (const struct sockaddr *)local, sizeof *local));
    require("getsockname", getsockname(fd, (struct sockaddr *)local, &size));
    return fd;
}

/* An empty datagram ends it. */
static void run_server(struct vel_bench_node *node)
{
    struct sockaddr_in local, remote;
    int fd = open_socket(&local);
    char bytes[ANSWER_BYTES] = {0};
    vel_bench_tell(node, ntohs(local.sin_port));
    for (;;) {
        socklen_t size = sizeof remote;
        ssize_t came = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&remote, &size);
        require("recvfrom", came);
        if (came == 0)
            break;
        require("sendto", sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&remote, size));
    }
    close(fd);
}

static void run_client(const struct vel_bench_node *node, uint64_t requests, uint64_t rounds)
{
    struct bench median = {.key = "request_latency_floor", .unit = "us"};
    struct bench tail = {.key = "request_latency_floor_p99", .unit = "us"};
    struct sockaddr_in local, remote;
    char bytes[ANSWER_BYTES] = {0};
    int fd = open_socket(&local);
    remote = local;
    remote.sin_port = htons((uint16_t)vel_bench_hear(node));
    require("connect", connect(fd, (const struct sockaddr *)&remote, sizeof remote));
    for (uint64_t round = 0; round < rounds; round++) {
        struct vel_bench_spread spread = {0};
        for (uint64_t i = 0; i < requests; i++) {
            vel_time asked = vel_clock_now();
            require("send", send(fd, bytes, REQUEST_BYTES, 0));
            require("recv", recv(fd, bytes, sizeof bytes, 0));
            vel_bench_spread_add(&spread, vel_clock_now() - asked);
        }
        vel_bench_add(&median, vel_bench_spread_at(&spread, 0.5));
        vel_bench_add(&tail, vel_bench_spread_at(&spread, 0.99));
    }
    require("send", send(fd, bytes, 0, 0));
    close(fd);
    vel_bench_print(&median);
    vel_bench_print(&tail);
}

int main(int argc, char **argv)
{
    uint64_t requests = vel_bench_option(argc, argv, "requests", 20000);
    uint64_t rounds = vel_bench_option(argc, argv, "repeat", 5);
    struct vel_bench_node node = {0};
    int child = 0;
    vel_bench_fork(&node, run_server, &child);
    run_client(&node, requests, rounds);
    vel_bench_join(&node, child);
    return 0;
}
