/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LINKS_STREAM_FIXTURE_H
#define TESTS_LINKS_STREAM_FIXTURE_H

#include "links/tls_stream.h"
#include "testing/test.h"

/*
 * Two ends of a TLS stream on one loop, over the loopback interface. Each end sends `to_send` bytes
 * of a pattern, checks the pattern of what it receives, and notes what happened.
 */
struct stream_end {
    struct vel_tls_stream_setup setup;
    struct vel_tls_stream *stream;
    size_t to_send, sent;
    size_t received;
    size_t hold_after; /* take no more than so many bytes; SIZE_MAX: all */
    size_t most_queued;
    bool finish_when_sent, finish_at_end;
    bool short_write;
    bool connected, ended, truncated, closed;
    struct vel_tls_stream_end end;
    void (*on_connected)(struct stream_end *end);
    void (*on_closed)(struct stream_end *end);
};

struct stream_pair {
    struct test_env t;
    struct vel_crypto *crypto;
    struct vel_identity *identity;
    struct vel_tls *client_tls, *server_tls;
    struct vel_loop *loop;
    struct vel_watch *listening;
    int listener;
    struct vel_addr address;
    struct stream_end client, server;
};

/* With TLS or without; the client trusts nobody and does not check, unless the test changes it
 * before stream_pair_connect. */
void stream_pair_begin(struct stream_pair *pair, bool tls);
void stream_pair_connect(struct stream_pair *pair);
/* Runs until both ends are closed; an end that never came to be counts as closed. */
void stream_pair_run(struct stream_pair *pair);
void stream_pair_done(struct stream_pair *pair);

/* Call vel_loop_stop when this is true after a callback; NULL: when both are closed. */
extern bool (*stream_pair_enough)(const struct stream_pair *pair);

/* A blocking socket connected to the pair's listener. */
int stream_pair_raw(const struct stream_pair *pair);

#endif
