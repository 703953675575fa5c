/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"
#include "http/h3_internal.h"

/*
 * Exchanges that may have something to write wait in a queue. Each, in its turn, writes until its
 * stream is full or its source has nothing: the transport decides what leaves first.
 */

enum outcome { WROTE_ALL, WROTE_END, BLOCKED, WAITING, GONE };

/* ---- the queue ---- */

void vel_h3_make_ready(struct vel_h3_exchange *e)
{
    struct vel_h3 *session = vel_h3_of(e->common.http);
    if (e->ready)
        return;
    e->ready = true;
    e->next_ready = NULL;
    if (session->ready == NULL)
        session->ready_end = &session->ready;
    *session->ready_end = e;
    session->ready_end = &e->next_ready;
}

static struct vel_h3_exchange *take_ready(struct vel_h3 *session)
{
    struct vel_h3_exchange *e = session->ready;
    if (e == NULL)
        return NULL;
    session->ready = e->next_ready;
    e->ready = false;
    return e;
}

void vel_h3_leave_ready(struct vel_h3_exchange *e)
{
    struct vel_h3 *session = vel_h3_of(e->common.http);
    if (!e->ready)
        return;
    struct vel_h3_exchange **link = &session->ready;
    while (*link != e)
        link = &(*link)->next_ready;
    *link = e->next_ready;
    if (session->ready_end == &e->next_ready)
        session->ready_end = link;
    e->ready = false;
}

/* ---- one exchange ---- */

static enum outcome outcome_of(enum vel_err err)
{
    return err == VEL_OK ? WROTE_ALL : err == VEL_ERR_AGAIN ? BLOCKED : GONE;
}

static enum outcome write_copied(struct vel_h3 *session, uint64_t stream, struct vel_slice bytes,
                                 bool fin, size_t *accepted)
{
    *accepted = 0;
    enum vel_err err =
        session->streams.ops->write(session->streams.self, stream, bytes, fin, accepted);
    if (err == VEL_OK && *accepted < bytes.len)
        return BLOCKED;
    return outcome_of(err);
}

/* Heads and frame headers. */
static enum outcome write_out(struct vel_h3 *session, struct vel_h3_exchange *e)
{
    bool fin = e->ends && e->piece == NULL;
    size_t accepted;
    struct vel_slice rest = vel_slice(e->out.ptr + e->out_at, e->out.len - e->out_at);
    if (rest.len == 0 && !fin)
        return WROTE_ALL;
    enum outcome outcome = write_copied(session, e->common.stream, rest, fin, &accepted);
    e->out_at += accepted;
    if (outcome != WROTE_ALL)
        return outcome;
    e->out.len = e->out_at = 0;
    return fin ? WROTE_END : WROTE_ALL;
}

static struct vel_slice rest_of(const struct vel_http_piece *piece)
{
    const struct vel_slice *bytes = &piece->body.bytes;
    return vel_slice(bytes->ptr + piece->given, bytes->len - piece->given);
}

static enum outcome write_small(struct vel_h3 *session, struct vel_h3_exchange *e)
{
    struct vel_http_piece *piece = e->piece;
    struct vel_slice rest = rest_of(piece);
    size_t accepted;
    enum outcome outcome = write_copied(session, e->common.stream, rest, e->ends, &accepted);
    e->common.body_sent += accepted;
    vel_http_moved(&session->common, accepted, session->now, VEL_HTTP_BODY_TIMEOUT);
    piece->given += accepted;
    if (accepted == rest.len)
        e->piece = NULL;
    if (accepted > 0)
        vel_http_piece_release(piece, vel_slice(rest.ptr, accepted));
    return outcome;
}

static enum outcome lend_some(struct vel_h3 *session, struct vel_h3_exchange *e)
{
    const struct vel_bytestreams *streams = &session->streams;
    struct vel_http_piece *piece = e->piece;
    struct vel_slice rest = rest_of(piece);
    size_t room = streams->ops->writable(streams->self, e->common.stream);
    /* What does not fit is tried all the same: that asks for the event that tells of room. */
    size_t size = VEL_MIN(rest.len, VEL_MAX(room, (size_t)VEL_H3_BORROW_MIN));
    bool whole = size == rest.len;
    piece->given += size; /* before the call, which may already release */
    enum vel_err err =
        streams->ops->write_borrowed(streams->self, e->common.stream, vel_slice(rest.ptr, size),
                                     e->ends && whole, vel_http_piece_release, piece);
    if (err != VEL_OK) {
        piece->given -= size;
        return outcome_of(err);
    }
    e->common.body_sent += size;
    vel_http_moved(&session->common, size, session->now, VEL_HTTP_BODY_TIMEOUT);
    if (whole)
        e->piece = NULL;
    return WROTE_ALL;
}

static enum outcome write_piece(struct vel_h3 *session, struct vel_h3_exchange *e)
{
    enum outcome outcome = WROTE_ALL;
    if (e->piece == NULL)
        return WROTE_ALL;
    if (e->piece->body.bytes.len <= VEL_H3_COPY_MAX)
        outcome = write_small(session, e);
    else
        while (outcome == WROTE_ALL && e->piece != NULL)
            outcome = lend_some(session, e);
    return outcome == WROTE_ALL && e->ends ? WROTE_END : outcome;
}

/* The next piece, and the header of its DATA frame (RFC 9114 7.2.1). */
static enum outcome pull(struct vel_h3_exchange *e)
{
    enum { HEADER_MAX = 1 + VEL_VARINT_MAX };
    struct vel_http_piece *piece;
    bool last;
    if (vel_buf_reserve(&e->out, HEADER_MAX) != VEL_OK)
        return GONE;
    if (vel_exchange_pull(&e->common, &piece, &last) != VEL_OK)
        return WAITING;
    e->ends = last;
    e->piece = piece;
    if (piece == NULL)
        return WROTE_ALL;
    struct vel_writer w = vel_writer(e->out.ptr + e->out.len, HEADER_MAX);
    vel_write_varint(&w, VEL_H3_DATA);
    vel_write_varint(&w, piece->body.bytes.len);
    e->out.len += vel_written(&w);
    VEL_H3_TRACE(vel_h3_of(e->common.http), .type = VEL_HTTP_TRACE_FRAME,
                 .stream = e->common.stream,
                 .frame = {.type = VEL_H3_DATA, .length = piece->body.bytes.len});
    return WROTE_ALL;
}

/* What is queued leaves with the piece that follows, if there is one at hand. */
static enum outcome write_exchange(struct vel_h3 *session, struct vel_h3_exchange *e)
{
    for (;;) {
        enum outcome pulled = e->piece == NULL && !e->ends ? pull(e) : WROTE_ALL;
        if (pulled == GONE)
            return GONE;
        enum outcome outcome = write_out(session, e);
        if (outcome == WROTE_ALL)
            outcome = write_piece(session, e);
        if (outcome != WROTE_ALL)
            return outcome;
        if (pulled == WAITING)
            return WAITING;
    }
}

static void stream_gone(struct vel_exchange *exchange)
{
    vel_exchange_abort(exchange, VEL_H3_REQUEST_CANCELLED, true);
}

void vel_h3_write(struct vel_h3 *session)
{
    struct vel_h3_exchange *e;
    while (!session->common.failed && !session->common.closed &&
           (e = take_ready(session)) != NULL) {
        if (e->common.cancelled || e->common.sent_end)
            continue;
        enum outcome outcome = write_exchange(session, e);
        if (outcome == GONE)
            stream_gone(&e->common);
        else if (outcome == WROTE_END)
            vel_h3_message_sent(session, &e->common);
    }
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
    vel_exchange_awaits_none(exchange);
    vel_h3_exchange_of(exchange)->read_end = true;
}
