/* SPDX-License-Identifier: MIT */
#ifndef LINKS_TLS_STREAM_INTERNAL_H
#define LINKS_TLS_STREAM_INTERNAL_H

#include "base/buf.h"
#include "handshake/tls_context.h"
#include "links/tls_stream.h"

/*
 * A TLS stream is a state machine (tls_stream.c) that runs in turns (tls_turn.c), on one of two channels: TLS
 * (tls_channel.c), or TCP as it is (plain_channel.c). Both queue what is to be sent in `out`, which
 * the turn brings to the kernel.
 */
enum {
    VEL_TLS_STREAM_SLACK = 32 * 1024 /* beyond the queue: a record, alerts, key updates */
};

enum vel_tls_stream_state {
    VEL_TLS_STREAM_CONNECTING,
    VEL_TLS_STREAM_SHAKING_HANDS,
    VEL_TLS_STREAM_OPEN,
    VEL_TLS_STREAM_OVER
};

/*
 * open       VEL_ERR_ARGUMENT, VEL_ERR_NOMEM, VEL_ERR_CRYPTO
 * close      also for one that was never opened
 * handshake  VEL_OK complete; VEL_ERR_AGAIN; VEL_ERR_AUTH refused, see conn.failure; VEL_ERR_CLOSED
 *            or VEL_ERR_IO the TCP connection ended
 * read       VEL_ERR_AGAIN; VEL_ERR_CLOSED the peer's proper end; VEL_ERR_UNEXPECTED truncated;
 *            VEL_ERR_MALFORMED rules broken; VEL_ERR_IO
 * write      as many bytes as the queue takes; VEL_ERR_NOMEM
 * end        queue the end of our direction; VEL_ERR_AGAIN when the queue has no room for it
 */
struct vel_tls_channel {
    vel_result (*open)(struct vel_tls_stream *stream);
    void (*close)(struct vel_tls_stream *stream);
    vel_result (*handshake)(struct vel_tls_stream *stream);
    vel_result (*read)(struct vel_tls_stream *stream, uint8_t *bytes, size_t capacity,
                       size_t *count);
    vel_result (*write)(struct vel_tls_stream *stream, struct vel_slice bytes, size_t *taken);
    vel_result (*end)(struct vel_tls_stream *stream);
};

extern const struct vel_tls_channel vel_tls_channel;
extern const struct vel_tls_channel vel_plain_channel;

struct vel_tls_stream {
    struct vel_tls_stream_setup setup;
    const struct vel_tls_channel *channel;
    struct vel_addr remote;
    int fd; /* -1: there never was one */
    struct vel_watch *watch;
    struct vel_alarm *alarm;
    enum vel_tls_stream_state state;
    vel_time deadline;    /* of the state; VEL_NEVER */
    vel_time last_moment; /* of finishing, whatever progress it makes */

    struct vel_tls_conn conn;
    struct bio_method_st *method;
    struct vel_handshake_facts facts;
    struct vel_handshake_failure failure;

    struct vel_buf out;  /* for the kernel */
    struct vel_buf held; /* shown, and not taken */

    enum vel_err early;    /* why there is no socket to wait for; told in the first turn */
    int system;            /* errno of what failed */
    bool *freed;           /* set when a callback frees us in the middle of a turn */
    bool soon;             /* another turn is wanted at once */
    bool blocked;          /* the receiver took fewer than all */
    bool choked;           /* TLS must send before it reads on, and the queue is full */
    bool short_write;      /* `writable` is owed */
    bool finishing;        /* no more writes */
    bool end_queued;       /* close_notify is in `out`, or was */
    bool sent_end;         /* FIN */
    unsigned idle_records; /* since the last data */
    bool dry;              /* the socket had nothing more */
    bool tcp_ended;        /* FIN received */
    bool received_end;     /* the peer will send no more, and that was told */
};

/* ---- tls_turn.c ---- */

/* Everything that can be done now; the stream may be gone afterwards. */
void vel_tls_stream_turn(struct vel_tls_stream *stream, vel_time now);
/* What the socket has to tell before the next turn: VEL_WATCH_READ, VEL_WATCH_WRITE. */
unsigned vel_tls_stream_wanted(const struct vel_tls_stream *stream);
/* Ask to be called for it, and for the deadline. */
void vel_tls_stream_wait(struct vel_tls_stream *stream);

#endif
