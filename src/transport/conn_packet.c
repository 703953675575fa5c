/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "transport/conn_internal.h"

static const enum vel_packet_type types[VEL_SPACE_COUNT] = {
    VEL_PACKET_INITIAL, VEL_PACKET_HANDSHAKE, VEL_PACKET_ONE_RTT};

/* RFC 9001 5.4.2: the header protection sample starts 4 bytes after the packet number. */
enum { SAMPLE_OFFSET = 4 };

/* RFC 9000 17.4: we do not spin. Who does not is told to show a random value, so that nobody can tell
 * from zeroes: one for each connection id, out of its random bytes. */
static uint8_t spin_bit(const struct vel_cid *peer)
{
    return peer->len > 0 && peer->bytes[peer->len - 1] % 2 != 0 ? VEL_BIT_SPIN : 0;
}

/* Packets without acknowledgement, beyond which nearly all must be acknowledgements themselves. */
enum { KEPT_WITHOUT_DATA = 32 * 1024, KEPT_PER_ELICITING = 16 };

static void write_header(struct vel_conn *conn, struct vel_packet_build *p)
{
    const struct vel_cid *peer = vel_cids_peer(&p->track->cids, p->path->peer_cid);
    if (p->space == VEL_SPACE_APP) {
        uint8_t flags = vel_key_update_bit(&conn->key_update) | spin_bit(peer);
        vel_packet_write_short(&p->w, peer, flags, p->number, p->number_size);
        return;
    }
    bool with_token = p->space == VEL_SPACE_INITIAL && conn->opening != NULL;
    struct vel_slice token = {0};
    if (with_token)
        token = vel_buf_slice(&conn->opening->token);
    vel_packet_write_long(&p->w, conn->version, types[p->space], peer,
                          &conn->first.cids.local[0].cid, token, p->number, p->number_size);
}

bool vel_packet_begin(struct vel_track *track, const struct vel_path *path,
                      struct vel_packet_build *p, enum vel_space space, uint8_t *start, size_t room)
{
    struct vel_conn *conn = track->conn;
    struct vel_recovery_space *recovery = &track->recovery.space[space];
    /* A peer may take back all its ids and be closed for it: then there is no way to say so. */
    if (room <= VEL_AEAD_TAG || vel_cids_peer(&track->cids, path->peer_cid) == NULL)
        return false;
    /* Data has stopped long before the ring of sent packets is full (window_open). What fills the
     * rest are acknowledgements that the peer asks for and never acknowledges: waiting for it to do
     * so would be a timer that is always due. */
    uint64_t kept = recovery->sent.next - recovery->sent.base;
    if (kept > KEPT_WITHOUT_DATA + (uint64_t)KEPT_PER_ELICITING * recovery->eliciting ||
        vel_sent_begin(&recovery->sent) != VEL_OK) {
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "too many packets without acknowledgement");
        return false;
    }
    if (space == VEL_SPACE_APP)
        vel_conn_refresh_keys(conn);
    *p = (struct vel_packet_build){
        .w = vel_writer(start, room - VEL_AEAD_TAG),
        .track = track,
        .path = path,
        .space = space,
        .number = recovery->sent.next,
        .number_size = vel_packet_number_size(recovery->sent.next, recovery->largest_acked),
    };
    write_header(conn, p);
    p->header_size = vel_written(&p->w);
    if (!vel_write_ok(&p->w) || vel_room(&p->w) < SAMPLE_OFFSET) {
        vel_packet_abandon(p);
        return false;
    }
    return true;
}

bool vel_packet_follow(struct vel_packet_build *p)
{
    struct vel_recovery_space *recovery = &p->track->recovery.space[p->space];
    uint64_t number = recovery->sent.next;
    if (vel_packet_number_size(number, recovery->largest_acked) != p->number_size ||
        vel_sent_begin(&recovery->sent) != VEL_OK)
        return false;
    uint8_t *start = p->w.end + VEL_AEAD_TAG;
    memcpy(start, p->w.start, p->header_size - p->number_size);
    p->w = vel_writer(start, (size_t)(p->w.end - p->w.start));
    p->w.pos += p->header_size;
    vel_store_uint(p->w.pos - p->number_size, number, p->number_size);
    p->number = number;
    p->body = (struct vel_slice){0};
    return true;
}

void vel_packet_abandon(struct vel_packet_build *p)
{
    vel_sent_abandon(&p->track->recovery.space[p->space].sent);
}

void vel_packet_bring_body(struct vel_packet_build *p)
{
    if (p->body.len > 0)
        memcpy(p->w.pos - p->body.len, p->body.ptr, p->body.len);
    p->body = (struct vel_slice){0};
}

/* PADDING frames are zero bytes. */
static void pad(struct vel_packet_build *p, size_t padding)
{
    if (padding == 0)
        return;
    vel_packet_bring_body(p);
    vel_write_fill(&p->w, 0, padding);
    p->padded = true;
}

void vel_packet_end_frames(struct vel_packet_build *p)
{
    size_t sampled = p->number_size + vel_written(&p->w) - p->header_size;
    if (sampled < SAMPLE_OFFSET)
        pad(p, SAMPLE_OFFSET - sampled);
}

void vel_packet_count(struct vel_conn *conn, const struct vel_packet_build *p, unsigned count,
                      vel_time now)
{
    if (p->eliciting && !conn->life.sent_since_receive)
        vel_life_sent_eliciting(&conn->life, now, vel_conn_pto(conn));
    conn->stats.packets_sent += count;
    vel_conn_count_sealed(conn, p->space, count);
}

bool vel_packet_finish(struct vel_conn *conn, struct vel_packet_build *p, size_t padding,
                       uint8_t ecn, vel_time now)
{
    pad(p, padding);
    size_t payload = vel_written(&p->w) - p->header_size;
    struct vel_conn_space *space = &conn->space[p->space];
    if (conn->trace != NULL && vel_write_ok(&p->w)) {
        vel_packet_bring_body(p);
        vel_conn_trace_sent(conn, p);
    }
    if (!vel_write_ok(&p->w) ||
        vel_packet_seal_from(&space->write, p->track->id, p->number, p->w.start, p->header_size,
                             p->number_size, payload, p->body) != VEL_OK) {
        vel_packet_abandon(p);
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "packet protection failed");
        return false;
    }
    size_t size = p->header_size + payload + VEL_AEAD_TAG;
    bool in_flight = (p->eliciting || p->padded) && !p->mtu_probe;
    if (p->aside)
        vel_recovery_sent_aside(&p->track->recovery, p->space, (uint16_t)size, now);
    else
        vel_recovery_sent(&p->track->recovery, p->space, (uint16_t)size, p->eliciting, in_flight,
                          ecn, now);
    vel_packet_count(conn, p, 1, now);
    return true;
}
