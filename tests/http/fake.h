/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HTTP_FAKE_H
#define TESTS_HTTP_FAKE_H

#include "http/bytestreams.h"
#include "velocity/http.h"

/*
 * Two ends of a connection in memory, with streams that carry bytes at once: what one end writes,
 * the other can read. Send buffers and the number of streams are limited, borrowed bytes are
 * released when they were read, and events come as from a transport. No cmocka here: fuzz targets
 * use it too.
 */
enum { FAKE_CLIENT, FAKE_SERVER, FAKE_STREAMS_MAX = 400 };

struct fake_chunk;

struct fake_direction {
    struct fake_chunk *first, *last;
    size_t queued;
    uint64_t total;
    bool fin, reset, stopped;
    bool over; /* end or reset was seen by the reader */
    bool short_write;
};

struct fake_stream {
    uint64_t id;
    bool used;
    struct fake_direction from[2]; /* by sender */
    unsigned events[2];            /* pending ones of each side, a bit for each type */
    uint64_t code[2];
    uint8_t urgency; /* as set last; 3, incremental at first */
    bool incremental;
};

struct fake_side {
    struct fake_pair *pair;
    int index;
    uint64_t opened[2]; /* bidirectional, unidirectional */
    bool closed_told;
    bool refused_open;
    bool available;
};

struct fake_pair {
    struct fake_side side[2];
    struct fake_stream streams[FAKE_STREAMS_MAX];
    size_t buffer_limit; /* of each direction of a stream */
    size_t max_bidi;     /* open at a time; 0: no limit */
    size_t max_chunk;    /* longest slice a read shows; 0: all */
    size_t most_queued;  /* seen in one direction */
    uint64_t borrowed;   /* writes without a copy */
    bool closed;
    int closed_by;
    uint64_t close_code;
};

void fake_init(struct fake_pair *pair, size_t buffer_limit);
void fake_clear(struct fake_pair *pair);

struct vel_bytestreams fake_streams(struct fake_pair *pair, int side);
bool fake_next_event(struct fake_pair *pair, int side, struct vel_event *event);

/* Let both sessions (NULL: that side only drops its events) react until nothing moves. */
void fake_run(struct fake_pair *pair, struct vel_http *client, struct vel_http *server);

/* Write as one side without a session. */
void fake_write(struct fake_pair *pair, int side, uint64_t stream, struct vel_slice bytes,
                bool fin);

/* What one side has been sent on a stream and not read, as one copy of at most `size`. */
size_t fake_peek(struct fake_pair *pair, int side, uint64_t stream, uint8_t *bytes, size_t size);

/* The stream; NULL: not there. */
struct fake_stream *fake_find(struct fake_pair *pair, uint64_t id);

#endif
