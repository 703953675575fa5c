/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"
#include "transport/stream.h"

/* Datagrams more urgent than this go ahead of streams, the others take the room they leave. */
enum { STREAMS_URGENCY = VEL_URGENCY_DEFAULT };

/* Bytes of the type; what the longer one of DATAGRAM_COPY adds, which has a number as well. */
enum { TYPE_SIZE = 1, COPY_EXTRA = 1 };

/* In a packet of one track. */
static size_t max_datagram_on(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    const struct vel_cid *peer = vel_cids_peer(&track->cids, track->paths.active->peer_cid);
    size_t id = peer != NULL ? peer->len : (size_t)VEL_CID_MAX;
    size_t overhead = 1u + id + VEL_PACKET_NUMBER_MAX + VEL_AEAD_TAG;
    uint64_t frame = VEL_MIN(conn->datagrams.peer_max, track->paths.active->pmtud.mtu - overhead);
    size_t header = TYPE_SIZE + vel_varint_size(frame);
    if (conn->datagrams.peer_takes_copies)
        header += COPY_EXTRA + VEL_VARINT_MAX;
    return frame > header ? (size_t)frame - header : 0;
}

size_t vel_conn_max_datagram(const struct vel_conn *conn)
{
    size_t most = max_datagram_on(vel_conn_track(conn));
    VEL_TRACKS_OPEN(track, conn)
    {
        if (vel_track_is_usable(track))
            most = VEL_MIN(most, max_datagram_on(track));
    }
    return most;
}

vel_result vel_conn_send_datagram(struct vel_conn *conn, struct vel_slice bytes, uint8_t urgency,
                                  vel_time expires, uint64_t *id)
{
    return vel_conn_send_datagram_by(conn, bytes, urgency, expires, NULL, id);
}

vel_result vel_conn_send_datagram_by(struct vel_conn *conn, struct vel_slice bytes, uint8_t urgency,
                                     vel_time expires, const struct vel_path_choice *choice,
                                     uint64_t *id)
{
    struct vel_datagram_order order = {.bytes = bytes, .expires = expires, .urgency = urgency};
    REQUIRE(!vel_life_is_over(&conn->life), VEL_ERR_CLOSED);
    REQUIRE(urgency <= VEL_URGENCY_LAST, VEL_ERR_ARGUMENT);
    REQUIRE(conn->peer_params_known, VEL_ERR_AGAIN);
    REQUIRE(conn->datagrams.peer_max > 0, VEL_ERR_UNSUPPORTED);
    REQUIRE(bytes.len <= vel_conn_max_datagram(conn), VEL_ERR_LIMIT);
    TRY(vel_conn_number_choice(conn, choice, &order.choice));
    TRY(vel_datagrams_push(&conn->datagrams, &order, conn->now, id));
    vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_conn_receive_datagram(struct vel_conn *conn, struct vel_slice *bytes)
{
    return vel_datagrams_take(&conn->datagrams, bytes) ? VEL_OK : VEL_ERR_AGAIN;
}

unsigned vel_conn_first_choice(const struct vel_conn *conn, unsigned choices)
{
    const struct vel_datagram *d = vel_datagrams_first(&conn->datagrams, choices);
    if (d != NULL && d->urgency < STREAMS_URGENCY)
        return d->choice;
    unsigned first = vel_streams_first_choice(conn->streams, choices);
    return first == VEL_CHOICES && d != NULL ? d->choice : first;
}

static struct vel_frame frame_of(const struct vel_datagram *d, bool copied)
{
    struct vel_slice bytes = vel_slice(d->bytes, d->len);
    if (copied)
        return (struct vel_frame){.type = VEL_FRAME_DATAGRAM_COPY,
                                  .copy = {.number = d->id, .bytes = bytes}};
    return (struct vel_frame){.type = VEL_FRAME_DATAGRAM, .datagram = bytes};
}

void vel_conn_fill_datagrams(struct vel_conn *conn, struct vel_packet_build *p,
                             struct vel_datagram_fill fill, vel_time now)
{
    struct vel_sent *sent = &p->track->recovery.space[VEL_SPACE_APP].sent;
    const struct vel_datagram *d;
    if (conn->datagrams.out.first == NULL)
        return;
    size_t most = vel_conn_max_datagram(conn);
    while ((d = vel_datagrams_next(&conn->datagrams, fill.choices, most, now)) != NULL) {
        size_t size = TYPE_SIZE + vel_varint_size(d->len) + d->len;
        if (fill.copied)
            size += COPY_EXTRA + vel_varint_size(d->id);
        struct vel_record record = {.kind = VEL_RECORD_DATAGRAM, .id = d->id};
        if ((fill.ahead && d->urgency >= STREAMS_URGENCY) || size > vel_room(&p->w) ||
            vel_sent_add(sent, record) != VEL_OK)
            return;
        struct vel_frame frame = frame_of(d, fill.copied);
        vel_frame_write(&p->w, &frame);
        p->eliciting = true;
        if (conn->choices != NULL)
            conn->choices->datagrams[d->choice] += d->len;
        vel_datagrams_sent(&conn->datagrams, d);
    }
}

uint64_t vel_conn_on_datagram(struct vel_conn *conn, struct vel_slice bytes)
{
    /* RFC 9221 3: none were announced, or shorter ones. */
    if (TYPE_SIZE + bytes.len > conn->config->limits.max_datagram_frame_size)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    vel_datagrams_received(&conn->datagrams, bytes);
    return VEL_WIRE_NO_ERROR;
}

uint64_t vel_conn_on_datagram_copy(struct vel_conn *conn, uint64_t number, struct vel_slice bytes)
{
    if (conn->config->limits.max_datagram_frame_size == 0)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    return vel_datagrams_is_new(&conn->datagrams, number) ? vel_conn_on_datagram(conn, bytes)
                                                          : VEL_WIRE_NO_ERROR;
}
