/* SPDX-License-Identifier: MIT */
#ifndef LINKS_TLS_STREAM_H
#define LINKS_TLS_STREAM_H

#include "handshake/handshake.h"
#include "velocity/addr.h"
#include "velocity/loop.h"
#include "velocity/tls.h"

/*
 * One ordered, reliable stream of bytes on an event loop: TLS 1.3 over a TCP socket, as client or
 * server; or TCP alone, behind the same calls, where there is no struct vel_tls.
 *
 *     client   vel_tls_stream_connect ──┐
 *     server   vel_tls_stream_accept ───┴─> connected ─> received ... received_end ─> closed
 *
 * Received bytes are pushed; a receiver that takes fewer than it is shown stops the stream (and, by
 * TCP's window, the peer) until vel_tls_stream_resume. Written bytes are queued up to
 * VEL_TLS_STREAM_QUEUE; a short write is followed by `writable`. So a stream holds at most that
 * queue, one TLS record of received bytes, and what libssl needs; while it is idle nothing but
 * libssl's state.
 *
 * Each direction ends by itself. TLS says so with close_notify; a TCP end without one is told as
 * `truncated`, since anybody on the path can cause it (RFC 8446 6.1). What came after a truncation
 * is never shown. Key updates are answered, but a peer that sends more than
 * VEL_TLS_STREAM_IDLE_RECORDS of them, or of other records without data, in a row is cut off. TLS 1.3
 * has no renegotiation.
 *
 * Callbacks run inside vel_loop_run only, never inside the calls below. They may call anything here,
 * vel_tls_stream_free included. One thread.
 */
struct vel_tls_stream;

enum {
    VEL_TLS_STREAM_QUEUE = 64 * 1024, /* bytes, framing included; one record more at most */
    VEL_TLS_STREAM_IDLE_RECORDS = 32,
    VEL_TLS_STREAM_SHOWN = 16 * 1024 /* largest piece given to `received` */
};

/* Why a stream is over. Names appear in --json, texts in messages. */
#define VEL_TLS_STREAM_END_MAP(X)                                                                  \
    X(VEL_TLS_STREAM_FINISHED, "finished", "the connection was closed")                            \
    X(VEL_TLS_STREAM_REFUSED, "refused", "nobody listens there, or it cannot be reached")          \
    X(VEL_TLS_STREAM_UNANSWERED, "unanswered", "no TCP connection within the time allowed")        \
    X(VEL_TLS_STREAM_SLOW, "slow", "the TLS handshake took too long")                              \
    X(VEL_TLS_STREAM_REJECTED, "rejected", "the TLS handshake failed")                             \
    X(VEL_TLS_STREAM_BROKEN, "broken", "the TCP connection broke")                                 \
    X(VEL_TLS_STREAM_VIOLATION, "violation", "the peer broke the rules of TLS")                    \
    X(VEL_TLS_STREAM_EXHAUSTED, "exhausted", "out of memory, descriptors or ports")

#define VEL_TLS_STREAM_AS_ENUM(code, name, text) code,
enum vel_tls_stream_reason { VEL_TLS_STREAM_END_MAP(VEL_TLS_STREAM_AS_ENUM) };
#undef VEL_TLS_STREAM_AS_ENUM

const char *vel_tls_stream_reason_name(enum vel_tls_stream_reason reason);
const char *vel_tls_stream_reason_text(enum vel_tls_stream_reason reason);

struct vel_tls_stream_end {
    enum vel_tls_stream_reason reason;
    int system;     /* errno behind REFUSED, UNANSWERED, BROKEN and EXHAUSTED; 0: none */
    bool connected; /* `connected` was told before */
    bool by_peer;   /* REJECTED: the peer said so */
    struct vel_handshake_failure failure; /* REJECTED and VIOLATION: alert, certificate, reason; a
                                             client's certificate is judged after `connected` */
};

struct vel_tls_stream_events {
    /* The handshake is complete (without TLS: the TCP connection); writing may begin. */
    void (*connected)(void *self);
    /* Received bytes, VEL_TLS_STREAM_SHOWN at most, valid during the call. Returns how many were
     * taken; the rest, and anything after it, is shown after vel_tls_stream_resume. */
    size_t (*received)(void *self, struct vel_slice bytes);
    /* The peer will send no more. */
    void (*received_end)(void *self, bool truncated);
    /* A write was short, and there is room again. */
    void (*writable)(void *self);
    /* The last event, always given: both directions are over, or the stream failed. Free it. */
    void (*closed)(void *self, const struct vel_tls_stream_end *end);
    void *self;
};

struct vel_tls_stream_setup {
    const struct vel_env *env;
    struct vel_loop *loop;
    const struct vel_tls *tls; /* NULL: TCP alone, and nothing of the next block counts */

    const char *server_name; /* client: DNS name or IP literal to ask for and to check; copied by
                                libssl */
    const struct vel_slice *alpn; /* most wanted first, "h2" and "http/1.1"; others are passed over.
                                     They outlive the stream */
    size_t alpn_count;
    int64_t unix_offset; /* unix seconds at vel_time 0, as in struct vel_config */
    bool prefer_chacha;

    vel_time handshake_timeout; /* until `connected`, TCP included; 0: 10 s */
    vel_time linger; /* after vel_tls_stream_finish: without anything moving in either direction;
                        0: 2 s; half a minute in all at most */
    vel_time keep_alive;                 /* probe a peer that was silent for so long; 0: 60 s */
    struct vel_tls_stream_events events; /* `received` and `closed` are required */
};

/*
 * Client. What the network says against it, also at once, is told by `closed` later.
 * VEL_ERR_ARGUMENT  as vel_tls_conn_open: no usable ALPN name or server name; not a client's
 *                   struct vel_tls
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO, VEL_ERR_IO (cannot be polled)
 */
vel_result vel_tls_stream_connect(const struct vel_tls_stream_setup *setup,
                                  const struct vel_addr *remote, struct vel_tls_stream **stream);

/* Server: on a socket of vel_tcp_accept, which it owns from now on, in failure as well. Errors as
 * above. */
vel_result vel_tls_stream_accept(const struct vel_tls_stream_setup *setup, int fd,
                                 const struct vel_addr *remote, struct vel_tls_stream **stream);

/* Drops the connection if it is not over, without any event; what was not sent yet is lost. NULL is
 * allowed. */
void vel_tls_stream_free(struct vel_tls_stream *stream);

/*
 * Queue bytes; they are copied (encrypted), and go out at the end of the turn or before.
 * *taken  how many were; fewer than all: `writable` follows
 * VEL_ERR_UNEXPECTED  not connected yet, or finished already
 * VEL_ERR_CLOSED      the stream is over; `closed` was told, or follows
 */
vel_result vel_tls_stream_write(struct vel_tls_stream *stream, struct vel_slice bytes,
                                size_t *taken);

/* Show received bytes again, after `received` took fewer than all. */
void vel_tls_stream_resume(struct vel_tls_stream *stream);

/* Nothing more will be written: what is queued goes out, then close_notify and the end of our
 * direction. The peer's direction goes on until its end, or until `linger` is over; received bytes
 * are still shown (take and ignore them if they do not matter). */
void vel_tls_stream_finish(struct vel_tls_stream *stream);

/* Bytes queued and not yet taken by the kernel. */
size_t vel_tls_stream_queued(const struct vel_tls_stream *stream);

/* What was negotiated: group, suite, signature, ALPN, whether the peer authenticated. NULL before
 * `connected`, and without TLS. */
const struct vel_handshake_facts *vel_tls_stream_facts(const struct vel_tls_stream *stream);

struct vel_addr vel_tls_stream_remote(const struct vel_tls_stream *stream);
struct vel_addr vel_tls_stream_local(const struct vel_tls_stream *stream);

/* Keying material bound to this connection (RFC 8446 7.5).
 * VEL_ERR_UNEXPECTED  not connected, or no TLS
 * VEL_ERR_CRYPTO */
vel_result vel_tls_stream_export(const struct vel_tls_stream *stream, const char *label,
                                 struct vel_slice context, uint8_t *out, size_t size);

#endif
