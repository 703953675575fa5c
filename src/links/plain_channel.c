/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "links/tls_stream_internal.h"
#include "sys/tcp.h"

static vel_result plain_open(struct vel_tls_stream *stream)
{
    (void)stream;
    return VEL_OK;
}

static void plain_close(struct vel_tls_stream *stream)
{
    (void)stream;
}

static vel_result plain_handshake(struct vel_tls_stream *stream)
{
    (void)stream;
    return VEL_OK;
}

static vel_result plain_read(struct vel_tls_stream *stream, uint8_t *bytes, size_t capacity,
                             size_t *count)
{
    enum vel_err err = vel_tcp_read(stream->fd, bytes, capacity, count);
    stream->tcp_ended = err == VEL_ERR_CLOSED;
    return err;
}

static vel_result plain_write(struct vel_tls_stream *stream, struct vel_slice bytes, size_t *taken)
{
    size_t room = VEL_TLS_STREAM_QUEUE - VEL_MIN(stream->out.len, (size_t)VEL_TLS_STREAM_QUEUE);
    bytes.len = VEL_MIN(bytes.len, room);
    TRY(vel_buf_append(&stream->out, bytes));
    *taken = bytes.len;
    return VEL_OK;
}

/* TCP's own end says it all. */
static vel_result plain_end(struct vel_tls_stream *stream)
{
    (void)stream;
    return VEL_OK;
}

const struct vel_tls_channel vel_plain_channel = {.open = plain_open,
                                                  .close = plain_close,
                                                  .handshake = plain_handshake,
                                                  .read = plain_read,
                                                  .write = plain_write,
                                                  .end = plain_end};
