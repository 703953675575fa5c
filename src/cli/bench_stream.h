/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_STREAM_H
#define CLI_BENCH_STREAM_H

#include "velocity/conn.h"

/*
 * What the two processes of `velocity bench` speak on a stream of Velocity/1. A request is what the client
 * writes before it ends its side,
 *
 *     8 bytes  bytes to answer with
 *     8 bytes  DATAGRAM frames to send before the answer
 *     the rest is taken and dropped
 *
 * in the byte order of the machine, and the answer follows when all of it has come.
 */
enum { BENCH_HEADER = 16 };

struct vel_bench_request {
    uint64_t size, datagrams;
};

/* Open a stream with that request, and give its id. `whole`: nothing follows, so our side ends. */
uint64_t vel_bench_stream_ask(struct vel_conn *conn, const struct vel_bench_request *request,
                              bool whole);

/* Of BENCH_HEADER bytes. */
struct vel_bench_request vel_bench_stream_request(struct vel_slice header);

/* Write what is left of a body, of memory that is lent, as far as there is room now; then the end. */
void vel_bench_stream_fill(struct vel_conn *conn, uint64_t stream, uint64_t *left);

/* Take and drop what has come, and add it to *received; true: that was the end. */
bool vel_bench_stream_drain(struct vel_conn *conn, uint64_t stream, uint64_t *received);

#endif
