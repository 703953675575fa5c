/* SPDX-License-Identifier: MIT */
#include "cli/bench_stream.h"

#include <string.h>

#include "base/units.h"
#include "cli/bench_measure.h"

enum { BLOCK = 64 * KIB };

static const uint8_t block[BLOCK];

static void released(void *context, struct vel_slice bytes)
{
    (void)context;
    (void)bytes;
}

uint64_t vel_bench_stream_ask(struct vel_conn *conn, const struct vel_bench_request *request,
                              bool whole)
{
    uint8_t header[BENCH_HEADER];
    size_t accepted = 0;
    uint64_t stream = 0;
    memcpy(header, &request->size, sizeof request->size);
    memcpy(header + sizeof request->size, &request->datagrams, sizeof request->datagrams);
    BENCH_OK(vel_stream_open(conn, true, &stream));
    BENCH_OK(vel_stream_write(conn, stream, vel_slice(header, sizeof header), whole, &accepted));
    return stream;
}

struct vel_bench_request vel_bench_stream_request(struct vel_slice header)
{
    struct vel_bench_request request;
    memcpy(&request.size, header.ptr, sizeof request.size);
    memcpy(&request.datagrams, header.ptr + sizeof request.size, sizeof request.datagrams);
    return request;
}

void vel_bench_stream_fill(struct vel_conn *conn, uint64_t stream, uint64_t *left)
{
    while (*left > 0) {
        size_t size = (size_t)VEL_MIN(*left, (uint64_t)BLOCK);
        enum vel_err err = vel_stream_write_borrowed(conn, stream, vel_slice(block, size),
                                                     size == *left, released, NULL);
        if (err == VEL_ERR_AGAIN)
            return;
        BENCH_OK(err);
        *left -= size;
    }
}

bool vel_bench_stream_drain(struct vel_conn *conn, uint64_t stream, uint64_t *received)
{
    struct vel_slice bytes;
    bool fin = false;
    do {
        BENCH_OK(vel_stream_read(conn, stream, &bytes, &fin));
        *received += bytes.len;
        BENCH_OK(vel_stream_consume(conn, stream, bytes.len));
    } while (bytes.len > 0 && !fin);
    return fin;
}
