/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

/*
 * The rules of RFC 9000 section 9 (VEL-TR-10, VEL-TR-11). A server follows its client: to where the packet with the highest
 * number came from that was more than a probe. It goes on sending there at once, within the credit of
 * that address, and challenges both ends of the move: the new address because anybody could have
 * written it (9.3.1), the former because whoever copies packets faster than the client sends them
 * could have moved us (9.3.3). When the new one does not answer, it returns to the last that did
 * (9.3.2). A client moves by its own choice only, and after the new path has answered.
 */

static void trace_path(const struct vel_track *track, const struct vel_path *path,
                       enum vel_trace_path_event event)
{
    VEL_TRACE(track->conn, VEL_TRACE_PATH,
              .path = {.event = event, .track = track->id, .path = path});
}

/* ---- what belongs to a path ---- */

/* Not the active one. */
static void drop_path(struct vel_track *track, struct vel_path *path)
{
    struct vel_conn *conn = track->conn;
    trace_path(track, path, VEL_TRACE_PATH_REMOVED);
    bool asked =
        path == track->paths.target && vel_addr_equal(&path->remote, &track->paths.active->remote);
    if (asked) /* else the server offered it, and nobody expects us there */
        vel_conn_notice(conn, VEL_EVENT_MIGRATION_FAILED);
    if (!vel_paths_share_cid(&track->paths, path))
        vel_conn_give_up_cid(track, path->peer_cid);
    vel_paths_remove(&track->paths, path);
}

struct vel_path *vel_conn_add_path(struct vel_track *track, const struct vel_addr *local,
                                   const struct vel_addr *remote, uint64_t peer_cid)
{
    struct vel_conn *conn = track->conn;
    struct vel_path *dispensable = vel_paths_dispensable(&track->paths);
    const struct vel_path *active = track->paths.active;
    bool known = vel_addr_equal(remote, &active->remote) && active->validated;
    uint64_t largest =
        VEL_MIN(conn->config->limits.max_datagram_payload, conn->peer_max_udp_payload);
    struct vel_path path;
    vel_path_init(&path, local, remote, known || conn->is_client, largest);
    path.proved = false;
    path.peer_cid = peer_cid;
    struct vel_path *added = vel_paths_add(&track->paths, &path);
    if (added == NULL) {
        drop_path(track, dispensable);
        added = vel_paths_add(&track->paths, &path);
    }
    trace_path(track, added, VEL_TRACE_PATH_ADDED);
    return added;
}

static void challenge(struct vel_track *track, struct vel_path *path, vel_time now)
{
    vel_validation_start(&path->validation, vel_recovery_pto(&track->recovery), now);
    trace_path(track, path, VEL_TRACE_PATH_PROBED);
}

void vel_conn_lift_credit_block(struct vel_track *track, vel_time now)
{
    struct vel_conn *conn = track->conn;
    if (!track->credit_blocked)
        return;
    track->credit_blocked = false;
    vel_recovery_set_amplification_limited(&track->recovery, false);
    if (conn->stats.handshake_time == 0)
        conn->credit_blocked_for += now - conn->credit_blocked_at;
}

/* ---- moving ---- */

/* VEL-TR-15 (RFC 9000 9.4): another host is reached by another path through the network. */
static void change_capacity(struct vel_track *track, struct vel_path *from, struct vel_path *to,
                            vel_time now)
{
    struct vel_conn *conn = track->conn;
    if (vel_path_is_same_host(from, to)) {
        to->pmtud = from->pmtud;
        to->pmtud.in_flight = false;
        return;
    }
    const struct vel_path *home = track->paths.last_proved;
    bool leaves_home = home != NULL && vel_path_is_same_host(from, home);
    if (leaves_home)
        vel_recovery_keep_path(&track->recovery);
    if (home != NULL && !leaves_home && vel_path_is_same_host(to, home))
        vel_recovery_return(&track->recovery);
    else
        vel_recovery_move(&track->recovery, to->pmtud.mtu, now);
    vel_pacer_init(&track->pacer, conn->config->limits.pacing, to->pmtud.mtu, now);
    track->pace_until = VEL_NEVER;
}

static void move_to(struct vel_track *track, struct vel_path *path, vel_time now)
{
    struct vel_conn *conn = track->conn;
    struct vel_path *from = track->paths.active;
    change_capacity(track, from, path, now);
    track->paths.active = path;
    path->drop_at = VEL_NEVER;
    conn->stats.path_changes++;
    trace_path(track, path, VEL_TRACE_PATH_TAKEN);
    vel_conn_lift_credit_block(track, now);
    vel_conn_mtu_changed(track);
}

/* Where we came from is of no use any more; what is on its way there may still arrive. */
static void let_others_end(struct vel_track *track, vel_time now)
{
    vel_time end = now + 3 * vel_recovery_pto(&track->recovery);
    VEL_PATHS_EACH(path, &track->paths)
    {
        if (path != track->paths.active && path != track->paths.target)
            path->drop_at = VEL_MIN(path->drop_at, end);
    }
}

/* A client's new path has answered: show the server with a packet that is more than a probe. */
static void arrive(struct vel_track *track, struct vel_path *path, vel_time now)
{
    struct vel_conn *conn = track->conn;
    struct vel_track_space *app = &track->space[VEL_SPACE_APP];
    conn->at_preferred |= !vel_addr_equal(&path->remote, &track->paths.active->remote);
    track->paths.target = NULL;
    vel_conn_notice(conn, VEL_EVENT_MIGRATED);
    move_to(track, path, now);
    app->probes_due = VEL_MAX(app->probes_due, 1U);
}

static void on_proved(struct vel_track *track, struct vel_path *path, vel_time now)
{
    struct vel_conn *conn = track->conn;
    vel_path_prove(path);
    trace_path(track, path, VEL_TRACE_PATH_PROVED);
    if (path == track->paths.target)
        arrive(track, path, now);
    if (path != track->paths.active)
        return;
    const struct vel_path *last = track->paths.last_proved;
    /* Its token is for the address that the connection is asked for. */
    conn->new_token_due |= !conn->is_client && track == vel_conn_track(conn) &&
                           (last == NULL || !vel_path_is_same_host(path, last));
    track->paths.last_proved = path;
    if (conn->multipath.agreed)
        vel_conn_notice(conn, VEL_EVENT_PATHS);
    vel_conn_lift_credit_block(track, now);
    let_others_end(track, now);
}

/* VEL-TR-12 (RFC 9000 9.3.2): back to where the peer was last, or the end without a word. */
static void on_failed(struct vel_track *track, struct vel_path *path, vel_time now)
{
    struct vel_conn *conn = track->conn;
    struct vel_path *back = track->paths.last_proved;
    trace_path(track, path, VEL_TRACE_PATH_FAILED);
    if (path == back)
        return; /* the peer left it; it goes when the place it went to is proved */
    if (path != track->paths.active) {
        drop_path(track, path);
    } else if (back != NULL) {
        move_to(track, back, now);
        drop_path(track, path);
    } else if (vel_conn_has_other_track(track, false)) {
        vel_conn_abandon_track(track, VEL_WIRE_PATH_UNSTABLE_OR_POOR);
    } else {
        vel_life_drop(&conn->life, VEL_CLOSE_TIMEOUT, "the peer is at none of its addresses");
        vel_conn_ended(conn);
    }
}

/* ---- what arrives ---- */

bool vel_conn_admits(struct vel_track *track, const struct vel_addr *local,
                     const struct vel_addr *remote, struct vel_path **path)
{
    struct vel_conn *conn = track->conn;
    *path = NULL;
    if (track->paths.active == NULL) /* spare: only clients open */
        return !conn->is_client;
    *path = vel_paths_find(&track->paths, local, remote);
    if (*path != NULL || !conn->is_client)
        return true;
    /* RFC 9000 9: from its server alone, to whichever address of ours. */
    VEL_PATHS_EACH(known, &track->paths)
    {
        if (vel_addr_equal(&known->remote, remote))
            *path = known;
    }
    return *path != NULL;
}

struct vel_path *vel_conn_meet_path(struct vel_track *track, const struct vel_addr *local,
                                    const struct vel_addr *remote, struct vel_slice dcid,
                                    size_t size)
{
    struct vel_conn *conn = track->conn;
    const struct vel_path *active = track->paths.active;
    if (conn->is_client || !track->recovery.handshake_confirmed)
        return NULL;
    /* VEL-TR-14 (RFC 9000 9.5): who moves on purpose takes another id, and so do we. Who does not know that it
     * was moved goes on with the same one. */
    uint64_t peer_cid = active->peer_cid;
    bool unaware = vel_slice_equal(dcid, vel_cid_slice(&active->arrived_on)) &&
                   vel_addr_equal(local, &active->local);
    if (!unaware && vel_cids_take(&track->cids, &peer_cid) != VEL_OK)
        return NULL;
    struct vel_path *path = vel_conn_add_path(track, local, remote, peer_cid);
    vel_path_on_received(path, size);
    return path;
}

void vel_conn_move_after(struct vel_track *track, uint32_t id, vel_time now)
{
    struct vel_path *from = track->paths.active;
    struct vel_path *path = vel_paths_by_id(&track->paths, id);
    if (path == NULL)
        return;
    move_to(track, path, now);
    if (!path->proved && !path->validation.running)
        challenge(track, path, now);
    if (path->proved)
        track->paths.last_proved = path;
    if (!from->validation.running)
        challenge(track, from, now);
}

void vel_conn_on_path_response(struct vel_track *track, const uint8_t data[VEL_CHALLENGE_SIZE],
                               vel_time now)
{
    VEL_PATHS_EACH(path, &track->paths)
    {
        switch (vel_validation_on_response(&path->validation, data, now)) {
        case VEL_ANSWER_FOREIGN:
            break;
        case VEL_ANSWER_ADDRESS:
            vel_path_validate(path);
            if (path == track->paths.active)
                vel_conn_lift_credit_block(track, now);
            return;
        case VEL_ANSWER_PATH:
            on_proved(track, path, now);
            return;
        }
    }
}

/* ---- ids that went away ---- */

static bool has_cid(struct vel_track *track, struct vel_path *path)
{
    return vel_cids_peer(&track->cids, path->peer_cid) != NULL ||
           vel_cids_take(&track->cids, &path->peer_cid) == VEL_OK;
}

void vel_conn_repair_paths(struct vel_track *track)
{
    struct vel_conn *conn = track->conn;
    /* The id that replaces others comes with the frame that retires them. */
    bool left = has_cid(track, track->paths.active);
    if (!left && vel_conn_has_other_track(track, false)) {
        vel_conn_abandon_track(track, VEL_WIRE_NO_CID_AVAILABLE_FOR_PATH);
        return;
    }
    if (!left) {
        vel_conn_fail(conn, VEL_WIRE_PROTOCOL_VIOLATION, "no connection id is left");
        return;
    }
    VEL_PATHS_EACH(path, &track->paths)
    {
        if (!has_cid(track, path))
            drop_path(track, path);
    }
}

/* ---- time ---- */

void vel_conn_expire_paths(struct vel_track *track, vel_time now)
{
    VEL_PATHS_EACH(path, &track->paths)
    {
        if (vel_validation_expire(&path->validation, now))
            on_failed(track, path, now);
        else if (path->drop_at <= now && path != track->paths.active)
            drop_path(track, path);
    }
}
