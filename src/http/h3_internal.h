/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H3_INTERNAL_H
#define HTTP_H3_INTERNAL_H

#include <nghttp3/nghttp3.h>

#include "http/h3.h"
#include "http/headers.h"

/*
 * The parts of an HTTP/3 session, each in its own file:
 *
 *   h3_session.c    life of a session: streams, events of the connection, GOAWAY, errors
 *   h3_receive.c    nghttp3's callbacks: what the peer sent becomes events
 *   h3_send.c       nghttp3's frames and body pieces into the byte streams
 *   h3_exchange.c   life of one request with its response
 *   h3_body.c       body pieces: pulled, borrowed by the transport, released
 *   h3_memory.c     nghttp3's allocations through struct vel_env
 *
 * Nothing is freed inside a callback: an exchange that ends is marked and swept at the end of
 * vel_http_event and vel_http_send.
 */

enum {
    VEL_H3_STREAMS_AHEAD = 128,    /* a client may set the priority of streams not opened yet */
    VEL_H3_BUCKETS = 16,           /* of the table of exchanges */
    VEL_H3_READ_MAX = 64 * 1024,   /* bytes given to nghttp3, and so to `body`, at a time */
    VEL_H3_PIECE_MAX = 256 * 1024, /* largest piece asked of a source */
    VEL_H3_COPY_MAX = 2048,        /* shorter pieces are copied: cheaper than tracking them */
    VEL_H3_BORROW_MIN = 4096,      /* do not cut pieces smaller than this */
    VEL_H3_ABANDONED_FREE = 128,   /* requests a client may abandon, ... */
    VEL_H3_ABANDONED_PER_DONE = 2  /* and this many for each that was answered whole */
};

/* A body piece from its pull until the transport has released every byte. */
struct vel_h3_piece {
    const struct vel_env *env;
    struct vel_http *http;      /* NULL once the session is gone */
    struct vel_exchange *owner; /* NULL once the exchange is gone */
    struct vel_h3_piece *next, *prev;
    struct vel_body_piece body;
    size_t given;    /* bytes the transport took, which it will release */
    size_t released; /* bytes of all */
};

struct vel_exchange {
    struct vel_http *http;
    struct vel_exchange *next; /* in its bucket */
    uint64_t stream;
    void *user;

    struct vel_header_list head; /* received */
    struct vel_request request;
    struct vel_response response;

    struct vel_body_source source;
    struct vel_h3_piece *pieces; /* not yet released */
    size_t pending;              /* bytes of them */

    uint64_t body_sent, body_received;
    uint64_t code;      /* why it is over */
    bool told;          /* `head` was told, or we started it: `closed` will be */
    bool head_complete; /* of the received message */
    bool refused;       /* the head is beyond our limits */
    bool answered;      /* a server's response was submitted */
    bool sent_end;      /* our message was handed over whole */
    bool received_end;  /* the peer's message came whole */
    bool read_end;      /* the end of the stream was given to nghttp3 */
    bool paused;        /* the application takes no body now */
    bool read_waiting;  /* bytes may wait since a pause */
    bool source_open;   /* may be pulled */
    bool source_failed; /* reset at the end of the call */
    bool starved;       /* not pulled because too much is pending */
    bool cancelled;     /* over on our side: sweep */
    bool by_peer;
    bool finished; /* both directions over: sweep */
};

struct vel_http {
    const struct vel_env *env;
    struct vel_bytestreams streams;
    struct vel_http_events events;
    nghttp3_mem mem;
    nghttp3_conn *h3;
    struct vel_exchange *buckets[VEL_H3_BUCKETS];
    struct vel_h3_piece *orphans; /* pieces that outlive their exchange */
    size_t active;
    size_t pending; /* bytes of all pieces */
    size_t heads;   /* bytes of all header sections received */
    uint64_t done, abandoned;
    uint64_t last_stream; /* highest that the client opened */
    const char *failure;  /* why the session is broken; told when it is safe */
    uint64_t failure_code;
    bool client;
    bool failed;    /* no more calls on h3 */
    bool closed;    /* the connection is over */
    bool last_look; /* it ends: pauses do not count any more */
    bool finishing; /* we sent GOAWAY, or will */
    bool peer_finishing;
    bool source_waited; /* a pull had nothing during this nghttp3 call */
    bool starving;      /* some exchange is starved */
    bool sweep;         /* some exchange is over */
    bool attention;     /* some exchange wants reading or pulling */
};

/* ---- h3_session.c ---- */

/* The connection is broken: remembers the first reason; told to the peer when it is safe. */
void vel_h3_fail(struct vel_http *http, uint64_t code, const char *reason);
/* The same for an error of nghttp3. */
void vel_h3_fail_with(struct vel_http *http, int error);
/* Give what is readable to nghttp3. */
void vel_h3_read(struct vel_http *http, uint64_t stream);

/* ---- h3_receive.c ---- */

extern const nghttp3_callbacks vel_h3_callbacks;

/* ---- h3_send.c ---- */

/* nghttp3's source of body bytes. */
extern const nghttp3_data_reader vel_h3_body_reader;
void vel_h3_write(struct vel_http *http);

/* ---- h3_exchange.c ---- */

/* NULL: there is none. */
struct vel_exchange *vel_h3_exchange_find(const struct vel_http *http, uint64_t stream);
vel_result vel_h3_exchange_new(struct vel_http *http, uint64_t stream,
                               struct vel_exchange **exchange);
/* Ends our side of it: stop, reset, no more callbacks but `closed`. */
void vel_h3_exchange_abort(struct vel_exchange *exchange, uint64_t code, bool by_peer);
void vel_h3_exchange_end_source(struct vel_exchange *exchange);
void vel_h3_exchange_forget_head(struct vel_exchange *exchange);
/* Answer without asking the application. */
void vel_h3_exchange_refuse(struct vel_exchange *exchange, unsigned status);
/* Close and free those that are over; with `all` every one. */
void vel_h3_exchange_sweep(struct vel_http *http, bool all);

/* ---- h3_body.c ---- */

/* Pull the next piece. VEL_ERR_AGAIN: nothing now. */
vel_result vel_h3_piece_pull(struct vel_exchange *exchange, struct vel_h3_piece **piece,
                             bool *last);
/* The piece of the exchange that holds this address; NULL: it is framing. */
struct vel_h3_piece *vel_h3_piece_at(const struct vel_exchange *exchange, const uint8_t *at);
/* vel_release_fn; context is the piece. The last byte releases the piece. */
void vel_h3_piece_release(void *context, struct vel_slice bytes);
/* Release what was never given to the transport; the rest lives on alone. */
void vel_h3_pieces_orphan(struct vel_exchange *exchange);
void vel_h3_pieces_forget_session(struct vel_http *http);

/* ---- h3_memory.c ---- */

nghttp3_mem vel_h3_memory(const struct vel_env *env);

#endif
