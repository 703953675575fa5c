/* SPDX-License-Identifier: MIT */
#ifndef QLOG_TRACE_H
#define QLOG_TRACE_H

#include "base/units.h"
#include "qlog/record.h"

/*
 * The trace of one connection on its way into a file: records gather in a buffer, which is written
 * when it is half full, after steps of the handshake, and when the last writing was a while ago.
 * The file is made with the first writing. Of a server's connection that is when a packet has come
 * under keys of the handshake: anybody can make an Initial packet, from any address, and the folder
 * has room for so many files only. One that failed before is told, too, if the sink admits it.
 */
enum { VEL_QLOG_BUFFER = 64 * 1024 };

/* Where it goes. */
struct vel_qlog_sink {
    /* Make the file `name`. Errors end the trace. */
    vel_result (*create)(void *self, const char *name, vel_time now, int *file);
    vel_result (*append)(void *self, int file, struct vel_slice bytes);
    void (*close)(void *self, int *file);
    /* May a file be made of a connection whose peer has proved nothing? */
    bool (*admit_failure)(void *self);
    void *self;
    uint64_t max_file_bytes;
    vel_time flush_after; /* what is in the buffer is that old at most when another event comes */
    int64_t unix_base;
};

struct vel_qlog_trace {
    const struct vel_qlog_sink *sink;
    struct vel_qlog_memory memory;
    char name[64]; /* of the file, without its ending */
    int file;      /* -1: not made yet */
    bool worth;    /* a file is to be made of it */
    bool refused;  /* it was a failure too many: none is */
    bool over;     /* nothing more is told: it failed, or is long enough */
    uint64_t written;
    vel_time flushed;
    size_t len;
    uint8_t buffer[VEL_QLOG_BUFFER];
};

void vel_qlog_trace_begin(struct vel_qlog_trace *trace, const struct vel_qlog_sink *sink,
                          const struct vel_trace_start *start, vel_time now);
void vel_qlog_trace_event(struct vel_qlog_trace *trace, const struct vel_trace_event *event,
                          vel_time now);
void vel_qlog_trace_http(struct vel_qlog_trace *trace, const struct vel_http_trace_event *event,
                         vel_time now);
void vel_qlog_trace_end(struct vel_qlog_trace *trace, vel_time now);

#endif
