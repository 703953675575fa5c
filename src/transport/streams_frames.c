/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/error.h"
#include "transport/frame.h"
#include "transport/streams.h"
#include "transport/streams_internal.h"

enum half { HALF_SEND, HALF_RECV };

/* Fail, telling what the connection closes with. */
static vel_result refuse(uint64_t *wire_code, enum vel_wire_error code, enum vel_err err)
{
    *wire_code = code;
    return err;
}

/* A stream of the peer with all lower ones of its type, RFC 9000 3.2. */
static vel_result open_remote(struct vel_streams *streams, uint64_t id, uint64_t *wire_code)
{
    struct vel_streams_remote *remote = &streams->remote[vel_stream_is_uni(id)];
    if (vel_stream_index(id) >= remote->limit)
        return refuse(wire_code, VEL_WIRE_STREAM_LIMIT_ERROR, VEL_ERR_LIMIT);
    while (remote->opened <= vel_stream_index(id)) {
        struct vel_stream *s = NULL;
        uint64_t next = remote->opened * VEL_STREAM_TYPES + vel_stream_type(id);
        if (vel_streams_add(streams, next, &s) != VEL_OK)
            return refuse(wire_code, VEL_WIRE_INTERNAL_ERROR, VEL_ERR_NOMEM);
        remote->opened++;
        vel_streams_event(streams, s, VEL_EVENT_STREAM_OPENED);
    }
    return VEL_OK;
}

/* The stream that a frame about its `half` names; NULL when it has been forgotten. */
static vel_result find(struct vel_streams *streams, uint64_t id, enum half half,
                       struct vel_stream **stream, uint64_t *wire_code)
{
    bool local = vel_streams_is_local(streams, id);
    bool has_half = !vel_stream_is_uni(id) || (half == HALF_SEND) == local;
    bool never_opened =
        local && vel_stream_index(id) >= streams->local[vel_stream_is_uni(id)].opened;
    if (!has_half || never_opened)
        return refuse(wire_code, VEL_WIRE_STREAM_STATE_ERROR, VEL_ERR_UNEXPECTED);
    if (!local)
        TRY(open_remote(streams, id, wire_code));
    *stream = vel_streams_find(streams, id);
    return VEL_OK;
}

/* Bytes of a stream now reach `end`: RFC 9000 4.5, then 4.1 for stream and connection. */
static inline vel_result count_received(struct vel_streams *streams, struct vel_stream *s,
                                        uint64_t end, bool fin, uint64_t *wire_code)
{
    if (vel_recv_buffer_check(&s->recv, end, fin) != VEL_OK)
        return refuse(wire_code, VEL_WIRE_FINAL_SIZE_ERROR, VEL_ERR_UNEXPECTED);
    uint64_t more = end > s->recv.highest ? end - s->recv.highest : 0;
    if (!vel_flow_in_receive(&s->recv_flow, more) ||
        !vel_flow_in_receive(&streams->recv_flow, more))
        return refuse(wire_code, VEL_WIRE_FLOW_CONTROL_ERROR, VEL_ERR_LIMIT);
    return VEL_OK;
}

/* Bytes of a stream that the application has stopped: counted and given back at once. */
static vel_result skip_data(struct vel_streams *streams, struct vel_stream *s, uint64_t end,
                            bool fin)
{
    uint64_t before = s->recv.highest;
    TRY(vel_recv_buffer_skip(&s->recv, end, fin));
    vel_streams_return_credit(streams, s, s->recv.highest - before);
    vel_streams_settle(streams, s);
    return VEL_OK;
}

static vel_result take_data(struct vel_streams *streams, struct vel_stream *s,
                            const struct vel_frame_stream *frame, uint64_t *wire_code)
{
    uint64_t ready = s->recv.ready;
    bool complete = vel_recv_buffer_complete(&s->recv);
    enum vel_err err = vel_recv_buffer_insert(&s->recv, frame->offset, frame->data, frame->fin);
    if (err != VEL_OK)
        return refuse(wire_code, VEL_WIRE_INTERNAL_ERROR, err);
    if (s->recv.ready > ready || vel_recv_buffer_complete(&s->recv) != complete)
        vel_streams_event(streams, s, VEL_EVENT_STREAM_READABLE);
    if (s->recv.fin) /* else its state is what it was */
        vel_streams_settle(streams, s);
    return VEL_OK;
}

/* A frame is mostly of the stream that the one before was of, which was found and may be received. */
static vel_result find_fed(struct vel_streams *streams, uint64_t id, struct vel_stream **stream,
                           uint64_t *wire_code)
{
    if (streams->fed == NULL || streams->fed->id != id)
        TRY(find(streams, id, HALF_RECV, &streams->fed, wire_code));
    *stream = streams->fed;
    return VEL_OK;
}

vel_result vel_streams_on_data(struct vel_streams *streams, const struct vel_frame_stream *data,
                               uint64_t *wire_code)
{
    uint64_t end = data->offset + data->data.len;
    struct vel_stream *s = NULL;
    TRY(find_fed(streams, data->id, &s, wire_code));
    if (s == NULL || vel_stream_recv_over(s))
        return VEL_OK;
    TRY(count_received(streams, s, end, data->fin, wire_code));
    if (s->recv_state == VEL_RECV_STOPPED)
        return skip_data(streams, s, end, data->fin);
    return take_data(streams, s, data, wire_code);
}

static vel_result on_stream(struct vel_streams *streams, const struct vel_frame *frame,
                            uint64_t *wire_code)
{
    return vel_streams_on_data(streams, &frame->stream, wire_code);
}

static vel_result on_reset_stream(struct vel_streams *streams, const struct vel_frame *frame,
                                  uint64_t *wire_code)
{
    uint64_t final_size = frame->reset.final_size;
    struct vel_stream *s = NULL;
    TRY(find(streams, frame->reset.id, HALF_RECV, &s, wire_code));
    if (s == NULL || vel_stream_recv_over(s))
        return VEL_OK;
    TRY(count_received(streams, s, final_size, true, wire_code));
    if (s->recv_state == VEL_RECV_STOPPED)
        return skip_data(streams, s, final_size, true);
    if (vel_recv_buffer_complete(&s->recv)) /* RFC 9000 3.2: Data Recvd stays */
        return VEL_OK;

    uint64_t unread = final_size - s->recv.consumed;
    TRY(vel_recv_buffer_end(&s->recv, final_size));
    s->recv_state = VEL_RECV_RESET_READ;
    s->peer_reset_code = frame->reset.code;
    s->pending &= (uint8_t)~VEL_PENDING_MAX_DATA;
    vel_streams_withdraw(s, VEL_EVENT_STREAM_READABLE);
    vel_streams_event(streams, s, VEL_EVENT_STREAM_RESET);
    vel_streams_return_credit(streams, s, unread);
    vel_streams_settle(streams, s);
    return VEL_OK;
}

/* RFC 9000 3.5: answered with RESET_STREAM and the same code. */
static vel_result on_stop_sending(struct vel_streams *streams, const struct vel_frame *frame,
                                  uint64_t *wire_code)
{
    struct vel_stream *s = NULL;
    TRY(find(streams, frame->stop.id, HALF_SEND, &s, wire_code));
    if (s == NULL || s->send_state >= VEL_SEND_RESET_SENT)
        return VEL_OK;
    vel_streams_drop_unsent(streams, s);
    (void)vel_stream_abandon_send(s, frame->stop.code);
    s->peer_stop_code = frame->stop.code;
    vel_streams_withdraw(s, VEL_EVENT_STREAM_WRITABLE);
    vel_streams_event(streams, s, VEL_EVENT_STREAM_STOPPED);
    vel_streams_settle(streams, s);
    return VEL_OK;
}

static vel_result on_max_data(struct vel_streams *streams, const struct vel_frame *frame,
                              uint64_t *wire_code)
{
    (void)wire_code;
    if (vel_flow_out_grant(&streams->send_flow, frame->limit)) {
        streams->pending &= (uint8_t)~VEL_PENDING_CONN_BLOCKED;
        vel_streams_unblock(streams);
    }
    return VEL_OK;
}

static vel_result on_max_stream_data(struct vel_streams *streams, const struct vel_frame *frame,
                                     uint64_t *wire_code)
{
    struct vel_stream *s = NULL;
    TRY(find(streams, frame->stream_limit.id, HALF_SEND, &s, wire_code));
    if (s != NULL && vel_flow_out_grant(&s->send_flow, frame->stream_limit.limit)) {
        s->pending &= (uint8_t)~VEL_PENDING_BLOCKED;
        vel_streams_place(streams, s);
        vel_streams_tell_writable(streams, s);
    }
    return VEL_OK;
}

static vel_result on_max_streams(struct vel_streams *streams, const struct vel_frame *frame,
                                 uint64_t *wire_code)
{
    (void)wire_code;
    unsigned uni = !frame->streams.bidirectional;
    struct vel_streams_local *local = &streams->local[uni];
    uint64_t before = local->limit;
    if (frame->streams.limit <= before)
        return VEL_OK;
    local->limit = frame->streams.limit;
    streams->pending &= (uint8_t)~(VEL_PENDING_STREAMS_BLOCKED_BIDI << uni);
    vel_streams_place_opened(streams, uni, before);
    vel_streams_announce_available(streams, uni);
    return VEL_OK;
}

/* *_BLOCKED frames ask for nothing: limits follow what the application consumes. */
static vel_result on_stream_data_blocked(struct vel_streams *streams, const struct vel_frame *frame,
                                         uint64_t *wire_code)
{
    struct vel_stream *s = NULL;
    return find(streams, frame->stream_limit.id, HALF_RECV, &s, wire_code);
}

static vel_result on_blocked(struct vel_streams *streams, const struct vel_frame *frame,
                             uint64_t *wire_code)
{
    (void)streams;
    (void)frame;
    (void)wire_code;
    return VEL_OK;
}

typedef vel_result (*handler)(struct vel_streams *, const struct vel_frame *, uint64_t *);

static const handler handlers[] = {
    [VEL_FRAME_RESET_STREAM] = on_reset_stream,
    [VEL_FRAME_STOP_SENDING] = on_stop_sending,
    [VEL_FRAME_STREAM] = on_stream,
    [VEL_FRAME_MAX_DATA] = on_max_data,
    [VEL_FRAME_MAX_STREAM_DATA] = on_max_stream_data,
    [VEL_FRAME_MAX_STREAMS] = on_max_streams,
    [VEL_FRAME_DATA_BLOCKED] = on_blocked,
    [VEL_FRAME_STREAM_DATA_BLOCKED] = on_stream_data_blocked,
    [VEL_FRAME_STREAMS_BLOCKED] = on_blocked,
};

vel_result vel_streams_on_frame(struct vel_streams *streams, const struct vel_frame *frame,
                                uint64_t *wire_code)
{
    size_t type = frame->type;
    if (type >= VEL_COUNT(handlers) || handlers[type] == NULL)
        return refuse(wire_code, VEL_WIRE_INTERNAL_ERROR, VEL_ERR_ARGUMENT);
    return handlers[type](streams, frame, wire_code);
}
