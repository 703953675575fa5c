/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_TRACK_H
#define TRANSPORT_TRACK_H

#include "transport/ack.h"
#include "transport/cids.h"
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
 */
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
    bool credit_blocked; /* waits for the address to be validated */
};

/* What a track starts with. */
struct vel_track_setup {
    struct vel_conn *conn;
    uint32_t id;
    const struct vel_path *path; /* the first one */
    const struct vel_limits *limits;
    const struct vel_ack_policy *ack_policy; /* of 1-RTT packets; stays as long as the track */
    struct vel_recovery_setup recovery;
};

void vel_track_init(struct vel_track *track, const struct vel_track_setup *setup, vel_time now);
/* Release what it holds. Fine on zeroed memory. */
void vel_track_clear(struct vel_track *track);

#endif
