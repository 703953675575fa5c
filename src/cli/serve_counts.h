/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_COUNTS_H
#define CLI_SERVE_COUNTS_H

#include <stdint.h>
#include <sys/resource.h>

#include "velocity/env.h"

/* What a worker of `velocity serve` did in its life. Plain numbers: they travel through a pipe. */
struct vel_serve_counts {
    uint64_t connections; /* handshakes completed on UDP, connections accepted on TCP */
    uint64_t requests;
    uint64_t resets;         /* stateless ones: clients told that their connection is not known */
    uint64_t body_bytes;     /* of responses */
    uint64_t datagrams_lost; /* by the kernel, for want of room in the socket's buffer */
    uint64_t probes;         /* time-outs: clients who were silent for longer than expected */
    vel_time cpu;            /* of user and system; measured from outside */
};

/* The processor time in it. */
vel_time vel_serve_cpu(const struct rusage *used);

void vel_serve_counts_add(struct vel_serve_counts *sum, const struct vel_serve_counts *counts);

/*
 * One line on the standard output:
 *   worker 1: 253 connections, 2530 requests, 2590720 bytes of bodies, 0 resets, 0 datagrams lost,
 *   0 probes, 0.512 s of CPU
 * `who` is "worker 1", or "served" for all of them.
 */
void vel_serve_counts_print(const char *who, const struct vel_serve_counts *counts);

#endif
