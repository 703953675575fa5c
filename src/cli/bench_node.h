/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_NODE_H
#define CLI_BENCH_NODE_H

#include "cli/bench_party.h"
#include "velocity/runtime.h"

/*
 * One process of a benchmark over loopback: an endpoint on a UDP socket in its own loop, pinned to
 * one core. The server is a child that lives until its end of `control` is closed.
 */
struct vel_bench_node {
    struct vel_bench_party *party;
    struct vel_loop *loop;
    struct vel_link *link;
    struct vel_endpoint *endpoint;
    struct vel_runtime *runtime;
    size_t socket_buffer; /* bytes in each direction; 0: VEL_UDP_BUFFER */
    int control;          /* to the other process: SOCK_SEQPACKET, one message at a time */
};

/*
 * Fork. In the child: pinned to the second core, runs `server` and exits with it. In the parent:
 * pinned to the first; returns with node->control set. *child is for waiting.
 */
void vel_bench_fork(struct vel_bench_node *node, void (*server)(struct vel_bench_node *node),
                    int *child);

/* Back to every core: for a third process, which is not measured. */
void vel_bench_unpin(void);

/* Socket on 127.0.0.1, any port, and what stands on it. */
enum { BENCH_CONNECTIONS_MAX = 1 << 20 };
void vel_bench_node_open(struct vel_bench_node *node, bool is_server, size_t max_connections,
                         const struct vel_runtime_hooks *hooks);
void vel_bench_node_close(struct vel_bench_node *node);

/* A message of one number to the other process, and the wait for one; ends the program when the
 * other is gone. */
void vel_bench_tell(const struct vel_bench_node *node, double number);
double vel_bench_hear(const struct vel_bench_node *node);

/* Of the server process: the CPU seconds it used so far, the bytes of memory of its own that are resident,
 * and those that its heap has in use. */
enum vel_bench_question { BENCH_ASK_CPU, BENCH_ASK_MEMORY, BENCH_ASK_HEAP };

/* In the server, once its node is open: say where it is, then run the loop and answer questions until the
 * client closes its end. */
void vel_bench_node_serve(struct vel_bench_node *node);

/* In the client: the server's address, which is the first that it says, and then its answers. */
struct vel_addr vel_bench_hear_address(const struct vel_bench_node *node);
double vel_bench_ask(const struct vel_bench_node *node, enum vel_bench_question question);

/* Close the control socket and wait for the child to end well. */
void vel_bench_join(struct vel_bench_node *node, int child);

#endif
