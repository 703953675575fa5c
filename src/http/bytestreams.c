/* SPDX-License-Identifier: MIT */
#include "http/h3.h"
#include "transport/trace.h"

static vel_result conn_open(void *self, bool bidirectional, uint64_t *stream)
{
    return vel_stream_open(self, bidirectional, stream);
}

static vel_result conn_write(void *self, uint64_t stream, struct vel_slice bytes, bool fin,
                             size_t *accepted)
{
    return vel_stream_write(self, stream, bytes, fin, accepted);
}

static vel_result conn_write_borrowed(void *self, uint64_t stream, struct vel_slice bytes, bool fin,
                                      vel_release_fn release, void *context)
{
    return vel_stream_write_borrowed(self, stream, bytes, fin, release, context);
}

static size_t conn_writable(void *self, uint64_t stream)
{
    return vel_stream_writable(self, stream);
}

static vel_result conn_read(void *self, uint64_t stream, struct vel_slice *bytes, bool *fin)
{
    return vel_stream_read(self, stream, bytes, fin);
}

static vel_result conn_consume(void *self, uint64_t stream, size_t count)
{
    return vel_stream_consume(self, stream, count);
}

static vel_result conn_reset(void *self, uint64_t stream, uint64_t code)
{
    return vel_stream_reset(self, stream, code);
}

static vel_result conn_stop(void *self, uint64_t stream, uint64_t code)
{
    return vel_stream_stop(self, stream, code);
}

static vel_result conn_set_priority(void *self, uint64_t stream, uint8_t urgency, bool incremental)
{
    return vel_stream_set_priority(self, stream, urgency, incremental);
}

static void conn_close(void *self, uint64_t code, const char *reason)
{
    vel_conn_close(self, code, reason);
}

static void conn_trace(void *self, const struct vel_http_trace_event *event)
{
    vel_conn_trace_http(self, event);
}

#define CONN_OPS                                                                                   \
    .open = conn_open, .write = conn_write, .write_borrowed = conn_write_borrowed,                 \
    .writable = conn_writable, .read = conn_read, .consume = conn_consume, .reset = conn_reset,    \
    .stop = conn_stop, .set_priority = conn_set_priority, .close = conn_close

struct vel_bytestreams vel_bytestreams_of_conn(struct vel_conn *conn)
{
    static const struct vel_bytestreams_ops plain = {CONN_OPS};
    static const struct vel_bytestreams_ops traced = {CONN_OPS, .trace = conn_trace};
    return (struct vel_bytestreams){.ops = vel_conn_traces_http(conn) ? &traced : &plain,
                                    .self = conn};
}

vel_result vel_http_new(const struct vel_env *env, struct vel_conn *conn,
                        const struct vel_http_events *events, struct vel_http **http)
{
    return vel_h3_new(env, vel_bytestreams_of_conn(conn), vel_conn_is_client(conn), events, http);
}
