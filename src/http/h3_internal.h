/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H3_INTERNAL_H
#define HTTP_H3_INTERNAL_H

#include <nghttp3/nghttp3.h>

#include "http/h3.h"
#include "http/session.h"

/*
 * The parts of an HTTP/3 session beside those of http/session.h, each in its own file:
 *
 *   h3_session.c    life of a session: streams, events of the connection, GOAWAY, errors
 *   h3_uni.c        the peer's control, QPACK and other unidirectional streams
 *   h3_receive.c    nghttp3's callbacks: what the peer sent becomes events
 *   h3_send.c       nghttp3's frames and body pieces into the byte streams
 *   h3_whole.c      small answers past nghttp3
 *   h3_exchange.c   requests and responses into nghttp3, and the end of one
 */

enum {
    VEL_H3_READ_MAX = 64 * 1024, /* bytes given to nghttp3, and so to `body`, at a time */
    VEL_H3_COPY_MAX = 2048,      /* shorter pieces are copied: cheaper than tracking them */
    VEL_H3_BORROW_MIN = 4096,    /* do not cut pieces smaller than this */
    VEL_H3_FRAME_MAX = 64        /* control frames that are held until they are whole */
};

#define VEL_H3_NO_STREAM UINT64_MAX

/* The unidirectional streams of the peer. */
struct vel_h3_uni {
    uint64_t control, encoder, decoder; /* VEL_H3_NO_STREAM until they are opened */
    uint64_t pass, skip;                /* rest of a control frame, for nghttp3 or for nobody */
    uint64_t max_push;
    bool settings_came;
    size_t frame_size;
    uint8_t frame[VEL_H3_FRAME_MAX]; /* the beginning of a control frame */
};

struct vel_h3_exchange {
    struct vel_exchange common;
    bool began;       /* bytes came on the stream */
    bool read_end;    /* the end of the stream was given to nghttp3 */
    bool prioritized; /* the client said something of its priority */
};

struct vel_h3 {
    struct vel_http common;
    struct vel_bytestreams streams;
    nghttp3_mem mem;
    nghttp3_conn *h3;
    struct vel_h3_uni uni;
    uint64_t last_stream; /* highest that the client opened */
    bool reading;         /* received bytes are being shown: a stream may not be stopped */
    bool last_look;       /* the connection ends: pauses do not count any more */
    bool source_waited;   /* a pull had nothing during this nghttp3 call */
};

static inline struct vel_h3 *vel_h3_of(struct vel_http *http)
{
    return (struct vel_h3 *)http; /* the first member */
}

static inline struct vel_h3_exchange *vel_h3_exchange_of(struct vel_exchange *exchange)
{
    return (struct vel_h3_exchange *)exchange;
}

/* ---- h3_session.c ---- */

/* vel_http_fail for an error of nghttp3. */
void vel_h3_fail_with(struct vel_h3 *session, int error);
/* Give what is readable to nghttp3. */
void vel_h3_read(struct vel_h3 *session, uint64_t stream);

/* ---- h3_uni.c ---- */

void vel_h3_uni_init(struct vel_h3_uni *uni);
/* Read what is there of a unidirectional stream. */
void vel_h3_read_uni(struct vel_h3 *session, uint64_t stream);

/* ---- h3_receive.c ---- */

extern const nghttp3_callbacks vel_h3_callbacks;
/* Server: pass a request's priority on to the transport (RFC 9218). */
void vel_h3_take_priority(struct vel_exchange *exchange);

/* ---- h3_send.c ---- */

/* nghttp3's source of body bytes. */
extern const nghttp3_data_reader vel_h3_body_reader;
void vel_h3_write(struct vel_h3 *session);
/* Our message is out. A server that has answered does not need the rest of the request (RFC 9114
 * 4.1): no more of it is read. */
void vel_h3_message_sent(struct vel_h3 *session, struct vel_exchange *exchange);

/* ---- h3_whole.c: a row of struct vel_http_ops ---- */

vel_result vel_h3_respond_whole(struct vel_exchange *exchange, const struct vel_response *response,
                                struct vel_slice body, vel_release_fn release, void *context);

/* ---- h3_exchange.c: rows of struct vel_http_ops ---- */

vel_result vel_h3_request(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange);
vel_result vel_h3_respond(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body);
void vel_h3_resume_body(struct vel_exchange *exchange);
void vel_h3_aborted(struct vel_exchange *exchange);
void vel_h3_release(struct vel_exchange *exchange);

#endif
