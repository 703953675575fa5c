/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_TRACE_H
#define TRANSPORT_TRACE_H

#include "transport/ecn.h"
#include "transport/packet.h"
#include "transport/params.h"
#include "transport/path.h"
#include "transport/recovery.h"
#include "transport/space.h"
#include "velocity/conn.h"

/*
 * What a connection does, told while it happens to who asked for it with struct vel_config.tracer:
 * typed events, one struct for all, nothing formatted. qlog/ turns them into files.
 *
 * The core pays one predictable branch for each place that has something to tell, and does no more
 * as long as nobody listens. Events are plain values on the stack: what they point to lives for the
 * call. A tracer must not call back into the connection.
 *
 * No event holds a key. What an application sends and receives is in the payload of packets.
 */
enum vel_trace_type {
    VEL_TRACE_PACKET_SENT,     /* packet; just before it is sealed */
    VEL_TRACE_PACKET_RECEIVED, /* packet; authentic, and new. Retry and the like are believable */
    VEL_TRACE_PACKET_DROPPED,  /* packet, without what is not known of it */
    VEL_TRACE_PACKET_HELD,     /* packet; its keys are not there yet */
    VEL_TRACE_PACKET_LOST,     /* lost */
    VEL_TRACE_DATAGRAM_SENT,   /* datagram */
    VEL_TRACE_DATAGRAM_RECEIVED,
    VEL_TRACE_PARAMETERS, /* parameters */
    VEL_TRACE_HANDSHAKE,  /* facts: it is complete */
    VEL_TRACE_STATE,      /* state: perhaps the same as before */
    VEL_TRACE_KEYS,       /* keys */
    VEL_TRACE_RECOVERY,   /* recovery: perhaps nothing has changed */
    VEL_TRACE_TIMEOUT,    /* timeout */
    VEL_TRACE_CID,        /* cid */
    VEL_TRACE_PATH,       /* path_change */
    VEL_TRACE_MTU         /* mtu */
};

enum vel_trace_drop {
    VEL_TRACE_DROP_NONE,
    VEL_TRACE_DROP_MALFORMED, /* it does not parse, or does not belong here now */
    VEL_TRACE_DROP_FOREIGN,   /* of another connection, or from where the peer is not */
    VEL_TRACE_DROP_VERSION,   /* of a version that this connection does not speak */
    VEL_TRACE_DROP_KEYS,      /* there are no keys for it, and none will come */
    VEL_TRACE_DROP_FORGED,    /* it failed authentication */
    VEL_TRACE_DROP_DUPLICATE,
    VEL_TRACE_DROP_FULL /* too many are held already */
};

struct vel_trace_packet {
    enum vel_packet_type type;
    uint64_t number;                   /* VEL_NUMBER_NONE: it has none, or it is not known */
    uint32_t track;                    /* its path identifier, multipath's */
    uint32_t path;                     /* which pair of addresses; 0: not known */
    size_t size;                       /* its bytes in the datagram */
    uint64_t datagram;                 /* which one of those sent, or received, from 0 */
    struct vel_slice dcid, scid;       /* scid empty: short header */
    const struct vel_version *version; /* NULL: short header */
    struct vel_slice payload;          /* frames; empty: not known */
    enum vel_trace_drop drop;
    bool mtu_probe;
    bool held; /* received: its keys came after it */
};

enum vel_trace_loss { VEL_TRACE_LOSS_REORDERING, VEL_TRACE_LOSS_TIME };

struct vel_trace_lost {
    enum vel_space space;
    uint32_t track;
    uint64_t number;
    bool mtu_probe;
    enum vel_trace_loss why;
};

struct vel_trace_datagram {
    uint64_t number; /* from 0 */
    size_t size;     /* UDP payload */
    uint32_t path;
    uint8_t ecn; /* enum vel_ecn */
};

struct vel_trace_parameters {
    bool remote;
    const struct vel_params *params;
};

enum vel_trace_state {
    VEL_TRACE_STATE_HANDSHAKE_COMPLETE,
    VEL_TRACE_STATE_HANDSHAKE_CONFIRMED,
    VEL_TRACE_STATE_CLOSING,  /* close says why */
    VEL_TRACE_STATE_DRAINING, /* close says why */
    VEL_TRACE_STATE_CLOSED    /* close says why */
};

struct vel_trace_life {
    enum vel_trace_state state;
    const struct vel_close *close; /* NULL: it has not ended */
};

enum vel_trace_key_event {
    VEL_TRACE_KEYS_NEW,      /* by the handshake */
    VEL_TRACE_KEYS_UPDATED,  /* both directions, by us */
    VEL_TRACE_KEYS_FOLLOWED, /* both directions, by the peer */
    VEL_TRACE_KEYS_DISCARDED /* both directions */
};

struct vel_trace_keys {
    enum vel_trace_key_event event;
    enum vel_space space;
    bool read;           /* NEW: else those that we write with */
    uint64_t generation; /* of the application space, from 0 */
};

/* The state of loss detection and congestion control of a track. */
struct vel_trace_recovery {
    uint32_t track;
    const struct vel_rtt *rtt;
    const struct vel_cc *cc;
    enum vel_ecn_state ecn;
    uint64_t bytes_in_flight;
    uint64_t pacing_rate; /* bytes a second */
    unsigned pto_count;   /* in a row */
    vel_time deadline;    /* of the loss timer; VEL_NEVER: not set */
};

struct vel_trace_timeout {
    uint32_t track;
    enum vel_space space;
    bool probe; /* a probe time-out; else packets became lost by time */
};

struct vel_trace_cid {
    uint32_t track;
    bool remote; /* the id that we send to has changed, else the one that the peer sends to */
    struct vel_cid id;
};

enum vel_trace_path_event {
    VEL_TRACE_PATH_ADDED,
    VEL_TRACE_PATH_PROBED, /* it is being validated */
    VEL_TRACE_PATH_PROVED,
    VEL_TRACE_PATH_FAILED,
    VEL_TRACE_PATH_TAKEN, /* our packets take it from now on */
    VEL_TRACE_PATH_REMOVED
};

struct vel_trace_path {
    enum vel_trace_path_event event;
    uint32_t track;
    const struct vel_path *path;
};

struct vel_trace_mtu {
    uint32_t track;
    uint32_t size; /* UDP payload bytes */
};

struct vel_trace_event {
    enum vel_trace_type type;
    union {
        struct vel_trace_packet packet;
        struct vel_trace_lost lost;
        struct vel_trace_datagram datagram;
        struct vel_trace_parameters parameters;
        const struct vel_handshake_facts *facts;
        struct vel_trace_life life;
        struct vel_trace_keys keys;
        struct vel_trace_recovery recovery;
        struct vel_trace_timeout timeout;
        struct vel_trace_cid cid;
        struct vel_trace_path path;
        struct vel_trace_mtu mtu;
    };
};

struct vel_http_trace_event; /* http/trace.h */

/* Of which connection a trace is. Pointers live for the call. */
struct vel_trace_start {
    bool is_client;
    uint32_t version;
    struct vel_addr local, remote;
    struct vel_cid original_dcid; /* both ends know it: it names the connection */
    struct vel_cid scid, dcid;    /* ours, and what we send to */
    const struct vel_config *config;
};

struct vel_tracer {
    /* A connection begins. Returns the trace that the others are called with; NULL: not this one. */
    void *(*begin)(void *self, const struct vel_trace_start *start, vel_time now);
    /* `now` never goes backwards within a trace. */
    void (*event)(void *trace, const struct vel_trace_event *event, vel_time now);
    /* The same for the HTTP/3 session on it; NULL: that is not wanted. */
    void (*http)(void *trace, const struct vel_http_trace_event *event, vel_time now);
    /* The connection is gone; `now` is when it last did something. */
    void (*end)(void *trace, vel_time now);
    void *self;
};

/* For who speaks HTTP/3 on a connection: is there anybody to tell? It stays so. Then do. */
bool vel_conn_traces_http(const struct vel_conn *conn);
void vel_conn_trace_http(const struct vel_conn *conn, const struct vel_http_trace_event *event);

#endif
