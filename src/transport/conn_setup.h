/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_SETUP_H
#define TRANSPORT_CONN_SETUP_H

#include "transport/conn_state.h"

/* What makes the connection secret: handshake, version, and keys while they live. */

/* ---- conn_handshake.c ---- */

/* Make the provider, with our transport parameters; the client's hello is queued. */
vel_result vel_conn_start_handshake(struct vel_conn *conn);

/* CRYPTO bytes of a space came: feed the provider, act on its state; or leave that to vel_conn_work. */
void vel_conn_hear_handshake(struct vel_conn *conn, enum vel_space space, vel_time now);

/* HANDSHAKE_DONE arrived, or (server) the handshake is complete: RFC 9001 4.1.2. */
void vel_conn_confirm(struct vel_conn *conn, vel_time now);

/* Keys, crypto stream and packets of a space are history (RFC 9001 4.9). */
void vel_conn_discard_space(struct vel_conn *conn, enum vel_space space);

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

/* ---- conn_keys.c ---- */

/* Open one packet of a space whose keys are there; errors as for vel_packet_open. */
vel_result vel_conn_open_packet(struct vel_track *track, enum vel_space space, uint8_t *packet,
                                size_t number_offset, size_t size, struct vel_opened *opened);

/* The same for a 1-RTT packet whose header mask is made already. `opened` is undefined on failure. */
vel_result vel_conn_open_masked(struct vel_track *track, const uint8_t *mask, uint8_t *packet,
                                size_t number_offset, size_t size, struct vel_opened *opened);

/* What few packets need of vel_conn_follow_key_update. */
bool vel_conn_note_keys(struct vel_track *track, uint64_t number, vel_time now);

/* The packet that was opened is authentic: follow the peer's key update, if it begins one. False:
 * the connection was closed. */
static inline bool vel_conn_follow_key_update(struct vel_track *track, enum vel_space space,
                                              uint64_t number, vel_time now)
{
    return space != VEL_SPACE_APP ||
           vel_key_update_goes_on(&track->conn->key_update, &track->phase, number) ||
           vel_conn_note_keys(track, number, now);
}

/* Before a 1-RTT packet is begun: update keys that have done half of what they may. */
void vel_conn_refresh_keys(struct vel_conn *conn);

/* 1-RTT packets that may be sealed before somebody must ask for that again. */
uint64_t vel_conn_seals_left(const struct vel_conn *conn);

/* `count` packets were sealed: the connection ends before its keys wear out. */
void vel_conn_count_sealed(struct vel_conn *conn, enum vel_space space, unsigned count);

#endif
