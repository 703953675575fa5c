/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_DATAGRAMS_H
#define TRANSPORT_DATAGRAMS_H

#include "transport/choice.h"
#include "velocity/conn.h"

/*
 * The DATAGRAM frames of a connection (RFC 9221) that wait: to be sent, by urgency and age, and to
 * be taken by the application. Both queues are bounded; nothing here is sent twice. What the
 * application sends and the queue cannot hold is refused; what arrives and the queue cannot hold
 * takes the place of the oldest, since news is worth more than history.
 *
 * All zero but for env is "none"; release with vel_datagrams_clear. Each datagram is one allocation.
 */
enum { VEL_DATAGRAMS_WAITING = 256, VEL_DATAGRAMS_BYTES = 256 * 1024 };

struct vel_datagram {
    struct vel_datagram *next;
    uint64_t id;
    vel_time expires;
    uint8_t urgency;
    uint8_t choice; /* of tracks (transport/choice.h) */
    size_t len;
    uint8_t bytes[];
};

/* What the application asks for: borrowed bytes. */
struct vel_datagram_order {
    struct vel_slice bytes;
    vel_time expires;
    uint8_t urgency;
    unsigned choice;
};

struct vel_datagram_queue {
    struct vel_datagram *first;
    struct vel_datagram *last; /* NULL: to be found */
    unsigned count;
    size_t bytes; /* of content */
};

/* Which numbers have come (VEL-TR-57): those further back than this have, as far as we know. */
enum { VEL_DATAGRAMS_SEEN = 2048 };
struct vel_datagram_seen {
    uint64_t next;                          /* above all that have come */
    uint64_t bits[VEL_DATAGRAMS_SEEN / 64]; /* of a number: bit number % VEL_DATAGRAMS_SEEN */
};

struct vel_datagrams {
    const struct vel_env *env;
    struct vel_datagram_queue out, in;
    struct vel_datagram *shown; /* what the application looks at now */
    uint64_t last_id;
    struct vel_datagram_seen *seen; /* of numbered ones; NULL: none came */
    bool peer_takes_copies;         /* DATAGRAM_COPY frames */
    uint64_t peer_max;              /* frames the peer takes, bytes; 0: none */
    bool arrived;                   /* tell the application */
    struct vel_datagram_stats stats;
};

void vel_datagrams_clear(struct vel_datagrams *d);

/* Queue a copy, behind those that are as urgent. Expired ones make room first.
 * VEL_ERR_AGAIN  the queue is full
 * VEL_ERR_NOMEM */
vel_result vel_datagrams_push(struct vel_datagrams *d, const struct vel_datagram_order *order,
                              vel_time now, uint64_t *id);

/* The first of a set of choices that waits, maybe for too long already. NULL: none. */
const struct vel_datagram *vel_datagrams_first(const struct vel_datagrams *d, unsigned choices);

/* The next one to be sent of a set of choices; what has expired is dropped on the way. NULL: none
 * waits. When it is longer than `most`, it is dropped, for no packet will ever hold it. */
const struct vel_datagram *vel_datagrams_next(struct vel_datagrams *d, unsigned choices,
                                              size_t most, vel_time now);

/* It was written into a packet: released. */
void vel_datagrams_sent(struct vel_datagrams *d, const struct vel_datagram *datagram);

/* One with a number arrived: for the first time? Without memory nobody can tell, and it is not. */
bool vel_datagrams_is_new(struct vel_datagrams *d, uint64_t number);

/* One arrived. VEL_ERR_NOMEM: it is dropped, as the network might have done. */
void vel_datagrams_received(struct vel_datagrams *d, struct vel_slice bytes);

/* Take the oldest that arrived; false when none waits. The bytes stay until the next take. */
bool vel_datagrams_take(struct vel_datagrams *d, struct vel_slice *bytes);

#endif
