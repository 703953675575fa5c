/* SPDX-License-Identifier: MIT */
#include "links/tls_stream.h"

#include <errno.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "links/tls_stream_internal.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "velocity/system.h"

#define HANDSHAKE_TIMEOUT (10 * SECOND)
#define LINGER (2 * SECOND)
#define KEEP_ALIVE (60 * SECOND)
#define FINISH_MAX (30 * SECOND) /* for a peer that takes the rest a little at a time */

static const struct {
    const char *name;
    const char *text;
} reasons[] = {
#define REASON_ROW(code, name, text) [code] = {name, text},
    VEL_TLS_STREAM_END_MAP(REASON_ROW)
#undef REASON_ROW
};

const char *vel_tls_stream_reason_name(enum vel_tls_stream_reason reason)
{
    return reasons[reason].name;
}

const char *vel_tls_stream_reason_text(enum vel_tls_stream_reason reason)
{
    return reasons[reason].text;
}

/* ---- turns ---- */

static void socket_ready(void *self, unsigned ready)
{
    (void)ready;
    vel_tls_stream_turn(self, vel_clock_now());
}

static void alarm_rang(void *self, vel_time now)
{
    vel_tls_stream_turn(self, now);
}

/* A call from outside wants something done; inside a turn its end comes anyway. */
static void call_soon(struct vel_tls_stream *stream)
{
    stream->soon = true;
    if (stream->freed == NULL && stream->state != VEL_TLS_STREAM_OVER)
        vel_alarm_set(stream->alarm, 0);
}

/* ---- life ---- */

void vel_tls_stream_free(struct vel_tls_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->freed != NULL)
        *stream->freed = true;
    stream->channel->close(stream);
    vel_watch_free(stream->watch);
    vel_alarm_free(stream->alarm);
    vel_fd_close(&stream->fd);
    vel_buf_free(&stream->out);
    vel_buf_free(&stream->held);
    vel_release(stream->setup.env, stream, sizeof *stream);
}

OWNED_POINTER(drop_stream, struct vel_tls_stream, vel_tls_stream_free)

static vel_time or_else(vel_time given, vel_time otherwise)
{
    return given > 0 ? given : otherwise;
}

/* Takes the descriptor in any case; -1: the attempt failed at once, with `early`. */
static vel_result start(const struct vel_tls_stream_setup *setup, const struct vel_addr *remote,
                        int given, enum vel_err early, struct vel_tls_stream **out)
{
    OWNED(vel_fd_close) int fd = given;
    OWNED(drop_stream) struct vel_tls_stream *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    made->setup.handshake_timeout = or_else(setup->handshake_timeout, HANDSHAKE_TIMEOUT);
    made->setup.linger = or_else(setup->linger, LINGER);
    made->setup.keep_alive = or_else(setup->keep_alive, KEEP_ALIVE);
    made->channel = setup->tls != NULL ? &vel_tls_channel : &vel_plain_channel;
    made->remote = *remote;
    made->early = early;
    made->system = early != VEL_OK ? errno : 0;
    made->out =
        (struct vel_buf){.env = setup->env, .limit = VEL_TLS_STREAM_QUEUE + VEL_TLS_STREAM_SLACK};
    made->held = (struct vel_buf){.env = setup->env, .limit = VEL_TLS_STREAM_SHOWN};
    made->fd = vel_fd_give(&fd);
    made->deadline = vel_clock_now() + made->setup.handshake_timeout;
    TRY(made->channel->open(made));
    TRY(vel_alarm_new(setup->loop, alarm_rang, made, &made->alarm));
    if (made->fd >= 0)
        TRY(vel_watch_new(setup->loop, made->fd, socket_ready, made, &made->watch));
    *out = GIVE(made);
    return VEL_OK;
}

vel_result vel_tls_stream_connect(const struct vel_tls_stream_setup *setup,
                                  const struct vel_addr *remote, struct vel_tls_stream **stream)
{
    REQUIRE(setup->tls == NULL || vel_tls_is_client(setup->tls), VEL_ERR_ARGUMENT);
    int fd = -1;
    enum vel_err err = vel_tcp_connect(remote, &fd);
    struct vel_tls_stream *made;
    TRY(start(setup, remote, fd, err, &made));
    made->soon = err != VEL_OK;
    vel_tls_stream_wait(made);
    *stream = made;
    return VEL_OK;
}

vel_result vel_tls_stream_accept(const struct vel_tls_stream_setup *setup, int fd,
                                 const struct vel_addr *remote, struct vel_tls_stream **stream)
{
    OWNED(vel_fd_close) int taken = fd;
    REQUIRE(setup->tls == NULL || !vel_tls_is_client(setup->tls), VEL_ERR_ARGUMENT);
    struct vel_tls_stream *made;
    TRY(start(setup, remote, vel_fd_give(&taken), VEL_OK, &made));
    made->state = VEL_TLS_STREAM_SHAKING_HANDS;
    made->soon = setup->tls == NULL; /* TLS begins with the client's first bytes */
    vel_tls_stream_wait(made);
    *stream = made;
    return VEL_OK;
}

/* ---- what the owner calls ---- */

vel_result vel_tls_stream_write(struct vel_tls_stream *stream, struct vel_slice bytes,
                                size_t *taken)
{
    REQUIRE(stream->state != VEL_TLS_STREAM_OVER, VEL_ERR_CLOSED);
    REQUIRE(stream->state == VEL_TLS_STREAM_OPEN && !stream->finishing, VEL_ERR_UNEXPECTED);
    size_t count = 0;
    enum vel_err err = stream->channel->write(stream, bytes, &count);
    REQUIRE(err == VEL_OK || err == VEL_ERR_NOMEM, VEL_ERR_CLOSED);
    TRY(err);
    stream->short_write = stream->short_write || count < bytes.len;
    if (stream->freed == NULL)
        vel_watch_set(stream->watch, vel_tls_stream_wanted(stream));
    *taken = count;
    return VEL_OK;
}

void vel_tls_stream_resume(struct vel_tls_stream *stream)
{
    if (!stream->blocked)
        return;
    stream->blocked = false;
    call_soon(stream);
}

void vel_tls_stream_finish(struct vel_tls_stream *stream)
{
    if (stream->finishing)
        return;
    vel_time now = vel_clock_now();
    stream->finishing = true;
    stream->last_moment = now + FINISH_MAX;
    stream->deadline = VEL_MIN(stream->deadline, now + stream->setup.linger);
    call_soon(stream);
}

size_t vel_tls_stream_queued(const struct vel_tls_stream *stream)
{
    return stream->out.len;
}

const struct vel_handshake_facts *vel_tls_stream_facts(const struct vel_tls_stream *stream)
{
    return stream->facts.suite != NULL ? &stream->facts : NULL;
}

struct vel_addr vel_tls_stream_remote(const struct vel_tls_stream *stream)
{
    return stream->remote;
}

struct vel_addr vel_tls_stream_local(const struct vel_tls_stream *stream)
{
    return vel_tcp_local(stream->fd);
}

vel_result vel_tls_stream_export(const struct vel_tls_stream *stream, const char *label,
                                 struct vel_slice context, uint8_t *out, size_t size)
{
    REQUIRE(stream->facts.suite != NULL, VEL_ERR_UNEXPECTED);
    return vel_tls_conn_export(&stream->conn, label, context, out, size);
}
