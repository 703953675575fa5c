/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H1_INTERNAL_H
#define HTTP_H1_INTERNAL_H

#include <llhttp.h>

#include "base/buf.h"
#include "http/session.h"

/*
 * HTTP/1.1 (RFC 9112) on one stream of bytes. One exchange at a time: what a client sends behind its
 * request (pipelining, RFC 9112 9.3.2) is not taken before the answer has gone out, so TCP holds it
 * back; our client does not pipeline.
 *
 *   h1_session.c   life of a session: bytes in, time, the end
 *   h1_line.c      start lines, targets, authorities: by our own strict reader
 *   h1_parser.c    fields, framing and chunks: llhttp, with everything lenient off
 *   h1_head.c      a head that came: the rules of RFC 9110 and 9112 about its fields
 *   h1_write.c     heads that go out
 *   h1_send.c      bodies that go out
 *
 * A message that two readers could take differently is never taken at all: the answer is an error,
 * and the connection ends with it. llhttp is made anew for each message, so nothing of one leaks
 * into the next, and its callbacks only take notes: the application is called when it has returned,
 * but for body bytes.
 */
enum {
    VEL_H1_LINE_MAX = 16 * 1024,       /* start line; longer: 414 */
    VEL_H1_HEAD_MAX = 256 * 1024,      /* bytes of a head, fields that are dropped included */
    VEL_H1_EXTENSIONS_MAX = 16 * 1024, /* chunk extensions of a message (RFC 9112 7.1.1) */
    VEL_H1_INFORMATIONAL_MAX = 16,     /* 1xx responses before the final one */
    VEL_H1_BLANK_MAX = 8,              /* empty lines before a message (RFC 9112 2.2) */
    VEL_H1_READ_MAX = 64 * 1024,       /* bytes given to llhttp at a time */
    VEL_H1_COPY_MAX = 4096,            /* shorter pieces go out together with what is around them */
    VEL_H1_OUT_MAX = 128 * 1024        /* a head of ours, with room to spare */
};

/* Of the message that is coming in. */
enum vel_h1_phase {
    VEL_H1_AWAITING, /* nothing of it came */
    VEL_H1_LINE,
    VEL_H1_FIELDS,
    VEL_H1_BODY,
    VEL_H1_COMPLETE /* the answer is still due */
};

enum vel_h1_framing { VEL_H1_NO_BODY, VEL_H1_LENGTH, VEL_H1_CHUNKED, VEL_H1_UNTIL_CLOSE };

struct vel_h1_exchange {
    struct vel_exchange base;
    bool head_only;               /* the method is HEAD */
    bool queued;                  /* our head is in `out`, or was */
    bool body_queued;             /* our body ends with what is in `out` */
    enum vel_h1_framing framing;  /* of our message */
    uint64_t left;                /* bytes of our body, for VEL_H1_LENGTH */
    struct vel_http_piece *piece; /* being sent, behind `out` */
    size_t piece_at;
    bool piece_last;
};

struct vel_h1 {
    struct vel_http http;
    bool secure;
    vel_time head_timeout, body_timeout, idle_timeout;
    vel_time now; /* of the call from outside */
    vel_time head_since, received_at, sent_at, idle_since;
    struct vel_h1_exchange *current; /* NULL: none */
    uint64_t count;                  /* exchanges ever */

    /* the message that is coming in */
    enum vel_h1_phase phase;
    llhttp_t parser;
    struct vel_buf line, name, value;
    unsigned minor, status; /* of its start line */
    size_t head_bytes, extension_bytes;
    unsigned blank_lines, informational;
    unsigned hosts, lengths, encodings, expectations; /* fields of that name */
    uint64_t content_length;
    bool host_bad, encoding_bad, expects_continue;
    bool head_came, message_came; /* notes of the callbacks */
    unsigned refusal;             /* the status that refuses it; a client has it for "wrong" */

    /* what goes out */
    struct vel_buf out;
    bool offered; /* output was shown, and none taken since */

    bool close_after; /* no more after the current exchange */
    bool held_back;   /* bytes were not taken */
    bool ignoring;    /* bytes are taken and dropped */
    bool over;        /* nothing more than what is in `out` */
    bool cut;         /* not even that */
};

static inline struct vel_h1 *vel_h1_of(const struct vel_http *http)
{
    union {
        const struct vel_http *given;
        struct vel_h1 *whole;
    } pun = {.given = http};
    return pun.whole;
}

static inline struct vel_h1_exchange *vel_h1_exchange_of(struct vel_exchange *exchange)
{
    return (struct vel_h1_exchange *)exchange;
}

/* ---- h1_session.c ---- */

/* The message, or the lack of one, is refused: a server answers `status`, then the end. */
void vel_h1_refuse(struct vel_h1 *h1, unsigned status);
/* The current exchange is over if both messages are; then the next one may come, or the end. */
void vel_h1_advance(struct vel_h1 *h1);
/* Nothing more after what is in `out`. */
void vel_h1_end(struct vel_h1 *h1);

/* ---- h1_parser.c ---- */

/* Forget the last message. */
void vel_h1_parser_reset(struct vel_h1 *h1);
/* Take some of the bytes, at least one. */
size_t vel_h1_parse(struct vel_h1 *h1, struct vel_slice bytes);
/* The same behind the start line; without bytes it notices a message that ends here. */
size_t vel_h1_parse_body(struct vel_h1 *h1, struct vel_slice bytes);

/* ---- h1_head.c ---- */

/* The start line came (without CRLF): makes the exchange of a request. */
void vel_h1_line_came(struct vel_h1 *h1, struct vel_slice line);
/* A field came: `name` and `value` of the session. */
void vel_h1_field_came(struct vel_h1 *h1);
/* The empty line came. */
void vel_h1_head_came(struct vel_h1 *h1);
/* The message came whole. */
void vel_h1_message_came(struct vel_h1 *h1);

/* ---- h1_write.c ---- */

vel_result vel_h1_request(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange);
vel_result vel_h1_respond(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body);
/* A whole answer without a body, of nobody's exchange. */
void vel_h1_write_refusal(struct vel_h1 *h1, unsigned status);
/* Allow the body to come (RFC 9110 10.1.1). */
void vel_h1_write_continue(struct vel_h1 *h1);

/* ---- h1_send.c ---- */

struct vel_slice vel_h1_output(struct vel_http *http, vel_time now);
void vel_h1_output_taken(struct vel_http *http, size_t count, vel_time now);
/* Everything of our message went out. */
bool vel_h1_sent(const struct vel_h1 *h1);

#endif
