/* SPDX-License-Identifier: MIT */
#include "base/reader.h"
#include "base/units.h"
#include "transport/conn_internal.h"

/* What a handler may want to know of the packet its frame came in. */
struct frame_context {
    const struct vel_frames *frames;
    vel_time now;
};

/* Handlers return a wire error; VEL_WIRE_NO_ERROR when the frame was fine. */
typedef uint64_t (*frame_handler)(struct vel_conn *conn, const struct frame_context *in,
                                  const struct vel_frame *frame);

static uint64_t on_nothing(struct vel_conn *conn, const struct frame_context *in,
                           const struct vel_frame *frame)
{
    (void)conn, (void)in, (void)frame;
    return VEL_WIRE_NO_ERROR;
}

static uint64_t on_ack(struct vel_conn *conn, const struct frame_context *in,
                       const struct vel_frame *frame)
{
    struct vel_track *track = &conn->first;
    if (frame->type == VEL_FRAME_PATH_ACK || in->frames->space == VEL_SPACE_APP) {
        uint64_t wire_code = vel_conn_look_up_track(conn, frame->path_id, &track);
        if (track == NULL)
            return wire_code;
    }
    /* RFC 9002 5.3: the delay means nothing in the handshake spaces. */
    vel_time delay = 0;
    vel_time unit = conn->peer_ack_delay_unit;
    if (in->frames->space == VEL_SPACE_APP && unit > 0)
        delay = (vel_time)VEL_MIN(frame->ack.delay, (uint64_t)(10 * SECOND / unit)) * unit;
    if (in->frames->space == VEL_SPACE_APP &&
        vel_key_update_acked(&conn->key_update, &track->phase, frame->ack.largest, in->now,
                             vel_conn_pto(conn)) != VEL_OK)
        return VEL_WIRE_KEY_UPDATE_ERROR;
    if (conn->is_client && in->frames->space == VEL_SPACE_HANDSHAKE)
        track->recovery.peer_validated = true;
    if (vel_recovery_on_ack(&track->recovery, in->frames->space, &frame->ack, delay, in->now) !=
        VEL_OK)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    if (track->state != VEL_TRACK_OPEN)
        return VEL_WIRE_NO_ERROR;
    if (track->recovery.pto_backoff == 0)
        vel_conn_end_silence(track);
    vel_conn_leave_black_hole(track);
    struct vel_pacing pacing = vel_cc_pacing(&track->recovery.cc, &track->recovery.rtt);
    vel_pacer_set_rate(&track->pacer, pacing.rate, pacing.quantum, in->now);
    track->pace_until = VEL_NEVER;
    vel_streams_set_window(conn->streams, vel_conn_window(conn));
    vel_streams_set_rate(conn->streams, pacing.rate);
    track->space[VEL_SPACE_APP].acks.round_trip = track->recovery.rtt.smoothed;
    if (in->frames->space == VEL_SPACE_APP)
        vel_conn_consider_acks(track);
    if (conn->trace != NULL)
        vel_conn_trace_recovery(track);
    return VEL_WIRE_NO_ERROR;
}

static uint64_t on_ack_frequency(struct vel_conn *conn, const struct frame_context *in,
                                 const struct vel_frame *frame)
{
    return vel_conn_on_ack_frequency(conn, &frame->ack_frequency, in->now);
}

static uint64_t on_immediate_ack(struct vel_conn *conn, const struct frame_context *in,
                                 const struct vel_frame *frame)
{
    (void)conn, (void)frame;
    vel_acks_hurry(&in->frames->track->space[VEL_SPACE_APP].acks, in->now);
    return VEL_WIRE_NO_ERROR;
}

static uint64_t on_crypto(struct vel_conn *conn, const struct frame_context *in,
                          const struct vel_frame *frame)
{
    uint64_t wire_code = VEL_WIRE_INTERNAL_ERROR;
    struct vel_conn_space *space = &conn->space[in->frames->space];
    if (vel_crypto_stream_on_frame(&space->crypto, &frame->crypto, &wire_code) != VEL_OK)
        return wire_code;
    vel_conn_hear_handshake(conn, in->frames->space, in->now);
    return VEL_WIRE_NO_ERROR;
}

static uint64_t on_stream_frame(struct vel_conn *conn, const struct frame_context *in,
                                const struct vel_frame *frame)
{
    (void)in;
    uint64_t wire_code = VEL_WIRE_INTERNAL_ERROR;
    return vel_streams_on_frame(conn->streams, frame, &wire_code) == VEL_OK ? VEL_WIRE_NO_ERROR
                                                                            : wire_code;
}

static uint64_t on_new_token(struct vel_conn *conn, const struct frame_context *in,
                             const struct vel_frame *frame)
{
    (void)in;
    return conn->is_client ? vel_conn_on_new_token(conn, frame->token)
                           : VEL_WIRE_PROTOCOL_VIOLATION;
}

static uint64_t on_new_cid(struct vel_conn *conn, const struct frame_context *in,
                           const struct vel_frame *frame)
{
    (void)in;
    struct vel_track *track = vel_conn_find_track(conn, 0);
    bool wanted = track != NULL && track->state == VEL_TRACK_OPEN;
    return wanted ? vel_conn_on_new_cid(track, &frame->new_cid) : VEL_WIRE_NO_ERROR;
}

static uint64_t on_retire_cid(struct vel_conn *conn, const struct frame_context *in,
                              const struct vel_frame *frame)
{
    struct vel_track *track = vel_conn_find_track(conn, 0);
    return track != NULL ? vel_conn_on_retire_cid(track, frame->sequence, in->frames->dcid)
                         : VEL_WIRE_NO_ERROR;
}

/* RFC 9000 8.2.2: answered on the path it came on. */
static uint64_t on_path_challenge(struct vel_conn *conn, const struct frame_context *in,
                                  const struct vel_frame *frame)
{
    (void)conn;
    const struct vel_frames *frames = in->frames;
    struct vel_track *track = frames->track;
    uint32_t from = frames->path;
    if (track->state == VEL_TRACK_SPARE) { /* the ids to answer to stood in front of it */
        vel_conn_follow_opening(track, frames->local, frames->remote, frames->size);
        from = track->state == VEL_TRACK_OPEN ? track->paths.active->id : 0;
    }
    if (track->state != VEL_TRACK_OPEN)
        return VEL_WIRE_NO_ERROR;
    struct vel_path *path = vel_paths_by_id(&track->paths, from);
    if (path != NULL)
        vel_path_challenged(path, frame->path_data, vel_recovery_pto(&track->recovery), in->now);
    return VEL_WIRE_NO_ERROR;
}

/* RFC 9000 8.2.3: the data tells which path is meant, wherever it comes from. Answers that nobody
 * waits for any more are ignored. */
static uint64_t on_path_response(struct vel_conn *conn, const struct frame_context *in,
                                 const struct vel_frame *frame)
{
    (void)conn;
    vel_conn_on_path_response(in->frames->track, frame->path_data, in->now);
    return VEL_WIRE_NO_ERROR;
}

static uint64_t on_path_frame(struct vel_conn *conn, const struct frame_context *in,
                              const struct vel_frame *frame)
{
    return vel_conn_on_path_frame(conn, frame, in->frames->dcid, in->now);
}

static uint64_t on_max_path_id(struct vel_conn *conn, const struct frame_context *in,
                               const struct vel_frame *frame)
{
    (void)in;
    return vel_conn_on_max_path_id(conn, frame->limit);
}

static uint64_t on_paths_blocked(struct vel_conn *conn, const struct frame_context *in,
                                 const struct vel_frame *frame)
{
    (void)in;
    return vel_conn_on_paths_blocked(conn, frame->limit);
}

static uint64_t on_close(struct vel_conn *conn, const struct frame_context *in,
                         const struct vel_frame *frame)
{
    struct vel_close why = {.origin = VEL_CLOSE_PEER,
                            .application = frame->close.application,
                            .code = frame->close.code};
    vel_close_set_reason(&why, frame->close.reason);
    vel_life_peer_closed(&conn->life, &why, in->now, vel_conn_pto(conn));
    vel_conn_ended(conn);
    return VEL_WIRE_NO_ERROR;
}

static uint64_t on_handshake_done(struct vel_conn *conn, const struct frame_context *in,
                                  const struct vel_frame *frame)
{
    (void)frame;
    if (!conn->is_client)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    vel_conn_confirm(conn, in->now);
    return VEL_WIRE_NO_ERROR;
}

static uint64_t on_datagram(struct vel_conn *conn, const struct frame_context *in,
                            const struct vel_frame *frame)
{
    (void)in;
    return vel_conn_on_datagram(conn, frame->datagram);
}

static uint64_t on_datagram_copy(struct vel_conn *conn, const struct frame_context *in,
                                 const struct vel_frame *frame)
{
    (void)in;
    return vel_conn_on_datagram_copy(conn, frame->copy.number, frame->copy.bytes);
}

/* By frame type; an empty row is one that we did not announce and therefore refuse. */
static const frame_handler handlers[VEL_FRAME_INDEXES] = {
    [VEL_FRAME_PADDING] = on_nothing,
    [VEL_FRAME_PING] = on_nothing,
    [VEL_FRAME_ACK] = on_ack,
    [VEL_FRAME_RESET_STREAM] = on_stream_frame,
    [VEL_FRAME_STOP_SENDING] = on_stream_frame,
    [VEL_FRAME_CRYPTO] = on_crypto,
    [VEL_FRAME_NEW_TOKEN] = on_new_token,
    [VEL_FRAME_STREAM] = on_stream_frame,
    [VEL_FRAME_MAX_DATA] = on_stream_frame,
    [VEL_FRAME_MAX_STREAM_DATA] = on_stream_frame,
    [VEL_FRAME_MAX_STREAMS] = on_stream_frame,
    [VEL_FRAME_DATA_BLOCKED] = on_stream_frame,
    [VEL_FRAME_STREAM_DATA_BLOCKED] = on_stream_frame,
    [VEL_FRAME_STREAMS_BLOCKED] = on_stream_frame,
    [VEL_FRAME_NEW_CONNECTION_ID] = on_new_cid,
    [VEL_FRAME_RETIRE_CONNECTION_ID] = on_retire_cid,
    [VEL_FRAME_PATH_CHALLENGE] = on_path_challenge,
    [VEL_FRAME_PATH_RESPONSE] = on_path_response,
    [VEL_FRAME_CONNECTION_CLOSE] = on_close,
    [VEL_FRAME_HANDSHAKE_DONE] = on_handshake_done,
    [VEL_FRAME_IMMEDIATE_ACK] = on_immediate_ack,
    [VEL_FRAME_DATAGRAM] = on_datagram,
    [VEL_FRAME_INDEX(VEL_FRAME_ACK_FREQUENCY)] = on_ack_frequency,
    [VEL_FRAME_PATH_ACK] = on_ack,
    [VEL_FRAME_INDEX(VEL_FRAME_DATAGRAM_COPY)] = on_datagram_copy,
    [VEL_FRAME_INDEX(VEL_FRAME_PATH_ABANDON)] = on_path_frame,
    [VEL_FRAME_INDEX(VEL_FRAME_PATH_STATUS_BACKUP)] = on_path_frame,
    [VEL_FRAME_INDEX(VEL_FRAME_PATH_STATUS_AVAILABLE)] = on_path_frame,
    [VEL_FRAME_INDEX(VEL_FRAME_PATH_NEW_CONNECTION_ID)] = on_path_frame,
    [VEL_FRAME_INDEX(VEL_FRAME_PATH_RETIRE_CONNECTION_ID)] = on_path_frame,
    [VEL_FRAME_INDEX(VEL_FRAME_MAX_PATH_ID)] = on_max_path_id,
    [VEL_FRAME_INDEX(VEL_FRAME_PATHS_BLOCKED)] = on_paths_blocked,
    [VEL_FRAME_INDEX(VEL_FRAME_PATH_CIDS_BLOCKED)] = on_path_frame,
};

/* Close for a frame that does not parse or is not allowed here. */
static void refuse(struct vel_conn *conn, enum vel_err err)
{
    if (err == VEL_ERR_MALFORMED)
        vel_conn_fail(conn, VEL_WIRE_FRAME_ENCODING_ERROR, "a frame does not parse");
    else
        vel_conn_fail(conn, VEL_WIRE_PROTOCOL_VIOLATION, "a frame is not allowed in its packet");
}

/* One is usual. Each may walk the packets in flight that were reordered, so more of them than anybody
 * needs are passed over: the next packet says it again. */
enum { ACKS_PER_PACKET = 4 };

/* Frames of an extension belong to it: without, they are unknown (VEL-TR-50). */
static frame_handler find_handler(const struct vel_conn *conn, enum vel_frame_type type)
{
    bool extension = type == VEL_FRAME_PATH_ACK || type >= VEL_FRAME_DATAGRAM_COPY;
    return extension && !conn->multipath.agreed ? NULL : handlers[VEL_FRAME_INDEX(type)];
}

/* What the frames of one packet add up to. */
struct tally {
    struct vel_frames *frames;
    unsigned acks;
};

/* False: the connection is over. */
static bool go_on(struct vel_conn *conn, uint64_t wire_code, const char *name)
{
    if (wire_code != VEL_WIRE_NO_ERROR)
        vel_conn_fail(conn, wire_code, name);
    return !vel_life_is_over(&conn->life);
}

/* One frame of any type. */
static bool take_frame(struct vel_conn *conn, struct vel_reader *r, struct tally *tally,
                       vel_time now)
{
    struct vel_frames *frames = tally->frames;
    const struct frame_context in = {.frames = frames, .now = now};
    struct vel_frame frame;
    frames->only_data = false;
    enum vel_err err = vel_frame_read(r, frames->packet, &frame);
    if (err != VEL_OK) {
        refuse(conn, err);
        return false;
    }
    frame_handler handle = find_handler(conn, frame.type);
    if (handle == NULL) {
        vel_conn_fail(conn, VEL_WIRE_FRAME_ENCODING_ERROR, "a frame type we did not announce");
        return false;
    }
    const struct vel_frame_kind *kind = vel_frame_kind(frame.type);
    frames->elicits |= kind->elicits_ack;
    frames->moves |= !kind->probing;
    bool ack = frame.type == VEL_FRAME_ACK || frame.type == VEL_FRAME_PATH_ACK;
    tally->acks += ack;
    bool passed_over = ack && tally->acks > ACKS_PER_PACKET + conn->multipath.slots;
    return go_on(conn, passed_over ? VEL_WIRE_NO_ERROR : handle(conn, &in, &frame), kind->name);
}

/* A STREAM frame of a 1-RTT packet, which nearly all are: what the table says of it is known here. */
static bool take_data(struct vel_conn *conn, struct vel_reader *r, struct vel_frames *frames)
{
    struct vel_frame_stream data;
    enum vel_err err = vel_frame_read_stream(r, &data);
    if (err != VEL_OK) {
        refuse(conn, err);
        return false;
    }
    frames->elicits = frames->moves = true;
    uint64_t wire_code = VEL_WIRE_INTERNAL_ERROR;
    return vel_streams_on_data(conn->streams, &data, &wire_code) == VEL_OK ||
           go_on(conn, wire_code, vel_frame_kind(VEL_FRAME_STREAM)->name);
}

bool vel_conn_handle_frames(struct vel_conn *conn, struct vel_frames *frames, vel_time now)
{
    struct tally tally = {.frames = frames};
    frames->only_data = true;
    struct vel_reader r = vel_reader(frames->payload);
    if (frames->payload.len == 0) {
        vel_conn_fail(conn, VEL_WIRE_PROTOCOL_VIOLATION, "a packet without frames");
        return false;
    }
    while (vel_left(&r) > 0) {
        bool data = frames->packet == VEL_PACKET_ONE_RTT && vel_frame_is_stream(*r.pos);
        if (!(data ? take_data(conn, &r, frames) : take_frame(conn, &r, &tally, now)))
            return false;
    }
    return true;
}
