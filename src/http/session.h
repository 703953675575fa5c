/* SPDX-License-Identifier: MIT */
#ifndef HTTP_SESSION_H
#define HTTP_SESSION_H

#include "base/units.h"
#include "http/headers.h"
#include "velocity/http.h"

/*
 * What every HTTP session is made of, whatever its version. HTTP/3 (h3_*), HTTP/2 (h2_*) and
 * HTTP/1.1 (h1*) each embed struct vel_http and struct vel_exchange as the first member of structs
 * of their own and fill in one table of operations; what is said once for all three is here:
 *
 *   session.c    the calls of velocity/http.h on sessions, through the table
 *   exchange.c   life of an exchange: table by stream, abort, sweep, the application's calls
 *   message.c    what was received: fields into a bounded head, request and response views, events
 *   body.c       what is sent: pieces pulled from a source, bounded, released
 *   patience.c   how long a server waits for what its clients owe
 *
 * Nothing is freed inside a callback: an exchange that ends is marked and swept by vel_http_settle,
 * which a version calls at the end of each call from outside.
 */

enum {
    VEL_HTTP_BUCKETS = 16,           /* of the table of exchanges; a power of two */
    VEL_HTTP_PSEUDO_FIELDS = 5,      /* of a request at most */
    VEL_HTTP_PIECE_MAX = 256 * 1024, /* largest piece asked of a source */
    VEL_HTTP_ABANDONED_FREE = 128,   /* requests a client may abandon, ... */
    VEL_HTTP_ABANDONED_PER_DONE = 2, /* and this many for each that was answered whole */
    VEL_HTTP_STREAMS = 128,          /* requests a client may have open at a time */
    VEL_HTTP_SHORT_BODY = 64 * 1024  /* of a request: taken to its end although it was answered */
};

/* Unless the setup says otherwise. */
#define VEL_HTTP_HEAD_TIMEOUT (10 * SECOND)
#define VEL_HTTP_BODY_TIMEOUT (30 * SECOND)
#define VEL_HTTP_IDLE_TIMEOUT (60 * SECOND)

/* What a version does in its own way. Those under "streams" are NULL in HTTP/3, those under
 * "connection" in the other two. */
struct vel_http_ops {
    enum vel_http_version version;
    size_t exchange_size; /* of the struct that begins with struct vel_exchange */

    /* Release everything but the exchanges and struct vel_http's own: also the memory. */
    void (*free)(struct vel_http *http);
    /* Client: put the head on the wire and make the exchange with vel_exchange_new. Limits, role
     * and state were checked; the caller opens the source. VEL_ERR_AGAIN, _CLOSED, _NOMEM */
    vel_result (*request)(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange);
    /* Server: put the head on the wire; checked as above, and `prepared` is NULL: its fields are
     * among the others. VEL_ERR_CLOSED, _NOMEM */
    vel_result (*respond)(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body);
    /* Server: put the whole answer on the wire, at once or not at all; checked as for respond. NULL:
     * there is no short way. On success the body is lent until `release`.
     * VEL_ERR_AGAIN  no room for it, take the long way */
    vel_result (*respond_whole)(struct vel_exchange *exchange, const struct vel_response *response,
                                struct vel_slice body, vel_release_fn release, void *context);
    /* The application takes body bytes again (it paused before); from vel_http_attend. */
    void (*read_on)(struct vel_exchange *exchange);
    /* The source may have more, after VEL_ERR_AGAIN of its pull. */
    void (*resume_body)(struct vel_exchange *exchange);
    /* It was aborted just now (`code` tells why); inside callbacks too, so only note it. NULL: nothing to do. */
    void (*aborted)(struct vel_exchange *exchange);
    /* Last call before its memory goes, from the sweep: release what the version added, and reset
     * the stream unless it is `finished` or the session over (`failed`, `closed`). */
    void (*release)(struct vel_exchange *exchange);
    /* GOAWAY or its like; http->finishing was set. */
    void (*finish)(struct vel_http *http);
    /* vel_http_fail was called: there is a reason to tell the peer; from vel_http_settle. */
    void (*failed)(struct vel_http *http, uint64_t code, const char *reason);

    /* as the vel_http_* call of the same name */
    vel_time (*deadline)(const struct vel_http *http);
    void (*expire)(struct vel_http *http, vel_time now);

    /* connection */
    void (*event)(struct vel_http *http, const struct vel_event *event);
    void (*send)(struct vel_http *http);

    /* streams: as the vel_http_* call of the same name */
    void (*receive)(struct vel_http *http, struct vel_slice bytes, size_t *taken, vel_time now);
    void (*receive_end)(struct vel_http *http, bool truncated, vel_time now);
    struct vel_slice (*output)(struct vel_http *http, vel_time now);
    void (*output_taken)(struct vel_http *http, size_t count, vel_time now);
    bool (*is_over)(const struct vel_http *http);
};

/* A body piece from its pull until every byte was released. */
struct vel_http_piece {
    const struct vel_env *env;
    struct vel_http *http;      /* NULL once the session is gone */
    struct vel_exchange *owner; /* NULL once the exchange is gone */
    struct vel_http_piece *next, *prev;
    struct vel_body_piece body;
    size_t given;    /* bytes that someone took and will release */
    size_t released; /* bytes of all */
};

struct vel_exchange {
    struct vel_http *http;
    struct vel_exchange *next;      /* in its bucket */
    struct vel_exchange *next_over; /* among those to be swept */
    uint64_t stream;                /* the wire's; HTTP/1.1 counts */
    void *user;

    struct vel_header_list head; /* received */
    struct vel_request request;
    struct vel_response response;

    struct vel_body_source source;
    struct vel_http_piece *pieces; /* not yet released */
    size_t pending;                /* bytes of them */

    uint64_t body_sent, body_received;
    uint64_t code;      /* why it is over */
    bool told;          /* `head` was told, or we started it: `closed` will be */
    bool head_complete; /* of the received message */
    bool refused;       /* the head is beyond our limits */
    bool answered;      /* a server's response was submitted */
    bool sent_end;      /* our message was handed over whole */
    bool received_end;  /* the peer's message came whole */
    bool paused;        /* the application takes no body now */
    bool owing;         /* server: among those whose client owes bytes of a body */
    bool read_waiting;  /* bytes may wait since a pause */
    bool source_open;   /* may be pulled */
    bool source_failed; /* to be aborted at the end of the call */
    bool starved;       /* not pulled because too much is pending */
    bool cancelled;     /* over on our side: sweep */
    bool by_peer;
    bool finished; /* both directions over: sweep */
    bool listed;   /* among those to be swept */
};

struct vel_http {
    const struct vel_http_ops *ops;
    const struct vel_env *env;
    struct vel_http_events events;
    struct vel_fields refusal_fields; /* of answers of the session's own */
    struct vel_exchange *buckets[VEL_HTTP_BUCKETS];
    struct vel_exchange *over;      /* to be swept */
    struct vel_http_piece *orphans; /* pieces that outlive their exchange */
    size_t active;
    size_t pending; /* bytes of all pieces */
    size_t heads;   /* bytes of all header sections received */
    size_t owing;   /* exchanges whose client owes bytes of a body */
    vel_time due;   /* until when it has to send some, if there are any */
    uint64_t done, abandoned;
    const char *failure; /* why the session is broken; told when it is safe */
    uint64_t failure_code;
    bool client;
    bool failed;    /* nothing more may be asked of the protocol */
    bool closed;    /* the connection is over */
    bool finishing; /* we finish */
    bool peer_finishing;
    bool starving;  /* some exchange is starved */
    bool attention; /* some exchange wants reading, pulling or aborting: see vel_http_attend */
};

/* ---- session.c ---- */

/* Start the common part in place; the memory is zeroed. */
void vel_http_init(struct vel_http *http, const struct vel_http_ops *ops, const struct vel_env *env,
                   const struct vel_http_events *events, bool client);
/* The connection is broken: remembers the first reason; told to the peer by vel_http_settle. */
void vel_http_fail(struct vel_http *http, uint64_t code, const char *reason);
/* Look after exchanges whose source failed, or that wait for a read or a pull: what a version does
 * first when it is asked to send. */
void vel_http_attend(struct vel_http *http);
/* The application did something that makes output, or room for input: on a stream its owner has to
 * know, since no event of a connection tells. */
void vel_http_wake(struct vel_http *http);
/* End of every call from outside: nothing of ours is on the stack. */
void vel_http_settle(struct vel_http *http);

/* A client abandoned a request: that costs us more than it, so a flood of them ends the session. */
void vel_http_count_abandoned(struct vel_http *http);

vel_result vel_h2_new(const struct vel_http_stream_setup *setup, vel_time now,
                      struct vel_http **http);
vel_result vel_h1_new(const struct vel_http_stream_setup *setup, vel_time now,
                      struct vel_http **http);

/* ---- patience.c: the rule of velocity/http.h about bodies of slow clients ---- */

/* Server: it is `now`, and from now on the client owes bytes of this body; it has `timeout` in hand
 * unless it owes others already. For exchanges that are over or paused, nothing. */
void vel_exchange_await_body(struct vel_exchange *exchange, vel_time now, vel_time timeout);
/* It owes none any more. */
void vel_exchange_awaits_none(struct vel_exchange *exchange);
/* Bytes of some body have moved. */
void vel_http_moved(struct vel_http *http, size_t bytes, vel_time now, vel_time timeout);
/* When its time is up; VEL_NEVER: it owes nothing. */
vel_time vel_http_body_due(const struct vel_http *http);
/* Its time is up: give up all that it owes. */
void vel_http_give_up_bodies(struct vel_http *http);

/* ---- exchange.c ---- */

static inline size_t vel_exchange_bucket(uint64_t stream)
{
    return (size_t)(stream * 0x9e3779b97f4a7c15u >> 60) % VEL_HTTP_BUCKETS;
}

/* NULL: there is none. */
static inline struct vel_exchange *vel_exchange_find(const struct vel_http *http, uint64_t stream)
{
    struct vel_exchange *exchange = http->buckets[vel_exchange_bucket(stream)];
    while (exchange != NULL && exchange->stream != stream)
        exchange = exchange->next;
    return exchange;
}

/* VEL_ERR_NOMEM */
vel_result vel_exchange_new(struct vel_http *http, uint64_t stream, struct vel_exchange **exchange);
/* Ends our side of it: no more callbacks but `closed`. */
void vel_exchange_abort(struct vel_exchange *exchange, uint64_t code, bool by_peer);
/* Both directions are over: to be swept. */
void vel_exchange_finished(struct vel_exchange *exchange);
/* Close and free those that are over; with `all` every one. */
void vel_exchange_sweep(struct vel_http *http, bool all);
/* Call `visit` for each exchange; it may abort, not free. */
void vel_exchange_each(struct vel_http *http, void (*visit)(struct vel_exchange *exchange));

/* ---- message.c ---- */

/* One field of the head, pseudo-header fields first: HTTP/1.1 makes them of its start line. Beyond
 * the limits it is counted and dropped, and `refused` is set.
 * VEL_ERR_LIMIT  far beyond: end the connection with H3_EXCESSIVE_LOAD
 * VEL_ERR_NOMEM */
vel_result vel_exchange_add_field(struct vel_exchange *exchange, struct vel_slice name,
                                  struct vel_slice value);
/* Trailers are not shown, but count. VEL_ERR_LIMIT: as above. */
vel_result vel_exchange_count_trailer(struct vel_exchange *exchange, struct vel_slice name,
                                      struct vel_slice value);
/* The head came whole: answers 431 if it was refused, else makes the view and tells it; skips
 * informational responses. VEL_ERR_NOMEM */
vel_result vel_exchange_head_done(struct vel_exchange *exchange);
void vel_exchange_forget_head(struct vel_exchange *exchange);
/* Bytes of the body, and its end; nothing is told of exchanges that are over. */
void vel_exchange_body_came(struct vel_exchange *exchange, struct vel_slice bytes);
void vel_exchange_end_came(struct vel_exchange *exchange);
/* Answer without asking the application. */
void vel_exchange_refuse(struct vel_exchange *exchange, unsigned status);

/* ---- body.c ---- */

/* Pull the next piece. *piece is NULL when there are no bytes; *last: the source has ended and is
 * done with. VEL_ERR_AGAIN: nothing now (also when the source failed: `source_failed`). */
vel_result vel_exchange_pull(struct vel_exchange *exchange, struct vel_http_piece **piece,
                             bool *last);
/* No more will be pulled. */
void vel_exchange_end_source(struct vel_exchange *exchange);
/* The piece of the exchange that holds this address; NULL: it is framing. */
struct vel_http_piece *vel_http_piece_at(const struct vel_exchange *exchange, const uint8_t *at);
/* vel_release_fn; context is the piece. The last byte releases the piece. */
void vel_http_piece_release(void *context, struct vel_slice bytes);
/* Release what was never given away; the rest lives on alone. */
void vel_http_pieces_orphan(struct vel_exchange *exchange);
void vel_http_pieces_forget_session(struct vel_http *http);

#endif
