/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

/* Frames about connection ids and path identifiers. They travel on any track; their records tell which
 * one they are about. */

/* ---- connection ids ---- */

static enum vel_frame_type by_path(const struct vel_conn *conn, enum vel_frame_type plain,
                                   enum vel_frame_type with_path)
{
    return conn->multipath.agreed ? with_path : plain;
}

static bool fill_new_cids_of(struct vel_packet_build *p, struct vel_track *track)
{
    struct vel_local_cid *ours;
    vel_conn_issue_cids(track);
    while ((ours = vel_cids_next_new(&track->cids)) != NULL) {
        struct vel_frame frame = {.type = by_path(track->conn, VEL_FRAME_NEW_CONNECTION_ID,
                                                  VEL_FRAME_PATH_NEW_CONNECTION_ID),
                                  .path_id = track->id,
                                  .new_cid = {.sequence = ours->sequence, .cid = ours->cid}};
        memcpy(frame.new_cid.reset_token, ours->reset_token, VEL_RESET_TOKEN);
        struct vel_record record = {
            .kind = VEL_RECORD_NEW_CONNECTION_ID, .id = track->id, .offset = ours->sequence};
        if (!vel_packet_write_control(p, &frame, record))
            return false;
        ours->due = false;
    }
    return true;
}

void vel_conn_fill_new_cids(struct vel_packet_build *p)
{
    VEL_TRACKS_EACH(track, p->track->conn)
    {
        if (track->state != VEL_TRACK_CLOSING && !fill_new_cids_of(p, track))
            return;
    }
}

static bool fill_retired_cids_of(struct vel_packet_build *p, struct vel_track *track)
{
    struct vel_retiring_cid *theirs;
    while ((theirs = vel_cids_next_retire(&track->cids)) != NULL) {
        struct vel_frame frame = {.type = by_path(track->conn, VEL_FRAME_RETIRE_CONNECTION_ID,
                                                  VEL_FRAME_PATH_RETIRE_CONNECTION_ID),
                                  .path_id = track->id,
                                  .sequence = theirs->sequence};
        struct vel_record record = {
            .kind = VEL_RECORD_RETIRE_CONNECTION_ID, .id = track->id, .offset = theirs->sequence};
        if (!vel_packet_write_control(p, &frame, record))
            return false;
        theirs->due = false;
    }
    return true;
}

/* ---- path identifiers ---- */

static void fill_abandon(struct vel_packet_build *p, struct vel_track *track)
{
    struct vel_frame frame = {
        .type = VEL_FRAME_PATH_ABANDON, .path_id = track->id, .code = track->abandon_code};
    struct vel_record record = {.kind = VEL_RECORD_PATH_ABANDON, .id = track->id};
    track->abandon_due = !vel_packet_write_control(p, &frame, record);
}

static void fill_status(struct vel_packet_build *p, struct vel_track *track)
{
    struct vel_frame frame = {.type = track->backup ? VEL_FRAME_PATH_STATUS_BACKUP
                                                    : VEL_FRAME_PATH_STATUS_AVAILABLE,
                              .path_id = track->id,
                              .sequence = track->status_sequence};
    struct vel_record record = {
        .kind = VEL_RECORD_PATH_STATUS, .id = track->id, .offset = track->status_sequence};
    track->status_due = !vel_packet_write_control(p, &frame, record);
}

static void fill_limits(struct vel_packet_build *p, struct vel_multipath *m)
{
    if (m->limit_due) {
        struct vel_frame frame = {.type = VEL_FRAME_MAX_PATH_ID, .limit = m->highest};
        struct vel_record record = {.kind = VEL_RECORD_MAX_PATH_ID, .offset = m->highest};
        m->limit_due = !vel_packet_write_control(p, &frame, record);
        m->announced = m->limit_due ? m->announced : m->highest;
    }
    if (m->blocked_due) {
        struct vel_frame frame = {.type = VEL_FRAME_PATHS_BLOCKED, .limit = m->peer_limit};
        struct vel_record record = {.kind = VEL_RECORD_PATHS_BLOCKED, .offset = m->peer_limit};
        m->blocked_due = !vel_packet_write_control(p, &frame, record);
    }
}

static bool wants_frames(struct vel_track *track)
{
    if (track->abandon_due || track->status_due)
        return true;
    if (track->state == VEL_TRACK_CLOSING)
        return false;
    return vel_cids_next_new(&track->cids) != NULL || vel_cids_next_retire(&track->cids) != NULL ||
           vel_conn_wants_cids(track);
}

bool vel_conn_wants_path_frames(const struct vel_conn *conn)
{
    VEL_TRACKS_EACH(track, conn)
    {
        if (wants_frames(track))
            return true;
    }
    return conn->multipath.limit_due || conn->multipath.blocked_due;
}

void vel_conn_fill_path_frames(struct vel_packet_build *p)
{
    struct vel_conn *conn = p->track->conn;
    vel_conn_fill_new_cids(p);
    VEL_TRACKS_EACH(track, conn)
    {
        if (track->state != VEL_TRACK_CLOSING && !fill_retired_cids_of(p, track))
            return;
        if (track->abandon_due)
            fill_abandon(p, track);
        if (track->status_due)
            fill_status(p, track);
    }
    fill_limits(p, &conn->multipath);
}

/* ---- acknowledgements for a track that is abandoned ---- */

bool vel_conn_owes_closing_acks(const struct vel_conn *conn, vel_time now)
{
    VEL_TRACKS_EACH(track, conn)
    {
        if (track->state == VEL_TRACK_CLOSING &&
            vel_acks_is_due(&track->space[VEL_SPACE_APP].acks, now))
            return true;
    }
    return false;
}

bool vel_conn_has_closing_acks(const struct vel_conn *conn)
{
    VEL_TRACKS_EACH(track, conn)
    {
        if (track->state == VEL_TRACK_CLOSING &&
            vel_acks_is_pending(&track->space[VEL_SPACE_APP].acks))
            return true;
    }
    return false;
}

void vel_conn_fill_closing_acks(struct vel_packet_build *p, vel_time now)
{
    VEL_TRACKS_EACH(track, p->track->conn)
    {
        struct vel_acks *acks = &track->space[VEL_SPACE_APP].acks;
        if (track->state == VEL_TRACK_CLOSING && vel_acks_is_pending(acks) &&
            vel_conn_put_ack(p, track, now))
            vel_acks_sent(acks, true);
    }
}
