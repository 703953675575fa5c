/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

/*
 * Redundant scheduling (VEL-TR-53): what one track has just sent leaves on all others, too, as far as
 * their windows admit. The streams and datagrams of one packet are kept until then, with their records,
 * so that each copy is acknowledged or lost by itself: what arrived by either path has arrived.
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

static unsigned others(const struct vel_track *but)
{
    unsigned set = 0;
    for (unsigned i = 0; i < VEL_TRACKS_MAX; i++) {
        const struct vel_track *track = but->conn->tracks[i];
        if (track != NULL && track != but && takes_copies(track))
            set |= 1U << i;
    }
    return set;
}

bool vel_conn_sends_copies(const struct vel_conn *conn)
{
    return conn->config->scheduler == VEL_SCHEDULE_REDUNDANT && conn->pick != NULL &&
           others(conn->pick) != 0;
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

void vel_conn_keep_copy(struct vel_packet_build *p, size_t from, unsigned first_record)
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
    copy->left = others(p->track);
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
    if (!takes_copies(track) || !vel_conn_window_open(track, now) ||
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

bool vel_conn_send_copy(struct vel_conn *conn, struct vel_train *train, vel_time now)
{
    for (unsigned i = 0; conn->copy != NULL && i < VEL_TRACKS_MAX; i++) {
        struct vel_track *track = conn->tracks[i];
        bool waits = (conn->copy->left >> i & 1) != 0;
        conn->copy->left &= ~(1U << i);
        if (!waits || track == NULL)
            continue;
        train->ecn = vel_ecn_mark(&track->recovery.ecn);
        size_t size = build(track, train->bytes, train->capacity, train->ecn, now);
        if (size == 0)
            continue;
        train->local = track->paths.active->local;
        train->remote = track->paths.active->remote;
        train->len = train->segment = size;
        vel_conn_count_sent(conn, track->paths.active, size);
        vel_pacer_sent(&track->pacer, size, now);
        track->bytes_sent += size;
        return true;
    }
    return false;
}
