/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HTTP_TALK_H
#define TESTS_HTTP_TALK_H

#include "http/fake.h"
#include "http/h3.h"
#include "testing/test.h"

/*
 * A client session and a server session: HTTP/3 on fake streams, or another version on two pipes of
 * bytes. The server answers by path:
 *   /bytes/N    200 with N bytes of a pattern, in pieces that must be released
 *   /upload     200, after the body came whole; its length in the field "length"
 *   /early      200 at once, whatever body comes
 *   /page       200 at once with 100 bytes that are there whole
 *   /protocol   200, the length of :protocol in the field "length"
 *   /broken     a body whose source fails half way
 *   /ignored    no answer
 *   else        404 without a body
 */
struct talk_fetch {
    unsigned status;
    uint64_t received;
    bool pattern_ok;
    bool ended;
    bool closed;
    size_t order; /* of its end, from 1 */
    struct vel_exchange *exchange;
    struct vel_exchange_end end;
    uint64_t pause_after; /* pause the body once so many bytes came; 0: never */
    char length[24];
};

struct talk {
    struct test_env env;
    struct fake_pair pair;
    struct vel_http *client, *server;
    size_t pieces_out, pieces_out_most; /* made by the server and not released */
    uint64_t bytes_out, bytes_out_most;
    size_t wakes;
    size_t ended; /* by the client's exchanges */
    size_t server_closed, server_complete;
    struct vel_exchange_end server_end; /* of the last one */

    /* sessions on bytes */
    vel_time now;
    size_t max_chunk;  /* longest slice that moves at a time; 0: all */
    bool client_deaf;  /* what the server sends stays there */
    uint64_t moved[2]; /* bytes, by sender as in fake.h */
};

uint8_t talk_pattern(uint64_t offset);

struct vel_http_events talk_client_events(struct talk *t);
/* The server alone, for a session that someone else makes; only `env` of the talk is needed. */
struct vel_http_events talk_server_events(struct talk *t);

/* With sessions on both sides, or with only one of them for raw bytes. */
void talk_start(struct talk *t, size_t buffer_limit);
void talk_start_server(struct talk *t, size_t buffer_limit);
void talk_start_client(struct talk *t, size_t buffer_limit);
/* The same on bytes, with `version`'s sessions; the setup of a server comes from talk_setup. */
struct vel_http_stream_setup talk_setup(struct talk *t, enum vel_http_version version, bool client);
void talk_start_bytes(struct talk *t, enum vel_http_version version);
/* Frees everything; fails on leaks and on pieces that were not released. */
void talk_end(struct talk *t);
void talk_run(struct talk *t);

struct vel_request talk_request(const char *method, const char *path);
vel_result talk_get(struct talk *t, const char *path, struct talk_fetch *fetch);

/* A body of the pattern. */
struct talk_body {
    struct talk *talk;
    uint64_t left, offset;
    uint64_t fail_at; /* offset; 0: never */
    bool counted;     /* in bytes_out */
    bool heap;        /* freed by done */
    bool done;
};
struct vel_body_source talk_source(struct talk_body *body);

#endif
