/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_ROUTES_H
#define TRANSPORT_CONN_ROUTES_H

#include "transport/conn_state.h"

/* What decides the way that packets take: paths, tracks, connection ids, and the proof of an address. */

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

/* The peer has left the active path for this one, if it is still known. */
void vel_conn_move_after(struct vel_track *track, uint32_t path, vel_time now);

/* A packet that was no probe is processed: server, the peer may have moved (RFC 9000 9.3). */
static inline void vel_conn_follow_peer(struct vel_track *track, uint32_t path, uint64_t number,
                                        vel_time now)
{
    if (track->largest_moving != VEL_NUMBER_NONE && number < track->largest_moving)
        return;
    track->largest_moving = number;
    if (!track->conn->is_client && path != track->paths.active->id && path != 0)
        vel_conn_move_after(track, path, now);
}

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

/* It has not answered for a probe time-out, while another track works; or it answers again. */
void vel_conn_note_silence(struct vel_track *track, vel_time now);
void vel_conn_end_silence(struct vel_track *track);
/* It has been silent for too long. */
void vel_conn_expire_silence(struct vel_track *track, vel_time now);

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
bool vel_conn_has_closing_acks(const struct vel_conn *conn);
void vel_conn_fill_closing_acks(struct vel_packet_build *p, vel_time now);

/* ---- conn_schedule.c ---- */

/* Whose turn it is to carry streams, datagrams and control frames: conn->pick, and `carries` of each
 * track. NULL: no window is open. */
void vel_conn_schedule(struct vel_conn *conn, vel_time now);
/* Bytes left on a track. */
void vel_conn_scheduled(struct vel_track *track, size_t size);

/* A track works, as far as is known, and nobody would rather not have it used; but for ourselves, if
 * the choice names it. */
bool vel_conn_is_preferred(const struct vel_track *track, const struct vel_choice *choice);
struct vel_choice vel_conn_choice(const struct vel_conn *conn, unsigned number);

/* What goes into the next packet of a track: what is copied to others stands alone. */
struct vel_together {
    unsigned choices; /* set */
    unsigned copies;  /* slots of the tracks that get the same: set of 1 << slot */
};
struct vel_together vel_conn_together(const struct vel_track *track);

/* Something waits that may use this track, but it is not its turn. */
bool vel_conn_is_passed_over(const struct vel_track *track);

/* ---- conn_choices.c ---- */

/* The number of a choice; of NULL it is 0. Errors as vel_stream_set_paths. */
vel_result vel_conn_number_choice(struct vel_conn *conn, const struct vel_path_choice *asked,
                                  unsigned *number);
void vel_conn_free_choices(struct vel_conn *conn);

/* ---- conn_copies.c ---- */

/* Some of what the track carries now leaves on other tracks, too; datagrams of at most so many bytes
 * fit all of them. */
bool vel_conn_sends_copies(const struct vel_track *track);
size_t vel_conn_copy_room(const struct vel_conn *conn);

/* The slots of the other tracks that get copies of what a choice has on this one. */
unsigned vel_conn_copies_to(const struct vel_track *but, unsigned choice);

/* Keep what was written behind `from`, with the records from `first_record` on, for a set of slots. */
void vel_conn_keep_copy(struct vel_packet_build *p, unsigned slots, size_t from,
                        unsigned first_record);

/* One waits for the window or the pacer of this track. */
bool vel_conn_owes_copy(const struct vel_track *track);

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

#endif
