/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"
#include "transport/scheduler.h"

/*
 * Which track carries what is sent next (VEL-TR-53). Those that work come first, those that somebody
 * wants as a backup when there are no others, and those that are silent (VEL-TR-54) when nothing else
 * is left. Among them the config's scheduler chooses.
 */

/* In a turn one unit of `turn` is a byte of a path with this weight. */
enum { TURN_WEIGHT = 1000 };

enum standing { WORKING, BACKUP, SILENT, STANDINGS, UNUSABLE = STANDINGS };

static enum standing standing(const struct vel_track *track)
{
    if (!vel_track_is_usable(track))
        return UNUSABLE;
    if (track->recovery.pto_backoff > 0)
        return SILENT;
    return track->backup || track->peer_backup ? BACKUP : WORKING;
}

static unsigned collect(struct vel_conn *conn, enum standing wanted,
                        struct vel_track *tracks[VEL_TRACKS_MAX])
{
    unsigned count = 0;
    VEL_TRACKS_OPEN(track, conn)
    {
        if (standing(track) == wanted)
            tracks[count++] = track;
    }
    return count;
}

static struct vel_schedule_path view(struct vel_track *track, vel_time now)
{
    const struct vel_recovery *recovery = &track->recovery;
    vel_time rtt = VEL_MAX(recovery->rtt.smoothed, (vel_time)1);
    uint64_t window = vel_cc_window(&recovery->cc);
    uint64_t packets = recovery->space[VEL_SPACE_APP].sent.next + 1;
    bool open = vel_conn_window_open(track, now);
    return (struct vel_schedule_path){
        .window = vel_recovery_room(recovery) >= track->paths.active->pmtud.mtu,
        .open = open,
        .current = track->conn->pick == track,
        .rtt = rtt,
        .room = vel_recovery_room(recovery),
        .rate = window * (uint64_t)SECOND / (uint64_t)rtt,
        .loss = (unsigned)(recovery->packets_lost * 1000000 / packets),
        .weight = track->weight,
        .turn = track->turn,
    };
}

static struct vel_track *choose(struct vel_conn *conn, struct vel_track **tracks, unsigned count,
                                vel_time now)
{
    struct vel_schedule_path paths[VEL_TRACKS_MAX];
    for (unsigned i = 0; i < count; i++)
        paths[i] = view(tracks[i], now);
    int chosen = vel_scheduler_choose(conn->config->scheduler, paths, count,
                                      vel_streams_unsent(conn->streams));
    return chosen != VEL_SCHEDULE_NONE ? tracks[chosen] : NULL;
}

struct vel_track *vel_conn_schedule(struct vel_conn *conn, vel_time now)
{
    struct vel_track *tracks[VEL_TRACKS_MAX];
    struct vel_track *only = vel_conn_track(conn);
    if (!vel_conn_has_other_track(only, false))
        return only;
    for (enum standing s = WORKING; s < STANDINGS; s++) {
        unsigned count = collect(conn, s, tracks);
        if (count > 0)
            return choose(conn, tracks, count, now);
    }
    return only;
}

void vel_conn_scheduled(struct vel_track *track, size_t size)
{
    struct vel_conn *conn = track->conn;
    bool weighted = conn->config->scheduler == VEL_SCHEDULE_WEIGHTED_ROUND_ROBIN;
    uint64_t before = track->turn;
    track->turn += (uint64_t)size * TURN_WEIGHT / (weighted ? track->weight : 1);
    /* Who could not take its turn has missed it. */
    VEL_TRACKS_OPEN(other, conn)
    {
        other->turn = VEL_MAX(other->turn, before);
    }
}
