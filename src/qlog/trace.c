/* SPDX-License-Identifier: MIT */
#include "qlog/trace.h"

#include <stdio.h>

/* ---- out ---- */

static vel_result write_out(struct vel_qlog_trace *trace, vel_time now)
{
    const struct vel_qlog_sink *sink = trace->sink;
    if (trace->file < 0) {
        enum vel_err err = sink->create(sink->self, trace->name, now, &trace->file);
        if (err != VEL_OK)
            return err;
    }
    return sink->append(sink->self, trace->file, vel_slice(trace->buffer, trace->len));
}

/* Nothing more comes; the connection may go on for long. */
static void finish(struct vel_qlog_trace *trace)
{
    trace->over = true;
    if (trace->file >= 0)
        trace->sink->close(trace->sink->self, &trace->file);
}

static void flush(struct vel_qlog_trace *trace, vel_time now)
{
    if (!trace->worth || trace->len == 0)
        return;
    if (write_out(trace, now) != VEL_OK)
        finish(trace);
    trace->written += trace->len;
    trace->len = 0;
    trace->flushed = now;
}

/* ---- in ---- */

static struct vel_json room(struct vel_qlog_trace *trace)
{
    return vel_json(trace->buffer + trace->len, sizeof trace->buffer - trace->len);
}

static bool take(struct vel_qlog_trace *trace, const struct vel_json *j)
{
    if (vel_write_ok(&j->w))
        trace->len += vel_written(&j->w);
    return vel_write_ok(&j->w);
}

void vel_qlog_trace_begin(struct vel_qlog_trace *trace, const struct vel_qlog_sink *sink,
                          const struct vel_trace_start *start, vel_time now)
{
    size_t length = 0;
    trace->sink = sink;
    trace->file = -1;
    trace->worth = start->is_client;
    trace->flushed = now;
    for (size_t i = 0; i < start->original_dcid.len; i++)
        length += (size_t)snprintf(trace->name + length, sizeof trace->name - length, "%02x",
                                   start->original_dcid.bytes[i]);
    snprintf(trace->name + length, sizeof trace->name - length, "_%s",
             start->is_client ? "client" : "server");
    struct vel_json j = room(trace);
    vel_qlog_begin(&trace->memory, &j, start, now, sink->unix_base + now);
    (void)take(trace, &j);
}

/* Only packets can be too long for what is left of the buffer, which is half of it: then their
 * frames are left out. */
static void put(struct vel_qlog_trace *trace, const struct vel_trace_event *event, vel_time now)
{
    struct vel_json j = room(trace);
    vel_qlog_event(&trace->memory, &j, event, now, true);
    if (take(trace, &j))
        return;
    j = room(trace);
    vel_qlog_event(&trace->memory, &j, event, now, false);
    (void)take(trace, &j);
}

static void cut(struct vel_qlog_trace *trace, vel_time now)
{
    struct vel_json j = room(trace);
    vel_qlog_cut(&trace->memory, &j, "the file is as long as it may be: the rest is not told", now);
    (void)take(trace, &j);
    flush(trace, now);
    finish(trace);
}

/* The peer has the handshake's secrets, so he is where he says he is. Who only has the Initial keys,
 * which follow from what is in the packet, may be anybody. */
static bool is_proof(const struct vel_trace_event *event)
{
    return event->type == VEL_TRACE_PACKET_RECEIVED &&
           (event->packet.type == VEL_PACKET_HANDSHAKE || event->packet.type == VEL_PACKET_ONE_RTT);
}

/* Somebody closed with an error: not one that just went silent. */
static bool is_failure(const struct vel_trace_event *event)
{
    const struct vel_close *close = event->type == VEL_TRACE_STATE ? event->life.close : NULL;
    return close != NULL && close->code != 0 &&
           (close->origin == VEL_CLOSE_LOCAL || close->origin == VEL_CLOSE_PEER);
}

static void judge(struct vel_qlog_trace *trace, const struct vel_trace_event *event)
{
    if (trace->worth || trace->refused)
        return;
    trace->worth = is_proof(event);
    if (trace->worth || !is_failure(event))
        return;
    trace->worth = trace->sink->admit_failure(trace->sink->self);
    trace->refused = !trace->worth;
}

static void put_out(struct vel_qlog_trace *trace, bool at_once, vel_time now)
{
    if (trace->written + trace->len >= trace->sink->max_file_bytes)
        cut(trace, now);
    else if (trace->len > sizeof trace->buffer / 2 || at_once ||
             now - trace->flushed >= trace->sink->flush_after)
        flush(trace, now);
    if (trace->len > sizeof trace->buffer / 2) /* a stranger sends nothing but rubbish */
        finish(trace);
}

void vel_qlog_trace_event(struct vel_qlog_trace *trace, const struct vel_trace_event *event,
                          vel_time now)
{
    if (trace->over)
        return;
    judge(trace, event);
    put(trace, event, now);
    put_out(trace, event->type == VEL_TRACE_STATE, now);
}

void vel_qlog_trace_http(struct vel_qlog_trace *trace, const struct vel_http_trace_event *event,
                         vel_time now)
{
    if (trace->over)
        return;
    struct vel_json j = room(trace);
    vel_qlog_http(&trace->memory, &j, event, now);
    (void)take(trace, &j);
    put_out(trace, false, now);
}

void vel_qlog_trace_end(struct vel_qlog_trace *trace, vel_time now)
{
    if (!trace->over)
        flush(trace, now);
    finish(trace);
}
