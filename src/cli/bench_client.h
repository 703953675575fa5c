/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_CLIENT_H
#define CLI_BENCH_CLIENT_H

#include "cli/bench.h"

/*
 * The client of `velocity bench` against itself: one connection that streams are opened on, others that
 * come and go or stay, and what a round counts of them. A round sets what it wants and runs the loop;
 * that stops when its work is done.
 */
struct vel_bench_client {
    struct vel_bench_node *node;
    const struct vel_bench_settings *settings;
    struct vel_addr remote;
    struct vel_timer *timer;
    struct vel_conn *conn; /* of all tests but those that open their own */
    bool ready;            /* it is connected */
    /* Of the round that runs: */
    uint64_t size, up;           /* bytes that each stream asks for, and brings */
    uint64_t up_left, up_stream; /* of the one that brings something */
    uint64_t streams_left;       /* not answered yet */
    uint64_t answered;
    uint64_t received, datagrams;
    vel_time until;        /* requests, handshakes: none after that; 0: no such round */
    bool connecting, idle; /* a round of handshakes; their connections stay open */
    uint64_t started, connected, closed, wanted;
};

/* `node`, `settings` and `remote` are set. Returns when it is connected. */
void vel_bench_client_open(struct vel_bench_client *self);

/* Until the round is over. */
void vel_bench_client_run(const struct vel_bench_client *self);

/* Open a stream that asks for `size` bytes and so many DATAGRAM frames, and brings `up`. */
void vel_bench_client_ask(struct vel_bench_client *self, uint64_t datagrams);

/* Begin a new connection. */
struct vel_conn *vel_bench_client_connect(struct vel_bench_client *self);

#endif
