/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/h3_internal.h"

enum outcome { WROTE_ALL, BLOCKED, GONE };

/* Asked by nghttp3 when it wants to frame more body. It keeps the pointers until they are written;
 * a piece lives at least that long. */
static nghttp3_ssize read_body(nghttp3_conn *h3, int64_t stream, nghttp3_vec *vec, size_t count,
                               uint32_t *flags, void *user, void *stream_user)
{
    (void)h3;
    (void)count;
    struct vel_h3 *session = user;
    struct vel_exchange *exchange = stream_user;
    if (exchange == NULL)
        exchange = vel_exchange_find(&session->common, (uint64_t)stream);
    struct vel_http_piece *piece;
    bool last;
    if (exchange == NULL || vel_exchange_pull(exchange, &piece, &last) != VEL_OK) {
        session->source_waited = true;
        return NGHTTP3_ERR_WOULDBLOCK;
    }
    if (last)
        *flags |= NGHTTP3_DATA_FLAG_EOF;
    if (piece == NULL)
        return 0;
    /* nghttp3_vec is not const, and nghttp3 only reads. */
    union {
        const uint8_t *bytes;
        uint8_t *base;
    } pun = {.bytes = piece->body.bytes.ptr};
    vec[0] = (nghttp3_vec){.base = pun.base, .len = piece->body.bytes.len};
    return 1;
}

const nghttp3_data_reader vel_h3_body_reader = {.read_data = read_body};

static enum outcome outcome_of(enum vel_err err)
{
    return err == VEL_OK ? WROTE_ALL : err == VEL_ERR_AGAIN ? BLOCKED : GONE;
}

static enum outcome write_copied(struct vel_h3 *session, uint64_t stream, struct vel_slice bytes,
                                 bool fin, size_t *written)
{
    size_t accepted = 0;
    enum vel_err err =
        session->streams.ops->write(session->streams.self, stream, bytes, fin, &accepted);
    *written += accepted;
    if (err == VEL_OK && accepted < bytes.len)
        return BLOCKED;
    return outcome_of(err);
}

static enum outcome write_piece(struct vel_h3 *session, uint64_t stream,
                                struct vel_http_piece *piece, struct vel_slice bytes, bool fin,
                                size_t *written)
{
    const struct vel_bytestreams *streams = &session->streams;
    size_t room = streams->ops->writable(streams->self, stream);
    /* What does not fit is tried all the same: that asks for the event that tells of room. */
    size_t size = VEL_MIN(bytes.len, VEL_MAX(room, (size_t)VEL_H3_BORROW_MIN));
    struct vel_slice part = vel_slice(bytes.ptr, size);
    piece->given += size; /* before the call, which may already release */
    enum vel_err err = streams->ops->write_borrowed(
        streams->self, stream, part, fin && size == bytes.len, vel_http_piece_release, piece);
    if (err != VEL_OK) {
        piece->given -= size;
        return outcome_of(err);
    }
    *written += size;
    if (size == bytes.len)
        return WROTE_ALL;
    return write_piece(session, stream, piece, vel_slice(bytes.ptr + size, bytes.len - size), fin,
                       written);
}

static enum outcome write_body(struct vel_h3 *session, struct vel_exchange *exchange,
                               struct vel_http_piece *piece, struct vel_slice bytes, bool fin,
                               size_t *written)
{
    size_t before = *written;
    enum outcome outcome;
    if (piece->body.bytes.len > VEL_H3_COPY_MAX) {
        outcome = write_piece(session, exchange->stream, piece, bytes, fin, written);
        exchange->body_sent += *written - before;
        return outcome;
    }
    outcome = write_copied(session, exchange->stream, bytes, fin, written);
    size_t copied = *written - before;
    exchange->body_sent += copied;
    piece->given += copied;
    if (copied > 0)
        vel_http_piece_release(piece, vel_slice(bytes.ptr, copied));
    return outcome;
}

static enum outcome write_vectors(struct vel_h3 *session, uint64_t stream, const nghttp3_vec *vec,
                                  size_t count, bool fin, size_t *written)
{
    struct vel_exchange *exchange = vel_exchange_find(&session->common, stream);
    if (count == 0)
        return write_copied(session, stream, vel_slice(NULL, 0), fin, written);
    for (size_t i = 0; i < count; i++) {
        struct vel_slice bytes = vel_slice(vec[i].base, vec[i].len);
        bool ends = fin && i + 1 == count;
        struct vel_http_piece *piece =
            exchange == NULL ? NULL : vel_http_piece_at(exchange, bytes.ptr);
        enum outcome outcome = piece == NULL
                                   ? write_copied(session, stream, bytes, ends, written)
                                   : write_body(session, exchange, piece, bytes, ends, written);
        if (outcome != WROTE_ALL)
            return outcome;
    }
    return WROTE_ALL;
}

void vel_h3_message_sent(struct vel_h3 *session, struct vel_exchange *exchange)
{
    exchange->sent_end = true;
    if (session->common.client || exchange->received_end)
        return;
    enum vel_err ignored =
        session->streams.ops->stop(session->streams.self, exchange->stream, VEL_H3_NO_ERROR);
    (void)ignored; /* over already: as good */
    exchange->received_end = true;
    vel_h3_exchange_of(exchange)->read_end = true;
}

/* The transport has its own copy or borrows the pieces, so nghttp3 need not keep anything: what is
 * written counts as acknowledged at once. */
static void account(struct vel_h3 *session, int64_t stream, size_t written)
{
    int error = nghttp3_conn_add_write_offset(session->h3, stream, written);
    if (error == 0)
        error = nghttp3_conn_add_ack_offset(session->h3, stream, written);
    if (error != 0)
        vel_h3_fail_with(session, error);
}

static void stream_gone(struct vel_h3 *session, int64_t stream)
{
    nghttp3_conn_shutdown_stream_write(session->h3, stream);
    struct vel_exchange *exchange = vel_exchange_find(&session->common, (uint64_t)stream);
    if (exchange != NULL)
        vel_exchange_abort(exchange, VEL_H3_REQUEST_CANCELLED, true);
}

/* One step; false when nothing is left to write. */
static bool write_some(struct vel_h3 *session)
{
    int64_t stream = -1;
    int fin = 0;
    nghttp3_vec vec[8];
    session->source_waited = false;
    nghttp3_ssize count =
        nghttp3_conn_writev_stream(session->h3, &stream, &fin, vec, VEL_COUNT(vec));
    if (count < 0) {
        vel_h3_fail_with(session, (int)count);
        return false;
    }
    if (stream < 0)
        return session->source_waited; /* that one had nothing; others may */
    size_t written = 0;
    enum outcome outcome =
        write_vectors(session, (uint64_t)stream, vec, (size_t)count, fin != 0, &written);
    if (written > 0 || outcome == WROTE_ALL)
        account(session, stream, written);
    if (outcome == BLOCKED)
        nghttp3_conn_block_stream(session->h3, stream);
    if (outcome == GONE)
        stream_gone(session, stream);
    struct vel_exchange *exchange = vel_exchange_find(&session->common, (uint64_t)stream);
    if (outcome == WROTE_ALL && fin != 0 && exchange != NULL)
        vel_h3_message_sent(session, exchange);
    return true;
}

void vel_h3_write(struct vel_h3 *session)
{
    while (!session->common.failed && !session->common.closed && write_some(session))
        ;
}
