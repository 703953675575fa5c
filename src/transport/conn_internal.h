/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_INTERNAL_H
#define TRANSPORT_CONN_INTERNAL_H

#include "base/buf.h"
#include "base/units.h"
#include "handshake/handshake.h"
#include "transport/ack_request.h"
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

/*
 * The inside of struct vel_conn: parts, each with a file of its own, and the few facts that belong
 * to none of them. What belongs to one path identifier is a track (transport/track.h): functions that
 * concern one take it, and find the connection through it. The code over it is split by what happens:
 *
 *   conn.c            birth, death, what the application asks
 *   conn_receive.c    datagram -> packets -> opened payload
 *   conn_frames.c     payload -> frames -> the part that each frame concerns
 *   conn_send.c       what is due -> packets -> datagrams -> a train
 *   conn_fill.c       frames of one packet
 *   conn_fill_paths.c frames of one packet that concern path identifiers
 *   conn_records.c    what became of frames that were sent
 *   conn_streams.c    the application's calls on streams
 *   conn_packet.c     header, padding and sealing of one packet
 *   conn_handshake.c  the handshake provider's callbacks, keys, transport parameters
 *   conn_datagrams.c  the application's calls on datagrams, and their frames
 *   conn_acks.c       acknowledgement frequency
 *   conn_keys.c       key updates, and keys that wear out
 *   conn_version.c    one connection between compatible versions
 *   conn_opening.c    what only a young connection meets: Retry, Version Negotiation, early packets
 *   conn_paths.c      the rules of migration: which path carries our packets, which are kept
 *   conn_cids.c       connection ids: giving the peer enough, hearing of the peer's, reset tokens
 *   conn_tokens.c     NEW_TOKEN, for the connection after this one
 *   conn_tracks.c     tracks: which there are, how they open and end
 *   conn_track_frames.c  the frames of the multipath extension
 *   conn_multipath.c  the application's calls on paths
 *   conn_schedule.c   which track carries what is sent next
 *   conn_copies.c     the same on several tracks at once
 *   conn_migrate.c    a client's own moves, and the address that a server prefers
 *   conn_probe.c      datagrams that test a path: PATH_CHALLENGE and PATH_RESPONSE
 *   conn_timers.c     the deadline and what is due then
 *   conn_trace.c      telling a tracer what happens
 */

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
    struct vel_copy *copy;  /* redundant scheduling: what was sent last; NULL: nothing yet */
    struct vel_track *pick; /* whose turn it is to carry data; NULL: all windows are full */
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

/* ---- conn_receive.c ---- */

/* Packets that were held back because their keys were missing: try again. */
void vel_conn_receive_held(struct vel_conn *conn, vel_time now);

/* ---- conn_frames.c ---- */

/* The frames of an authenticated packet. */
struct vel_frames {
    struct vel_track *track; /* that it came on */
    enum vel_space space;
    enum vel_packet_type packet;
    struct vel_cid dcid; /* the id of ours that it was sent to */
    uint32_t path;       /* id of the path that it came on; 0: none that we keep */
    struct vel_slice payload;
    /* Results. */
    bool elicits; /* it must be acknowledged */
    bool moves;   /* it is not a probing packet (RFC 9000 9.1) */
};

/* Handle them all. False: the connection was closed. */
bool vel_conn_handle_frames(struct vel_conn *conn, struct vel_frames *frames, vel_time now);

/* ---- conn_packet.c ---- */

/* A packet that is being written. */
struct vel_packet_build {
    struct vel_writer w; /* from the first header byte; ends where the tag must start */
    size_t header_size;
    size_t number_size;
    uint64_t number;
    struct vel_track *track;
    const struct vel_path *path;
    enum vel_space space;
    bool eliciting;
    bool padded;
    bool mtu_probe;        /* outside congestion control */
    bool aside;            /* a probe of another path: outside of recovery */
    bool expanded;         /* its datagram must be a full one, whatever else is in there */
    struct vel_slice body; /* last bytes of the payload that lie elsewhere until it is sealed */
};

/* May data leave on this track, as far as congestion window and pacer go? Sets the time to try again. */
bool vel_conn_window_open(struct vel_track *track, vel_time now);

/* Begin one for a path of a track at `start`, with `room` bytes for all of it. False: no room, or too
 * many packets wait for their acknowledgement. */
bool vel_packet_begin(struct vel_track *track, const struct vel_path *path,
                      struct vel_packet_build *p, enum vel_space space, uint8_t *start,
                      size_t room);

/* Frames were written to it. */
static inline bool vel_packet_has_frames(const struct vel_packet_build *p)
{
    return vel_written(&p->w) > p->header_size;
}

/* No more frames come: PADDING up to the shortest payload that still holds a sample (RFC 9001
 * 5.4.2). Where the packet ends is known from here on, and the next one may begin there. */
void vel_packet_end_frames(struct vel_packet_build *p);

/* Bytes that it takes in the datagram as it stands. */
static inline size_t vel_packet_size(const struct vel_packet_build *p)
{
    return vel_written(&p->w) + VEL_AEAD_TAG;
}

/* Whoever reads or adds to the payload before it is sealed needs all of it in its place. */
void vel_packet_bring_body(struct vel_packet_build *p);

/* Drop it; its number is used again. */
void vel_packet_abandon(struct vel_packet_build *p);

/* Pad it by `padding` more bytes, seal it and hand it to recovery. False: libcrypto failed. */
bool vel_packet_finish(struct vel_conn *conn, struct vel_packet_build *p, size_t padding,
                       uint8_t ecn, vel_time now);

/* ---- conn_fill.c ---- */

/* Is there anything that a packet of this space would carry now? `window`: congestion window and
 * pacer admit more than acknowledgements. */
bool vel_conn_wants(struct vel_track *track, enum vel_space space, bool window, vel_time now);

/* Write what is due into the packet. */
void vel_conn_fill(struct vel_conn *conn, struct vel_packet_build *p, bool window, vel_time now);
/* Write one control frame with its record; nothing happens when either has no room. */
bool vel_packet_write_control(struct vel_packet_build *p, const struct vel_frame *frame,
                              struct vel_record record);
/* An acknowledgement of what `track` received. False: nothing was written. */
bool vel_conn_put_ack(struct vel_packet_build *p, struct vel_track *track, vel_time now);
/* Acknowledge everything that was received, leaving room for `keep` bytes: in the packet that ends
 * the connection, whose own acknowledgement nobody waits for. */
void vel_conn_fill_last_ack(struct vel_packet_build *p, size_t keep, vel_time now);

/* ---- conn_acks.c ---- */

/* How long the peer waits with acknowledgements counts in our probe time-outs. */
void vel_conn_update_ack_delay(struct vel_conn *conn);

/* An acknowledgement of 1-RTT packets arrived: ask for more or fewer, if that is worth it. */
void vel_conn_consider_acks(struct vel_track *track);

/* Write the ACK_FREQUENCY that is due. */
void vel_conn_fill_ack_request(struct vel_packet_build *p);

/* ACK_FREQUENCY arrived. Returns the code to close with; VEL_WIRE_NO_ERROR: fine. */
uint64_t vel_conn_on_ack_frequency(struct vel_conn *conn,
                                   const struct vel_frame_ack_frequency *frame, vel_time now);

/* ---- conn_records.c ---- */

/* A frame that was sent is acknowledged, or lost: the hooks of recovery; self is the track. */
void vel_conn_record_acked(void *self, enum vel_space space, const struct vel_record *record);
void vel_conn_record_lost(void *self, enum vel_space space, const struct vel_record *record);

/* ---- conn_handshake.c ---- */

/* Make the provider, with our transport parameters; the client's hello is queued. */
vel_result vel_conn_start_handshake(struct vel_conn *conn);

/* CRYPTO bytes of a space are ready: feed the provider, act on its state. */
void vel_conn_advance_handshake(struct vel_conn *conn, enum vel_space space, vel_time now);

/* HANDSHAKE_DONE arrived, or (server) the handshake is complete: RFC 9001 4.1.2. */
void vel_conn_confirm(struct vel_conn *conn, vel_time now);

/* Keys, crypto stream and packets of a space are history (RFC 9001 4.9). */
void vel_conn_discard_space(struct vel_conn *conn, enum vel_space space);

/* ---- conn_datagrams.c ---- */

/* Some wait to be sent. */
bool vel_conn_has_datagrams(const struct vel_conn *conn);

/* Write what fits: `ahead` of the streams' frames, or behind them. */
void vel_conn_fill_datagrams(struct vel_conn *conn, struct vel_packet_build *p, bool ahead,
                             vel_time now);

/* A DATAGRAM frame arrived. Returns the code to close with; VEL_WIRE_NO_ERROR: fine. */
uint64_t vel_conn_on_datagram(struct vel_conn *conn, struct vel_slice bytes);

/* ---- conn_keys.c ---- */

/* Open one packet of a space whose keys are there; errors as for vel_packet_open. */
vel_result vel_conn_open_packet(struct vel_track *track, enum vel_space space, uint8_t *packet,
                                size_t number_offset, size_t size, struct vel_opened *opened);

/* The packet that was opened is authentic: follow the peer's key update, if it begins one. False:
 * the connection was closed. */
bool vel_conn_follow_key_update(struct vel_track *track, enum vel_space space, uint64_t number,
                                vel_time now);

/* Before a 1-RTT packet is begun: update keys that have done half of what they may. */
void vel_conn_refresh_keys(struct vel_conn *conn);

/* A packet was sealed: the connection ends before its keys wear out. */
void vel_conn_count_sealed(struct vel_conn *conn, enum vel_space space);

/* ---- conn_version.c ---- */

/* Our version_information. */
void vel_conn_fill_versions(const struct vel_conn *conn, struct vel_version_information *out);

/* Judge the peer's (VEL-TR-05, RFC 9368 4). *moved: a server now speaks another version than the
 * client's hello, so its parameters are others.
 * VEL_ERR_MALFORMED    Velocity/1: missing, or not the version in use
 * VEL_ERR_UNSUPPORTED  the same in QUIC v1 and v2, where only a server that moved must send one */
vel_result vel_conn_agree_version(struct vel_conn *conn, const struct vel_version_information *info,
                                  bool *moved);

/* VEL-TR-06: whether a packet of this version may belong to the connection. */
bool vel_conn_admits_version(const struct vel_conn *conn, const struct vel_packet_header *header);

/* Open an admitted Initial of another version than the connection's. A client follows: when it is
 * authentic, its version is the connection's. Errors as vel_packet_open. */
vel_result vel_conn_open_other_version(struct vel_conn *conn,
                                       const struct vel_packet_header *header, uint8_t *packet,
                                       struct vel_opened *opened);

/* An authentic packet came: when it is of our version, the peer has left the other one. */
void vel_conn_leave_other_version(struct vel_conn *conn, const struct vel_packet_header *header);

/* ---- conn_opening.c ---- */

vel_result vel_opening_new(const struct vel_conn *conn, struct vel_opening **opening);
void vel_opening_free(const struct vel_env *env, struct vel_opening *opening);

/* Release it once the handshake is confirmed and nothing is held. */
void vel_conn_release_opening(struct vel_conn *conn);

/* Keep a packet until its keys are there. False: too many wait. */
bool vel_opening_hold(struct vel_conn *conn, struct vel_slice packet, uint8_t ecn);

/* Client: Version Negotiation and Retry packets; ignored unless they are believable. */
void vel_opening_on_version_negotiation(struct vel_conn *conn,
                                        const struct vel_packet_header *header);
void vel_opening_on_retry(struct vel_conn *conn, const struct vel_packet_header *header,
                          struct vel_slice packet);

/* RFC 9000 7.3: the connection ids that the peer's parameters claim.
 * NULL when they are right, else what is wrong. */
const char *vel_opening_check_params(const struct vel_conn *conn, const struct vel_params *params);

/* ---- conn_send.c ---- */

/* A datagram leaves on a path. */
void vel_conn_count_sent(struct vel_conn *conn, struct vel_path *path, size_t size);

/* ---- conn_paths.c ---- */

/* The path that a datagram comes on, and whether it may be processed at all: a client hears nothing
 * from addresses that are not its server's. *path NULL: none that we know. */
bool vel_conn_admits(struct vel_track *track, const struct vel_addr *local,
                     const struct vel_addr *remote, struct vel_path **path);

/* Server: an authentic packet came from a new address. NULL: no path is made of it. `size`: bytes of
 * its datagram. */
struct vel_path *vel_conn_meet_path(struct vel_track *track, const struct vel_addr *local,
                                    const struct vel_addr *remote, struct vel_slice dcid,
                                    size_t size);

/* A packet that was no probe is processed: server, the peer may have moved (RFC 9000 9.3). */
void vel_conn_follow_peer(struct vel_track *track, uint32_t path, uint64_t number, vel_time now);

/* A path between two addresses; there are more slots than paths that cannot be done without. */
struct vel_path *vel_conn_add_path(struct vel_track *track, const struct vel_addr *local,
                                   const struct vel_addr *remote, uint64_t peer_cid);

/* Bytes came on the active path, or it is validated: what waited for credit may go. */
void vel_conn_lift_credit_block(struct vel_track *track, vel_time now);

void vel_conn_on_path_response(struct vel_track *track, const uint8_t data[VEL_CHALLENGE_SIZE],
                               vel_time now);

/* The peer retired ids of its own: paths that sent to them get others, or are dropped. */
void vel_conn_repair_paths(struct vel_track *track);

/* Challenges, failures and ends that are due. */
void vel_conn_expire_paths(struct vel_track *track, vel_time now);

/* ---- conn_tracks.c ---- */

/* The track that stands for the connection where it is asked for one address, or one window: the
 * open one with the lowest number. There is always one. */
struct vel_track *vel_conn_track(const struct vel_conn *conn);

/* The one with this path identifier. NULL: there is none. */
struct vel_track *vel_conn_find_track(const struct vel_conn *conn, uint64_t id);

/* The one that an id of ours belongs to. NULL: it is no id of ours any more. */
struct vel_track *vel_conn_track_by_cid(struct vel_conn *conn, struct vel_slice dcid);

/* The one that a frame concerns, made if need be. NULL: it is gone, ignore the frame. Wire errors. */
uint64_t vel_conn_look_up_track(struct vel_conn *conn, uint64_t id, struct vel_track **track);

struct vel_recovery_setup vel_conn_recovery_setup(const struct vel_conn *conn,
                                                  struct vel_track *track, uint32_t mtu);

/* Make a spare track for every identifier that both ends take. */
void vel_conn_supply_tracks(struct vel_conn *conn);

/* Connection ids of ours that the peer should have for it. */
unsigned vel_conn_cids_wanted(const struct vel_track *track);

/* Open a spare track on a path, which is tested at once. VEL_ERR_AGAIN: the peer has given no id. */
vel_result vel_conn_open_track(struct vel_track *track, const struct vel_addr *local,
                               const struct vel_addr *remote);

/* An authentic packet of `size` bytes came on a spare track: server, its client has opened it. */
void vel_conn_follow_opening(struct vel_track *track, const struct vel_addr *local,
                             const struct vel_addr *remote, size_t size);

/* Some other track is open; `proved`: and data may leave on it. */
bool vel_conn_has_other_track(const struct vel_track *but, bool proved);

/* Send PATH_ABANDON with enum vel_wire_error. There is another open track. */
void vel_conn_abandon_track(struct vel_track *track, uint64_t code);

/* The peer has abandoned it. Wire errors. */
uint64_t vel_conn_on_path_abandon(struct vel_track *track, vel_time now);

/* When a track that is abandoned is gone for good. */
vel_time vel_conn_closing_deadline(const struct vel_track *track);
void vel_conn_expire_closing(struct vel_track *track, vel_time now);

void vel_conn_free_tracks(struct vel_conn *conn);

/* ---- conn_track_frames.c: wire errors, VEL_WIRE_NO_ERROR ---- */

/* Frames whose names begin with PATH_, about a track that is not gone. */
uint64_t vel_conn_on_path_frame(struct vel_conn *conn, const struct vel_frame *frame,
                                const struct vel_cid *arrived_on, vel_time now);
/* MAX_PATH_ID, PATHS_BLOCKED. */
uint64_t vel_conn_on_max_path_id(struct vel_conn *conn, uint64_t limit);
uint64_t vel_conn_on_paths_blocked(struct vel_conn *conn, uint64_t limit);

/* ---- conn_fill_paths.c ---- */

/* Some control frame waits that concerns identifiers, not streams. */
bool vel_conn_wants_path_frames(const struct vel_conn *conn);
/* Write them: NEW_CONNECTION_ID and RETIRE_CONNECTION_ID of all tracks, and what else there is. */
void vel_conn_fill_path_frames(struct vel_packet_build *p);
/* Only ids of ours. */
void vel_conn_fill_new_cids(struct vel_packet_build *p);
/* What a track that is abandoned received is acknowledged on another one. */
bool vel_conn_owes_closing_acks(const struct vel_conn *conn, vel_time now);
void vel_conn_fill_closing_acks(struct vel_packet_build *p, vel_time now);

/* ---- conn_schedule.c ---- */

/* Whose turn it is to carry streams, datagrams and control frames. NULL: no window is open. */
struct vel_track *vel_conn_schedule(struct vel_conn *conn, vel_time now);
/* Bytes left on a track. */
void vel_conn_scheduled(struct vel_track *track, size_t size);

/* ---- conn_copies.c ---- */

/* What is sent now leaves on other tracks, too; datagrams of at most so many bytes fit all of them. */
bool vel_conn_sends_copies(const struct vel_conn *conn);
size_t vel_conn_copy_room(const struct vel_conn *conn);

/* Keep what was written behind `from`, with the records from `first_record` on. */
void vel_conn_keep_copy(struct vel_packet_build *p, size_t from, unsigned first_record);

/* The next copy, in a datagram of its own. False: none is left, or admitted. */
bool vel_conn_send_copy(struct vel_conn *conn, struct vel_train *train, vel_time now);

void vel_conn_free_copy(struct vel_conn *conn);

/* ---- conn_migrate.c ---- */

/* The server's preferred_address: client, from its transport parameters, errors as vel_cids_on_new;
 * then, when the handshake is confirmed, try it. Server: make it. */
vel_result vel_conn_note_preferred(struct vel_conn *conn,
                                   const struct vel_preferred_address *preferred);
void vel_conn_try_preferred(struct vel_conn *conn);
vel_result vel_conn_offer_preferred(struct vel_conn *conn);

/* ---- conn_cids.c ---- */

/* Keep the peer supplied with ids of ours, once it may use them. */
bool vel_conn_wants_cids(const struct vel_track *track);
void vel_conn_issue_cids(struct vel_track *track);

/* NEW_CONNECTION_ID and RETIRE_CONNECTION_ID arrived, the latter in a packet to `arrived_on`. Wire
 * errors; VEL_WIRE_NO_ERROR. */
uint64_t vel_conn_on_new_cid(struct vel_track *track, const struct vel_frame_new_cid *frame);
uint64_t vel_conn_on_retire_cid(struct vel_track *track, uint64_t sequence,
                                const struct vel_cid *arrived_on);

/* No path uses this id of the peer any more. */
void vel_conn_give_up_cid(struct vel_track *track, uint64_t sequence);

/* Other reset tokens count from now on. */
void vel_conn_tell_reset_tokens(struct vel_conn *conn);

/* ---- conn_tokens.c ---- */

/* Server: the frame to send; false when the endpoint gives none. `token` holds its bytes. */
bool vel_conn_make_new_token(struct vel_conn *conn, uint8_t token[VEL_NEW_TOKEN_MAX],
                             struct vel_frame *frame);

/* Client: one arrived. */
uint64_t vel_conn_on_new_token(struct vel_conn *conn, struct vel_slice token);

/* ---- conn_probe.c ---- */

/* The next datagram that tests a path. VEL_ERR_AGAIN: none is due, or has credit. */
vel_result vel_conn_send_probe(struct vel_conn *conn, struct vel_train *train, vel_time now);

/* ---- conn_trace.c: what nobody pays for who does not listen ---- */

void vel_conn_trace_begin(struct vel_conn *conn);
void vel_conn_trace_end(struct vel_conn *conn);

/* Tell of an event: VEL_TRACE(conn, VEL_TRACE_MTU, .mtu = {.size = size}); */
#define VEL_TRACE(conn, what, ...)                                                                 \
    do {                                                                                           \
        if ((conn)->trace != NULL)                                                                 \
            vel_conn_trace((conn), &(const struct vel_trace_event){.type = (what), __VA_ARGS__});  \
    } while (0)
__attribute__((cold)) void vel_conn_trace(const struct vel_conn *conn,
                                          const struct vel_trace_event *event);

/* Events that take more than a line to describe; only when conn->trace is not NULL. */

/* A datagram leaves, before it is counted; one has come, after that. path NULL: none that we know. */
__attribute__((cold)) void vel_conn_trace_datagram_sent(struct vel_conn *conn,
                                                        const struct vel_path *path, size_t size);
__attribute__((cold)) void vel_conn_trace_datagram(struct vel_conn *conn,
                                                   const struct vel_path *path, size_t size,
                                                   uint8_t ecn);
/* A packet is complete but for its protection. */
__attribute__((cold)) void vel_conn_trace_sent(struct vel_conn *conn,
                                               const struct vel_packet_build *p);
/* One is authentic, and new. */
__attribute__((cold)) void vel_conn_trace_received(struct vel_track *track,
                                                   const struct vel_packet_header *header,
                                                   const struct vel_opened *opened, uint32_t path,
                                                   bool held);
/* One without number and frames: Retry, Version Negotiation. */
__attribute__((cold)) void vel_conn_trace_received_plain(struct vel_conn *conn,
                                                         const struct vel_packet_header *header);
__attribute__((cold)) void vel_conn_trace_held(struct vel_conn *conn,
                                               const struct vel_packet_header *header);
/* header NULL: of what could not be read `size` bytes are dropped. */
__attribute__((cold)) void vel_conn_trace_dropped(struct vel_conn *conn,
                                                  const struct vel_packet_header *header,
                                                  size_t size, enum vel_trace_drop why);
/* A hook of recovery; self is the track. */
void vel_conn_trace_lost(void *self, enum vel_space space, uint64_t number,
                         const struct vel_sent_packet *packet, bool by_time);
/* Round trips, window, loss timer may have changed. */
__attribute__((cold)) void vel_conn_trace_recovery(const struct vel_track *track);
/* The id that we send to has changed (`remote`), or the one that the peer sends to. */
__attribute__((cold)) void vel_conn_trace_cid(const struct vel_track *track, bool remote,
                                              const struct vel_cid *id);
/* Closing, draining or dead, perhaps as before. */
__attribute__((cold)) void vel_conn_trace_ended(struct vel_conn *conn);

/* ---- conn_timers.c ---- */

/* A packet of the peer was processed: it is alive, and asked again only after a while of silence. */
void vel_conn_restart_keep_alive(struct vel_conn *conn, vel_time now);

#endif
