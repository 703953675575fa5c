/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/try.h"
#include "base/units.h"
#include "links/tls_stream_internal.h"
#include "sys/tcp.h"
#include "velocity/system.h"

enum { WIRE_ALERT = 0x0100 };

/* ---- libssl's view of the socket: reads from it, writes into the queue ---- */

static int bio_read(BIO *bio, char *bytes, int size)
{
    struct vel_tls_stream *stream = BIO_get_data(bio);
    size_t count = 0;
    BIO_clear_retry_flags(bio);
    enum vel_err err = vel_tcp_read(stream->fd, bytes, (size_t)VEL_MAX(size, 0), &count);
    if (err == VEL_OK)
        return (int)count;
    if (err == VEL_ERR_AGAIN)
        BIO_set_retry_read(bio);
    stream->dry = err == VEL_ERR_AGAIN;
    stream->tcp_ended = err == VEL_ERR_CLOSED;
    if (err == VEL_ERR_IO)
        stream->system = errno;
    return err == VEL_ERR_CLOSED ? 0 : -1;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
    struct vel_tls_stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    enum vel_err err = vel_buf_append(&stream->out, vel_slice(bytes, (size_t)VEL_MAX(size, 0)));
    if (err == VEL_OK)
        return size;
    if (err == VEL_ERR_LIMIT)
        BIO_set_retry_write(bio);
    else
        stream->system = ENOMEM;
    return -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct vel_tls_stream *stream = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return stream->tcp_ended;
    return command == BIO_CTRL_FLUSH; /* the end of the turn does it */
}

static vel_result attach(struct vel_tls_stream *stream)
{
    stream->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "velocity tcp");
    REQUIRE(stream->method != NULL, VEL_ERR_CRYPTO);
    REQUIRE(BIO_meth_set_read(stream->method, bio_read) == 1 &&
                BIO_meth_set_write(stream->method, bio_write) == 1 &&
                BIO_meth_set_ctrl(stream->method, bio_ctrl) == 1,
            VEL_ERR_CRYPTO);
    BIO *bio = BIO_new(stream->method);
    REQUIRE(bio != NULL, VEL_ERR_CRYPTO);
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(stream->conn.ssl, bio, bio);
    return VEL_OK;
}

static vel_result tls_open(struct vel_tls_stream *stream)
{
    const struct vel_tls_stream_setup *setup = &stream->setup;
    const struct vel_tls_ask ask = {.carrier = VEL_ALPN_TCP,
                                    .server_name = setup->server_name,
                                    .alpn = setup->alpn,
                                    .alpn_count = setup->alpn_count,
                                    .unix_time = setup->unix_offset + vel_clock_now() / SECOND,
                                    .prefer_chacha = setup->prefer_chacha};
    TRY(vel_tls_conn_open(setup->tls, &ask, &stream->conn));
    TRY(attach(stream));
    SSL *ssl = stream->conn.ssl;
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF); /* we tell; and may still write then */
    SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);           /* records without data are counted */
    SSL_set_read_ahead(ssl, 1);                         /* one system call a record, not two */
    return VEL_OK;
}

static void tls_close(struct vel_tls_stream *stream)
{
    vel_tls_conn_close(&stream->conn);
    BIO_meth_free(stream->method);
    stream->method = NULL;
}

/* ---- records ---- */

/* What a call of libssl that did not succeed means; `broken` when TLS itself failed. */
static enum vel_err outcome(struct vel_tls_stream *stream, int result, enum vel_err broken)
{
    switch (SSL_get_error(stream->conn.ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return VEL_ERR_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        stream->choked = true;
        return VEL_ERR_AGAIN;
    case SSL_ERROR_ZERO_RETURN: /* after close_notify libssl reads no further */
        return stream->tcp_ended ? VEL_ERR_UNEXPECTED : VEL_ERR_CLOSED;
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        return stream->tcp_ended ? VEL_ERR_UNEXPECTED : VEL_ERR_IO;
    default:
        vel_tls_conn_failure(&stream->conn, &stream->failure);
        return broken;
    }
}

static vel_result tls_handshake(struct vel_tls_stream *stream)
{
    ERR_clear_error();
    int result = SSL_do_handshake(stream->conn.ssl);
    if (result != 1)
        return outcome(stream, result, VEL_ERR_AUTH);
    vel_tls_conn_facts(&stream->conn, &stream->facts);
    return VEL_OK;
}

/* Key updates and the like cost us more than the peer. */
static vel_result count_idle_record(struct vel_tls_stream *stream)
{
    if (++stream->idle_records <= VEL_TLS_STREAM_IDLE_RECORDS)
        return VEL_OK;
    stream->failure =
        (struct vel_handshake_failure){.wire_code = WIRE_ALERT + SSL_AD_UNEXPECTED_MESSAGE,
                                       .reason = "too many records without data"};
    return VEL_ERR_MALFORMED;
}

static vel_result tls_read(struct vel_tls_stream *stream, uint8_t *bytes, size_t capacity,
                           size_t *count)
{
    for (;;) {
        ERR_clear_error();
        size_t got = 0;
        stream->dry = false;
        int result = SSL_read_ex(stream->conn.ssl, bytes, capacity, &got);
        if (result == 1) {
            stream->idle_records = 0;
            *count = got;
            return VEL_OK;
        }
        enum vel_err err = outcome(stream, result, VEL_ERR_MALFORMED);
        if (err != VEL_ERR_AGAIN || stream->dry || stream->choked)
            return err;
        TRY(count_idle_record(stream));
    }
}

static vel_result tls_write(struct vel_tls_stream *stream, struct vel_slice bytes, size_t *taken)
{
    size_t total = 0;
    while (total < bytes.len && stream->out.len < VEL_TLS_STREAM_QUEUE) {
        ERR_clear_error();
        size_t count = 0;
        int result = SSL_write_ex(stream->conn.ssl, bytes.ptr + total, bytes.len - total, &count);
        enum vel_err err = result == 1 ? VEL_OK : outcome(stream, result, VEL_ERR_CRYPTO);
        if (err == VEL_ERR_AGAIN)
            break;
        TRY(err);
        total += count;
    }
    *taken = total;
    return VEL_OK;
}

static vel_result tls_end(struct vel_tls_stream *stream)
{
    ERR_clear_error();
    int result = SSL_shutdown(stream->conn.ssl);
    return result >= 0 ? VEL_OK : outcome(stream, result, VEL_ERR_CRYPTO);
}

const struct vel_tls_channel vel_tls_channel = {.open = tls_open,
                                                .close = tls_close,
                                                .handshake = tls_handshake,
                                                .read = tls_read,
                                                .write = tls_write,
                                                .end = tls_end};
