/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_EXCHANGE_H
#define TESTS_SIM_EXCHANGE_H

#include "velocity/conn.h"

/*
 * The application of the simulation: a client asks on a stream for so many bytes and sends so many;
 * the server answers. Every byte is a function of its stream and offset and is checked on arrival,
 * so that nothing lost, damaged, repeated or misplaced goes unnoticed.
 *
 * On the wire the client's direction starts with 8 bytes: how many the server shall send.
 */
struct ask {
    unsigned streams;    /* one exchange each, as many at once as the peer allows */
    uint64_t up, down;   /* bytes on each, besides the 8 */
    bool unidirectional; /* up only */
    uint64_t stall_at;   /* client stops reading after so many bytes in all; 0: never */
    uint64_t stop_at;    /* client sends STOP_SENDING after so many bytes of a stream; 0: never */
    uint8_t urgency_of_last; /* of the last stream; 0: like the others */
    /* Paths that the client's direction takes, and on the last stream; NULL: as the config says. */
    const struct vel_path_choice *paths, *paths_of_last;
};

enum { EXCHANGE_STOP_CODE = 7 };

struct exchange_stream;

/* One side of a connection. */
struct exchange {
    struct vel_conn *conn;
    bool is_client;
    struct ask ask;          /* client */
    unsigned opened;         /* client: streams opened so far */
    unsigned finished;       /* streams whose both directions ended as they should */
    unsigned closed;         /* STREAM_CLOSED events */
    unsigned stopped;        /* STREAM_STOPPED events */
    uint64_t received, sent; /* bytes of content, all streams */
    vel_time last_finish;    /* when a stream finished last */
    vel_time now;
    struct exchange_stream *streams;
};

void exchange_start(struct exchange *exchange, struct vel_conn *conn, const struct ask *ask,
                    vel_time now);
void exchange_on_event(struct exchange *exchange, const struct vel_event *event, vel_time now);
/* Client: read on after a stall. */
void exchange_resume(struct exchange *exchange, vel_time now);
/* Client: ask for more, once everything asked so far is finished. */
void exchange_more(struct exchange *exchange, const struct ask *ask, vel_time now);
void exchange_free(struct exchange *exchange);

/* Client: everything asked for was exchanged. */
bool exchange_is_done(const struct exchange *exchange);

#endif
