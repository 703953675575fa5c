/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

bool vel_conn_wants_cids(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    uint64_t wanted = VEL_MIN(conn->peer_cid_limit, (uint64_t)vel_conn_cids_wanted(track));
    return conn->opening == NULL && vel_cids_want_local(&track->cids, wanted);
}

void vel_conn_issue_cids(struct vel_track *track)
{
    struct vel_conn *conn = track->conn;
    while (vel_conn_wants_cids(track)) {
        struct vel_cid cid;
        uint8_t token[VEL_RESET_TOKEN];
        if (conn->hooks.issue_cid(conn->hooks.self, conn, &cid, token) != VEL_OK)
            return;
        vel_cids_add_local(&track->cids, &cid, token);
    }
}

void vel_conn_tell_reset_tokens(struct vel_conn *conn)
{
    uint8_t tokens[VEL_CONN_RESETS_MAX][VEL_RESET_TOKEN];
    unsigned count = 0;
    VEL_TRACKS_OPEN(track, conn)
    {
        for (size_t i = 0; i < VEL_CIDS_REMOTE; i++) {
            const struct vel_remote_cid *id = &track->cids.remote[i];
            bool wanted = id->in_use && id->has_token && (track->id == 0 || id->taken);
            if (wanted && count < VEL_CONN_RESETS_MAX)
                memcpy(tokens[count++], id->reset_token, VEL_RESET_TOKEN);
        }
    }
    if (conn->hooks.reset_tokens != NULL)
        conn->hooks.reset_tokens(conn->hooks.self, conn, (const uint8_t(*)[VEL_RESET_TOKEN])tokens,
                                 count);
}

uint64_t vel_conn_on_new_cid(struct vel_track *track, const struct vel_frame_new_cid *frame)
{
    enum vel_err err = vel_cids_on_new(&track->cids, frame->sequence, frame->retire_prior_to,
                                       &frame->cid, frame->reset_token);
    if (err == VEL_ERR_LIMIT)
        return VEL_WIRE_CONNECTION_ID_LIMIT_ERROR;
    if (err != VEL_OK)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    if (track->state == VEL_TRACK_OPEN)
        vel_conn_repair_paths(track);
    vel_conn_tell_reset_tokens(track->conn);
    return VEL_WIRE_NO_ERROR;
}

uint64_t vel_conn_on_retire_cid(struct vel_track *track, uint64_t sequence,
                                const struct vel_cid *arrived_on)
{
    struct vel_conn *conn = track->conn;
    struct vel_cid gone;
    if (vel_cids_on_retire(&track->cids, sequence, arrived_on, &gone) != VEL_OK)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    if (gone.len > 0)
        conn->hooks.retire_cid(conn->hooks.self, conn, &gone);
    return VEL_WIRE_NO_ERROR;
}

void vel_conn_give_up_cid(struct vel_track *track, uint64_t sequence)
{
    if (vel_cids_give_up(&track->cids, sequence) != VEL_OK)
        vel_conn_fail(track->conn, VEL_WIRE_CONNECTION_ID_LIMIT_ERROR,
                      "retirements not acknowledged");
    vel_conn_tell_reset_tokens(track->conn);
}
