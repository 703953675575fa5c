/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

/*
 * Redundant scheduling (VEL-TR-53): what one track has just sent leaves on all others, too, as far as
 * their windows admit. The streams and datagrams of one packet are kept until then, with their records,
 * so that each copy is acknowledged or lost by itself: what arrived by either path has arrived. A copy
 * waits for a window that is full until the next one is made.
 */

/* A packet of more frames than that is sent once. */
enum { COPY_RECORDS = 64 };

struct vel_copy {
    unsigned left; /* slots of tracks that it waits for: set of 1 << slot */
    unsigned count;
    size_t capacity, len;
    struct vel_record records[COPY_RECORDS];
    uint8_t bytes[];
};

void vel_conn_free_copy(struct vel_conn *conn)
{
    if (conn->copy != NULL)
        vel_release(conn->env, conn->copy, sizeof *conn->copy + conn->copy->capacity);
    conn->copy = NULL;
}

static bool takes_copies(const struct vel_track *track)
{
    return vel_track_is_usable(track) && track->recovery.pto_backoff == 0;
}

unsigned vel_conn_copies_to(const struct vel_track *but, unsigned choice)
{
    unsigned set = 0;
    struct vel_choice chosen = vel_conn_choice(but->conn, choice);
    for (unsigned i = 0; chosen.scheduler == VEL_SCHEDULE_REDUNDANT && i < VEL_TRACKS_MAX; i++) {
        const struct vel_track *track = but->conn->tracks[i];
        if (track != NULL && track != but && vel_conn_is_preferred(track, &chosen) &&
            (chosen.slots == 0 || vel_choice_names(&chosen, i)))
            set |= 1U << i;
    }
    return set;
}

bool vel_conn_sends_copies(const struct vel_track *track)
{
    if (track->conn->choices == NULL)
        return track->carries != 0 && vel_conn_copies_to(track, 0) != 0;
    for (unsigned i = 0; i < VEL_CHOICES; i++)
        if ((track->carries >> i & 1) != 0 && vel_conn_copies_to(track, i) != 0)
            return true;
    return false;
}

size_t vel_conn_copy_room(const struct vel_conn *conn)
{
    size_t room = SIZE_MAX;
    VEL_TRACKS_OPEN(track, conn)
    {
        if (takes_copies(track))
            room = VEL_MIN(room, (size_t)track->paths.active->pmtud.mtu);
    }
    return room;
}

static bool has_room(struct vel_conn *conn, size_t len)
{
    size_t capacity = conn->config->limits.max_datagram_payload;
    if (conn->copy == NULL) {
        conn->copy = vel_alloc(conn->env, sizeof *conn->copy + capacity);
        if (conn->copy != NULL)
            conn->copy->capacity = capacity;
    }
    return conn->copy != NULL && len <= conn->copy->capacity;
}

void vel_conn_keep_copy(struct vel_packet_build *p, unsigned slots, size_t from,
                        unsigned first_record)
{
    struct vel_conn *conn = p->track->conn;
    const struct vel_sent *sent = &p->track->recovery.space[p->space].sent;
    size_t len = vel_written(&p->w) - from;
    unsigned count = sent->open_records - first_record;
    /* Without memory there is one copy less. */
    if (len == 0 || count > COPY_RECORDS || !has_room(conn, len))
        return;
    vel_packet_bring_body(p);
    struct vel_copy *copy = conn->copy;
    copy->left = slots;
    copy->len = len;
    copy->count = count;
    memcpy(copy->bytes, p->w.start + from, len);
    for (unsigned i = 0; i < count; i++)
        copy->records[i] = *vel_sent_open_record(sent, first_record + i);
}

static bool put_records(struct vel_sent *sent, const struct vel_copy *copy)
{
    for (unsigned i = 0; i < copy->count; i++)
        if (vel_sent_add(sent, copy->records[i]) != VEL_OK)
            return false;
    return true;
}

/* Returns its size; 0: it does not fit, or may not leave. */
static size_t build(struct vel_track *track, uint8_t *bytes, size_t room, uint8_t ecn, vel_time now)
{
    struct vel_copy *copy = track->conn->copy;
    struct vel_packet_build p;
    if (!takes_copies(track) ||
        !vel_packet_begin(track, track->paths.active, &p, VEL_SPACE_APP, bytes,
                          VEL_MIN(room, (size_t)track->paths.active->pmtud.mtu)))
        return 0;
    if (vel_room(&p.w) < copy->len ||
        !put_records(&track->recovery.space[VEL_SPACE_APP].sent, copy)) {
        vel_packet_abandon(&p);
        return 0;
    }
    vel_write_bytes(&p.w, vel_slice(copy->bytes, copy->len));
    p.eliciting = true;
    vel_packet_end_frames(&p);
    size_t size = vel_packet_size(&p);
    return vel_packet_finish(track->conn, &p, 0, ecn, now) ? size : 0;
}

bool vel_conn_owes_copy(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    unsigned slot = vel_multipath_slot(&conn->multipath, track->id);
    return conn->copy != NULL && (conn->copy->left >> slot & 1) != 0 && takes_copies(track);
}

bool vel_conn_send_copy(struct vel_conn *conn, struct vel_train *train, vel_time now)
{
    for (unsigned i = 0; conn->copy != NULL && i < VEL_TRACKS_MAX; i++) {
        struct vel_track *track = conn->tracks[i];
        bool waits = (conn->copy->left >> i & 1) != 0;
        if (!waits || (track != NULL && takes_copies(track) && !vel_conn_window_open(track, now)))
            continue; /* it leaves ahead of others when the window opens, unless a newer one comes */
        conn->copy->left &= ~(1U << i);
        if (track == NULL)
            continue;
        train->ecn = vel_ecn_mark(&track->recovery.ecn);
        size_t size = build(track, train->bytes, train->capacity, train->ecn, now);
        if (size == 0)
            continue;
        train->local = track->paths.active->local;
        train->remote = track->paths.active->remote;
        train->len = train->segment = size;
        vel_conn_count_sent(conn, track->paths.active, 1, size);
        vel_pacer_sent(&track->pacer, size, now);
        track->bytes_sent += size;
        return true;
    }
    return false;
}
