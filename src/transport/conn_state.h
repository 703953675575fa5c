/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_STATE_H
#define TRANSPORT_CONN_STATE_H

#include "base/buf.h"
#include "base/units.h"
#include "handshake/handshake.h"
#include "transport/ack_request.h"
#include "transport/choice.h"
#include "transport/conn.h"
#include "transport/crypto_stream.h"
#include "transport/datagrams.h"
#include "transport/error.h"
#include "transport/frame.h"
#include "transport/key_update.h"
#include "transport/keys.h"
#include "transport/life.h"
#include "transport/multipath.h"
#include "transport/params.h"
#include "transport/pool.h"
#include "transport/streams.h"
#include "transport/streams_app.h"
#include "transport/trace.h"
#include "transport/track.h"

/* What a connection is made of, and what every part of it may do to it. The code over it is listed in
 * transport/conn_internal.h. */

/* Our ack_delay_exponent: ACK Delay counts units of 8 microseconds (RFC 9000 18.2). */
enum { VEL_ACK_DELAY_EXPONENT = 3 };

/* Bytes of the client's first, random Destination Connection ID (RFC 9000 7.2: 8 or more). */
enum { VEL_FIRST_DCID = 16 };

/* A connection that was quiet for so long gives back what it keeps only for speed. */
#define VEL_CONN_TRIM_AFTER (1 * SECOND)

/* One encryption level. The packet number spaces are the tracks': they all share the 1-RTT keys. */
struct vel_conn_space {
    struct vel_keys read, write;
    struct vel_crypto_stream crypto; /* APP: post-handshake messages */
    uint64_t sealed;                 /* packets under the write key, on all tracks */
    bool discarded;
};

/* What only the handshake needs; released when it is confirmed. */
struct vel_opening {
    struct vel_cid original_dcid;   /* of the client's very first packet */
    struct vel_cid retry_scid;      /* of the Retry, when there was one */
    struct vel_cid initial_dcid;    /* of which the Initial keys are made */
    struct vel_cid peer_first_scid; /* of the peer's first Initial */
    struct vel_buf token;           /* client: from Retry, repeated in every Initial */
    struct vel_buf held;            /* packets that came before their keys */
    uint64_t repeat_offset;         /* first flight: how far it was repeated */
    unsigned flight_left;           /* client: datagrams of the first flight still to send */
    const struct vel_version *other_version; /* server: of the client's hello, when we left it */
    struct vel_keys other_read;              /* server: Initial packets of that version */
    bool followed;                           /* client: the server has chosen another version */
    bool retried;
    bool heard;                             /* a packet of the peer was authenticated */
    struct vel_preferred_address preferred; /* of the server */
};

struct vel_conn {
    const struct vel_env *env;
    const struct vel_config *config;
    const struct vel_version *version;
    struct vel_conn_hooks hooks;
    void *user;
    void *trace; /* of config->tracer; NULL: nobody listens */

    struct vel_life life;
    struct vel_track first;                   /* path identifier 0: the handshake's */
    struct vel_track *tracks[VEL_TRACKS_MAX]; /* by slot of `multipath`; NULL: there is none */
    struct vel_multipath multipath;
    struct vel_copy *copy;       /* redundant scheduling: what was sent last; NULL: nothing yet */
    struct vel_track *pick;      /* whose turn it is to carry data; NULL: all windows are full */
    struct vel_choices *choices; /* of streams and datagrams; NULL: nobody chose */
    struct vel_pool pool;
    struct vel_conn_space space[VEL_SPACE_COUNT];
    struct vel_key_update key_update; /* of the application space */
    struct vel_streams *streams;
    struct vel_datagrams datagrams;
    struct vel_ack_policy ack_policy;   /* what the peer wants acknowledged, and when */
    struct vel_ack_request ack_request; /* what we want */
    struct vel_handshake *handshake;
    struct vel_buf new_token;    /* client: the last one that came */
    struct vel_opening *opening; /* NULL once the handshake is confirmed */

    /* The peer's transport parameters that matter after the handshake. */
    uint64_t peer_cid_limit;
    bool peer_stays;           /* it announced disable_active_migration */
    struct vel_addr preferred; /* client: where it wants us, once confirmed; family NONE: here */
    uint64_t peer_max_udp_payload;
    vel_time peer_ack_delay_unit; /* nanoseconds per unit of ACK Delay in 1-RTT packets */
    bool peer_params_known;

    vel_time now; /* of the call that is running: application calls have no clock */
    vel_time started;
    vel_time heard_at;     /* the last authentic packet came then */
    vel_time ping_at;      /* ask an idle peer for a sign of life; VEL_NEVER: no need */
    vel_time trim_at;      /* give memory back when still quiet then; VEL_NEVER: nothing to give */
    uint64_t forged;       /* packets that failed authentication, RFC 9001 6.6 */
    enum vel_aead_id aead; /* of the newest keys: its limits count */

    uint32_t notices; /* set of 1 << enum vel_event_type: events of no stream that wait */
    bool is_client;
    bool defer_signature;        /* the endpoint signs */
    bool defer_work;             /* and says when signatures are verified */
    bool handshake_done_due;     /* server: HANDSHAKE_DONE waits to be sent */
    bool new_token_due;          /* server: NEW_TOKEN likewise */
    bool at_preferred;           /* client: has moved to the server's preferred address */
    bool connected_event;        /* waits to be taken */
    bool closed_event;           /* waits to be taken */
    bool closed_shown;           /* was taken: the application is done with us */
    bool retried;                /* a Retry came first */
    vel_time credit_blocked_at;  /* the handshake waits for credit since then */
    vel_time credit_blocked_for; /* and has done so in all */
    unsigned handshake_probes;   /* time-outs that fired before the handshake was complete */
    uint64_t first_flight_bytes; /* client: sent before the first answer */
    struct vel_conn_stats stats;
};

/* for (each track of a connection) */
#define VEL_TRACKS_EACH(track, conn)                                                               \
    for (struct vel_track *const *slot_ = (conn)->tracks, *track;                                  \
         slot_ < (conn)->tracks + VEL_TRACKS_MAX; slot_++)                                         \
        if ((track = *slot_) != NULL)

/* for (each track of a connection that is open) */
#define VEL_TRACKS_OPEN(track, conn)                                                               \
    VEL_TRACKS_EACH(track, conn)                                                                   \
    if (track->state == VEL_TRACK_OPEN)

/* ---- conn.c ---- */

/* The longest probe time-out of its tracks: for the idle time-out, draining and key updates. */
vel_time vel_conn_pto(const struct vel_conn *conn);

/* The congestion windows of its tracks together, bytes. */
uint64_t vel_conn_window(const struct vel_conn *conn);

/* There may be something to send, an event, or another deadline. */
static inline void vel_conn_wake(struct vel_conn *conn)
{
    conn->hooks.wake(conn->hooks.self, conn);
}

/* End the connection with a transport error; frame_type 0 when no frame is to blame. */
void vel_conn_fail(struct vel_conn *conn, uint64_t wire_code, const char *reason);

/* An event that concerns no stream; those of a kind are merged. */
static inline void vel_conn_notice(struct vel_conn *conn, enum vel_event_type type)
{
    conn->notices |= UINT32_C(1) << type;
}

/* The connection left OPEN or HANDSHAKE: tell the application once. */
void vel_conn_ended(struct vel_conn *conn);

/* The path carries another size of datagrams than before: whoever counts in packets must know. */
void vel_conn_mtu_changed(struct vel_track *track);

/* After acknowledgements and losses: a path that swallows large packets gets small ones again. */
void vel_conn_leave_black_hole(struct vel_track *track);

static inline enum vel_level vel_space_level(enum vel_space space)
{
    static const enum vel_level levels[VEL_SPACE_COUNT] = {VEL_LEVEL_INITIAL, VEL_LEVEL_HANDSHAKE,
                                                           VEL_LEVEL_APP};
    return levels[space];
}

#endif
