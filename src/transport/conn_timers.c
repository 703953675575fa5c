/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

vel_time vel_conn_deadline(const struct vel_conn *conn)
{
    vel_time deadline = vel_life_deadline(&conn->life);
    if (vel_life_is_over(&conn->life))
        return deadline;
    deadline = VEL_MIN(deadline, vel_recovery_deadline(&conn->recovery));
    deadline = VEL_MIN(deadline, conn->trim_at);
    /* Without credit nothing can leave before something arrives: no use in waking up for it. */
    if (vel_path_credit(&conn->path) < VEL_INITIAL_DATAGRAM_MIN)
        return deadline;
    for (size_t i = 0; i < VEL_SPACE_COUNT; i++)
        if (!conn->space[i].discarded)
            deadline = VEL_MIN(deadline, vel_acks_deadline(&conn->space[i].acks));
    return VEL_MIN(deadline, conn->pace_until);
}

static void on_recovery_timeout(struct vel_conn *conn, vel_time now)
{
    struct vel_recovery_timeout due = vel_recovery_on_timeout(&conn->recovery, now);
    if (due.action != VEL_RECOVERY_PROBE)
        return;
    conn->stats.pto_count++;
    conn->handshake_probes += conn->stats.handshake_time == 0;
    if (conn->recovery.pto_backoff >= VEL_PATH_BLACK_HOLE && vel_path_doubt_mtu(&conn->path))
        vel_conn_mtu_changed(conn);
    for (unsigned i = 0; i < VEL_SPACE_COUNT; i++) {
        struct vel_conn_space *space = &conn->space[i];
        if (space->discarded)
            continue;
        /* What was lost may wait for a window that is full of packets the peer cannot read without
         * it: a lost ServerHello stands in the way of everything that followed it. */
        bool stuck = conn->opening != NULL && vel_keys_ready(&space->write) &&
                     vel_crypto_stream_want_send(&space->crypto);
        space->probes_due = VEL_MAX(due.probes[i], (unsigned)stuck);
    }
}

static void trim(struct vel_conn *conn)
{
    conn->trim_at = VEL_NEVER;
    vel_recovery_trim(&conn->recovery);
    vel_streams_trim(conn->streams);
    vel_pool_trim(&conn->pool);
}

void vel_conn_expire(struct vel_conn *conn, vel_time now)
{
    conn->now = now;
    if (vel_life_deadline(&conn->life) <= now) {
        vel_life_expire(&conn->life, now);
        vel_conn_ended(conn);
    }
    if (!vel_life_is_over(&conn->life)) {
        if (vel_recovery_deadline(&conn->recovery) <= now)
            on_recovery_timeout(conn, now);
        if (conn->pace_until <= now)
            conn->pace_until = VEL_NEVER;
        if (conn->trim_at <= now)
            trim(conn);
    }
    vel_conn_wake(conn);
}
