/* SPDX-License-Identifier: MIT */
#include "base/reader.h"
#include "base/units.h"
#include "transport/conn_arrival.h"
#include "transport/conn_internal.h"

/* Packets with short headers: where the number starts, and where the sample of the mask (RFC 9001 5.4.2). */
enum { NUMBER_AT = 1 + VEL_CID_OURS, SAMPLE_AT = NUMBER_AT + VEL_PACKET_NUMBER_MAX };

/* ---- header masks ---- */

/* Those of 1-RTT packets that follow each other in a train are made in one call: where their samples are is
 * known before anything is opened, and the key of the mask never changes. */
struct masks {
    size_t first, count; /* of the train's datagrams, counted from 0 */
    uint8_t bytes[VEL_TRAIN_SEGMENTS * VEL_HP_SAMPLE];
};

static void make_masks(struct masks *masks, const struct vel_conn *conn,
                       const struct vel_train *train, size_t from)
{
    masks->first = from;
    masks->count = 0;
    for (size_t pos = from * train->segment; pos < train->len && masks->count < VEL_TRAIN_SEGMENTS;
         pos += train->segment) {
        const uint8_t *packet = train->bytes + pos;
        size_t size = VEL_MIN(train->segment, train->len - pos);
        if ((packet[0] & VEL_BIT_LONG) != 0 || size < SAMPLE_AT + VEL_HP_SAMPLE)
            break;
        memcpy(masks->bytes + masks->count++ * VEL_HP_SAMPLE, packet + SAMPLE_AT, VEL_HP_SAMPLE);
    }
    if (masks->count > 0 && vel_header_masks(conn->space[VEL_SPACE_APP].read.mask, masks->bytes,
                                             masks->count, masks->bytes) != VEL_OK)
        masks->count = 0;
}

/* Of a train's datagram. NULL: it has none, or opening it shall find out why. */
static const uint8_t *mask_of(struct masks *masks, const struct vel_conn *conn,
                              const struct vel_train *train, size_t index)
{
    if (index - masks->first >= masks->count && vel_keys_ready(&conn->space[VEL_SPACE_APP].read))
        make_masks(masks, conn, train, index);
    size_t at = index - masks->first;
    return at < masks->count ? masks->bytes + at * VEL_HP_SAMPLE : NULL;
}

/* ---- datagrams ---- */

/* Of any kind: one packet after the other. */
static void receive_packets(struct vel_conn *conn, uint8_t *bytes, size_t size,
                            struct vel_arrival *arrival, vel_time now)
{
    size_t pos = 0;
    while (pos < size && !vel_life_is_over(&conn->life)) {
        struct vel_packet_header header;
        if (vel_packet_parse(vel_slice(bytes + pos, size - pos), &header) != VEL_OK ||
            header.dcid.len > VEL_CID_MAX) {
            vel_conn_drop_bytes(conn, NULL, size - pos, VEL_TRACE_DROP_MALFORMED);
            return;
        }
        if (pos == 0)
            arrival->dcid = vel_cid(header.dcid);
        if (!vel_slice_equal(header.dcid, vel_cid_slice(&arrival->dcid)))
            vel_conn_drop_bytes(conn, &header, header.size, VEL_TRACE_DROP_FOREIGN);
        else
            vel_arrival_take(arrival, conn, &header, bytes + pos, now);
        pos += header.size;
    }
}

void vel_conn_receive_held(struct vel_conn *conn, vel_time now)
{
    if (conn->opening == NULL || conn->opening->held.len == 0)
        return;
    /* What still has no keys is held again, in a new buffer. */
    struct vel_buf held = conn->opening->held;
    conn->opening->held = (struct vel_buf){.env = held.env, .limit = held.limit};
    struct vel_reader r = vel_reader(vel_buf_slice(&held));
    while (vel_left(&r) > 0) {
        size_t size = (size_t)vel_read_uint(&r, 2);
        struct vel_arrival arrival = {.track = &conn->first,
                                      .size = VEL_INITIAL_DATAGRAM_MIN, /* was checked on arrival */
                                      .ecn = (uint8_t)vel_read_uint(&r, 1),
                                      .path = conn->first.paths.active->id};
        struct vel_slice packet = vel_read_bytes(&r, size);
        receive_packets(conn, held.ptr + (packet.ptr - held.ptr), packet.len, &arrival, now);
    }
    vel_buf_free(&held);
    vel_conn_release_opening(conn);
}

static void count_datagram(struct vel_conn *conn, size_t size)
{
    if (conn->stats.datagrams_received++ == 0)
        conn->first_flight_bytes = conn->stats.bytes_sent;
    conn->stats.bytes_received += size;
    if (conn->stats.handshake_time == 0) {
        conn->stats.handshake_datagrams_received++;
        conn->stats.handshake_bytes_received += size;
    }
}

/* An authentic packet restarts the timers of silence; for those of one train once is enough. */
static void note_heard(struct vel_conn *conn, vel_time now)
{
    bool again = conn->opening == NULL && conn->heard_at == now && !conn->life.sent_since_receive;
    conn->heard_at = now;
    if (again)
        return;
    conn->trim_at = now + VEL_CONN_TRIM_AFTER;
    vel_life_received(&conn->life, now, vel_conn_pto(conn));
    vel_conn_restart_keep_alive(conn, now);
}

/* The connection id tells the path identifier, draft-ietf-quic-multipath 1. What has none of ours is
 * no packet for us, but may be a stateless reset. */
static struct vel_track *find_track(struct vel_conn *conn, struct vel_slice datagram)
{
    bool one_rtt = datagram.len > VEL_CID_OURS && (datagram.ptr[0] & VEL_BIT_LONG) == 0;
    struct vel_track *found = NULL;
    if (conn->multipath.agreed && one_rtt)
        found = vel_conn_track_by_cid(conn, vel_slice(datagram.ptr + 1, VEL_CID_OURS));
    return found != NULL ? found : vel_conn_track(conn);
}

/* What the one before told holds for this one as well. */
static bool is_alike(const struct vel_arrival *arrival, const uint8_t *bytes, size_t size)
{
    return arrival->settled && size > VEL_CID_OURS &&
           (bytes[0] & (VEL_BIT_LONG | VEL_BIT_FIXED)) == VEL_BIT_FIXED &&
           memcmp(bytes + 1, arrival->dcid.bytes, VEL_CID_OURS) == 0;
}

/* The track and the path that a datagram came on. False: it may not be processed. */
static bool look_up(struct vel_conn *conn, struct vel_slice datagram, struct vel_arrival *arrival)
{
    arrival->settled = false;
    arrival->track = find_track(conn, datagram);
    bool admitted = vel_conn_admits(arrival->track, arrival->local, arrival->remote, &arrival->on);
    arrival->path = arrival->on != NULL ? arrival->on->id : 0;
    return admitted;
}

static void count_credit(struct vel_conn *conn, const struct vel_arrival *arrival, vel_time now)
{
    if (conn->trace != NULL)
        vel_conn_trace_datagram(conn, arrival->on, arrival->size, arrival->ecn);
    if (arrival->on == NULL)
        return;
    /* VEL-TR-04: another address adds no credit. */
    vel_path_on_received(arrival->on, arrival->size);
    if (arrival->track->credit_blocked && arrival->on == arrival->track->paths.active)
        vel_conn_lift_credit_block(arrival->track, now);
}

static void receive_datagram(struct vel_conn *conn, uint8_t *bytes, struct vel_arrival *arrival,
                             vel_time now)
{
    bool alike = is_alike(arrival, bytes, arrival->size);
    if (!alike && !look_up(conn, vel_slice(bytes, arrival->size), arrival)) {
        vel_conn_drop_bytes(conn, NULL, arrival->size, VEL_TRACE_DROP_FOREIGN);
        return;
    }
    count_datagram(conn, arrival->size);
    count_credit(conn, arrival, now);
    arrival->processed = false;
    if (alike) {
        arrival->alike.size = arrival->size;
        vel_arrival_open(arrival, conn, VEL_SPACE_APP, &arrival->alike, bytes, now);
    } else {
        receive_packets(conn, bytes, arrival->size, arrival, now);
    }
    if (!arrival->processed)
        return;
    arrival->track->bytes_received += arrival->size;
    if (conn->opening != NULL)
        vel_conn_receive_held(conn, now);
    note_heard(conn, now);
}

void vel_conn_receive_train(struct vel_conn *conn, const struct vel_train *train, vel_time now)
{
    struct masks masks;
    masks.first = masks.count = 0;
    struct vel_arrival arrival = {
        .local = &train->local, .remote = &train->remote, .ecn = train->ecn};
    arrival.alike = (struct vel_packet_header){.type = VEL_PACKET_ONE_RTT,
                                               .dcid = vel_slice(arrival.dcid.bytes, VEL_CID_OURS),
                                               .number_offset = NUMBER_AT};
    conn->now = now;
    for (size_t i = 0, pos = 0; pos < train->len; i++, pos += train->segment) {
        if (conn->life.state == VEL_LIFE_CLOSING)
            vel_life_answer_close(&conn->life);
        if (vel_life_is_over(&conn->life))
            continue;
        arrival.size = VEL_MIN(train->segment, train->len - pos);
        arrival.mask = mask_of(&masks, conn, train, i);
        receive_datagram(conn, train->bytes + pos, &arrival, now);
    }
    /* Forged or repeated, it may have woken the keys all the same. */
    conn->trim_at = VEL_MIN(conn->trim_at, now + VEL_CONN_TRIM_AFTER);
    vel_conn_wake(conn);
}
