/* SPDX-License-Identifier: MIT */
#include "base/reader.h"
#include "base/units.h"
#include "transport/conn_internal.h"

/* RFC 9000 10.3: the shortest datagram that may be a stateless reset. */
enum { RESET_MIN_BYTES = 21 };

/* What is known of the datagram that is being taken apart. */
struct arrival {
    struct vel_track *track;
    struct vel_cid dcid; /* of its first packet: coalesced ones must agree (RFC 9000 12.2) */
    const struct vel_addr *local, *remote; /* NULL: was held, on the path that it came on */
    uint32_t path;                         /* id of the one it came on; 0: we keep none for it */
    size_t size;
    uint8_t ecn;
    bool processed; /* at least one packet was authentic and new */
};

/* header NULL: what could not be read, `size` bytes of it. */
static void drop_bytes(struct vel_conn *conn, const struct vel_packet_header *header, size_t size,
                       enum vel_trace_drop why)
{
    conn->stats.packets_dropped++;
    if (conn->trace != NULL)
        vel_conn_trace_dropped(conn, header, size, why);
}

static void drop_packet(struct vel_conn *conn, const struct vel_packet_header *header,
                        enum vel_trace_drop why)
{
    drop_bytes(conn, header, header->size, why);
}

static enum vel_space space_of(enum vel_packet_type type)
{
    switch (type) {
    case VEL_PACKET_INITIAL:
        return VEL_SPACE_INITIAL;
    case VEL_PACKET_HANDSHAKE:
        return VEL_SPACE_HANDSHAKE;
    case VEL_PACKET_ONE_RTT:
        return VEL_SPACE_APP;
    case VEL_PACKET_ZERO_RTT:
    case VEL_PACKET_RETRY:
    case VEL_PACKET_VERSION_NEGOTIATION:
    case VEL_PACKET_TYPE_COUNT:
        break;
    }
    return VEL_SPACE_COUNT;
}

/* VEL-TR-23, RFC 9001 6.6: too many forgeries wear the AEAD out. */
static void on_forgery(struct vel_conn *conn, const struct vel_packet_header *header)
{
    drop_packet(conn, header, VEL_TRACE_DROP_FORGED);
    if (++conn->forged >= vel_keys_forgery_limit(conn->aead))
        vel_conn_fail(conn, VEL_WIRE_AEAD_LIMIT_REACHED, "too many forged packets");
}

/* A datagram that opens with no key may be the peer's stateless reset (RFC 9000 10.3.1). */
static bool is_stateless_reset(const struct vel_conn *conn, struct vel_slice tail)
{
    if (tail.len != VEL_RESET_TOKEN)
        return false;
    VEL_TRACKS_OPEN(track, conn)
    {
        if (vel_cids_is_reset_token(&track->cids, tail.ptr))
            return true;
    }
    return false;
}

/* The first authentic packet of each kind moves the opening along. */
static void note_progress(struct vel_conn *conn, enum vel_space space,
                          const struct vel_packet_header *header)
{
    if (conn->opening != NULL && !conn->opening->heard) {
        conn->opening->heard = true;
        conn->opening->peer_first_scid = vel_cid(header->scid);
        if (conn->is_client)
            vel_cids_set_peer(&conn->first.cids, &conn->opening->peer_first_scid);
        if (conn->trace != NULL)
            vel_conn_trace_cid(&conn->first, true, &conn->opening->peer_first_scid);
    }
    if (!conn->is_client && space == VEL_SPACE_HANDSHAKE) {
        /* RFC 9001 4.9.1, RFC 9000 8.1: who sends this has read our ServerHello. */
        vel_conn_discard_space(conn, VEL_SPACE_INITIAL);
        vel_path_validate(conn->first.paths.active);
        vel_recovery_set_amplification_limited(&conn->first.recovery, false);
    }
}

/* The peer sends to another id of ours on this path. */
static void change_id(struct vel_track *track, struct vel_path *path, struct vel_slice dcid)
{
    path->arrived_on = vel_cid(dcid);
    if (track->conn->trace != NULL)
        vel_conn_trace_cid(track, false, &path->arrived_on);
}

/* Which path an authentic packet came on: only such ones make new ones. */
static void note_path(const struct vel_packet_header *header, struct arrival *arrival)
{
    struct vel_track *track = arrival->track;
    if (track->state == VEL_TRACK_SPARE) {
        vel_conn_follow_opening(track, arrival->local, arrival->remote, arrival->size);
        arrival->path = track->state == VEL_TRACK_OPEN ? track->paths.active->id : 0;
    }
    if (track->state != VEL_TRACK_OPEN)
        return;
    struct vel_path *path =
        arrival->path != 0 ? vel_paths_by_id(&track->paths, arrival->path) : NULL;
    if (path == NULL && arrival->remote != NULL)
        path =
            vel_conn_meet_path(track, arrival->local, arrival->remote, header->dcid, arrival->size);
    arrival->path = path != NULL ? path->id : 0;
    if (path != NULL && !vel_slice_equal(header->dcid, vel_cid_slice(&path->arrived_on)))
        change_id(track, path, header->dcid);
}

static void process_payload(struct vel_conn *conn, enum vel_space space,
                            const struct vel_packet_header *header, const struct vel_opened *opened,
                            struct arrival *arrival, vel_time now)
{
    conn->stats.packets_received++;
    arrival->processed = true;
    note_progress(conn, space, header);
    vel_conn_leave_other_version(conn, header);
    if (space == VEL_SPACE_APP)
        note_path(header, arrival);
    if (conn->trace != NULL)
        vel_conn_trace_received(arrival->track, header, opened, arrival->path,
                                arrival->remote == NULL);
    struct vel_frames frames = {.track = arrival->track,
                                .space = space,
                                .packet = header->type,
                                .dcid = vel_cid(header->dcid),
                                .path = arrival->path,
                                .payload = opened->payload};
    if (!vel_conn_handle_frames(conn, &frames, now))
        return;
    if (conn->space[space].discarded)
        return;
    struct vel_acks *acks = &arrival->track->space[space].acks;
    if (vel_acks_received(acks, opened->number, frames.elicits, arrival->ecn, now) != VEL_OK)
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "out of memory");
    bool open = arrival->track->state == VEL_TRACK_OPEN;
    if (space == VEL_SPACE_APP && frames.moves && open)
        vel_conn_follow_peer(arrival->track, arrival->path, opened->number, now);
}

static enum vel_err open_bytes(struct vel_track *track, enum vel_space space,
                               const struct vel_packet_header *header, uint8_t *packet,
                               struct vel_opened *opened)
{
    struct vel_conn *conn = track->conn;
    if (header->version != NULL && header->version != conn->version)
        return vel_conn_open_other_version(conn, header, packet, opened);
    return vel_conn_open_packet(track, space, packet, header->number_offset, header->size, opened);
}

/* One packet of a space whose keys are there. */
static void open_packet(struct vel_conn *conn, enum vel_space space,
                        const struct vel_packet_header *header, uint8_t *packet,
                        struct arrival *arrival, vel_time now)
{
    const struct vel_acks *acks = &arrival->track->space[space].acks;
    uint8_t token[VEL_RESET_TOKEN] = {0};
    bool may_reset = space == VEL_SPACE_APP && header->size >= RESET_MIN_BYTES;
    if (may_reset)
        memcpy(token, packet + header->size - sizeof token, sizeof token);

    struct vel_opened opened;
    enum vel_err err = open_bytes(arrival->track, space, header, packet, &opened);
    if (err == VEL_ERR_AUTH && may_reset &&
        is_stateless_reset(conn, vel_slice(token, sizeof token))) {
        struct vel_close why = {.origin = VEL_CLOSE_PEER, .reason = "stateless reset"};
        vel_life_peer_closed(&conn->life, &why, now, vel_conn_pto(conn));
        vel_conn_ended(conn);
    } else if (err == VEL_ERR_AUTH) {
        on_forgery(conn, header);
    } else if (err == VEL_ERR_MALFORMED) {
        vel_conn_fail(conn, VEL_WIRE_PROTOCOL_VIOLATION, "reserved header bits are set");
    } else if (err != VEL_OK) {
        drop_packet(conn, header, VEL_TRACE_DROP_MALFORMED);
    } else if (vel_acks_is_duplicate(acks, opened.number)) {
        drop_packet(conn, header, VEL_TRACE_DROP_DUPLICATE);
    } else if (vel_conn_follow_key_update(arrival->track, space, opened.number, now)) {
        process_payload(conn, space, header, &opened, arrival, now);
    }
}

/* The peer's id may not change once it was authenticated (RFC 9000 7.2), a client's Initial travels
 * in a full datagram (14.1), and a server's holds no token (17.2.2). */
static bool is_believable(const struct vel_conn *conn, const struct vel_packet_header *header,
                          const struct arrival *arrival)
{
    if (header->type == VEL_PACKET_ONE_RTT || conn->opening == NULL)
        return true;
    if (conn->opening->heard &&
        !vel_slice_equal(header->scid, vel_cid_slice(&conn->opening->peer_first_scid)))
        return false;
    if (header->type != VEL_PACKET_INITIAL)
        return true;
    return conn->is_client ? header->token.len == 0 : arrival->size >= VEL_INITIAL_DATAGRAM_MIN;
}

/* There are no keys for it yet. */
static void hold(struct vel_conn *conn, const struct vel_packet_header *header, uint8_t *packet,
                 const struct arrival *arrival)
{
    if (!vel_opening_hold(conn, vel_slice(packet, header->size), arrival->ecn))
        drop_packet(conn, header, VEL_TRACE_DROP_FULL);
    else if (conn->trace != NULL)
        vel_conn_trace_held(conn, header);
}

static void receive_packet(struct vel_conn *conn, const struct vel_packet_header *header,
                           uint8_t *packet, struct arrival *arrival, vel_time now)
{
    enum vel_space space = space_of(header->type);
    if (header->type == VEL_PACKET_VERSION_NEGOTIATION) {
        vel_opening_on_version_negotiation(conn, header);
        return;
    }
    if (!vel_conn_admits_version(conn, header)) {
        drop_packet(conn, header, VEL_TRACE_DROP_VERSION);
        return;
    }
    if (header->type == VEL_PACKET_RETRY) {
        vel_opening_on_retry(conn, header, vel_slice(packet, header->size));
        return;
    }
    if (space == VEL_SPACE_COUNT || conn->space[space].discarded) {
        drop_packet(conn, header, VEL_TRACE_DROP_KEYS);
        return;
    }
    if (!is_believable(conn, header, arrival)) {
        drop_packet(conn, header, VEL_TRACE_DROP_MALFORMED);
        return;
    }
    if (vel_keys_ready(&conn->space[space].read))
        open_packet(conn, space, header, packet, arrival, now);
    else if (conn->opening != NULL)
        hold(conn, header, packet, arrival);
    else
        drop_packet(conn, header, VEL_TRACE_DROP_KEYS);
}

static void receive_packets(struct vel_conn *conn, uint8_t *bytes, size_t size,
                            struct arrival *arrival, vel_time now)
{
    size_t pos = 0;
    while (pos < size && !vel_life_is_over(&conn->life)) {
        struct vel_packet_header header;
        if (vel_packet_parse(vel_slice(bytes + pos, size - pos), &header) != VEL_OK ||
            header.dcid.len > VEL_CID_MAX) {
            drop_bytes(conn, NULL, size - pos, VEL_TRACE_DROP_MALFORMED);
            return;
        }
        if (pos == 0)
            arrival->dcid = vel_cid(header.dcid);
        if (!vel_slice_equal(header.dcid, vel_cid_slice(&arrival->dcid)))
            drop_packet(conn, &header, VEL_TRACE_DROP_FOREIGN);
        else
            receive_packet(conn, &header, bytes + pos, arrival, now);
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
        struct arrival arrival = {.track = &conn->first,
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

void vel_conn_receive(struct vel_conn *conn, const struct vel_addr *local,
                      const struct vel_addr *remote, uint8_t ecn, uint8_t *bytes, size_t size,
                      vel_time now)
{
    conn->now = now;
    if (conn->life.state == VEL_LIFE_CLOSING)
        vel_life_answer_close(&conn->life);
    if (vel_life_is_over(&conn->life)) {
        vel_conn_wake(conn);
        return;
    }

    struct vel_track *track = find_track(conn, vel_slice(bytes, size));
    struct arrival arrival = {
        .track = track, .local = local, .remote = remote, .size = size, .ecn = ecn};
    struct vel_path *path;
    if (!vel_conn_admits(track, local, remote, &path)) {
        drop_bytes(conn, NULL, size, VEL_TRACE_DROP_FOREIGN);
        return;
    }
    count_datagram(conn, size);
    if (conn->trace != NULL)
        vel_conn_trace_datagram(conn, path, size, ecn);
    /* VEL-TR-04: another address adds no credit. */
    if (path != NULL) {
        arrival.path = path->id;
        vel_path_on_received(path, size);
    }
    if (path != NULL && path == track->paths.active)
        vel_conn_lift_credit_block(track, now);
    receive_packets(conn, bytes, size, &arrival, now);
    if (arrival.processed) {
        track->bytes_received += size;
        vel_conn_receive_held(conn, now);
        note_heard(conn, now);
    }
    vel_conn_wake(conn);
}
