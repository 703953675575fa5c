/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"
#include "transport/scheduler.h"

/*
 * Which track carries what is sent next (VEL-TR-53, VEL-TR-56). Those that were chosen by name come
 * first, then others that work, those that somebody wants as a backup when there are no others, and
 * those that are silent (VEL-TR-54) when nothing else is left. Among them a scheduler chooses.
 */

/* In a turn one unit of `turn` is a byte of a path with this weight. */
enum { TURN_WEIGHT = 1000 };

enum standing { NAMED, WORKING, BACKUP, SILENT, STANDINGS, UNUSABLE = STANDINGS };

static enum standing standing(const struct vel_track *track, bool named)
{
    if (!vel_track_is_usable(track))
        return UNUSABLE;
    if (track->recovery.pto_backoff > 0)
        return SILENT;
    if (track->peer_backup || (track->backup && !named))
        return BACKUP;
    return named ? NAMED : WORKING;
}

static unsigned slot_of(const struct vel_track *track)
{
    return vel_multipath_slot(&track->conn->multipath, track->id);
}

bool vel_conn_is_preferred(const struct vel_track *track, const struct vel_choice *choice)
{
    bool named = vel_choice_names(choice, slot_of(track));
    return standing(track, named) <= WORKING;
}

struct vel_choice vel_conn_choice(const struct vel_conn *conn, unsigned number)
{
    if (conn->choices == NULL)
        return (struct vel_choice){.scheduler = conn->config->scheduler};
    return conn->choices->rows[number];
}

/* ---- choosing ---- */

/* A choice, and whom it has chosen last. */
struct question {
    struct vel_conn *conn;
    struct vel_choice choice;
    unsigned number;
    const struct vel_track *last;
    vel_time now;
};

static unsigned collect(const struct question *q, enum standing wanted,
                        struct vel_track *tracks[VEL_TRACKS_MAX])
{
    unsigned count = 0;
    for (unsigned i = 0; i < VEL_TRACKS_MAX; i++) {
        struct vel_track *track = q->conn->tracks[i];
        if (track != NULL && track->state == VEL_TRACK_OPEN &&
            standing(track, vel_choice_names(&q->choice, i)) == wanted)
            tracks[count++] = track;
    }
    return count;
}

static uint64_t *turn_of(struct vel_track *track, unsigned number)
{
    return number == 0 ? &track->turn : &track->conn->choices->turn[number][slot_of(track)];
}

static struct vel_schedule_path view(const struct question *q, struct vel_track *track)
{
    const struct vel_recovery *recovery = &track->recovery;
    vel_time rtt = VEL_MAX(recovery->rtt.smoothed, (vel_time)1);
    uint64_t window = vel_cc_window(&recovery->cc);
    bool open = vel_conn_window_open(track, q->now);
    return (struct vel_schedule_path){
        .window = vel_recovery_room(recovery) >= track->paths.active->pmtud.mtu,
        .open = open,
        .current = q->last == track,
        .rtt = rtt,
        .room = vel_recovery_room(recovery),
        .rate = window * (uint64_t)SECOND / (uint64_t)rtt,
        .loss = vel_loss_share(&recovery->loss, q->now),
        .weight = track->weight,
        .turn = *turn_of(track, q->number),
    };
}

static struct vel_track *choose(const struct question *q, struct vel_track **tracks, unsigned count)
{
    struct vel_schedule_path paths[VEL_TRACKS_MAX];
    for (unsigned i = 0; i < count; i++)
        paths[i] = view(q, tracks[i]);
    int chosen = vel_scheduler_choose(q->choice.scheduler, paths, count,
                                      vel_streams_unsent(q->conn->streams, q->number));
    return chosen != VEL_SCHEDULE_NONE ? tracks[chosen] : NULL;
}

static struct vel_track *answer(const struct question *q)
{
    struct vel_track *tracks[VEL_TRACKS_MAX];
    struct vel_track *only = vel_conn_track(q->conn);
    if (!vel_conn_has_other_track(only, false))
        return only;
    for (enum standing s = NAMED; s < STANDINGS; s++) {
        unsigned count = collect(q, s, tracks);
        if (count > 0)
            return choose(q, tracks, count);
    }
    return only;
}

static bool has_data(const struct vel_conn *conn, unsigned number)
{
    return vel_streams_want_send(conn->streams, 1U << number) ||
           vel_datagrams_first(&conn->datagrams, 1U << number) != NULL;
}

/* What was chosen by the application: each for itself. */
static void schedule_choices(struct vel_conn *conn, vel_time now)
{
    struct vel_choices *choices = conn->choices;
    for (unsigned i = 1; i < choices->count; i++) {
        struct question q = {conn, choices->rows[i], i, choices->pick[i], now};
        struct vel_track *track = has_data(conn, i) ? answer(&q) : NULL;
        if (track == NULL)
            continue;
        choices->pick[i] = track;
        track->carries |= 1U << i;
    }
}

void vel_conn_schedule(struct vel_conn *conn, vel_time now)
{
    struct question q = {conn, vel_conn_choice(conn, 0), 0, conn->pick, now};
    VEL_TRACKS_OPEN(track, conn)
    {
        track->carries = 0;
    }
    conn->pick = answer(&q);
    if (conn->pick != NULL)
        conn->pick->carries = VEL_CHOICE_CONTROL | 1;
    if (conn->choices != NULL)
        schedule_choices(conn, now);
}

/* ---- what follows from it ---- */

struct vel_together vel_conn_together(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    struct vel_together together = {.choices = track->carries};
    if (conn->choices == NULL) {
        together.copies = vel_conn_copies_to(track, 0);
        return together;
    }
    unsigned copied = 0;
    for (unsigned i = 0; i < conn->choices->count; i++)
        if ((track->carries >> i & 1) != 0 && vel_conn_copies_to(track, i) != 0)
            copied |= 1U << i;
    unsigned first = vel_conn_first_choice(conn, track->carries);
    together.choices &= ~copied;
    if (first < VEL_CHOICES && (copied >> first & 1) != 0) {
        together.choices = 1U << first | (track->carries & VEL_CHOICE_CONTROL);
        together.copies = vel_conn_copies_to(track, first);
    }
    return together;
}

bool vel_conn_is_passed_over(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    unsigned count = conn->choices != NULL ? conn->choices->count : 1;
    if ((track->carries & VEL_CHOICE_CONTROL) == 0 && vel_conn_has_control(conn))
        return true;
    for (unsigned i = 0; i < count; i++) {
        struct vel_choice choice = vel_conn_choice(conn, i);
        bool may = choice.slots == 0 || vel_choice_names(&choice, slot_of(track));
        if (may && (track->carries >> i & 1) == 0 && has_data(conn, i))
            return true;
    }
    return false;
}

/* Bytes of one choice left on a track. */
static void take_turn(struct vel_track *track, unsigned number, uint64_t size)
{
    bool weighted =
        vel_conn_choice(track->conn, number).scheduler == VEL_SCHEDULE_WEIGHTED_ROUND_ROBIN;
    uint64_t before = *turn_of(track, number);
    *turn_of(track, number) += size * TURN_WEIGHT / (weighted ? track->weight : 1);
    /* Who could not take its turn has missed it. */
    VEL_TRACKS_OPEN(other, track->conn)
    {
        uint64_t *turn = turn_of(other, number);
        *turn = VEL_MAX(*turn, before);
    }
}

void vel_conn_scheduled(struct vel_track *track, size_t size)
{
    struct vel_choices *choices = track->conn->choices;
    if (choices == NULL) {
        take_turn(track, 0, size);
        return;
    }
    for (unsigned i = 0; i < choices->count; i++) {
        uint64_t sent = vel_streams_sent(track->conn->streams, i) + choices->datagrams[i];
        if (sent > choices->counted[i])
            take_turn(track, i, sent - choices->counted[i]);
        choices->counted[i] = sent;
    }
}
