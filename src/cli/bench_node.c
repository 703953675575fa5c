/* SPDX-License-Identifier: MIT */
#include "cli/bench_node.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/bench_measure.h"
#include "velocity/system.h"
#include "velocity/udp.h"

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* The nth core that this process may use; with fewer, the last one. */
static void pin(int nth)
{
    cpu_set_t allowed;
    cpu_set_t one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        fail("sched_getaffinity");
    CPU_ZERO(&one);
    size_t chosen = 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE && nth >= 0; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            chosen = cpu;
            nth--;
        }
    }
    CPU_SET(chosen, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        fail("sched_setaffinity");
}

void vel_bench_unpin(void)
{
    cpu_set_t all;
    memset(&all, 0xff, sizeof all); /* the kernel keeps those that we may use */
    if (sched_setaffinity(0, sizeof all, &all) != 0)
        fail("sched_setaffinity");
}

void vel_bench_fork(struct vel_bench_node *node, void (*server)(struct vel_bench_node *node),
                    int *child)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        fail("socketpair");
    *child = fork();
    if (*child < 0)
        fail("fork");
    node->control = ends[*child == 0];
    close(ends[*child != 0]);
    if (*child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(1);
        server(node);
        exit(0);
    }
    pin(0);
}

void vel_bench_node_open(struct vel_bench_node *node, bool is_server, size_t max_connections,
                         const struct vel_runtime_hooks *hooks)
{
    const struct vel_env *env = &node->party->env;
    struct vel_udp_setup udp = {.local = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}},
                                .socket_buffer = node->socket_buffer};
    BENCH_OK(vel_loop_new(env, &node->loop));
    BENCH_OK(vel_udp_link_new(env, &udp, &node->link));
    struct vel_endpoint_setup setup = {
        .env = env,
        .server = is_server ? &node->party->server : NULL,
        .max_connections = max_connections,
        .max_half_open = max_connections,
        .max_send_train = node->link->max_train,
    };
    BENCH_OK(vel_endpoint_new(&setup, &node->endpoint));
    BENCH_OK(vel_runtime_new(env, node->loop, node->link, node->endpoint, hooks, &node->runtime));
}

void vel_bench_node_close(struct vel_bench_node *node)
{
    vel_runtime_free(node->runtime);
    vel_endpoint_free(node->endpoint);
    vel_link_free(node->link);
    vel_loop_free(node->loop);
}

void vel_bench_tell(const struct vel_bench_node *node, double number)
{
    if (send(node->control, &number, sizeof number, MSG_NOSIGNAL) != (ssize_t)sizeof number)
        fail("the other process is gone");
}

double vel_bench_hear(const struct vel_bench_node *node)
{
    double number;
    if (recv(node->control, &number, sizeof number, 0) != (ssize_t)sizeof number)
        fail("the other process is gone");
    return number;
}

static double answer(enum vel_bench_question question)
{
    if (question == BENCH_ASK_HEAP)
        return (double)mallinfo2().uordblks;
    return question == BENCH_ASK_MEMORY ? vel_bench_resident() : vel_bench_cpu();
}

static void on_control(void *context, unsigned ready)
{
    const struct vel_bench_node *node = context;
    double question;
    (void)ready;
    if (read(node->control, &question, sizeof question) != (ssize_t)sizeof question)
        vel_loop_stop(node->loop);
    else
        vel_bench_tell(node, answer((enum vel_bench_question)question));
}

void vel_bench_node_serve(struct vel_bench_node *node)
{
    struct vel_watch *watch = NULL;
    BENCH_OK(vel_watch_new(node->loop, node->control, on_control, node, &watch));
    vel_watch_set(watch, VEL_WATCH_READ);
    vel_bench_tell(node, node->link->local.port);
    vel_loop_run(node->loop);
    vel_watch_free(watch);
}

struct vel_addr vel_bench_hear_address(const struct vel_bench_node *node)
{
    return (struct vel_addr){
        .family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}, .port = (uint16_t)vel_bench_hear(node)};
}

double vel_bench_ask(const struct vel_bench_node *node, enum vel_bench_question question)
{
    vel_bench_tell(node, question);
    return vel_bench_hear(node);
}

void vel_bench_join(struct vel_bench_node *node, int child)
{
    int status = 0;
    close(node->control);
    if (waitpid(child, &status, 0) != child || status != 0)
        fail("the server process failed");
}
