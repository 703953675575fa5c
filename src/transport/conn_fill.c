/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

/* The largest frames that are written whole or not at all: NEW_CONNECTION_ID is the longest. */
enum { CONTROL_FRAME_MAX = 1 + 8 + 8 + 1 + VEL_CID_MAX + VEL_RESET_TOKEN };

/* What a long type and a path identifier add. */
enum { PATH_FRAME_EXTRA = 1 + VEL_VARINT_MAX };

/* Room for an ACK of one range with its ECN counts: type and seven varints. */
enum { ACK_FRAME_MIN = 1 + 7 * VEL_VARINT_MAX };

bool vel_packet_write_control(struct vel_packet_build *p, const struct vel_frame *frame,
                              struct vel_record record)
{
    size_t most = CONTROL_FRAME_MAX;
    if (frame->type >= VEL_FRAME_PATH_ABANDON)
        most += PATH_FRAME_EXTRA;
    if (vel_room(&p->w) < most ||
        vel_sent_add(&p->track->recovery.space[p->space].sent, record) != VEL_OK)
        return false;
    vel_frame_write(&p->w, frame);
    p->eliciting = true;
    return true;
}

/* With a path identifier once both ends know what it means. */
static void write_ack(struct vel_packet_build *p, const struct vel_track *track, size_t room,
                      vel_time now)
{
    const struct vel_acks *acks = &track->space[p->space].acks;
    const struct vel_conn *conn = track->conn;
    unsigned exponent = p->space == VEL_SPACE_APP ? VEL_ACK_DELAY_EXPONENT : 0;
    bool has_ecn = acks->ecn.ect0 + acks->ecn.ect1 + acks->ecn.ce > 0;
    uint64_t delay = vel_acks_delay(acks, exponent, now);
    const struct vel_ecn_counts *ecn = has_ecn ? &acks->ecn : NULL;
    if (conn->multipath.agreed && conn->opening == NULL)
        (void)vel_frame_write_path_ack(&p->w, room, track->id, &acks->received, delay, ecn);
    else
        (void)vel_frame_write_ack(&p->w, room, &acks->received, delay, ecn);
}

bool vel_conn_put_ack(struct vel_packet_build *p, struct vel_track *track, vel_time now)
{
    struct vel_conn *conn = track->conn;
    const struct vel_acks *acks = &track->space[p->space].acks;
    const struct vel_range *last = vel_ranges_last(&acks->received);
    if (last == NULL || vel_room(&p->w) < ACK_FRAME_MIN + VEL_VARINT_MAX)
        return false;
    struct vel_record record = {.kind = VEL_RECORD_ACK, .id = track->id, .offset = last->end - 1};
    if (vel_sent_add(&p->track->recovery.space[p->space].sent, record) != VEL_OK) {
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "no memory for an acknowledgement");
        return false;
    }
    write_ack(p, track, vel_room(&p->w), now);
    if (p->space == VEL_SPACE_APP)
        vel_key_update_told(&conn->key_update, &track->phase, last->end - 1);
    return true;
}

void vel_conn_fill_last_ack(struct vel_packet_build *p, size_t keep, vel_time now)
{
    const struct vel_ranges *received = &p->track->space[p->space].acks.received;
    if (vel_ranges_last(received) != NULL && vel_room(&p->w) >= ACK_FRAME_MIN + keep)
        write_ack(p, p->track, vel_room(&p->w) - keep, now);
}

/* The first flight says everything twice (PROTOCOL section 2, VEL-TR-02). */
static bool flight_repeats(const struct vel_conn *conn, enum vel_space space)
{
    return space == VEL_SPACE_INITIAL && conn->opening != NULL && conn->opening->flight_left > 0;
}

static bool fill_crypto(struct vel_conn *conn, struct vel_packet_build *p)
{
    struct vel_crypto_stream *crypto = &conn->space[p->space].crypto;
    struct vel_sent *sent = &p->track->recovery.space[p->space].sent;
    size_t before = vel_written(&p->w);
    if (vel_crypto_stream_write_frames(crypto, &p->w, sent) != VEL_OK)
        return false;
    bool repeat = flight_repeats(conn, p->space) && !vel_crypto_stream_want_send(crypto);
    if (repeat && vel_crypto_stream_repeat_frames(crypto, &conn->opening->repeat_offset, &p->w,
                                                  sent) != VEL_OK)
        return false;
    p->eliciting |= vel_written(&p->w) > before;
    return true;
}

static void fill_new_token(struct vel_conn *conn, struct vel_packet_build *p)
{
    uint8_t token[VEL_NEW_TOKEN_MAX];
    struct vel_frame frame;
    struct vel_record record = {.kind = VEL_RECORD_NEW_TOKEN};
    if (vel_room(&p->w) < CONTROL_FRAME_MAX)
        return;
    conn->new_token_due = vel_conn_make_new_token(conn, token, &frame) &&
                          !vel_packet_write_control(p, &frame, record);
}

/* Streams and datagrams whose turn it is on this track. */
static void fill_data(struct vel_conn *conn, struct vel_packet_build *p, vel_time now)
{
    struct vel_sent *sent = &p->track->recovery.space[VEL_SPACE_APP].sent;
    struct vel_together together = vel_conn_together(p->track);
    bool copies = together.copies != 0;
    bool all = copies && conn->datagrams.peer_takes_copies; /* else datagrams are sent once */
    size_t start = vel_written(&p->w);
    unsigned records = sent->open_records;
    vel_conn_fill_datagrams(conn, p, (struct vel_datagram_fill){together.choices, true, all}, now);
    size_t before = vel_written(&p->w);
    start = all ? start : before;
    records = all ? records : sent->open_records;
    if (vel_streams_write_frames(conn->streams, &p->w, sent, &p->body, together.choices) != VEL_OK)
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "out of memory");
    p->eliciting |= vel_written(&p->w) > before;
    if (copies && !all)
        vel_conn_keep_copy(p, together.copies, start, records);
    vel_conn_fill_datagrams(conn, p, (struct vel_datagram_fill){together.choices, false, all}, now);
    if (all)
        vel_conn_keep_copy(p, together.copies, start, records);
}

/* What any track may carry, and this one does. */
static void fill_control(struct vel_conn *conn, struct vel_packet_build *p)
{
    if (conn->new_token_due)
        fill_new_token(conn, p);
    vel_conn_fill_ack_request(p);
    vel_conn_fill_path_frames(p);
}

static void fill_app(struct vel_conn *conn, struct vel_packet_build *p, vel_time now)
{
    if (conn->handshake_done_due) {
        struct vel_frame frame = {.type = VEL_FRAME_HANDSHAKE_DONE};
        struct vel_record record = {.kind = VEL_RECORD_HANDSHAKE_DONE};
        conn->handshake_done_due = !vel_packet_write_control(p, &frame, record);
    }
    struct vel_frame response = {.type = VEL_FRAME_PATH_RESPONSE};
    struct vel_record record = {.kind = VEL_RECORD_PATH_RESPONSE};
    while (vel_room(&p->w) >= CONTROL_FRAME_MAX &&
           vel_path_take_response(p->track->paths.active, response.path_data))
        p->expanded |= vel_packet_write_control(p, &response, record); /* RFC 9000 8.2.2 */
    if ((p->track->carries & VEL_CHOICE_CONTROL) != 0)
        fill_control(conn, p);
    if (p->track->carries != 0)
        fill_data(conn, p, now);
}

static void fill_ping(struct vel_packet_build *p)
{
    struct vel_frame frame = {.type = VEL_FRAME_PING};
    struct vel_record record = {.kind = VEL_RECORD_PING};
    if (vel_room(&p->w) == 0 ||
        vel_sent_add(&p->track->recovery.space[p->space].sent, record) != VEL_OK)
        return;
    vel_frame_write(&p->w, &frame);
    p->eliciting = true;
}

/* What answers a time-out is to be acknowledged without delay (draft-ietf-quic-ack-frequency 7). */
static void fill_immediate_ack(const struct vel_conn *conn, struct vel_packet_build *p)
{
    struct vel_frame frame = {.type = VEL_FRAME_IMMEDIATE_ACK};
    if (p->space == VEL_SPACE_APP && conn->ack_request.allowed && p->eliciting &&
        vel_room(&p->w) > 0)
        vel_frame_write(&p->w, &frame);
}

static bool has_own_control(const struct vel_conn *conn)
{
    return conn->new_token_due || vel_conn_wants_path_frames(conn);
}

bool vel_conn_has_control(const struct vel_conn *conn)
{
    return has_own_control(conn) || vel_streams_want_send(conn->streams, VEL_CHOICE_CONTROL);
}

/* Something waits for a packet of this track, whatever the streams want. */
static bool has_other_work(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    bool control = (track->carries & VEL_CHOICE_CONTROL) != 0;
    return conn->handshake_done_due || track->paths.active->response_count > 0 ||
           vel_datagrams_first(&conn->datagrams, track->carries) != NULL ||
           (control && has_own_control(conn));
}

static bool app_has_work(const struct vel_track *track)
{
    /* Most often it is the streams: they are asked first. */
    return vel_streams_want_send(track->conn->streams, track->carries) || has_other_work(track);
}

bool vel_conn_fills_streams_only(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    const struct vel_track_space *app = &track->space[VEL_SPACE_APP];
    bool rides_along =
        vel_acks_is_pending(&app->acks) || conn->ack_request.due || vel_conn_has_closing_acks(conn);
    return track->carries != 0 && app->probes_due == 0 && !rides_along &&
           !vel_crypto_stream_want_send(&conn->space[VEL_SPACE_APP].crypto) &&
           !has_other_work(track) && !vel_conn_sends_copies(track);
}

bool vel_conn_wants(struct vel_track *track, enum vel_space space, bool window, vel_time now)
{
    const struct vel_conn *conn = track->conn;
    const struct vel_conn_space *s = &conn->space[space];
    const struct vel_track_space *t = &track->space[space];
    if (s->discarded || !vel_keys_ready(&s->write))
        return false;
    if (t->probes_due > 0 || vel_acks_is_due(&t->acks, now))
        return true;
    if (space == VEL_SPACE_APP && conn->multipath.agreed && vel_conn_track(conn) == track &&
        vel_conn_owes_closing_acks(conn, now))
        return true;
    if (!window)
        return false;
    return vel_crypto_stream_want_send(&s->crypto) || flight_repeats(conn, space) ||
           (space == VEL_SPACE_APP && app_has_work(track));
}

void vel_conn_fill(struct vel_conn *conn, struct vel_packet_build *p, bool window, vel_time now)
{
    struct vel_track_space *s = &p->track->space[p->space];
    /* A probe of a handshake acknowledges again: a lost acknowledgement may be what is waited for. */
    bool repeats = p->space != VEL_SPACE_APP && s->probes_due > 0;
    bool acked = vel_acks_is_pending(&s->acks) || repeats;
    acked = acked && vel_conn_put_ack(p, p->track, now);
    if (p->space == VEL_SPACE_APP && conn->multipath.agreed)
        vel_conn_fill_closing_acks(p, now);
    if (window || s->probes_due > 0) {
        if (!fill_crypto(conn, p))
            vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "out of memory");
        if (p->space == VEL_SPACE_APP)
            fill_app(conn, p, now);
        bool wants_ping = s->probes_due > 0 || flight_repeats(conn, p->space) ||
                          (acked && vel_acks_wants_ping(&s->acks));
        if (!p->eliciting && wants_ping)
            fill_ping(p);
        if (s->probes_due > 0)
            fill_immediate_ack(conn, p);
    }
    if (acked)
        vel_acks_sent(&s->acks, p->eliciting);
    if (p->eliciting && s->probes_due > 0)
        s->probes_due--;
}
