/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H2_INTERNAL_H
#define HTTP_H2_INTERNAL_H

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "http/session.h"

/*
 * HTTP/2 (RFC 9113) framed by nghttp2, beside the parts of http/session.h:
 *
 *   h2_session.c    life of a session: settings, bytes in, bytes out, GOAWAY, errors
 *   h2_receive.c    nghttp2's callbacks for what the peer sent; bodies held while paused
 *   h2_send.c       requests, responses and body pieces into frames
 *   h2_time.c       deadlines: peers that stall, and quiet sessions
 *   h2_codes.c      error codes, which are HTTP/3's everywhere else
 *
 * A body piece is copied once, behind its frame header into the output. A paused exchange holds
 * what its window let the peer send; windows open when bytes are shown.
 */

enum {
    VEL_H2_SERVER_WINDOW = 256 * 1024,      /* of a stream: what a paused exchange may hold */
    VEL_H2_CLIENT_WINDOW = 4 * 1024 * 1024, /* of a stream */
    VEL_H2_SERVER_SESSION_WINDOW = 1024 * 1024,
    VEL_H2_CLIENT_SESSION_WINDOW = 8 * 1024 * 1024,
    VEL_H2_HELD_FREE = 1024 * 1024, /* held by all exchanges before the session's window shrinks */
    VEL_H2_OUTPUT_MAX = 128 * 1024, /* frames made ahead of the stream below */
    VEL_H2_OUTPUT_STOP = 64 * 1024, /* no new frame beyond this */
    VEL_H2_OUTPUT_KEEP = 4 * 1024,  /* a larger buffer is given back when nothing runs */
    VEL_H2_READ_MAX = 16 * 1024,    /* bytes between two looks at the limits */
    VEL_H2_QUEUE_MAX = 1024,        /* frames that answer the peer and wait for it to read */
    VEL_H2_ACKS_MAX = 256,          /* of those, acknowledgements */
    VEL_H2_CONTINUATIONS_MAX = 32,  /* nghttp2 counts reads of a frame header, too */
    VEL_H2_IDLE_FREE = 256 * 1024,  /* received bytes that carry no message, ... */
    VEL_H2_IDLE_PER_SECOND = 1024,
    VEL_H2_IDLE_PER_EXCHANGE = 4096,
    VEL_H2_IDLE_PER_BYTE = 16, /* for each of a received body: small frames are allowed */
    VEL_H2_SENT_PER_IDLE = 64  /* and one for so many sent: WINDOW_UPDATE */
};

struct vel_h2_exchange {
    struct vel_exchange common;
    struct vel_http_piece *piece; /* being sent; part of common.pieces */
    bool piece_last;
    bool source_waits;   /* the source had nothing: the peer does not stall us */
    bool deferred;       /* nghttp2 waits for nghttp2_session_resume_data */
    bool prioritized;    /* the client said something of its priority */
    bool unwanted;       /* it was answered: the rest of the request is dropped */
    size_t dropped;      /* bytes of it */
    bool held_end;       /* the message ends with the held bytes */
    bool gone;           /* nghttp2 has closed the stream */
    struct vel_buf held; /* body bytes received while paused */
    vel_time moved;      /* last byte of either message; of an unwanted one, when that became so */
};

struct vel_h2 {
    struct vel_http common;
    nghttp2_session *h2;
    nghttp2_mem mem;
    struct vel_buf output;
    size_t output_taken;             /* of its bytes */
    size_t held;                     /* bytes of all exchanges */
    size_t unconsumed;               /* of those, not yet returned to the session's window */
    uint64_t received, idle_allowed; /* bytes */
    vel_time now, started;
    vel_time head_timeout, body_timeout, idle_timeout;
    vel_time deadline;   /* not later than the true one */
    vel_time head_since; /* a header section is coming in; VEL_NEVER */
    vel_time idle_since; /* VEL_NEVER while exchanges run */
    vel_time output_moved;
    bool greeted;  /* the peer's SETTINGS came */
    bool farewell; /* a server's GOAWAY with the true last stream was sent */
    bool read_end; /* the peer sends no more */
    bool dead;     /* nothing more comes out */
};

static inline struct vel_h2 *vel_h2_of(struct vel_http *http)
{
    return (struct vel_h2 *)http; /* the first member */
}

static inline struct vel_h2_exchange *vel_h2_exchange_of(struct vel_exchange *exchange)
{
    return (struct vel_h2_exchange *)exchange;
}

/* The exchange of a stream; NULL: none, or the session is over and they are gone. */
static inline struct vel_exchange *vel_h2_find(const struct vel_h2 *session, int32_t stream)
{
    if (session->common.failed || session->common.closed || stream <= 0)
        return NULL;
    return vel_exchange_find(&session->common, (uint64_t)stream);
}

/* ---- h2_session.c ---- */

/* vel_http_fail for an error of nghttp2; 0 and positive are none. */
void vel_h2_fail_with(struct vel_h2 *session, int error);

/* ---- h2_receive.c ---- */

void vel_h2_set_receive_callbacks(nghttp2_session_callbacks *callbacks);
/* Show what was held during a pause. */
void vel_h2_read_on(struct vel_exchange *exchange);
void vel_h2_forget_held(struct vel_exchange *exchange);

/* ---- h2_send.c ---- */

void vel_h2_set_send_callbacks(nghttp2_session_callbacks *callbacks);
vel_result vel_h2_request(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange);
vel_result vel_h2_respond(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body);
void vel_h2_resume_body(struct vel_exchange *exchange);

/* Do not wait for the rest of a request that was answered. */
void vel_h2_stop_request(struct vel_exchange *exchange);

/* ---- h2_time.c ---- */

/* Something is due at `due` at the latest. */
void vel_h2_due(struct vel_h2 *session, vel_time since, vel_time timeout);
/* Bytes of the exchange's messages moved. */
void vel_h2_moved(struct vel_exchange *exchange);
vel_time vel_h2_deadline(const struct vel_http *http);
void vel_h2_expire(struct vel_http *http, vel_time now);

/* ---- h2_codes.c ---- */

uint64_t vel_h2_code_in(uint32_t code);
uint32_t vel_h2_code_out(uint64_t code);

#endif
