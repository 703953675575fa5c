/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TRANSPORT_STREAMS_PAIR_H
#define TESTS_TRANSPORT_STREAMS_PAIR_H

#include "testing/test.h"
#include "transport/frame.h"
#include "transport/params.h"
#include "transport/sent.h"
#include "transport/streams_app.h"

/*
 * Two sets of streams, a client's and a server's, and packets between them as plain payloads: what
 * a connection does with streams, without keys, numbers on the wire, or time. Each packet is
 * delivered or not, acknowledged or lost, in any order, as the test says.
 */
enum { PAIR_CLIENT, PAIR_SERVER, PAIR_PACKET = 1200 };

struct pair_side {
    struct vel_limits limits;
    struct vel_pool pool;
    struct vel_streams *streams;
    struct vel_sent sent;
};

struct pair {
    struct test_env t;
    struct pair_side side[2];
};

struct pair_packet {
    int from; /* PAIR_CLIENT or PAIR_SERVER */
    uint64_t number;
    size_t len;
    uint8_t bytes[PAIR_PACKET];
};

/* Limits small enough to be met: 64 KiB for the connection, 16 KiB a stream, 4 streams of each. */
struct vel_limits pair_limits(void);

/* Both sides with these limits; parameters are not exchanged yet. VEL_ERR_NOMEM. */
vel_result pair_init(struct pair *pair, uint64_t seed, const struct vel_limits *limits,
                     long fail_after);
/* Each side hears the other's transport parameters. */
void pair_connect(struct pair *pair);
/* Both, with pair_limits and seed 1, as most tests want them. */
void pair_begin(struct pair *pair);
/* Fails the test when memory leaked. */
void pair_free(struct pair *pair);

/* Write a packet of at most `room` bytes; its len is 0 when there was nothing to write. */
vel_result pair_write(struct pair *pair, int from, size_t room, struct pair_packet *packet);

/* The other side reads it; *wire_code as of vel_streams_on_frame. */
vel_result pair_deliver(struct pair *pair, const struct pair_packet *packet, uint64_t *wire_code);

/* The sender hears what became of it. */
vel_result pair_acked(struct pair *pair, const struct pair_packet *packet);
vel_result pair_lost(struct pair *pair, const struct pair_packet *packet);

/* Write, deliver and acknowledge, both ways, until nobody has anything to send. */
void pair_settle(struct pair *pair);

/* Drop all events of a side. */
void pair_drain_events(struct pair *pair, int side);

/* The first frame of this type in a packet; false when there is none. */
bool pair_find_frame(const struct pair_packet *packet, enum vel_frame_type type,
                     struct vel_frame *frame);

/* A number below `below`. */
uint64_t pair_draw(struct pair *pair, uint64_t below);

#endif
