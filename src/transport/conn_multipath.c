/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"

/* What the application asks of paths, by their number (velocity/conn.h). */

enum { WEIGHT_MAX = 1000 };

bool vel_conn_is_multipath(const struct vel_conn *conn)
{
    return conn->multipath.agreed;
}

static struct vel_track *find_open(const struct vel_conn *conn, uint32_t path)
{
    struct vel_track *track = vel_conn_find_track(conn, path);
    return track != NULL && track->state == VEL_TRACK_OPEN ? track : NULL;
}

/* The spare one with the lowest number: the peer expects them in order (3.2.1). */
static struct vel_track *find_spare(const struct vel_conn *conn)
{
    struct vel_track *lowest = NULL;
    VEL_TRACKS_EACH(track, conn)
    {
        bool spare = track->state == VEL_TRACK_SPARE;
        bool admitted = vel_multipath_admits(&conn->multipath, track->id);
        if (spare && admitted && (lowest == NULL || track->id < lowest->id))
            lowest = track;
    }
    return lowest;
}

vel_result vel_conn_open_path(struct vel_conn *conn, const struct vel_addr *local, uint32_t *path)
{
    const struct vel_path *first = vel_conn_track(conn)->paths.active;
    REQUIRE(conn->is_client && (!conn->peer_stays || conn->at_preferred), VEL_ERR_UNSUPPORTED);
    REQUIRE(conn->life.state == VEL_LIFE_OPEN && conn->opening == NULL, VEL_ERR_UNEXPECTED);
    REQUIRE(conn->multipath.agreed, VEL_ERR_UNSUPPORTED);
    struct vel_track *track = find_spare(conn);
    if (track == NULL) {
        conn->multipath.blocked_due = conn->multipath.peer_limit < conn->multipath.highest;
        vel_conn_wake(conn);
        return VEL_ERR_LIMIT;
    }
    TRY(vel_conn_open_track(track, local, &first->remote));
    *path = track->id;
    vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_conn_abandon_path(struct vel_conn *conn, uint32_t path)
{
    struct vel_track *track = find_open(conn, path);
    REQUIRE(track != NULL, VEL_ERR_NOT_FOUND);
    REQUIRE(vel_conn_has_other_track(track, true), VEL_ERR_UNEXPECTED);
    vel_conn_abandon_track(track, VEL_WIRE_APPLICATION_ABANDON_PATH);
    return VEL_OK;
}

vel_result vel_conn_set_path_backup(struct vel_conn *conn, uint32_t path, bool backup)
{
    struct vel_track *track = find_open(conn, path);
    REQUIRE(track != NULL && conn->multipath.agreed, VEL_ERR_NOT_FOUND);
    track->backup = backup;
    track->status_sequence++;
    track->status_due = true;
    vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_conn_set_path_weight(struct vel_conn *conn, uint32_t path, unsigned weight)
{
    struct vel_track *track = find_open(conn, path);
    REQUIRE(track != NULL, VEL_ERR_NOT_FOUND);
    REQUIRE(weight >= 1 && weight <= WEIGHT_MAX, VEL_ERR_ARGUMENT);
    track->weight = weight;
    return VEL_OK;
}

const char *vel_path_state_name(enum vel_path_state state)
{
    static const char *const names[] = {[VEL_PATH_TESTING] = "testing",
                                        [VEL_PATH_WORKING] = "working",
                                        [VEL_PATH_SILENT] = "silent",
                                        [VEL_PATH_ABANDONED] = "abandoned"};
    return names[state];
}

static enum vel_path_state state_of(const struct vel_track *track)
{
    if (track->state == VEL_TRACK_CLOSING)
        return VEL_PATH_ABANDONED;
    if (!vel_track_is_usable(track))
        return VEL_PATH_TESTING;
    return track->recovery.pto_backoff > 0 ? VEL_PATH_SILENT : VEL_PATH_WORKING;
}

static struct vel_path_stats describe(const struct vel_track *track)
{
    const struct vel_recovery *recovery = &track->recovery;
    bool sampled = vel_rtt_has_sample(&recovery->rtt);
    return (struct vel_path_stats){
        .path = track->id,
        .state = state_of(track),
        .backup = track->backup,
        .peer_backup = track->peer_backup,
        .local = track->paths.active->local,
        .remote = track->paths.active->remote,
        .bytes_sent = track->bytes_sent,
        .bytes_received = track->bytes_received,
        .packets_sent = recovery->space[VEL_SPACE_APP].sent.next,
        .packets_lost = recovery->packets_lost,
        .congestion_window = vel_cc_window(&recovery->cc),
        .bytes_in_flight = recovery->in_flight,
        .smoothed_rtt = sampled ? recovery->rtt.smoothed : 0,
        .min_rtt = sampled ? recovery->rtt.min : 0,
    };
}

size_t vel_conn_paths(const struct vel_conn *conn, struct vel_path_stats *out, size_t room)
{
    size_t count = 0;
    VEL_TRACKS_EACH(track, conn)
    {
        if (track->paths.active == NULL) /* never was on any */
            continue;
        if (count < room)
            out[count] = describe(track);
        count++;
    }
    return count;
}
