/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_STREAM_H
#define TRANSPORT_STREAM_H

#include "transport/flow.h"
#include "transport/recv_buffer.h"
#include "transport/send_buffer.h"
#include "transport/stream_queue.h"

/*
 * One stream: two halves, each with the states of RFC 9000 section 3, its buffer and its credit.
 * A half that the stream's type does not have is in its last state from the start. Streams are
 * made, found and linked by the set (transport/streams.h); here is what one stream knows alone.
 */

/* Bits of a stream id, RFC 9000 2.1. */
enum { VEL_STREAM_SERVER = 1, VEL_STREAM_UNI = 2, VEL_STREAM_TYPES = 4 };

static inline unsigned vel_stream_type(uint64_t id)
{
    return id & (VEL_STREAM_TYPES - 1);
}

/* How many streams of its type were opened before it. */
static inline uint64_t vel_stream_index(uint64_t id)
{
    return id / VEL_STREAM_TYPES;
}

/* RFC 9000 3.1; Ready is Send before the first byte. */
enum vel_send_state {
    VEL_SEND_OPEN,       /* Ready, Send */
    VEL_SEND_DATA_SENT,  /* the fin has been sent once */
    VEL_SEND_RESET_SENT, /* RESET_STREAM is pending or sent */
    VEL_SEND_DATA_RECVD, /* from here on: over */
    VEL_SEND_RESET_RECVD
};

/* RFC 9000 3.2. */
enum vel_recv_state {
    VEL_RECV_OPEN,       /* Recv */
    VEL_RECV_SIZE_KNOWN, /* Size Known, Data Recvd: the application has not read all */
    VEL_RECV_STOPPED,    /* we do not want it and wait to learn the final size */
    VEL_RECV_DATA_READ,  /* from here on: over */
    VEL_RECV_RESET_READ  /* the application learns of the reset by the event */
};

/* Control frames that wait to be sent; RFC 9000 13.3 says which are sent again after a loss. */
enum vel_stream_pending {
    VEL_PENDING_RESET = 1,
    VEL_PENDING_STOP = 2,
    VEL_PENDING_MAX_DATA = 4,
    VEL_PENDING_BLOCKED = 8
};

enum { VEL_URGENCY_DEFAULT = 3, VEL_URGENCY_LAST = 7 };

struct vel_stream {
    uint64_t id;
    struct vel_stream *next_in_bucket;
    struct vel_stream_queue *send_queue; /* of its urgency, or of the blocked ones; NULL: none */
    struct vel_stream_link send_link;
    struct vel_stream_link control_link; /* while `pending` is not zero */
    struct vel_stream_link event_link;   /* while `events` is not zero */
    void *user;

    struct vel_send_buffer send;
    struct vel_flow_out send_flow;
    uint64_t reset_code; /* in RESET_STREAM */

    struct vel_recv_buffer recv;
    struct vel_flow_in recv_flow;
    uint64_t stop_code; /* in STOP_SENDING */

    uint64_t peer_reset_code, peer_stop_code; /* for the events */

    enum vel_send_state send_state;
    enum vel_recv_state recv_state;
    uint64_t ticket; /* when it came into its queue, among the queues of all choices */
    uint8_t urgency;
    uint8_t choice;      /* of tracks (transport/choice.h) */
    uint8_t pending;     /* enum vel_stream_pending */
    uint16_t turn_bytes; /* sent since its turn began; below VEL_TURN_LONGEST */
    uint16_t events;     /* 1 << enum vel_event_type */
    bool keeps_turn;     /* not incremental: sends until it has nothing (RFC 9218 10) */
    bool wants_room;     /* a write came up short: tell when there is room */
    bool fin_shown;      /* the application has seen the end */
    bool stopped;        /* the application does not read any more */
    bool closed;         /* both halves are over; forgotten after its CLOSED event */
    bool counted;        /* of the peer: another one may take its place */
};

static inline bool vel_stream_send_over(const struct vel_stream *s)
{
    return s->send_state >= VEL_SEND_DATA_RECVD;
}

static inline bool vel_stream_recv_over(const struct vel_stream *s)
{
    return s->recv_state >= VEL_RECV_DATA_READ;
}

/* Abandon sending: RESET_STREAM becomes pending, what is buffered is dropped. False, and nothing
 * happens, when the half was reset before or is over. */
bool vel_stream_abandon_send(struct vel_stream *s, uint64_t code);

/* Abandon reading: what is buffered is dropped, STOP_SENDING becomes pending unless the final size
 * is known. False as above. The credit of dropped bytes is the caller's to return first. */
bool vel_stream_abandon_recv(struct vel_stream *s, uint64_t code);

/* Let the states follow from the buffers, after anything was sent, acknowledged, received, read. */
void vel_stream_update(struct vel_stream *s);

/* Why a stream does not send just now. */
enum vel_stream_readiness {
    VEL_STREAM_IDLE,         /* nothing to send */
    VEL_STREAM_BLOCKED,      /* new bytes, but no credit of the stream */
    VEL_STREAM_CONN_BLOCKED, /* new bytes, but no credit of the connection */
    VEL_STREAM_READY
};
enum vel_stream_readiness vel_stream_readiness(const struct vel_stream *s, uint64_t conn_credit);

#endif
