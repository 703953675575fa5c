/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

void vel_conn_restart_keep_alive(struct vel_conn *conn, vel_time now)
{
    vel_time after = conn->config->limits.keep_alive;
    if (conn->life.idle_timeout > 0)
        after = VEL_MIN(after, conn->life.idle_timeout / 2);
    conn->ping_at = after > 0 && conn->life.state == VEL_LIFE_OPEN ? now + after : VEL_NEVER;
}

static bool is_in_flight(const struct vel_conn *conn)
{
    VEL_TRACKS_EACH(track, conn)
    {
        if (track->recovery.in_flight > 0)
            return true;
    }
    return false;
}

/* RFC 9000 10.1.2. What is in flight asks for a sign of life already, so a peer that is gone is
 * asked once, and the idle time-out ends the connection. */
static vel_time keep_alive_deadline(const struct vel_conn *conn)
{
    return is_in_flight(conn) ? VEL_NEVER : conn->ping_at;
}

static void on_keep_alive(struct vel_conn *conn)
{
    struct vel_track_space *app = &vel_conn_track(conn)->space[VEL_SPACE_APP];
    conn->ping_at = VEL_NEVER;
    app->probes_due = VEL_MAX(app->probes_due, 1U);
}

/* While what the peer said waits to be worked on, nobody is asked for it. */
static vel_time recovery_deadline(const struct vel_track *track)
{
    return vel_conn_wants_work(track->conn) ? VEL_NEVER : vel_recovery_deadline(&track->recovery);
}

/* What it received is acknowledged on another track. */
static vel_time closing_deadline(const struct vel_track *track)
{
    vel_time deadline =
        VEL_MIN(vel_recovery_deadline(&track->recovery), vel_conn_closing_deadline(track));
    const struct vel_track *other = vel_conn_track(track->conn);
    if (vel_path_credit(other->paths.active) < VEL_INITIAL_DATAGRAM_MIN)
        return deadline;
    return VEL_MIN(deadline, vel_acks_deadline(&track->space[VEL_SPACE_APP].acks));
}

static vel_time track_deadline(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    if (track->state == VEL_TRACK_SPARE)
        return VEL_NEVER;
    if (track->state == VEL_TRACK_CLOSING)
        return closing_deadline(track);
    vel_time deadline = VEL_MIN(recovery_deadline(track), vel_paths_deadline(&track->paths));
    /* Without credit nothing can leave before something arrives: no use in waking up for it. */
    if (vel_path_credit(track->paths.active) < VEL_INITIAL_DATAGRAM_MIN)
        return VEL_MIN(deadline, track->give_up_at);
    for (size_t i = 0; i < VEL_SPACE_COUNT; i++)
        if (!conn->space[i].discarded)
            deadline = VEL_MIN(deadline, vel_acks_deadline(&track->space[i].acks));
    return VEL_MIN(VEL_MIN(deadline, track->pace_until), track->give_up_at);
}

vel_time vel_conn_deadline(const struct vel_conn *conn)
{
    vel_time deadline = vel_life_deadline(&conn->life);
    if (vel_life_is_over(&conn->life))
        return deadline;
    deadline = VEL_MIN(deadline, keep_alive_deadline(conn));
    deadline = VEL_MIN(deadline, vel_key_update_deadline(&conn->key_update));
    deadline = VEL_MIN(deadline, conn->trim_at);
    VEL_TRACKS_EACH(track, conn)
    {
        deadline = VEL_MIN(deadline, track_deadline(track));
    }
    return deadline;
}

static void on_recovery_timeout(struct vel_track *track, vel_time now)
{
    struct vel_conn *conn = track->conn;
    struct vel_recovery_timeout due = vel_recovery_on_timeout(&track->recovery, now);
    if (track->state == VEL_TRACK_CLOSING) {
        if (due.action == VEL_RECOVERY_PROBE) /* none can leave on it */
            vel_recovery_resend_all(&track->recovery, VEL_SPACE_APP);
        return;
    }
    vel_conn_leave_black_hole(track);
    if (due.action != VEL_RECOVERY_NOTHING)
        VEL_TRACE(conn, VEL_TRACE_TIMEOUT,
                  .timeout = {.track = track->id,
                              .space = due.space,
                              .probe = due.action == VEL_RECOVERY_PROBE});
    if (conn->trace != NULL)
        vel_conn_trace_recovery(track);
    if (due.action != VEL_RECOVERY_PROBE)
        return;
    conn->stats.pto_count++;
    conn->handshake_probes += conn->stats.handshake_time == 0;
    /* VEL-TR-54: a path that is silent for a probe time-out may be dead: what it holds goes another way. */
    if (vel_conn_has_other_track(track, true)) {
        vel_recovery_hand_on(&track->recovery, VEL_SPACE_APP);
        vel_conn_note_silence(track, now);
    }
    if (track->recovery.pto_backoff >= VEL_PATH_BLACK_HOLE &&
        vel_pmtud_restart(&track->paths.active->pmtud))
        vel_conn_mtu_changed(track);
    for (unsigned i = 0; i < VEL_SPACE_COUNT; i++) {
        const struct vel_conn_space *space = &conn->space[i];
        if (space->discarded)
            continue;
        /* What was lost may wait for a window that is full of packets the peer cannot read without
         * it: a lost ServerHello stands in the way of everything that followed it. */
        bool stuck = conn->opening != NULL && vel_keys_ready(&space->write) &&
                     vel_crypto_stream_want_send(&space->crypto);
        track->space[i].probes_due = VEL_MAX(due.probes[i], (unsigned)stuck);
    }
}

static void trim(struct vel_conn *conn)
{
    conn->trim_at = VEL_NEVER;
    VEL_TRACKS_EACH(track, conn)
    {
        vel_recovery_trim(&track->recovery);
    }
    vel_streams_trim(conn->streams);
    vel_pool_trim(&conn->pool);
    vel_key_update_rest(&conn->key_update);
}

static void expire_track(struct vel_track *track, vel_time now, vel_time heard)
{
    if (track->state == VEL_TRACK_SPARE)
        return;
    if (recovery_deadline(track) <= now && !vel_recovery_put_off(&track->recovery, now, heard))
        on_recovery_timeout(track, now);
    if (track->pace_until <= now)
        track->pace_until = VEL_NEVER;
    if (track->state == VEL_TRACK_CLOSING)
        vel_conn_expire_closing(track, now);
    else if (track->give_up_at <= now)
        vel_conn_expire_silence(track, now);
    else if (vel_paths_deadline(&track->paths) <= now)
        vel_conn_expire_paths(track, now);
}

void vel_conn_expire_unread(struct vel_conn *conn, vel_time now, vel_time heard)
{
    conn->now = now;
    if (vel_life_deadline(&conn->life) <= now) {
        vel_life_expire(&conn->life, now);
        vel_conn_ended(conn);
    }
    if (!vel_life_is_over(&conn->life)) {
        VEL_TRACKS_EACH(track, conn)
        {
            expire_track(track, now, heard);
        }
        vel_key_update_expire(&conn->key_update, now);
        if (keep_alive_deadline(conn) <= now)
            on_keep_alive(conn);
        if (conn->trim_at <= now)
            trim(conn);
    }
    vel_conn_wake(conn);
}
