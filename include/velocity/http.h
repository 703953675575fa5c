/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_HTTP_H
#define VELOCITY_HTTP_H

#include <stdbool.h>

#include "velocity/conn.h"
#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * HTTP on one connection, for servers and clients alike: requests and responses with header fields
 * and bodies, whatever the version underneath (HTTP/3, RFC 9114; HTTP/2, RFC 9113; HTTP/1.1, RFC
 * 9112). Words are RFC 9110's.
 *
 * A session (struct vel_http) sits on a connected struct vel_conn. Its owner passes on every event
 * of the connection, and then lets it write:
 *
 *     while (vel_conn_next_event(conn, &event))
 *         vel_http_event(http, &event);
 *     vel_http_send(http);
 *
 * One request with its response is an exchange (struct vel_exchange, RFC 9113 8.1). What arrives is
 * told by the callbacks of struct vel_http_events, which run inside vel_http_event. Bodies are
 * never held whole: received bytes are shown as they come, and a body to send is pulled in pieces
 * while there is room for them.
 *
 * Memory: sending holds at most 4 MiB of body pieces for all exchanges of a session together, plus
 * 16 KiB for each; receiving holds the header sections, 1 MiB of them at most, and nothing of the
 * bodies. One thread at a time.
 */

/* One header field. Names are lower case. */
struct vel_field {
    struct vel_slice name;
    struct vel_slice value;
};

/* Fields in order, borrowed; pseudo-header fields (":method") are never among them. */
struct vel_fields {
    const struct vel_field *items;
    size_t count;
};

/* The value of the first field called `name` (lower case); NULL when there is none. */
const struct vel_slice *vel_fields_find(struct vel_fields fields, const char *name);

struct vel_request {
    struct vel_slice method;    /* "GET" */
    struct vel_slice scheme;    /* "https" */
    struct vel_slice authority; /* "localhost:4433" */
    struct vel_slice path;      /* path and query as sent, percent-encoded; "*" for OPTIONS */
    struct vel_slice protocol;  /* of an extended CONNECT (RFC 8441, RFC 9220); else empty. Who does
                                   not serve it answers 501 */
    struct vel_fields fields;
};

struct vel_prepared;

struct vel_response {
    unsigned status; /* 200 to 599 */
    struct vel_fields fields;
    const struct vel_prepared *prepared; /* more fields, sent before those; NULL: none */
};

/* Fields that many responses share, encoded once. Copied; read-only once made, and used only within
 * the calls that get it. VEL_ERR_LIMIT: more than half of VEL_HTTP_MAX_FIELDS; VEL_ERR_NOMEM */
vel_result vel_prepared_new(const struct vel_env *env, struct vel_fields fields,
                            struct vel_prepared **prepared);
void vel_prepared_free(struct vel_prepared *prepared); /* NULL is allowed */

/* Limits of what we accept (SETTINGS_MAX_FIELD_SECTION_SIZE counts 32 bytes a field, RFC 9114
 * 4.2.2). A request beyond them is answered 431, far beyond them ends the connection. */
enum {
    VEL_HTTP_MAX_FIELD_SECTION = 64 * 1024,
    VEL_HTTP_MAX_FIELDS = 128,
    VEL_HTTP_MAX_HEADS = 1024 * 1024,            /* header sections of all exchanges of a session */
    VEL_HTTP_MAX_BODY_PENDING = 4 * 1024 * 1024, /* all body pieces of a session not yet released */
    VEL_HTTP_MIN_PIECE = 16 * 1024               /* asked for even when that is used up */
};

/*
 * Slow clients, on every version. A request's head has 10 s, from its first byte to its last. Behind
 * it, a client that owes bytes of requests has 30 s in hand for all that a connection carries. Waiting
 * uses them up, a byte of a body (in either direction) gives back 1 / VEL_HTTP_MIN_RATE of a second,
 * and nobody has more than 30 s. So who is silent is cut off after that time, who is slower than the
 * rate somewhat later, however the bytes are spread, and who is faster never. The rest of a request
 * that was answered has 30 s in HTTP/1.1 and HTTP/2, and is refused at once in HTTP/3.
 *
 * Cut off means: HTTP/1.1 answers 408 and closes; the others reset the streams with
 * H3_REQUEST_CANCELLED (CANCEL); HTTP/2 ends the connection for a head. An exchange that the
 * application has paused owes nothing.
 */
enum { VEL_HTTP_MIN_RATE = 256 /* bytes a second */ };

/* ---- bodies to send ---- */

/* A piece of a body. The bytes stay unchanged until `release` is called, once: that may be after
 * the exchange, the session and the connection's last event, so `context` must not hang on them. */
struct vel_body_piece {
    struct vel_slice bytes;
    bool last;              /* the body ends with this piece, which may be empty */
    vel_release_fn release; /* NULL: nothing to release */
    void *context;
};

/*
 * Where a body comes from.
 * pull  the next piece, at most `want` bytes (VEL_HTTP_MIN_PIECE or more); when there is room
 *       VEL_ERR_AGAIN   nothing now; call vel_exchange_resume_body when there is
 *       anything else   the body is lost: the stream is reset with H3_INTERNAL_ERROR
 * done  called once, when no more will be pulled, whether or not the end was reached
 */
struct vel_body_source {
    vel_result (*pull)(void *self, size_t want, struct vel_body_piece *piece);
    void (*done)(void *self); /* NULL: nothing to do */
    void *self;
};

/* ---- exchanges ---- */

struct vel_exchange;

/* How an exchange ended. */
struct vel_exchange_end {
    bool complete;          /* both messages were sent and received whole */
    bool by_peer;           /* else: the peer reset or stopped it, or the connection ended */
    uint64_t code;          /* HTTP/3 error code; 0x100 H3_NO_ERROR when complete */
    uint64_t body_sent;     /* bytes of body handed to the transport */
    uint64_t body_received; /* bytes of body received */
};

/*
 * What a session tells. Any may be NULL. They may respond to, pause, or cancel any exchange, and
 * start requests; they may not free the session.
 */
struct vel_http_events {
    /* Server: a request came (vel_exchange_request). Client: the final response came
     * (vel_exchange_response). Informational responses are skipped. */
    void (*head)(void *self, struct vel_exchange *exchange);
    /* Received bytes of the body, valid during the call; 64 KiB at most. */
    void (*body)(void *self, struct vel_exchange *exchange, struct vel_slice bytes);
    /* The received message is complete. */
    void (*end)(void *self, struct vel_exchange *exchange);
    /* The last event of an exchange, always given; the exchange is gone afterwards. */
    void (*closed)(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end);
    /* Something can be written although no event of the connection says so: call vel_http_send
     * before the endpoint sends next. May come from inside calls on the endpoint: do no more. */
    void (*wake)(void *self);
    void *self;
};

/* Received heads, valid until the exchange is closed. NULL before they came; the request is what a
 * server received, the response what a client received. */
const struct vel_request *vel_exchange_request(const struct vel_exchange *exchange);
const struct vel_response *vel_exchange_response(const struct vel_exchange *exchange);

/* Server: answer. Everything but the body is copied. body NULL: none. On failure `done` is not
 * called and the exchange is as before.
 * VEL_ERR_UNEXPECTED  answered already, or not a server's exchange
 * VEL_ERR_CLOSED      the exchange ended already
 * VEL_ERR_NOMEM */
vel_result vel_exchange_respond(struct vel_exchange *exchange, const struct vel_response *response,
                                const struct vel_body_source *body);

/* The same with a body that is there already, whole: the short way for small answers. `bytes` stay
 * unchanged until `release` is called, once; as for a piece, that may be late. On failure it is not
 * called, and the exchange may have been cancelled. */
vel_result vel_exchange_respond_bytes(struct vel_exchange *exchange,
                                      const struct vel_response *response, struct vel_slice bytes,
                                      vel_release_fn release, void *context);

/* The source that answered VEL_ERR_AGAIN has a piece. */
void vel_exchange_resume_body(struct vel_exchange *exchange);

/* Stop showing the body: the peer is held back by flow control (at most the stream's window
 * arrives). Resuming shows what waits at the next vel_http_send. When the connection ends, what has
 * arrived is shown all the same. */
void vel_exchange_pause(struct vel_exchange *exchange);
void vel_exchange_resume(struct vel_exchange *exchange);

/* Give up both directions with an HTTP/3 error code; `closed` follows in vel_http_send or later. */
void vel_exchange_cancel(struct vel_exchange *exchange, uint64_t code);

/* The application's pointer, NULL at first. */
void vel_exchange_set_user(struct vel_exchange *exchange, void *user);
void *vel_exchange_user(const struct vel_exchange *exchange);

/* ---- sessions ---- */

struct vel_http;

/* HTTP/3 error codes that callers give or show (RFC 9114 8.1, RFC 9204 6). */
#define VEL_H3_ERROR_MAP(X)                                                                        \
    X(VEL_H3_NO_ERROR, 0x0100, "H3_NO_ERROR")                                                      \
    X(VEL_H3_GENERAL_PROTOCOL_ERROR, 0x0101, "H3_GENERAL_PROTOCOL_ERROR")                          \
    X(VEL_H3_INTERNAL_ERROR, 0x0102, "H3_INTERNAL_ERROR")                                          \
    X(VEL_H3_STREAM_CREATION_ERROR, 0x0103, "H3_STREAM_CREATION_ERROR")                            \
    X(VEL_H3_CLOSED_CRITICAL_STREAM, 0x0104, "H3_CLOSED_CRITICAL_STREAM")                          \
    X(VEL_H3_FRAME_UNEXPECTED, 0x0105, "H3_FRAME_UNEXPECTED")                                      \
    X(VEL_H3_FRAME_ERROR, 0x0106, "H3_FRAME_ERROR")                                                \
    X(VEL_H3_EXCESSIVE_LOAD, 0x0107, "H3_EXCESSIVE_LOAD")                                          \
    X(VEL_H3_ID_ERROR, 0x0108, "H3_ID_ERROR")                                                      \
    X(VEL_H3_SETTINGS_ERROR, 0x0109, "H3_SETTINGS_ERROR")                                          \
    X(VEL_H3_MISSING_SETTINGS, 0x010a, "H3_MISSING_SETTINGS")                                      \
    X(VEL_H3_REQUEST_REJECTED, 0x010b, "H3_REQUEST_REJECTED")                                      \
    X(VEL_H3_REQUEST_CANCELLED, 0x010c, "H3_REQUEST_CANCELLED")                                    \
    X(VEL_H3_REQUEST_INCOMPLETE, 0x010d, "H3_REQUEST_INCOMPLETE")                                  \
    X(VEL_H3_MESSAGE_ERROR, 0x010e, "H3_MESSAGE_ERROR")                                            \
    X(VEL_H3_CONNECT_ERROR, 0x010f, "H3_CONNECT_ERROR")                                            \
    X(VEL_H3_VERSION_FALLBACK, 0x0110, "H3_VERSION_FALLBACK")                                      \
    X(VEL_QPACK_DECOMPRESSION_FAILED, 0x0200, "QPACK_DECOMPRESSION_FAILED")                        \
    X(VEL_QPACK_ENCODER_STREAM_ERROR, 0x0201, "QPACK_ENCODER_STREAM_ERROR")                        \
    X(VEL_QPACK_DECODER_STREAM_ERROR, 0x0202, "QPACK_DECODER_STREAM_ERROR")

#define VEL_H3_AS_ENUM(name, code, text) name = (code),
enum vel_h3_error { VEL_H3_ERROR_MAP(VEL_H3_AS_ENUM) };
#undef VEL_H3_AS_ENUM

/* "H3_NO_ERROR" and so on; "unknown HTTP/3 error" for others. */
const char *vel_h3_error_name(uint64_t code);

/* Start HTTP on a connection that is connected; its role follows the connection's. The events are
 * copied; env and conn outlive the session. VEL_ERR_NOMEM; VEL_ERR_AGAIN: the peer does not allow
 * the unidirectional stream that HTTP/3 needs; VEL_ERR_CLOSED. */
vel_result vel_http_new(const struct vel_env *env, struct vel_conn *conn,
                        const struct vel_http_events *events, struct vel_http **http);

/* Server: the fields of the answers that a session gives by itself, to what it refuses (400, 408, 414,
 * 417, 431, 500, 501), beside their framing; none at first. Borrowed for its life, half of
 * VEL_HTTP_MAX_FIELDS at most. */
void vel_http_set_refusal_fields(struct vel_http *http, struct vel_fields fields);

/* Closes every exchange (with its event) and forgets the connection without closing it. NULL is
 * allowed. */
void vel_http_free(struct vel_http *http);

/* React to an event of the connection. After VEL_EVENT_CLOSED free the session. A server's session
 * must be told the time for what is said above of slow clients: vel_http_expire before the events of
 * each turn, and at vel_http_deadline. One that is never told has patience without end. */
void vel_http_event(struct vel_http *http, const struct vel_event *event);

/* Hand everything writable to the transport. Call after events and after calls from outside of
 * callbacks. */
void vel_http_send(struct vel_http *http);

/* Client: send a request. Everything but the body is copied. body NULL: none.
 * VEL_ERR_AGAIN     the server allows no more requests now: again after any exchange closed
 * VEL_ERR_CLOSED    the connection is ending, or the server is finishing (GOAWAY)
 * VEL_ERR_NOMEM */
vel_result vel_http_request(struct vel_http *http, const struct vel_request *request,
                            const struct vel_body_source *body, void *user,
                            struct vel_exchange **exchange);

/* Finish what runs, accept nothing new (GOAWAY, RFC 9114 5.2), then close the connection with
 * H3_NO_ERROR. */
void vel_http_finish(struct vel_http *http);

/* Exchanges that are not closed yet. */
size_t vel_http_active(const struct vel_http *http);

enum vel_http_version { VEL_HTTP_1_1, VEL_HTTP_2, VEL_HTTP_3 };
enum vel_http_version vel_http_version(const struct vel_http *http);

/* ---- HTTP/2 and HTTP/1.1: a session on one ordered stream of bytes (TLS over TCP, or TCP) ----
 *
 * The owner moves the bytes and the time; exchanges, events and vel_http_request, vel_http_finish,
 * vel_http_free are those above. vel_http_event and vel_http_send are for HTTP/3 alone,
 * vel_http_deadline and vel_http_expire for all.
 *
 *     bytes came           vel_http_receive, then the loop below
 *     the peer's end came  vel_http_receive_end, then the loop below
 *     loop                 while (vel_http_output(http, now).len > 0) write what the stream takes,
 *                          vel_http_output_taken
 *     vel_http_is_over     shut the stream down, free the session
 *
 * Codes of cancelled and ended exchanges stay HTTP/3's, translated both ways.
 */
struct vel_http_stream_setup {
    const struct vel_env *env;
    enum vel_http_version version; /* VEL_HTTP_1_1 or VEL_HTTP_2 */
    bool client;
    bool secure;                   /* "https" on this stream; else "http" */
    struct vel_addr remote;        /* for the log */
    vel_time head_timeout;         /* server: from the first byte of a head to its last; 0: 10 s */
    vel_time body_timeout;         /* server: what a client has in hand, see VEL_HTTP_MIN_RATE;
                                  both: without a byte while an answer is coming in or waiting to
                                  go out; 0: 30 s */
    vel_time idle_timeout;         /* without any exchange; 0: 60 s */
    struct vel_http_events events; /* copied */
};

/* VEL_ERR_NOMEM, VEL_ERR_ARGUMENT (VEL_HTTP_3) */
vel_result vel_http_new_on_stream(const struct vel_http_stream_setup *setup, vel_time now,
                                  struct vel_http **http);

/* Received bytes; all are taken unless an exchange is paused. *taken tells how many: give the rest
 * again after vel_exchange_resume (the wake event says so). Never fails: what is wrong ends the
 * session, and vel_http_output has the last words. */
void vel_http_receive(struct vel_http *http, struct vel_slice bytes, size_t *taken, vel_time now);

/* The peer will send no more (or the stream broke): responses that run go on if they can. A client has its
 * last look: what an answer still had to tell when its exchange was paused is told now. `truncated`: anybody
 * may have ended the stream, since TLS did not say that it was the peer (RFC 8446 6.1); an answer whose
 * end only that would show is not complete then (RFC 9112 9.8). */
void vel_http_receive_end(struct vel_http *http, bool truncated, vel_time now);

/* The next bytes to send, pulled from bodies as needed; good until the next call on the session.
 * Empty: nothing now. */
struct vel_slice vel_http_output(struct vel_http *http, vel_time now);
void vel_http_output_taken(struct vel_http *http, size_t count, vel_time now);

/* Nothing more will be sent or understood. */
bool vel_http_is_over(const struct vel_http *http);

/* When vel_http_expire is due; VEL_NEVER. May be early, and then it gives up nothing. */
vel_time vel_http_deadline(const struct vel_http *http);
/* It is `now`: gives up what has taken too long. */
void vel_http_expire(struct vel_http *http, vel_time now);

#endif
