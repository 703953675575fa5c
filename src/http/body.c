/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "http/session.h"

static void link_piece(struct vel_http_piece **list, struct vel_http_piece *piece)
{
    piece->prev = NULL;
    piece->next = *list;
    if (*list != NULL)
        (*list)->prev = piece;
    *list = piece;
}

static void unlink_piece(struct vel_http_piece *piece)
{
    if (piece->prev != NULL)
        piece->prev->next = piece->next;
    else if (piece->owner != NULL)
        piece->owner->pieces = piece->next;
    else if (piece->http != NULL)
        piece->http->orphans = piece->next;
    if (piece->next != NULL)
        piece->next->prev = piece->prev;
}

static void give_back(const struct vel_body_piece *body)
{
    if (body->release != NULL)
        body->release(body->context, body->bytes);
}

/* Room came: a source that was not asked because too much was pending can be asked again. */
static void feed_the_starved(struct vel_http_piece *piece)
{
    struct vel_http *http = piece->http;
    bool drained = piece->owner != NULL && piece->owner->pending == 0;
    if (!http->starving || (http->pending > VEL_HTTP_MAX_BODY_PENDING / 2 && !drained))
        return;
    http->starving = false;
    http->attention = true;
    if (http->events.wake != NULL)
        http->events.wake(http->events.self);
}

void vel_http_piece_release(void *context, struct vel_slice bytes)
{
    struct vel_http_piece *piece = context;
    size_t size = piece->body.bytes.len;
    piece->released += bytes.len;
    if (piece->released < size)
        return;
    if (piece->owner != NULL)
        piece->owner->pending -= size;
    if (piece->http != NULL) {
        piece->http->pending -= size;
        feed_the_starved(piece);
    }
    unlink_piece(piece);
    give_back(&piece->body);
    vel_release(piece->env, piece, sizeof *piece);
}

/* Bytes that may be asked for now; 0: the exchange has to wait for releases. */
static size_t allowance(const struct vel_exchange *exchange)
{
    size_t pending = exchange->http->pending;
    size_t left = VEL_HTTP_MAX_BODY_PENDING - VEL_MIN(pending, (size_t)VEL_HTTP_MAX_BODY_PENDING);
    if (left >= VEL_HTTP_MIN_PIECE)
        return VEL_MIN(left, (size_t)VEL_HTTP_PIECE_MAX);
    return exchange->pending == 0 ? VEL_HTTP_MIN_PIECE : 0;
}

void vel_exchange_end_source(struct vel_exchange *exchange)
{
    if (!exchange->source_open)
        return;
    exchange->source_open = false;
    if (exchange->source.done != NULL)
        exchange->source.done(exchange->source.self);
}

static vel_result pull_piece(struct vel_exchange *exchange, size_t want,
                             struct vel_http_piece **piece, bool *last)
{
    struct vel_http *http = exchange->http;
    struct vel_http_piece *fresh = vel_alloc(http->env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    enum vel_err err = exchange->source.pull(exchange->source.self, want, &fresh->body);
    if (err != VEL_OK || fresh->body.bytes.len == 0) {
        if (err == VEL_OK)
            give_back(&fresh->body);
        *piece = NULL;
        *last = fresh->body.last;
        vel_release(http->env, fresh, sizeof *fresh);
        return err == VEL_OK && !*last ? VEL_ERR_UNEXPECTED : err; /* nothing, and not the end */
    }
    fresh->env = http->env;
    fresh->http = http;
    fresh->owner = exchange;
    link_piece(&exchange->pieces, fresh);
    exchange->pending += fresh->body.bytes.len;
    http->pending += fresh->body.bytes.len;
    *piece = fresh;
    *last = fresh->body.last;
    return VEL_OK;
}

vel_result vel_exchange_pull(struct vel_exchange *exchange, struct vel_http_piece **piece,
                             bool *last)
{
    struct vel_http *http = exchange->http;
    REQUIRE(exchange->source_open && !exchange->source_failed, VEL_ERR_AGAIN);
    size_t want = allowance(exchange);
    if (want == 0) {
        exchange->starved = true;
        http->starving = true;
        return VEL_ERR_AGAIN;
    }
    enum vel_err err = pull_piece(exchange, want, piece, last);
    if (err != VEL_OK) {
        exchange->source_failed = err != VEL_ERR_AGAIN;
        http->attention = http->attention || exchange->source_failed;
        return VEL_ERR_AGAIN;
    }
    if (*last)
        vel_exchange_end_source(exchange);
    return VEL_OK;
}

struct vel_http_piece *vel_http_piece_at(const struct vel_exchange *exchange, const uint8_t *at)
{
    for (struct vel_http_piece *piece = exchange->pieces; piece != NULL; piece = piece->next) {
        struct vel_slice bytes = piece->body.bytes;
        if ((uintptr_t)at - (uintptr_t)bytes.ptr < bytes.len)
            return piece;
    }
    return NULL;
}

void vel_http_pieces_orphan(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    while (exchange->pieces != NULL) {
        struct vel_http_piece *piece = exchange->pieces;
        unlink_piece(piece);
        piece->owner = NULL;
        link_piece(&http->orphans, piece);
        size_t rest = piece->body.bytes.len - piece->given;
        piece->given += rest;
        if (rest > 0)
            vel_http_piece_release(piece, vel_slice(piece->body.bytes.ptr, rest));
    }
}

void vel_http_pieces_forget_session(struct vel_http *http)
{
    while (http->orphans != NULL) {
        struct vel_http_piece *piece = http->orphans;
        unlink_piece(piece);
        piece->http = NULL;
        piece->next = piece->prev = NULL;
    }
}
