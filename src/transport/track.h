/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_TRACK_H
#define TRANSPORT_TRACK_H

#include "transport/ack.h"
#include "transport/cids.h"
#include "transport/key_update.h"
#include "transport/pacer.h"
#include "transport/paths.h"
#include "transport/recovery.h"

/*
 * A track: all that goes with one path identifier. The multipath extension calls it a path; here a
 * path is a pair of addresses (transport/path.h), and a track is on one path at a time, moves from
 * one to another as RFC 9000 section 9 says, and keeps its packet numbers when it does. A connection
 * without the extension has one track, number 0, which the handshake is on; it is part of struct
 * vel_conn. Initial and Handshake packets belong to no other.
 *
 * Each track recovers its losses, measures its round trips, and has a congestion window, a pacer and
 * connection ids of its own. Streams, datagrams and packet keys belong to the connection.
 *
 *      SPARE     both ends give each other connection ids for it; it is on no path yet
 *      OPEN      the client has sent on it, and the server followed: it is on a path
 *      CLOSING   PATH_ABANDON was sent: nothing leaves on it any more, what arrives is acknowledged on
 *                another one. Three probe time-outs after the peer's PATH_ABANDON it is gone, and its
 *                number is never used again.
 */
enum vel_track_state { VEL_TRACK_SPARE, VEL_TRACK_OPEN, VEL_TRACK_CLOSING };

struct vel_conn;

/* What was received in one packet number space, and what it makes us send. */
struct vel_track_space {
    struct vel_acks acks;
    unsigned probes_due; /* ack-eliciting packets to send regardless of the window */
};

struct vel_track {
    struct vel_conn *conn;
    uint32_t id; /* path identifier */
    struct vel_paths paths;
    uint64_t largest_moving; /* highest packet number that could move us; VEL_NUMBER_NONE: none */
    struct vel_cids cids;
    struct vel_track_space space[VEL_SPACE_COUNT];
    struct vel_recovery recovery;
    struct vel_pacer pacer;
    vel_time pace_until; /* the pacer holds data back until then; VEL_NEVER: it does not */
    struct vel_key_phase phase;
    bool credit_blocked; /* waits for the address to be validated */
    enum vel_track_state state;

    /* PATH_ABANDON */
    bool abandon_due;      /* a frame of ours waits to be sent */
    bool abandon_told;     /* the peer has it */
    uint64_t abandon_code; /* enum vel_wire_error */
    vel_time close_at;     /* when it is gone; VEL_NEVER: the peer has not abandoned it */
    vel_time give_up_at;   /* it is silent: when it is abandoned; VEL_NEVER: it answers */

    /* PATH_STATUS_AVAILABLE and PATH_STATUS_BACKUP */
    bool backup, peer_backup;  /* we, or the peer, would rather not have it used */
    bool status_due;           /* a frame of ours waits to be sent */
    uint64_t status_sequence;  /* of our newest one; 0: none was */
    uint64_t peer_status_next; /* older ones of the peer are outdated */

    /* What schedulers go by. */
    unsigned carries;                    /* set of choices (transport/choice.h) whose turn it has */
    unsigned weight;                     /* 1 to 1000, weighted round robin */
    uint64_t turn;                       /* bytes it has carried, by weight: the lowest is next */
    uint64_t bytes_sent, bytes_received; /* UDP payload, in all */
};

/* What a track starts with. */
struct vel_track_setup {
    struct vel_conn *conn;
    uint32_t id;
    const struct vel_path *path; /* NULL: spare */
    const struct vel_limits *limits;
    const struct vel_ack_policy *ack_policy; /* of 1-RTT packets; stays as long as the track */
    struct vel_recovery_setup recovery;
};

void vel_track_init(struct vel_track *track, const struct vel_track_setup *setup, vel_time now);
/* The path of a spare track: it opens. */
void vel_track_open(struct vel_track *track, const struct vel_path *path, bool paced, vel_time now);

/* It is open, and the path is the peer's: data may leave on it. */
static inline bool vel_track_is_usable(const struct vel_track *track)
{
    return track->state == VEL_TRACK_OPEN && track->paths.active->validated &&
           track->paths.last_proved != NULL;
}

/* Release what it holds. Fine on zeroed memory. */
void vel_track_clear(struct vel_track *track);

#endif
