/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/try.h"
#include "base/units.h"
#include "links/tls_stream_internal.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "velocity/system.h"

enum { READS_A_TURN = 16 };

/* ---- the end; every function that calls out returns false when the stream is gone or over ---- */

static bool tell_closed(struct vel_tls_stream *stream, enum vel_tls_stream_reason reason)
{
    const struct vel_tls_stream_end end = {.reason = reason,
                                           .system = stream->system,
                                           .connected = stream->state == VEL_TLS_STREAM_OPEN,
                                           .by_peer = stream->conn.alert_received,
                                           .failure = stream->failure};
    stream->state = VEL_TLS_STREAM_OVER;
    vel_watch_free(stream->watch);
    stream->watch = NULL;
    vel_alarm_set(stream->alarm, VEL_NEVER);
    vel_fd_close(&stream->fd);
    stream->setup.events.closed(stream->setup.events.self, &end);
    return false;
}

/* A system call failed (its errno is kept for the person who reads about it), or memory. */
static bool fail(struct vel_tls_stream *stream, enum vel_err err)
{
    if (stream->system == 0 && err != VEL_ERR_UNEXPECTED)
        stream->system = err == VEL_ERR_NOMEM ? ENOMEM : errno;
    switch ((int)err) {
    case VEL_ERR_NOT_FOUND:
    case VEL_ERR_UNSUPPORTED:
        return tell_closed(stream, VEL_TLS_STREAM_REFUSED);
    case VEL_ERR_TIMEOUT:
        return tell_closed(stream, VEL_TLS_STREAM_UNANSWERED);
    case VEL_ERR_LIMIT:
    case VEL_ERR_NOMEM:
        return tell_closed(stream, VEL_TLS_STREAM_EXHAUSTED);
    default:
        return tell_closed(stream, VEL_TLS_STREAM_BROKEN);
    }
}

/* ---- sending ---- */

/* While it finishes, a stream is given up when nothing moves any more. */
static void note_progress(struct vel_tls_stream *stream)
{
    if (stream->finishing)
        stream->deadline = VEL_MIN(vel_clock_now() + stream->setup.linger, stream->last_moment);
}

static vel_result flush(struct vel_tls_stream *stream)
{
    while (stream->out.len > 0) {
        const struct iovec part = {.iov_base = stream->out.ptr, .iov_len = stream->out.len};
        size_t count;
        TRY(vel_tcp_write(stream->fd, &part, 1, &count));
        vel_buf_consume(&stream->out, count);
        note_progress(stream);
    }
    vel_buf_free(&stream->out);
    return VEL_OK;
}

/* TLS failed: the peer is told why, if the socket takes it at once. */
static bool refuse(struct vel_tls_stream *stream, enum vel_tls_stream_reason reason)
{
    if (flush(stream) == VEL_OK)
        vel_tcp_shutdown(stream->fd);
    return tell_closed(stream, reason);
}

static bool send_end(struct vel_tls_stream *stream)
{
    if (!stream->end_queued) {
        enum vel_err err = stream->channel->end(stream);
        if (err == VEL_ERR_AGAIN)
            return true;
        if (err != VEL_OK)
            return fail(stream, VEL_ERR_IO);
        stream->end_queued = true;
    }
    enum vel_err err = flush(stream);
    if (err == VEL_ERR_AGAIN)
        return true;
    if (err != VEL_OK)
        return fail(stream, err);
    vel_tcp_shutdown(stream->fd);
    stream->sent_end = true;
    return true;
}

static bool send_some(struct vel_tls_stream *stream)
{
    enum vel_err err = flush(stream);
    if (err != VEL_OK && err != VEL_ERR_AGAIN)
        return fail(stream, err);
    if (stream->choked && stream->out.len < VEL_TLS_STREAM_QUEUE) {
        stream->choked = false;
        stream->soon = true;
    }
    if (stream->short_write && !stream->finishing && stream->out.len < VEL_TLS_STREAM_QUEUE / 2) {
        const bool *freed = stream->freed;
        stream->short_write = false;
        if (stream->setup.events.writable != NULL)
            stream->setup.events.writable(stream->setup.events.self);
        if (*freed)
            return false;
        err = flush(stream);
        stream->soon = stream->soon || (stream->short_write && stream->out.len == 0);
    }
    return err == VEL_OK || err == VEL_ERR_AGAIN || fail(stream, err);
}

/* ---- receiving ---- */

/* Show bytes; what is not taken is kept. */
static bool show(struct vel_tls_stream *stream, struct vel_slice bytes)
{
    const bool *freed = stream->freed;
    stream->blocked = true;
    size_t taken = stream->setup.events.received(stream->setup.events.self, bytes);
    if (*freed)
        return false;
    if (taken >= bytes.len) {
        stream->blocked = false;
        return true;
    }
    stream->soon = stream->soon || !stream->blocked; /* resumed in the meantime */
    struct vel_slice rest = vel_slice(bytes.ptr + taken, bytes.len - taken);
    return vel_buf_append(&stream->held, rest) == VEL_OK || fail(stream, VEL_ERR_NOMEM);
}

static bool show_held(struct vel_tls_stream *stream)
{
    if (stream->held.len == 0)
        return true;
    struct vel_buf held = stream->held;
    stream->held = (struct vel_buf){.env = held.env, .limit = held.limit};
    bool there = show(stream, vel_buf_slice(&held));
    vel_buf_free(&held);
    return there;
}

static bool tell_end(struct vel_tls_stream *stream, bool truncated)
{
    const bool *freed = stream->freed;
    stream->received_end = true;
    if (stream->setup.events.received_end != NULL)
        stream->setup.events.received_end(stream->setup.events.self, truncated);
    return !*freed;
}

static bool read_one(struct vel_tls_stream *stream, bool *more)
{
    uint8_t bytes[VEL_TLS_STREAM_SHOWN];
    size_t count = 0;
    enum vel_err err = stream->channel->read(stream, bytes, sizeof bytes, &count);
    *more = err == VEL_OK;
    switch ((int)err) {
    case VEL_OK:
        note_progress(stream);
        return show(stream, vel_slice(bytes, count));
    case VEL_ERR_AGAIN:
        return true;
    case VEL_ERR_CLOSED:
        return tell_end(stream, false);
    case VEL_ERR_UNEXPECTED:
        return tell_end(stream, true);
    case VEL_ERR_MALFORMED:
        return refuse(stream, stream->conn.alert_received ? VEL_TLS_STREAM_REJECTED
                                                          : VEL_TLS_STREAM_VIOLATION);
    default:
        return fail(stream, err);
    }
}

static bool read_some(struct vel_tls_stream *stream)
{
    if (stream->blocked)
        return true;
    if (!show_held(stream))
        return false;
    bool more = true;
    for (int budget = READS_A_TURN; more && budget > 0; budget--) {
        if (stream->blocked || stream->received_end)
            return true;
        if (!read_one(stream, &more))
            return false;
    }
    stream->soon = stream->soon || more; /* others get their turn; libssl may hold the rest */
    return true;
}

/* ---- getting there ---- */

static bool join(struct vel_tls_stream *stream)
{
    enum vel_err err = stream->early != VEL_OK ? stream->early : vel_tcp_connected(stream->fd);
    if (err == VEL_ERR_AGAIN)
        return true;
    if (err != VEL_OK)
        return fail(stream, err);
    stream->state = VEL_TLS_STREAM_SHAKING_HANDS;
    return true;
}

static bool shake_hands(struct vel_tls_stream *stream)
{
    const bool *freed = stream->freed;
    enum vel_err err = stream->channel->handshake(stream);
    if (err == VEL_ERR_AGAIN)
        return true;
    if (err == VEL_ERR_AUTH)
        return refuse(stream, VEL_TLS_STREAM_REJECTED);
    if (err != VEL_OK)
        return fail(stream, err);
    stream->state = VEL_TLS_STREAM_OPEN;
    stream->deadline = stream->finishing ? stream->deadline : VEL_NEVER;
    vel_tcp_keep_alive(stream->fd, stream->setup.keep_alive);
    if (stream->setup.events.connected != NULL)
        stream->setup.events.connected(stream->setup.events.self);
    return !*freed;
}

static bool expire(struct vel_tls_stream *stream)
{
    switch (stream->state) {
    case VEL_TLS_STREAM_CONNECTING:
        return tell_closed(stream, VEL_TLS_STREAM_UNANSWERED);
    case VEL_TLS_STREAM_SHAKING_HANDS:
        return tell_closed(stream, VEL_TLS_STREAM_SLOW);
    case VEL_TLS_STREAM_OPEN:
    case VEL_TLS_STREAM_OVER:
        break;
    }
    stream->system = stream->sent_end ? 0 : ETIMEDOUT;
    return tell_closed(stream, stream->sent_end ? VEL_TLS_STREAM_FINISHED : VEL_TLS_STREAM_BROKEN);
}

/* ---- turns ---- */

/* What the socket has to tell before the next turn. At its end a socket is readable for ever. */
unsigned vel_tls_stream_wanted(const struct vel_tls_stream *stream)
{
    unsigned events = 0;
    bool ended = stream->received_end || stream->tcp_ended;
    if (stream->state != VEL_TLS_STREAM_CONNECTING && !stream->blocked && !stream->choked && !ended)
        events |= VEL_WATCH_READ;
    if (stream->state == VEL_TLS_STREAM_CONNECTING || stream->out.len > 0)
        events |= VEL_WATCH_WRITE;
    return events;
}

void vel_tls_stream_wait(struct vel_tls_stream *stream)
{
    if (stream->watch != NULL)
        vel_watch_set(stream->watch, vel_tls_stream_wanted(stream));
    vel_alarm_set(stream->alarm, stream->soon ? 0 : stream->deadline);
}

static bool advance(struct vel_tls_stream *stream, vel_time now)
{
    if (now >= stream->deadline)
        return expire(stream);
    if (stream->state == VEL_TLS_STREAM_CONNECTING && !join(stream))
        return false;
    if (stream->state == VEL_TLS_STREAM_SHAKING_HANDS && !shake_hands(stream))
        return false;
    if (stream->state == VEL_TLS_STREAM_OPEN && !read_some(stream))
        return false;
    if (stream->state != VEL_TLS_STREAM_CONNECTING && !send_some(stream))
        return false;
    if (stream->state == VEL_TLS_STREAM_OPEN && stream->finishing && !stream->sent_end &&
        !send_end(stream))
        return false;
    return !(stream->sent_end && stream->received_end) ||
           tell_closed(stream, VEL_TLS_STREAM_FINISHED);
}

void vel_tls_stream_turn(struct vel_tls_stream *stream, vel_time now)
{
    bool freed = false;
    stream->freed = &freed;
    stream->soon = false;
    errno = 0;
    bool there = advance(stream, now);
    if (freed)
        return;
    stream->freed = NULL;
    if (there)
        vel_tls_stream_wait(stream);
}
