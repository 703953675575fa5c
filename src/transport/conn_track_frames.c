/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

/* What the peer says of path identifiers, draft-ietf-quic-multipath section 4 (VEL-TR-51). */

static uint64_t on_status(struct vel_track *track, const struct vel_frame *frame)
{
    if (frame->sequence < track->peer_status_next)
        return VEL_WIRE_NO_ERROR;
    track->peer_status_next = frame->sequence + 1;
    track->peer_backup = frame->type == VEL_FRAME_PATH_STATUS_BACKUP;
    vel_conn_notice(track->conn, VEL_EVENT_PATHS);
    return VEL_WIRE_NO_ERROR;
}

/* For information: what it asks for is sent anyway, as far as we want to. */
static uint64_t on_cids_blocked(const struct vel_track *track, const struct vel_frame *frame)
{
    return frame->sequence <= track->cids.local_next ? VEL_WIRE_NO_ERROR
                                                     : VEL_WIRE_PROTOCOL_VIOLATION;
}

/* An identifier is gone for good when it was abandoned: ids for it are of no use. */
static uint64_t on_new_cid(struct vel_track *track, const struct vel_frame *frame)
{
    return track->state == VEL_TRACK_CLOSING ? VEL_WIRE_NO_ERROR
                                             : vel_conn_on_new_cid(track, &frame->new_cid);
}

uint64_t vel_conn_on_path_frame(struct vel_conn *conn, const struct vel_frame *frame,
                                const struct vel_cid *arrived_on, vel_time now)
{
    struct vel_track *track;
    uint64_t wire_code = vel_conn_look_up_track(conn, frame->path_id, &track);
    if (track == NULL)
        return wire_code;
    if (frame->type == VEL_FRAME_PATH_ABANDON)
        return vel_conn_on_path_abandon(track, now);
    if (frame->type == VEL_FRAME_PATH_NEW_CONNECTION_ID)
        return on_new_cid(track, frame);
    if (frame->type == VEL_FRAME_PATH_RETIRE_CONNECTION_ID)
        return vel_conn_on_retire_cid(track, frame->sequence, arrived_on);
    if (frame->type == VEL_FRAME_PATH_CIDS_BLOCKED)
        return on_cids_blocked(track, frame);
    return on_status(track, frame);
}

uint64_t vel_conn_on_max_path_id(struct vel_conn *conn, uint64_t limit)
{
    if (limit > UINT32_MAX)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    vel_multipath_on_limit(&conn->multipath, limit);
    vel_conn_supply_tracks(conn);
    return VEL_WIRE_NO_ERROR;
}

/* The limit rises by itself as paths end. */
uint64_t vel_conn_on_paths_blocked(struct vel_conn *conn, uint64_t limit)
{
    return limit <= conn->multipath.highest ? VEL_WIRE_NO_ERROR : VEL_WIRE_PROTOCOL_VIOLATION;
}
