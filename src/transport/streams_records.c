/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/record.h"
#include "transport/streams.h"
#include "transport/streams_internal.h"

/* What is sent again after a loss, and what an acknowledgement settles: RFC 9000 13.3. */

static struct vel_send_span span_of(const struct vel_record *record)
{
    return (struct vel_send_span){.offset = record->offset, .len = record->len, .fin = record->fin};
}

/* Told when a quarter of the buffer is free and half of what may wait has left, not at each byte. */
void vel_streams_tell_writable(struct vel_streams *streams, struct vel_stream *s)
{
    if (!s->wants_room || s->send_state != VEL_SEND_OPEN ||
        s->send.end - s->send.sent > streams->limits->max_send_buffer / 2 ||
        vel_send_buffer_room(&s->send) < s->send.limit / 4 || vel_streams_room(streams, s) == 0)
        return;
    s->wants_room = false;
    vel_streams_event(streams, s, VEL_EVENT_STREAM_WRITABLE);
}

vel_result vel_streams_acked(struct vel_streams *streams, const struct vel_record *record)
{
    if (record->kind != VEL_RECORD_STREAM && record->kind != VEL_RECORD_RESET_STREAM)
        return VEL_OK;
    struct vel_stream *s = vel_streams_find(streams, record->id);
    if (s == NULL || vel_stream_send_over(s))
        return VEL_OK;
    if (record->kind == VEL_RECORD_STREAM) {
        struct vel_send_span span = span_of(record);
        TRY(vel_send_buffer_acked(&s->send, &span));
        vel_streams_tell_writable(streams, s);
    } else {
        s->send_state = VEL_SEND_RESET_RECVD;
        s->pending &= (uint8_t)~VEL_PENDING_RESET;
    }
    vel_streams_settle(streams, s);
    return VEL_OK;
}

/* A limit of the connection, or being blocked by one, is told again if it is still the same. */
static void lost_of_connection(struct vel_streams *streams, const struct vel_record *record)
{
    const struct {
        enum vel_record_kind kind;
        enum vel_streams_pending pending;
        uint64_t current;
        bool wanted;
    } rows[] = {
        {VEL_RECORD_MAX_DATA, VEL_PENDING_CONN_MAX_DATA, streams->recv_flow.limit, true},
        {VEL_RECORD_MAX_STREAMS_BIDI, VEL_PENDING_MAX_STREAMS_BIDI, streams->remote[0].limit, true},
        {VEL_RECORD_MAX_STREAMS_UNI, VEL_PENDING_MAX_STREAMS_UNI, streams->remote[1].limit, true},
        {VEL_RECORD_DATA_BLOCKED, VEL_PENDING_CONN_BLOCKED, streams->send_flow.limit,
         vel_flow_out_left(&streams->send_flow) == 0},
        {VEL_RECORD_STREAMS_BLOCKED_BIDI, VEL_PENDING_STREAMS_BLOCKED_BIDI, streams->local[0].limit,
         streams->local[0].refused},
        {VEL_RECORD_STREAMS_BLOCKED_UNI, VEL_PENDING_STREAMS_BLOCKED_UNI, streams->local[1].limit,
         streams->local[1].refused},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        if (record->kind == rows[i].kind && record->offset == rows[i].current && rows[i].wanted)
            streams->pending |= (uint8_t)rows[i].pending;
}

/* Which control frame of the stream is still wanted. */
static uint8_t lost_control(const struct vel_stream *s, const struct vel_record *record)
{
    if (record->kind == VEL_RECORD_RESET_STREAM && s->send_state == VEL_SEND_RESET_SENT)
        return VEL_PENDING_RESET;
    if (record->kind == VEL_RECORD_STOP_SENDING && s->recv_state == VEL_RECV_STOPPED)
        return VEL_PENDING_STOP;
    if (record->kind == VEL_RECORD_MAX_STREAM_DATA && s->recv_state == VEL_RECV_OPEN &&
        record->offset == s->recv_flow.limit)
        return VEL_PENDING_MAX_DATA;
    if (record->kind == VEL_RECORD_STREAM_DATA_BLOCKED && record->offset == s->send_flow.limit &&
        vel_flow_out_left(&s->send_flow) == 0 && s->send.sent < s->send.end)
        return VEL_PENDING_BLOCKED;
    return 0;
}

static bool is_of_stream(const struct vel_record *record)
{
    return record->kind == VEL_RECORD_STREAM || record->kind == VEL_RECORD_RESET_STREAM ||
           record->kind == VEL_RECORD_STOP_SENDING || record->kind == VEL_RECORD_MAX_STREAM_DATA ||
           record->kind == VEL_RECORD_STREAM_DATA_BLOCKED;
}

vel_result vel_streams_lost(struct vel_streams *streams, const struct vel_record *record)
{
    if (!is_of_stream(record)) {
        lost_of_connection(streams, record);
        return VEL_OK;
    }
    struct vel_stream *s = vel_streams_find(streams, record->id);
    if (s == NULL)
        return VEL_OK;
    if (record->kind == VEL_RECORD_STREAM && s->send_state < VEL_SEND_RESET_SENT) {
        struct vel_send_span span = span_of(record);
        TRY(vel_send_buffer_lost(&s->send, &span));
    }
    s->pending |= lost_control(s, record);
    vel_streams_place(streams, s);
    return VEL_OK;
}
