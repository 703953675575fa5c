/* SPDX-License-Identifier: MIT */
#ifndef HTTP_BYTESTREAMS_H
#define HTTP_BYTESTREAMS_H

#include "http/trace.h"
#include "velocity/conn.h"

/*
 * Ordered byte streams on one connection, as HTTP needs them: the calls of velocity/conn.h behind a
 * table, so that HTTP runs on a transport connection, on memory in tests, and later on TLS over
 * TCP. Semantics, errors and lifetimes are those of the vel_stream_* call of the same name; events
 * reach the session as struct vel_event whatever carries the streams.
 */
struct vel_bytestreams_ops {
    vel_result (*open)(void *self, bool bidirectional, uint64_t *stream);
    vel_result (*write)(void *self, uint64_t stream, struct vel_slice bytes, bool fin,
                        size_t *accepted);
    vel_result (*write_borrowed)(void *self, uint64_t stream, struct vel_slice bytes, bool fin,
                                 vel_release_fn release, void *context);
    size_t (*writable)(void *self, uint64_t stream);
    vel_result (*read)(void *self, uint64_t stream, struct vel_slice *bytes, bool *fin);
    vel_result (*consume)(void *self, uint64_t stream, size_t count);
    vel_result (*reset)(void *self, uint64_t stream, uint64_t code);
    vel_result (*stop)(void *self, uint64_t stream, uint64_t code);
    vel_result (*set_priority)(void *self, uint64_t stream, uint8_t urgency, bool incremental);
    void (*close)(void *self, uint64_t code, const char *reason);
    void (*trace)(void *self, const struct vel_http_trace_event *event); /* NULL: nobody listens */
};

/* A pair of pointers, passed by value. */
struct vel_bytestreams {
    const struct vel_bytestreams_ops *ops;
    void *self;
};

/* The streams of a transport connection. */
struct vel_bytestreams vel_bytestreams_of_conn(struct vel_conn *conn);

#endif
