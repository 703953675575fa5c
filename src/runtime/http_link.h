/* SPDX-License-Identifier: MIT */
#ifndef RUNTIME_HTTP_LINK_H
#define RUNTIME_HTTP_LINK_H

#include "links/tls_stream.h"
#include "velocity/http.h"

/*
 * HTTP/2 or HTTP/1.1 on a TLS stream: moves the bytes and the time between a struct vel_tls_stream
 * and the struct vel_http on it, for servers and clients alike. ALPN decides the version: "h2" is
 * HTTP/2, everything else, or TCP alone, HTTP/1.1.
 *
 * The session is there from `ready` on; use it as on any connection (vel_http_request,
 * vel_http_finish, vel_exchange_respond), from its callbacks or from outside. It ends by itself when
 * either side says so; then, or when the stream fails, every exchange is closed and the session is
 * gone: who keeps a pointer to it drops that on `ended` and on `over`, which is the last event.
 */
struct vel_http_link;

struct vel_http_link_events {
    /* Connected: vel_http_link_session exists, vel_tls_stream_facts tell. NULL: nothing to do. */
    void (*ready)(void *self, struct vel_http_link *link);
    /* The session was freed; what it said last is on its way, and `over` comes when the stream is
     * done with. Not told when both happen at once. NULL: nothing to do. */
    void (*ended)(void *self, struct vel_http_link *link);
    /* The last event. The session has been freed; free the link, now or later. */
    void (*over)(void *self, struct vel_http_link *link, const struct vel_tls_stream_end *end);
    void *self;
};

struct vel_http_link_setup {
    struct vel_tls_stream_setup stream; /* `events` do not count */
    struct vel_http_stream_setup http;  /* env, version, client, secure and remote do not count, nor
                                           does events.wake */
    struct vel_http_link_events events;
};

/* Errors as vel_tls_stream_connect. */
vel_result vel_http_link_connect(const struct vel_http_link_setup *setup,
                                 const struct vel_addr *remote, struct vel_http_link **link);

/* Errors as vel_tls_stream_accept, which also says whose `fd` is. */
vel_result vel_http_link_accept(const struct vel_http_link_setup *setup, int fd,
                                const struct vel_addr *remote, struct vel_http_link **link);

/* Closes the exchanges (with their events), then drops the connection; no `over`. May be called from
 * `ready` and `over`, not from the session's callbacks. NULL is allowed. */
void vel_http_link_free(struct vel_http_link *link);

/* Closes the exchanges (with their events) and ends the session, without `ended`: for who wants to know
 * what it did before vel_http_link_free. Likewise not from the session's callbacks. */
void vel_http_link_cut_off(struct vel_http_link *link);

/* NULL before `ready` and after `ended`, `over` or vel_http_link_cut_off. */
struct vel_http *vel_http_link_session(const struct vel_http_link *link);

const struct vel_tls_stream *vel_http_link_stream(const struct vel_http_link *link);

/* Finish what runs, then close (vel_http_finish); a handshake under way is dropped, with `over`. */
void vel_http_link_finish(struct vel_http_link *link);

#endif
