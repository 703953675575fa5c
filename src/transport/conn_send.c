/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

/* Slots for sent packets that only acknowledgements may take: a peer that never acknowledges those
 * and still fills the rest has its connection ended. */
enum { RESERVED_FOR_ACKS = 4096 };

bool vel_conn_window_open(struct vel_track *track, vel_time now)
{
    const struct vel_sent *sent = &track->recovery.space[VEL_SPACE_APP].sent;
    if (vel_recovery_room(&track->recovery) < track->paths.active->pmtud.mtu ||
        sent->next - sent->base > VEL_SENT_MAX_PACKETS - RESERVED_FOR_ACKS) {
        vel_pacer_rest(&track->pacer);
        return false;
    }
    if (vel_pacer_budget(&track->pacer, now) > 0)
        return true;
    track->pace_until = vel_pacer_wait(&track->pacer, now);
    return false;
}

uint64_t vel_conn_window_packets(struct vel_track *track, size_t size, vel_time now)
{
    const struct vel_recovery *recovery = &track->recovery;
    const struct vel_sent *sent = &recovery->space[VEL_SPACE_APP].sent;
    uint64_t least = track->paths.active->pmtud.mtu; /* free of the window before each packet */
    uint64_t window = vel_cc_window(&recovery->cc);
    if (!vel_conn_window_open(track, now))
        return 0;
    uint64_t slots = VEL_SENT_MAX_PACKETS - RESERVED_FOR_ACKS - (sent->next - sent->base);
    uint64_t more =
        window > recovery->in_flight + least ? (window - recovery->in_flight - least) / size : 0;
    return 1 + VEL_MIN(more, slots);
}

static bool wants_any(struct vel_track *track, bool window, vel_time now)
{
    for (int i = 0; i < VEL_SPACE_COUNT; i++)
        if (vel_conn_wants(track, (enum vel_space)i, window, now))
            return true;
    return false;
}

/* RFC 9000 14.1: datagrams with a client's Initial, or with an ack-eliciting one of the server;
 * 8.2.2: those with a PATH_RESPONSE. */
static bool must_pad(const struct vel_conn *conn, const struct vel_packet_build *packets,
                     unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (packets[i].expanded ||
            (packets[i].space == VEL_SPACE_INITIAL && (conn->is_client || packets[i].eliciting)))
            return true;
    return false;
}

static void abandon_all(struct vel_packet_build *packets, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        vel_packet_abandon(&packets[i]);
}

/* Seal the packets of a datagram, the last one padded to `size` bytes of datagram. Returns its
 * bytes, 0 on failure. */
static size_t seal_all(struct vel_conn *conn, struct vel_packet_build *packets, unsigned count,
                       size_t used, size_t size, uint8_t ecn, vel_time now)
{
    size_t padding = size > used ? size - used : 0;
    size_t sealed = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!vel_packet_finish(conn, &packets[i], i + 1 == count ? padding : 0, ecn, now)) {
            abandon_all(packets + i + 1, count - i - 1);
            return 0;
        }
        sealed += vel_packet_size(&packets[i]);
    }
    return sealed;
}

/* RFC 9001 4.9.1: a client that sends Handshake packets is done with Initial ones. */
static void leave_initial(struct vel_conn *conn, const struct vel_packet_build *packets,
                          unsigned count)
{
    for (unsigned i = 0; conn->is_client && i < count; i++)
        if (packets[i].space == VEL_SPACE_HANDSHAKE)
            vel_conn_discard_space(conn, VEL_SPACE_INITIAL);
}

/* Write one datagram of at most `room` bytes. Returns its size; 0: nothing to send. */
static size_t build_datagram(struct vel_track *track, uint8_t *bytes, size_t room, uint8_t ecn,
                             vel_time now)
{
    struct vel_conn *conn = track->conn;
    struct vel_packet_build packets[VEL_SPACE_COUNT];
    unsigned count = 0;
    size_t used = 0;
    bool window = vel_conn_window_open(track, now);
    for (int i = 0; i < VEL_SPACE_COUNT; i++) {
        struct vel_packet_build *p = &packets[count];
        if (!vel_conn_wants(track, (enum vel_space)i, window, now) ||
            !vel_packet_begin(track, track->paths.active, p, (enum vel_space)i, bytes + used,
                              room - used))
            continue;
        vel_conn_fill(conn, p, window, now);
        if (vel_packet_has_frames(p)) {
            vel_packet_end_frames(p);
            used += vel_packet_size(p);
            count++;
        } else {
            vel_packet_abandon(p);
        }
    }
    if (vel_life_is_over(&conn->life)) {
        abandon_all(packets, count);
        return 0;
    }
    if (count == 0)
        return 0;
    size_t size = must_pad(conn, packets, count) ? VEL_MIN(room, VEL_INITIAL_DATAGRAM_MIN) : 0;
    size_t sent = seal_all(conn, packets, count, used, size, ecn, now);
    if (sent > 0 && conn->opening != NULL && conn->opening->flight_left > 0)
        conn->opening->flight_left--;
    leave_initial(conn, packets, count);
    return sent;
}

/* A packet of probe size that nothing depends on (RFC 8899 6.2.1, RFC 9000 14.4): its loss
 * tells about the path, not about congestion. Only when bulk data makes it worth while. */
static size_t build_mtu_probe(struct vel_track *track, uint8_t *bytes, size_t room, uint8_t ecn,
                              vel_time now)
{
    struct vel_conn *conn = track->conn;
    struct vel_path *path = track->paths.active;
    struct vel_pmtud *pmtud = &path->pmtud;
    bool wanted = track->carries != 0 && conn->opening == NULL && path->proved &&
                  vel_pmtud_is_due(pmtud, now) && track->recovery.in_flight > 0 &&
                  vel_streams_want_send(conn->streams, track->carries);
    size_t size = pmtud->probe;
    struct vel_packet_build p;
    if (!wanted || room < size || !vel_conn_window_open(track, now) ||
        !vel_packet_begin(track, path, &p, VEL_SPACE_APP, bytes, size))
        return 0;
    struct vel_record record = {
        .kind = VEL_RECORD_PING, .id = track->paths.active->id, .len = (uint32_t)size};
    if (vel_sent_add(&track->recovery.space[VEL_SPACE_APP].sent, record) != VEL_OK) {
        vel_packet_abandon(&p);
        return 0;
    }
    vel_frame_write(&p.w, &(struct vel_frame){.type = VEL_FRAME_PING});
    p.eliciting = true;
    p.mtu_probe = true;
    size_t used = vel_packet_size(&p);
    size_t sent = seal_all(conn, &p, 1, used, size, ecn, now);
    if (sent > 0)
        vel_pmtud_sent(pmtud);
    return sent;
}

/* An application must not show its codes before the peer is known (RFC 9000 10.2.3). */
static struct vel_frame close_frame(const struct vel_conn *conn, enum vel_space space)
{
    const struct vel_close *why = &conn->life.close;
    struct vel_frame frame = {.type = VEL_FRAME_CONNECTION_CLOSE};
    if (why->application && space != VEL_SPACE_APP) {
        frame.close.code = VEL_WIRE_APPLICATION_ERROR;
        return frame;
    }
    frame.close.application = why->application;
    frame.close.code = why->code;
    frame.close.reason = vel_slice_text(why->reason);
    return frame;
}

/* Type, code, frame type, length and reason. */
enum { CLOSE_FRAME_MAX = 3 * VEL_VARINT_MAX + 1 + sizeof((struct vel_close *)0)->reason };

/* CONNECTION_CLOSE in every space that the peer may be able to read. What arrived is acknowledged
 * beside it: a server can tell a client that has everything from one that gave up. */
static size_t build_close(struct vel_track *track, uint8_t *bytes, size_t room, vel_time now)
{
    struct vel_conn *conn = track->conn;
    struct vel_packet_build packets[VEL_SPACE_COUNT];
    unsigned count = 0;
    size_t used = 0;
    for (int i = 0; i < VEL_SPACE_COUNT; i++) {
        struct vel_packet_build *p = &packets[count];
        if (conn->space[i].discarded || !vel_keys_ready(&conn->space[i].write) ||
            !vel_packet_begin(track, track->paths.active, p, (enum vel_space)i, bytes + used,
                              room - used))
            continue;
        struct vel_frame frame = close_frame(conn, (enum vel_space)i);
        if (i == VEL_SPACE_APP)
            vel_conn_fill_last_ack(p, CLOSE_FRAME_MAX, now);
        vel_frame_write(&p->w, &frame);
        if (!vel_write_ok(&p->w)) {
            vel_packet_abandon(p);
            continue;
        }
        vel_packet_end_frames(p);
        used += vel_packet_size(p);
        count++;
    }
    if (count == 0)
        return 0;
    size_t size = must_pad(conn, packets, count) ? VEL_MIN(room, VEL_INITIAL_DATAGRAM_MIN) : 0;
    return seal_all(conn, packets, count, used, size, VEL_ECN_NOT_ECT, now);
}

void vel_conn_count_sent(struct vel_conn *conn, struct vel_path *path, unsigned datagrams,
                         size_t size)
{
    vel_path_on_sent(path, size);
    if (conn->trace != NULL)
        vel_conn_trace_datagram_sent(conn, path, size);
    conn->stats.datagrams_sent += datagrams;
    conn->stats.bytes_sent += size;
    if (conn->stats.handshake_time == 0) {
        conn->stats.handshake_datagrams_sent += datagrams;
        conn->stats.handshake_bytes_sent += size;
    }
    conn->trim_at = conn->now + VEL_CONN_TRIM_AFTER;
}

/* VEL-TR-03: before the address is validated nothing leaves without credit for a whole datagram. */
static bool has_credit(struct vel_track *track, vel_time now)
{
    struct vel_conn *conn = track->conn;
    if (vel_path_credit(track->paths.active) >= VEL_INITIAL_DATAGRAM_MIN)
        return true;
    if (!track->credit_blocked && wants_any(track, true, now)) {
        track->credit_blocked = true;
        conn->credit_blocked_at = now;
        vel_recovery_set_amplification_limited(&track->recovery, true);
    }
    return false;
}

static vel_result send_close(struct vel_conn *conn, struct vel_train *train, vel_time now)
{
    if (conn->life.state != VEL_LIFE_CLOSING || !conn->life.close_due)
        return VEL_ERR_AGAIN;
    struct vel_track *track = vel_conn_track(conn);
    train->local = track->paths.active->local;
    train->remote = track->paths.active->remote;
    vel_life_close_sent(&conn->life, now, vel_conn_pto(conn));
    size_t room = VEL_MIN(train->capacity,
                          VEL_MIN(vel_path_credit(track->paths.active), (size_t)VEL_PMTUD_BASE));
    size_t size = build_close(track, train->bytes, room, now);
    if (size == 0)
        return VEL_ERR_AGAIN;
    vel_conn_count_sent(conn, track->paths.active, 1, size);
    train->len = size;
    train->segment = size;
    return VEL_OK;
}

/* The most that the next datagram may hold. Probes after a time-out are small: they must arrive even
 * where the path does not carry large packets any more (RFC 8899 4.3). */
static size_t datagram_room(const struct vel_track *track)
{
    bool probing = track->recovery.pto_backoff > 0 && track->space[VEL_SPACE_APP].probes_due > 0;
    size_t mtu = probing ? VEL_PMTUD_BASE : track->paths.active->pmtud.mtu;
    if (vel_conn_sends_copies(track))
        mtu = VEL_MIN(mtu, vel_conn_copy_room(track->conn));
    return VEL_MIN(mtu, vel_path_credit(track->paths.active));
}

/* Nothing more to write: is it for want of data, or did window or pacer stop us? */
static void note_limit(struct vel_track *track, vel_time now)
{
    bool wanted =
        wants_any(track, true, now) || vel_conn_is_passed_over(track) || vel_conn_owes_copy(track);
    bool app_limited =
        !wanted && vel_recovery_room(&track->recovery) >= track->paths.active->pmtud.mtu;
    vel_recovery_set_app_limited(&track->recovery, app_limited);
    if (!wanted) {
        track->pace_until = VEL_NEVER;
        vel_pacer_rest(&track->pacer);
    }
}

/* Write datagrams of `room` bytes, or one that may be smaller. Returns how many. */
static unsigned build_datagrams(struct vel_track *track, struct vel_train *train, size_t room,
                                unsigned most, vel_time now)
{
    uint8_t *bytes = train->bytes + train->len;
    struct vel_datagrams_out out = {.bytes = bytes, .size = room, .most = most, .ecn = train->ecn};
    unsigned count = vel_conn_write_bulk(track, &out, now);
    size_t size = count * room;
    if (count == 0) {
        size = build_datagram(track, bytes, room, train->ecn, now);
        count = size > 0;
    }
    if (count == 0)
        return 0;
    vel_conn_count_sent(track->conn, track->paths.active, count, size);
    if (train->len == 0)
        train->segment = VEL_MIN(size, room);
    train->len += size;
    return count;
}

/* Between neighbours queues hold a train, and shorter ones cost the hosts more than they spare the way. */
#define NEIGHBOUR_RTT (1 * MS)

/* Bytes of the longest train that may leave: one datagram at least. */
static size_t train_room(const struct vel_track *track, const struct vel_train *train,
                         size_t max_train)
{
    size_t room = VEL_MIN(VEL_MIN(max_train, train->capacity), (size_t)VEL_TRAIN_MAX);
    if (track->recovery.rtt.min < NEIGHBOUR_RTT)
        return room;
    uint64_t paced = VEL_MAX(vel_pacer_train(&track->pacer), (uint64_t)datagram_room(track));
    return (size_t)VEL_MIN(room, paced);
}

/* One packet that nothing depends on, or as many datagrams of one size as there are. */
static void build_train(struct vel_track *track, struct vel_train *train, size_t max_train,
                        vel_time now)
{
    struct vel_conn *conn = track->conn;
    size_t limit = train_room(track, train, max_train);
    size_t probe = build_mtu_probe(track, train->bytes, train->capacity, train->ecn, now);
    if (probe > 0) {
        vel_conn_count_sent(conn, track->paths.active, 1, probe);
        train->len = train->segment = probe;
        return;
    }
    unsigned segments = 0;
    while (segments < VEL_TRAIN_SEGMENTS && has_credit(track, now)) {
        size_t room = VEL_MIN(datagram_room(track), segments > 0 ? train->segment : limit);
        if (limit - train->len < room)
            break;
        unsigned most =
            VEL_MIN(VEL_TRAIN_SEGMENTS - segments, (unsigned)((limit - train->len) / room));
        unsigned count = build_datagrams(track, train, room, most, now);
        segments += count;
        if (count == 0 || train->len < segments * train->segment || vel_conn_sends_copies(track))
            break; /* copies are made of one packet at a time */
    }
    if (train->len > 0)
        vel_pacer_sent(&track->pacer, train->len, now);
}

static bool send_on(struct vel_track *track, struct vel_train *train, size_t max_train,
                    vel_time now)
{
    struct vel_conn *conn = track->conn;
    train->local = track->paths.active->local;
    train->remote = track->paths.active->remote;
    train->ecn = vel_ecn_mark(&track->recovery.ecn);
    build_train(track, train, max_train, now);
    if (train->len == 0)
        return false;
    track->bytes_sent += train->len;
    if (track->carries != 0)
        vel_conn_scheduled(track, train->len);
    if (conn->trace != NULL)
        vel_conn_trace_recovery(track);
    return true;
}

vel_result vel_conn_send(struct vel_conn *conn, struct vel_train *train, size_t max_train,
                         vel_time now)
{
    conn->now = now;
    train->ecn = VEL_ECN_NOT_ECT;
    train->len = 0;
    train->segment = 0;
    if (vel_life_is_over(&conn->life))
        return send_close(conn, train, now);

    if (vel_conn_send_probe(conn, train, now) == VEL_OK)
        return VEL_OK;
    if (vel_conn_send_copy(conn, train, now))
        return VEL_OK;
    vel_conn_schedule(conn, now);
    VEL_TRACKS_OPEN(track, conn) /* what is a track's own comes first: it is little */
    {
        if (track != conn->pick && send_on(track, train, max_train, now))
            return VEL_OK;
    }
    if (conn->pick != NULL && send_on(conn->pick, train, max_train, now))
        return VEL_OK;
    VEL_TRACKS_OPEN(track, conn)
    {
        note_limit(track, now);
    }
    return vel_life_is_over(&conn->life) ? send_close(conn, train, now) : VEL_ERR_AGAIN;
}
