/* SPDX-License-Identifier: MIT */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "velocity/slice.h"

/*
 * What an HTTP/3 session does, told as transport/trace.h tells what its connection does, to the same
 * tracer: `http` in struct vel_tracer, in the order in which it happens, between the packets that carry it.
 *
 * Of a message no more is told than method and status: paths, names and other fields may be secrets,
 * and traces are given away to be looked at.
 */
enum vel_http_trace_type {
    VEL_HTTP_TRACE_STREAM,  /* stream_type: what a stream is for is known */
    VEL_HTTP_TRACE_SETTING, /* setting: one of those in the SETTINGS frame, told before it */
    VEL_HTTP_TRACE_FRAME    /* frame */
};

/* As stream_type: a bidirectional stream, which carries no type. */
#define VEL_HTTP_TRACE_REQUEST UINT64_MAX

struct vel_http_trace_setting {
    uint64_t id, value;
};

struct vel_http_trace_frame {
    uint64_t type;
    uint64_t length;         /* of its payload; DATA may still be on its way */
    uint64_t id;             /* GOAWAY and the like: what its payload begins with */
    struct vel_slice method; /* HEADERS of a request; else empty */
    unsigned status;         /* HEADERS of a response; else 0 */
};

struct vel_http_trace_event {
    enum vel_http_trace_type type;
    bool remote; /* from the peer; else ours */
    uint64_t stream;
    union {
        uint64_t stream_type; /* RFC 9114 6.2, or VEL_HTTP_TRACE_REQUEST */
        struct vel_http_trace_setting setting;
        struct vel_http_trace_frame frame;
    };
};

#endif
