/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_INTERNAL_H
#define TRANSPORT_CONN_INTERNAL_H

#include "transport/conn_packets.h"
#include "transport/conn_routes.h"
#include "transport/conn_setup.h"
#include "transport/conn_state.h"
#include "transport/conn_trace.h"

/*
 * The inside of struct vel_conn: parts, each with a file of its own, and the few facts that belong
 * to none of them. What belongs to one path identifier is a track (transport/track.h): functions that
 * concern one take it, and find the connection through it. The code over it is split by what happens,
 * and declared in the headers above:
 *
 *   conn.c            birth, death, what the application asks
 *   conn_receive.c    train -> datagrams -> packets
 *   conn_arrival.c    packet -> opened payload
 *   conn_frames.c     payload -> frames -> the part that each frame concerns
 *   conn_send.c       what is due -> packets -> datagrams -> a train
 *   conn_bulk.c       packets in a row that hold nothing but bytes of one stream
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
 *   conn_choices.c    the application's choice of paths for streams and datagrams
 *   conn_schedule.c   which track carries what is sent next
 *   conn_copies.c     the same on several tracks at once
 *   conn_migrate.c    a client's own moves, and the address that a server prefers
 *   conn_probe.c      datagrams that test a path: PATH_CHALLENGE and PATH_RESPONSE
 *   conn_timers.c     the deadline and what is due then
 *   conn_trace.c      telling a tracer what happens
 */

#endif
