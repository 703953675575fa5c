/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "http/h1_internal.h"

bool vel_h1_sent(const struct vel_h1 *h1)
{
    const struct vel_h1_exchange *own = h1->current;
    return own != NULL && own->queued && own->body_queued && own->piece == NULL && h1->out.len == 0;
}

static void put(struct vel_h1 *h1, struct vel_slice bytes)
{
    if (vel_buf_append(&h1->out, bytes) != VEL_OK) { /* no memory: the message cannot go on */
        h1->out.len = 0;
        vel_exchange_abort(&h1->current->base, VEL_H3_INTERNAL_ERROR, false);
    }
}

/* ---- the framing around pieces of the body ---- */

static void begin_piece(struct vel_h1 *h1, size_t size)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%zx\r\n", size);
    if (h1->current->framing == VEL_H1_CHUNKED)
        put(h1, vel_slice(text, (size_t)length));
}

static void end_piece(struct vel_h1 *h1)
{
    if (h1->current->framing == VEL_H1_CHUNKED)
        put(h1, vel_slice_text("\r\n"));
}

static void end_body(struct vel_h1 *h1)
{
    struct vel_h1_exchange *own = h1->current;
    if (own->framing == VEL_H1_LENGTH && own->left > 0) { /* the source broke its word */
        vel_exchange_abort(&own->base, VEL_H3_INTERNAL_ERROR, false);
        return;
    }
    own->body_queued = true;
    if (own->framing == VEL_H1_CHUNKED)
        put(h1, vel_slice_text("0\r\n\r\n"));
}

/* The whole piece went out, or was copied. */
static void piece_done(struct vel_h1 *h1)
{
    struct vel_h1_exchange *own = h1->current;
    own->piece = NULL;
    end_piece(h1);
    if (own->piece_last)
        end_body(h1);
}

/* Bytes of the current piece went out. The last of them release it. */
static void give(struct vel_h1_exchange *own, size_t count)
{
    struct vel_http_piece *piece = own->piece;
    struct vel_slice bytes = vel_slice(piece->body.bytes.ptr + own->piece_at, count);
    own->piece_at += count;
    own->base.body_sent += count;
    piece->given += count;
    vel_http_piece_release(piece, bytes);
}

static void begin_sending(struct vel_h1 *h1, struct vel_http_piece *piece, bool last)
{
    struct vel_h1_exchange *own = h1->current;
    size_t size = piece->body.bytes.len;
    if (own->framing == VEL_H1_LENGTH && size > own->left) {
        vel_exchange_abort(&own->base, VEL_H3_INTERNAL_ERROR, false);
        return;
    }
    own->left -= own->framing == VEL_H1_LENGTH ? size : 0;
    own->piece = piece;
    own->piece_at = 0;
    own->piece_last = last;
    begin_piece(h1, size);
    if (size <= VEL_H1_COPY_MAX && !own->base.cancelled) {
        put(h1, piece->body.bytes);
        give(own, size);
        piece_done(h1);
    }
}

/* Queue more of the body; false when there is no more to be had now. */
static bool pull(struct vel_h1 *h1)
{
    struct vel_h1_exchange *own = h1->current;
    struct vel_http_piece *piece;
    bool last;
    if (own == NULL || !own->queued || own->body_queued || own->piece != NULL ||
        own->base.cancelled)
        return false;
    if (vel_exchange_pull(&own->base, &piece, &last) != VEL_OK)
        return false;
    if (piece != NULL)
        begin_sending(h1, piece, last);
    else
        end_body(h1);
    return true;
}

/* ---- rows of struct vel_http_ops ---- */

struct vel_slice vel_h1_output(struct vel_http *http, vel_time now)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    h1->now = now;
    do {
        if (http->attention)
            vel_http_attend(http);
        vel_http_settle(http);
        /* A small body joins its head, and the ends of chunks what follows. */
        while (h1->out.len <= VEL_H1_COPY_MAX && pull(h1))
            continue;
    } while (http->attention || http->over != NULL);
    struct vel_slice bytes = vel_buf_slice(&h1->out);
    const struct vel_h1_exchange *own = h1->current;
    if (bytes.len == 0 && own != NULL && own->piece != NULL)
        bytes = vel_slice(own->piece->body.bytes.ptr + own->piece_at,
                          own->piece->body.bytes.len - own->piece_at);
    if (bytes.len > 0 && !h1->offered)
        h1->sent_at = now;
    h1->offered = bytes.len > 0;
    return bytes;
}

void vel_h1_output_taken(struct vel_http *http, size_t count, vel_time now)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    struct vel_h1_exchange *own = h1->current;
    h1->now = now;
    if (count == 0)
        return;
    h1->sent_at = now;
    vel_http_moved(http, count, now, h1->body_timeout);
    if (h1->out.len > 0) {
        vel_buf_consume(&h1->out, count);
    } else if (own != NULL && own->piece != NULL) {
        bool all = count == own->piece->body.bytes.len - own->piece_at;
        give(own, count);
        if (all)
            piece_done(h1);
    }
    if (h1->out.len == 0)
        vel_buf_free(&h1->out);
    vel_h1_advance(h1);
    vel_http_settle(http);
}
