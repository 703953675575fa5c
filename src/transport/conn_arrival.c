/* SPDX-License-Identifier: MIT */
#include "transport/conn_arrival.h"

#include "transport/conn_internal.h"

/* RFC 9000 10.3: the shortest datagram that may be a stateless reset. */
enum { RESET_MIN_BYTES = 21 };

void vel_conn_drop_bytes(struct vel_conn *conn, const struct vel_packet_header *header, size_t size,
                         enum vel_trace_drop why)
{
    conn->stats.packets_dropped++;
    if (conn->trace != NULL)
        vel_conn_trace_dropped(conn, header, size, why);
}

static void drop_packet(struct vel_conn *conn, const struct vel_packet_header *header,
                        enum vel_trace_drop why)
{
    vel_conn_drop_bytes(conn, header, header->size, why);
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

/* A young connection: the first authentic packet of each kind moves the opening along. */
static void note_progress(struct vel_conn *conn, enum vel_space space,
                          const struct vel_packet_header *header)
{
    vel_conn_leave_other_version(conn, header);
    if (!conn->opening->heard) {
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
static void note_path(const struct vel_packet_header *header, struct vel_arrival *arrival)
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

/* A packet of nothing but data came on the active path: it has changed nothing that the next one to the same
 * id would depend on, and nor will that. */
static bool is_settled(const struct vel_conn *conn, const struct vel_arrival *arrival)
{
    const struct vel_track *track = arrival->track;
    return conn->opening == NULL && track->state == VEL_TRACK_OPEN &&
           arrival->on == track->paths.active && arrival->path == arrival->on->id;
}

static void process_payload(struct vel_conn *conn, enum vel_space space,
                            const struct vel_packet_header *header, const struct vel_opened *opened,
                            struct vel_arrival *arrival, vel_time now)
{
    conn->stats.packets_received++;
    arrival->processed = true;
    if (conn->opening != NULL)
        note_progress(conn, space, header);
    if (space == VEL_SPACE_APP && !arrival->settled)
        note_path(header, arrival);
    if (conn->trace != NULL)
        vel_conn_trace_received(arrival->track, header, opened, arrival->path,
                                arrival->remote == NULL);
    struct vel_frames frames = {.track = arrival->track,
                                .space = space,
                                .packet = header->type,
                                .dcid = &arrival->dcid,
                                .path = arrival->path,
                                .local = arrival->local,
                                .remote = arrival->remote,
                                .size = arrival->size,
                                .payload = opened->payload};
    bool settled = arrival->settled;
    arrival->settled = false;
    if (!vel_conn_handle_frames(conn, &frames, now) || conn->space[space].discarded)
        return;
    struct vel_acks *acks = &arrival->track->space[space].acks;
    if (vel_acks_received(acks, opened->number, frames.elicits, arrival->ecn, now) != VEL_OK)
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "out of memory");
    bool open = arrival->track->state == VEL_TRACK_OPEN;
    if (space == VEL_SPACE_APP && frames.moves && open)
        vel_conn_follow_peer(arrival->track, arrival->path, opened->number, now);
    arrival->settled = frames.only_data && (settled || is_settled(conn, arrival));
}

static enum vel_err open_bytes(const struct vel_arrival *arrival, enum vel_space space,
                               const struct vel_packet_header *header, uint8_t *packet,
                               struct vel_opened *opened)
{
    struct vel_track *track = arrival->track;
    struct vel_conn *conn = track->conn;
    if (space == VEL_SPACE_APP && arrival->mask != NULL)
        return vel_conn_open_masked(track, arrival->mask, packet, header->number_offset,
                                    header->size, opened);
    if (header->version != NULL && header->version != conn->version)
        return vel_conn_open_other_version(conn, header, packet, opened);
    return vel_conn_open_packet(track, space, packet, header->number_offset, header->size, opened);
}

/* A packet that did not open. `tail`: its last bytes, which may be a reset token; empty: they cannot. */
static void on_unopened(struct vel_conn *conn, const struct vel_packet_header *header,
                        enum vel_err err, struct vel_slice tail, vel_time now)
{
    if (err == VEL_ERR_AUTH && is_stateless_reset(conn, tail)) {
        struct vel_close why = {.origin = VEL_CLOSE_PEER, .reason = "stateless reset"};
        vel_life_peer_closed(&conn->life, &why, now, vel_conn_pto(conn));
        vel_conn_ended(conn);
    } else if (err == VEL_ERR_AUTH) {
        on_forgery(conn, header);
    } else if (err == VEL_ERR_MALFORMED) {
        vel_conn_fail(conn, VEL_WIRE_PROTOCOL_VIOLATION, "reserved header bits are set");
    } else {
        drop_packet(conn, header, VEL_TRACE_DROP_MALFORMED);
    }
}

void vel_arrival_open(struct vel_arrival *arrival, struct vel_conn *conn, enum vel_space space,
                      const struct vel_packet_header *header, uint8_t *packet, vel_time now)
{
    const struct vel_acks *acks = &arrival->track->space[space].acks;
    uint8_t token[VEL_RESET_TOKEN];
    bool may_reset = space == VEL_SPACE_APP && header->size >= RESET_MIN_BYTES;
    if (may_reset)
        memcpy(token, packet + header->size - sizeof token, sizeof token);

    struct vel_opened opened;
    enum vel_err err = open_bytes(arrival, space, header, packet, &opened);
    if (err != VEL_OK)
        on_unopened(conn, header, err, vel_slice(token, may_reset ? sizeof token : 0), now);
    else if (vel_acks_is_duplicate(acks, opened.number))
        drop_packet(conn, header, VEL_TRACE_DROP_DUPLICATE);
    else if (vel_conn_follow_key_update(arrival->track, space, opened.number, now))
        process_payload(conn, space, header, &opened, arrival, now);
}

/* The peer's id may not change once it was authenticated (RFC 9000 7.2), a client's Initial travels
 * in a full datagram (14.1), and a server's holds no token (17.2.2). */
static bool is_believable(const struct vel_conn *conn, const struct vel_packet_header *header,
                          const struct vel_arrival *arrival)
{
    if (conn->opening == NULL)
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
                 const struct vel_arrival *arrival)
{
    if (!vel_opening_hold(conn, vel_slice(packet, header->size), arrival->ecn))
        drop_packet(conn, header, VEL_TRACE_DROP_FULL);
    else if (conn->trace != NULL)
        vel_conn_trace_held(conn, header);
}

/* The space of a packet with a long header; VEL_SPACE_COUNT: it is dealt with. */
static enum vel_space take_long(struct vel_conn *conn, const struct vel_packet_header *header,
                                const uint8_t *packet, const struct vel_arrival *arrival)
{
    enum vel_space space = space_of(header->type);
    if (header->type == VEL_PACKET_VERSION_NEGOTIATION) {
        vel_opening_on_version_negotiation(conn, header);
        return VEL_SPACE_COUNT;
    }
    if (!vel_conn_admits_version(conn, header)) {
        drop_packet(conn, header, VEL_TRACE_DROP_VERSION);
        return VEL_SPACE_COUNT;
    }
    if (header->type == VEL_PACKET_RETRY) {
        vel_opening_on_retry(conn, header, vel_slice(packet, header->size));
        return VEL_SPACE_COUNT;
    }
    if (space == VEL_SPACE_COUNT || conn->space[space].discarded) {
        drop_packet(conn, header, VEL_TRACE_DROP_KEYS);
        return VEL_SPACE_COUNT;
    }
    if (!is_believable(conn, header, arrival)) {
        drop_packet(conn, header, VEL_TRACE_DROP_MALFORMED);
        return VEL_SPACE_COUNT;
    }
    return space;
}

void vel_arrival_take(struct vel_arrival *arrival, struct vel_conn *conn,
                      const struct vel_packet_header *header, uint8_t *packet, vel_time now)
{
    enum vel_space space = VEL_SPACE_APP;
    if (header->type != VEL_PACKET_ONE_RTT)
        space = take_long(conn, header, packet, arrival);
    if (space == VEL_SPACE_COUNT)
        return;
    if (vel_keys_ready(&conn->space[space].read))
        vel_arrival_open(arrival, conn, space, header, packet, now);
    else if (conn->opening != NULL)
        hold(conn, header, packet, arrival);
    else
        drop_packet(conn, header, VEL_TRACE_DROP_KEYS);
}
