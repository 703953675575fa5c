/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H3_INTERNAL_H
#define HTTP_H3_INTERNAL_H

#include "base/buf.h"
#include "base/writer.h"
#include "http/h3.h"
#include "http/h3_rules.h"
#include "http/session.h"

/*
 * The parts of an HTTP/3 session beside those of http/session.h, each in its own file:
 *
 *   h3_session.c    life of a session: streams, events of the connection, GOAWAY, errors
 *   h3_uni.c        the peer's control, QPACK and other unidirectional streams
 *   h3_control.c    frames of its control stream
 *   h3_receive.c    frames of a request stream, and the messages in them
 *   h3_rules.c      what a message may say             h3_priority.c   the priority field
 *   h3_send.c       heads and body pieces into the byte streams
 *   h3_whole.c      small answers in one go
 *   h3_exchange.c   requests and responses, and the end of one
 *   h3_time.c       deadlines: heads and bodies that stall
 */

enum {
    VEL_H3_READ_MAX = 64 * 1024, /* bytes taken, and so given to `body`, at a time */
    VEL_H3_COPY_MAX = 2048,      /* shorter pieces are copied: cheaper than tracking them */
    VEL_H3_BORROW_MIN = 4096,    /* do not cut pieces smaller than this */
    VEL_H3_FRAME_MAX = 64,       /* control frames that are held until they are whole */
    VEL_H3_FRAME_HEADER = 16,    /* type and length at their longest */
    VEL_H3_EARLY_MAX = 4,        /* priorities of requests that did not come yet */
    VEL_H3_YOUNG_MAX = 4         /* unidirectional streams whose type came in part */
};

#define VEL_H3_NO_STREAM UINT64_MAX
#define VEL_H3_TIMELESS 0 /* before the time was told */

/* RFC 9114 7.2, RFC 9218 7. */
enum vel_h3_frame {
    VEL_H3_DATA = 0x00,
    VEL_H3_HEADERS = 0x01,
    VEL_H3_CANCEL_PUSH = 0x03,
    VEL_H3_SETTINGS = 0x04,
    VEL_H3_PUSH_PROMISE = 0x05,
    VEL_H3_GOAWAY = 0x07,
    VEL_H3_MAX_PUSH_ID = 0x0d,
    VEL_H3_PRIORITY_UPDATE = 0xf0700,
    VEL_H3_PUSH_PRIORITY_UPDATE = 0xf0701
};

/* A unidirectional stream whose type has not come whole: a varint, as long as the peer likes (RFC 9000
 * 16: only types of QUIC's own frames must be short). */
struct vel_h3_young {
    uint64_t stream;
    uint8_t size; /* 0: the place is free */
    uint8_t type[VEL_VARINT_MAX];
};

/* The unidirectional streams of the peer. */
struct vel_h3_uni {
    uint64_t control, encoder, decoder; /* VEL_H3_NO_STREAM until they are opened */
    uint64_t settings;                  /* bytes of the SETTINGS that is being read */
    uint64_t settings_size;             /* bytes of all of it */
    uint64_t skip;                      /* bytes of a control frame for nobody */
    uint64_t max_push;
    bool settings_came;
    bool cancellation; /* within a Stream Cancellation of QPACK's decoder stream */
    struct vel_h3_young young[VEL_H3_YOUNG_MAX];
    uint8_t frame_size;
    uint8_t frame[VEL_H3_FRAME_MAX]; /* the beginning of a control frame, or of a setting */
};

/* A PRIORITY_UPDATE before its request. */
struct vel_h3_early {
    uint64_t stream;
    struct vel_h3_priority priority; /* `told`: the place is taken */
};

/* How far the peer's message came. */
enum vel_h3_phase { VEL_H3_HEAD, VEL_H3_BODY, VEL_H3_TRAILED };

struct vel_h3_exchange {
    struct vel_exchange common;

    /* receiving */
    uint64_t left;          /* bytes of the frame's payload that did not come yet */
    uint64_t length;        /* of the body, as announced; VEL_H3_LENGTH_UNKNOWN */
    uint64_t body;          /* bytes of it that came */
    struct vel_buf section; /* a HEADERS frame that comes in parts */
    uint8_t header[VEL_H3_FRAME_HEADER];
    uint8_t header_size; /* of a frame header that comes in parts */
    uint8_t frame;       /* VEL_H3_DATA, VEL_H3_HEADERS; else nobody's */
    uint8_t phase;
    vel_time head_due; /* in VEL_H3_HEAD: until when it has to be whole */
    bool in_frame;
    bool began;       /* bytes came on the stream */
    bool read_end;    /* the end of the stream was seen */
    bool head_only;   /* client: the request was a HEAD */
    bool prioritized; /* by PRIORITY_UPDATE: the field in the request does not count */
    struct vel_h3_priority priority;

    /* sending */
    struct vel_h3_exchange *next_ready;
    struct vel_buf out; /* frames that the stream did not take yet */
    size_t out_at;
    struct vel_http_piece *piece; /* what comes behind them; NULL: nothing now */
    bool ready;                   /* on the session's list */
    bool ends;                    /* nothing comes after that */
};

struct vel_h3 {
    struct vel_http common;
    struct vel_bytestreams streams;
    struct vel_h3_uni uni;
    struct vel_h3_early early[VEL_H3_EARLY_MAX];
    struct vel_h3_exchange *ready, **ready_end; /* may have something to write */
    uint64_t control;                           /* our control stream */
    uint64_t next_stream;                       /* above all that the client opened */
    uint64_t goaway;                            /* id in ours; VEL_H3_NO_STREAM: not sent */
    uint64_t peer_goaway;                       /* id in the peer's last one, likewise */
    const struct vel_exchange *reading; /* its bytes are being shown: it may not be stopped */
    bool last_look;                     /* the connection ends: pauses do not count any more */
    vel_time now;                       /* as told last */
    vel_time heads_due;                 /* not later than the first of them */
};

static inline struct vel_h3 *vel_h3_of(struct vel_http *http)
{
    return (struct vel_h3 *)http; /* the first member */
}

static inline struct vel_h3_exchange *vel_h3_exchange_of(struct vel_exchange *exchange)
{
    return (struct vel_h3_exchange *)exchange;
}

static inline bool vel_h3_is_request(uint64_t stream)
{
    return (stream & 3) == 0; /* RFC 9000 2.1: bidirectional, of the client */
}

/* Tell of an event: VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_STREAM, ...); one branch when nobody
 * listens. */
#define VEL_H3_TRACE(session, ...)                                                                 \
    do {                                                                                           \
        const struct vel_bytestreams *told = &(session)->streams;                                  \
        if (told->ops->trace != NULL)                                                              \
            told->ops->trace(told->self, &(const struct vel_http_trace_event){__VA_ARGS__});       \
    } while (0)

/* ---- h3_session.c ---- */

/* Read what is there of a stream. */
void vel_h3_read(struct vel_h3 *session, uint64_t stream);

/* ---- h3_uni.c ---- */

void vel_h3_uni_init(struct vel_h3_uni *uni);
/* Read what is there of a unidirectional stream. */
void vel_h3_read_uni(struct vel_h3 *session, uint64_t stream);
/* It is one of those that live as long as the connection (RFC 9114 6.2.1, RFC 9204 4.2). */
bool vel_h3_uni_is_critical(const struct vel_h3_uni *uni, uint64_t stream);
/* It was reset: what is known of its type is forgotten. */
void vel_h3_uni_forget(struct vel_h3_uni *uni, uint64_t stream);

/* ---- h3_control.c ---- */

/* Bytes of the peer's control stream. */
void vel_h3_control_came(struct vel_h3 *session, struct vel_slice bytes);

/* ---- h3_receive.c ---- */

/* Bytes of a request stream: how many were taken; fewer than all when the exchange is paused or over. */
size_t vel_h3_bytes_came(struct vel_h3_exchange *e, struct vel_slice bytes);
/* Its end. */
void vel_h3_end_came(struct vel_h3_exchange *e);
/* Forget what was held of a head. */
void vel_h3_forget_section(struct vel_h3_exchange *e);
/* Server: pass the exchange's priority on to the transport (RFC 9218). */
void vel_h3_apply_priority(struct vel_h3_exchange *e);

/* ---- h3_send.c ---- */

/* There may be something to write. */
void vel_h3_make_ready(struct vel_h3_exchange *e);
/* It is on the session's list no more. */
void vel_h3_leave_ready(struct vel_h3_exchange *e);
/* Write what can be written. */
void vel_h3_write(struct vel_h3 *session);
/* Our message is out. A server that has answered does not need the rest of the request (RFC 9114
 * 4.1): no more of it is read. */
void vel_h3_message_sent(struct vel_h3 *session, struct vel_exchange *exchange);

/* ---- h3_time.c ---- */

/* The stream of a request was opened: its head has to come in time. */
void vel_h3_await_head(struct vel_h3_exchange *e);
vel_time vel_h3_deadline(const struct vel_http *http);
void vel_h3_expire(struct vel_http *http, vel_time now);

/* ---- h3_whole.c: a row of struct vel_http_ops ---- */

vel_result vel_h3_respond_whole(struct vel_exchange *exchange, const struct vel_response *response,
                                struct vel_slice body, vel_release_fn release, void *context);

/* ---- h3_exchange.c: rows of struct vel_http_ops ---- */

vel_result vel_h3_request(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange);
vel_result vel_h3_respond(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body);
void vel_h3_resume_body(struct vel_exchange *exchange);
void vel_h3_release(struct vel_exchange *exchange);

#endif
