/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"

/* The tracks of a connection: which there are, how they open and how they end (VEL-TR-50, VEL-TR-52). */

/* Connection ids of ours that the peer has for a track that is spare, and for one that is open. */
enum { SPARE_IDS = 1, OPEN_IDS = 2, CLOSE_AFTER_PTO = 3 };

/* A path that is silent for the idle time-out, so long at most, is abandoned, but not before it was asked
 * a few times: the third probe goes out after seven probe time-outs. */
#define SILENT_FOR (30 * SECOND)
enum { SILENT_PTO = 8 };

/* ---- which there are ---- */

struct vel_track *vel_conn_track(const struct vel_conn *conn)
{
    struct vel_track *found = NULL;
    VEL_TRACKS_OPEN(track, conn)
    {
        if (vel_track_is_usable(track))
            return track;
        found = found != NULL ? found : track;
    }
    VEL_ASSERT(found != NULL); /* the last one is never abandoned: the connection ends instead */
    return found;
}

struct vel_track *vel_conn_find_track(const struct vel_conn *conn, uint64_t id)
{
    VEL_TRACKS_EACH(track, conn)
    {
        if (track->id == id)
            return track;
    }
    return NULL;
}

struct vel_track *vel_conn_track_by_cid(struct vel_conn *conn, struct vel_slice dcid)
{
    VEL_TRACKS_EACH(track, conn)
    {
        if (vel_cids_is_local(&track->cids, dcid))
            return track;
    }
    return NULL;
}

struct vel_recovery_setup vel_conn_recovery_setup(const struct vel_conn *conn,
                                                  struct vel_track *track, uint32_t mtu)
{
    return (struct vel_recovery_setup){
        .env = conn->env,
        .hooks = {.acked = vel_conn_record_acked,
                  .lost = vel_conn_record_lost,
                  .packet_lost = conn->config->tracer != NULL ? vel_conn_trace_lost : NULL,
                  .self = track},
        .congestion = conn->config->congestion,
        .mtu = mtu,
        .is_client = conn->is_client,
        .ecn = conn->config->limits.ecn,
    };
}

/* Only 1-RTT packets travel on it. */
static void skip_handshake(struct vel_track *track)
{
    struct vel_recovery *recovery = &track->recovery;
    vel_recovery_set_max_ack_delay(recovery, vel_ack_request_delay(&track->conn->ack_request));
    vel_recovery_set_confirmed(recovery);
    vel_recovery_discard(recovery, VEL_SPACE_INITIAL);
    vel_recovery_discard(recovery, VEL_SPACE_HANDSHAKE);
}

static vel_result add_spare(struct vel_conn *conn, unsigned slot)
{
    struct vel_track *made = vel_alloc(conn->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    struct vel_track_setup setup = {
        .conn = conn,
        .id = (uint32_t)conn->multipath.ids[slot],
        .limits = &conn->config->limits,
        .ack_policy = &conn->ack_policy,
        .recovery = vel_conn_recovery_setup(conn, made, VEL_PMTUD_BASE),
    };
    vel_track_init(made, &setup, conn->now);
    vel_cids_init_empty(&made->cids);
    skip_handshake(made);
    conn->tracks[slot] = made;
    return VEL_OK;
}

/* RECOMMENDED by 3.2.1: ids for every path that could be opened now. */
static vel_result add_spares(struct vel_conn *conn)
{
    for (unsigned i = 0; i < conn->multipath.slots; i++) {
        if (conn->tracks[i] == NULL &&
            vel_multipath_admits(&conn->multipath, conn->multipath.ids[i]))
            TRY(add_spare(conn, i));
    }
    return VEL_OK;
}

void vel_conn_supply_tracks(struct vel_conn *conn)
{
    if (conn->multipath.agreed && conn->opening == NULL && !vel_life_is_over(&conn->life) &&
        add_spares(conn) != VEL_OK)
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "out of memory");
}

uint64_t vel_conn_look_up_track(struct vel_conn *conn, uint64_t id, struct vel_track **track)
{
    *track = NULL;
    if (id > conn->multipath.highest)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    unsigned slot = vel_multipath_slot(&conn->multipath, id);
    if (slot == VEL_TRACKS_MAX)
        return VEL_WIRE_NO_ERROR;
    if (conn->tracks[slot] == NULL && add_spare(conn, slot) != VEL_OK)
        return VEL_WIRE_INTERNAL_ERROR;
    *track = conn->tracks[slot];
    return VEL_WIRE_NO_ERROR;
}

unsigned vel_conn_cids_wanted(const struct vel_track *track)
{
    if (track->id == 0)
        return track->state == VEL_TRACK_OPEN ? VEL_CIDS_LOCAL : 0;
    switch (track->state) {
    case VEL_TRACK_SPARE:
        return SPARE_IDS;
    case VEL_TRACK_OPEN:
        return OPEN_IDS;
    case VEL_TRACK_CLOSING:
        break;
    }
    return 0;
}

/* ---- opening ---- */

/* Somebody has proved to be there on another track. */
static bool is_known(const struct vel_conn *conn, const struct vel_addr *remote)
{
    VEL_TRACKS_EACH(track, conn)
    {
        const struct vel_path *path = track->paths.active;
        if (track->state == VEL_TRACK_OPEN && path->validated &&
            vel_addr_equal(&path->remote, remote))
            return true;
    }
    return false;
}

vel_result vel_conn_open_track(struct vel_track *track, const struct vel_addr *local,
                               const struct vel_addr *remote)
{
    struct vel_conn *conn = track->conn;
    uint64_t peer_cid;
    TRY(vel_cids_take(&track->cids, &peer_cid));
    uint64_t largest =
        VEL_MIN(conn->config->limits.max_datagram_payload, conn->peer_max_udp_payload);
    struct vel_path path;
    vel_path_init(&path, local, remote, conn->is_client || is_known(conn, remote), largest);
    path.proved = false;
    path.peer_cid = peer_cid;
    vel_track_open(track, &path, conn->config->limits.pacing, conn->now);
    VEL_TRACE(
        conn, VEL_TRACE_PATH,
        .path = {.event = VEL_TRACE_PATH_ADDED, .track = track->id, .path = track->paths.active});
    /* An application has no clock: time counts from the first challenge. */
    vel_validation_start(&track->paths.active->validation, vel_conn_pto(conn), VEL_NEVER);
    vel_conn_tell_reset_tokens(conn);
    return VEL_OK;
}

void vel_conn_follow_opening(struct vel_track *track, const struct vel_addr *local,
                             const struct vel_addr *remote, size_t size)
{
    struct vel_conn *conn = track->conn;
    if (conn->is_client || local == NULL)
        return;
    /* The ids to answer to may come in this packet, or be on their way on another path: the client asks
     * again, or gives up. */
    if (vel_conn_open_track(track, local, remote) == VEL_OK)
        vel_path_on_received(track->paths.active, size);
}

/* ---- ending ---- */

bool vel_conn_has_other_track(const struct vel_track *but, bool proved)
{
    VEL_TRACKS_OPEN(track, but->conn)
    {
        if (track != but && (!proved || vel_track_is_usable(track)))
            return true;
    }
    return false;
}

void vel_conn_abandon_track(struct vel_track *track, uint64_t code)
{
    if (track->state == VEL_TRACK_CLOSING)
        return;
    track->state = VEL_TRACK_CLOSING;
    track->abandon_due = true;
    track->abandon_code = code;
    track->pace_until = track->give_up_at = VEL_NEVER;
    for (int i = 0; i < VEL_SPACE_COUNT; i++)
        track->space[i].probes_due = 0;
    VEL_PATHS_EACH(path, &track->paths)
    {
        vel_validation_stop(&path->validation);
    }
    /* What is on its way may still be acknowledged; what a broken path holds goes another way. */
    if (code == VEL_WIRE_PATH_UNSTABLE_OR_POOR)
        vel_recovery_resend_all(&track->recovery, VEL_SPACE_APP);
    vel_conn_tell_reset_tokens(track->conn);
    vel_conn_notice(track->conn, VEL_EVENT_PATHS);
    vel_conn_wake(track->conn);
}

/* ---- silence (VEL-TR-58) ---- */

/* Who opened it gives it up; who followed waits as long again, for it may hear what we do not. */
static vel_time patience(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    vel_time idle = conn->life.idle_timeout > 0 ? conn->life.idle_timeout : SILENT_FOR;
    vel_time least = SILENT_PTO * vel_recovery_pto(&track->recovery);
    vel_time most = VEL_MAX(VEL_MIN(idle, SILENT_FOR), least);
    return conn->is_client ? most : 2 * most;
}

void vel_conn_note_silence(struct vel_track *track, vel_time now)
{
    if (track->give_up_at != VEL_NEVER)
        return;
    track->give_up_at = now + patience(track);
    vel_conn_notice(track->conn, VEL_EVENT_PATHS);
}

void vel_conn_end_silence(struct vel_track *track)
{
    if (track->give_up_at == VEL_NEVER)
        return;
    track->give_up_at = VEL_NEVER;
    vel_conn_notice(track->conn, VEL_EVENT_PATHS);
}

static bool another_answers(const struct vel_track *but)
{
    VEL_TRACKS_OPEN(track, but->conn)
    {
        if (track != but && vel_track_is_usable(track) && track->recovery.pto_backoff == 0)
            return true;
    }
    return false;
}

void vel_conn_expire_silence(struct vel_track *track, vel_time now)
{
    /* Nobody can tell which of them will be back. */
    if (!another_answers(track))
        track->give_up_at = now + patience(track);
    else
        vel_conn_abandon_track(track, VEL_WIRE_PATH_UNSTABLE_OR_POOR);
}

uint64_t vel_conn_on_path_abandon(struct vel_track *track, vel_time now)
{
    struct vel_conn *conn = track->conn;
    if (track->state == VEL_TRACK_OPEN && !vel_conn_has_other_track(track, false))
        return VEL_WIRE_NO_VIABLE_PATH;
    vel_conn_abandon_track(track, VEL_WIRE_NO_ERROR);
    if (track->close_at == VEL_NEVER)
        track->close_at = now + CLOSE_AFTER_PTO * vel_conn_pto(conn);
    return VEL_WIRE_NO_ERROR;
}

static void retire_ids(struct vel_track *track)
{
    struct vel_conn *conn = track->conn;
    for (size_t i = 0; i < VEL_CIDS_LOCAL; i++) {
        const struct vel_local_cid *id = &track->cids.local[i];
        if (id->in_use)
            conn->hooks.retire_cid(conn->hooks.self, conn, &id->cid);
    }
    vel_cids_init_empty(&track->cids);
}

/* Its counts go on in the connection's. */
static void release(struct vel_track *track)
{
    struct vel_conn *conn = track->conn;
    conn->stats.packets_lost += track->recovery.packets_lost;
    conn->stats.packets_spurious += track->recovery.packets_spurious;
    conn->stats.ecn_ce += track->recovery.ce_marks;
    vel_track_clear(track);
    if (track != &conn->first)
        vel_release(conn->env, track, sizeof *track);
}

vel_time vel_conn_closing_deadline(const struct vel_track *track)
{
    /* The peer has to hear of it first: while it has not, what tells it has a timer of its own. */
    return track->abandon_told ? track->close_at : VEL_NEVER;
}

void vel_conn_expire_closing(struct vel_track *track, vel_time now)
{
    struct vel_conn *conn = track->conn;
    if (vel_conn_closing_deadline(track) > now)
        return;
    unsigned slot = vel_multipath_slot(&conn->multipath, track->id);
    vel_recovery_resend_all(&track->recovery, VEL_SPACE_APP);
    retire_ids(track);
    conn->tracks[slot] = NULL;
    conn->pick = NULL;
    if (conn->choices != NULL)
        vel_choices_drop_slot(conn->choices, slot);
    release(track);
    vel_multipath_use_up(&conn->multipath, slot);
    vel_conn_supply_tracks(conn);
}

void vel_conn_free_tracks(struct vel_conn *conn)
{
    VEL_TRACKS_EACH(track, conn)
    {
        release(track);
    }
}
