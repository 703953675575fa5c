/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/frame.h"
#include "transport/sent.h"
#include "transport/streams.h"
#include "transport/streams_internal.h"

/* A frame that would be cut shorter than this waits for the next packet. */
enum { WORTH_CUTTING = 64 };

/* Where a packet is being written. */
struct packet {
    struct vel_writer *w;
    struct vel_sent *sent;
    struct vel_slice *body;
    unsigned choices; /* what it may carry */
};

/* The stream whose turn it is, among those of a set of choices; NULL: none has anything to send. */
static struct vel_stream *first_ready(const struct vel_streams *streams, unsigned choices)
{
    for (unsigned urgency = 0; urgency <= VEL_URGENCY_LAST; urgency++) {
        struct vel_stream *s = vel_streams_first_ready(streams, urgency, choices);
        if (s != NULL)
            return s;
    }
    return NULL;
}

/* Control frames wait that belong to the set. */
static bool has_control(const struct vel_streams *streams, unsigned choices)
{
    return (choices & VEL_CHOICE_CONTROL) != 0 &&
           (streams->pending != 0 || !vel_queue_is_empty(&streams->control));
}

bool vel_streams_want_send(const struct vel_streams *streams, unsigned choices)
{
    return first_ready(streams, choices) != NULL || has_control(streams, choices);
}

/* VEL_ERR_AGAIN: the packet holds no more. */
static vel_result add_record(struct packet *packet, struct vel_record record)
{
    enum vel_err err = vel_sent_add(packet->sent, record);
    return err == VEL_ERR_LIMIT ? VEL_ERR_AGAIN : err;
}

/* A control frame with its record, or neither. */
static vel_result put(struct packet *packet, const struct vel_frame *frame,
                      struct vel_record record)
{
    struct vel_writer trial = *packet->w;
    vel_frame_write(&trial, frame);
    REQUIRE(vel_write_ok(&trial), VEL_ERR_AGAIN);
    TRY(add_record(packet, record));
    *packet->w = trial;
    return VEL_OK;
}

/* ---- control frames of the connection ---- */

static vel_result put_limit(struct packet *packet, enum vel_frame_type type,
                            enum vel_record_kind kind, uint64_t limit)
{
    struct vel_frame frame = {.type = type, .limit = limit};
    return put(packet, &frame, (struct vel_record){.kind = (uint8_t)kind, .offset = limit});
}

static vel_result put_streams(struct packet *packet, enum vel_frame_type type,
                              enum vel_record_kind kind, bool bidirectional, uint64_t limit)
{
    struct vel_frame frame = {.type = type,
                              .streams = {.bidirectional = bidirectional, .limit = limit}};
    return put(packet, &frame, (struct vel_record){.kind = (uint8_t)kind, .offset = limit});
}

static vel_result put_conn_control(const struct vel_streams *streams, struct packet *packet,
                                   enum vel_streams_pending pending)
{
    switch (pending) {
    case VEL_PENDING_CONN_MAX_DATA:
        return put_limit(packet, VEL_FRAME_MAX_DATA, VEL_RECORD_MAX_DATA, streams->recv_flow.limit);
    case VEL_PENDING_CONN_BLOCKED:
        return put_limit(packet, VEL_FRAME_DATA_BLOCKED, VEL_RECORD_DATA_BLOCKED,
                         streams->send_flow.limit);
    case VEL_PENDING_MAX_STREAMS_BIDI:
        return put_streams(packet, VEL_FRAME_MAX_STREAMS, VEL_RECORD_MAX_STREAMS_BIDI, true,
                           streams->remote[0].limit);
    case VEL_PENDING_MAX_STREAMS_UNI:
        return put_streams(packet, VEL_FRAME_MAX_STREAMS, VEL_RECORD_MAX_STREAMS_UNI, false,
                           streams->remote[1].limit);
    case VEL_PENDING_STREAMS_BLOCKED_BIDI:
        return put_streams(packet, VEL_FRAME_STREAMS_BLOCKED, VEL_RECORD_STREAMS_BLOCKED_BIDI, true,
                           streams->local[0].limit);
    case VEL_PENDING_STREAMS_BLOCKED_UNI:
        return put_streams(packet, VEL_FRAME_STREAMS_BLOCKED, VEL_RECORD_STREAMS_BLOCKED_UNI, false,
                           streams->local[1].limit);
    }
    return VEL_ERR_ARGUMENT;
}

static vel_result write_conn_control(struct vel_streams *streams, struct packet *packet)
{
    while (streams->pending != 0) {
        unsigned lowest = streams->pending & -(unsigned)streams->pending;
        TRY(put_conn_control(streams, packet, (enum vel_streams_pending)lowest));
        streams->pending &= (uint8_t)~lowest;
    }
    return VEL_OK;
}

/* ---- control frames of streams ---- */

static vel_result put_stream_limit(struct packet *packet, enum vel_frame_type type,
                                   enum vel_record_kind kind, uint64_t id, uint64_t limit)
{
    struct vel_frame frame = {.type = type, .stream_limit = {.id = id, .limit = limit}};
    struct vel_record record = {.kind = (uint8_t)kind, .id = id, .offset = limit};
    return put(packet, &frame, record);
}

static vel_result put_reset(struct packet *packet, const struct vel_stream *s)
{
    struct vel_frame frame = {
        .type = VEL_FRAME_RESET_STREAM,
        .reset = {.id = s->id, .code = s->reset_code, .final_size = s->send.sent}};
    return put(packet, &frame, (struct vel_record){.kind = VEL_RECORD_RESET_STREAM, .id = s->id});
}

static vel_result put_stop(struct packet *packet, const struct vel_stream *s)
{
    struct vel_frame frame = {.type = VEL_FRAME_STOP_SENDING,
                              .stop = {.id = s->id, .code = s->stop_code}};
    return put(packet, &frame, (struct vel_record){.kind = VEL_RECORD_STOP_SENDING, .id = s->id});
}

static vel_result put_stream_control(struct packet *packet, const struct vel_stream *s,
                                     enum vel_stream_pending pending)
{
    switch (pending) {
    case VEL_PENDING_RESET:
        return put_reset(packet, s);
    case VEL_PENDING_STOP:
        return put_stop(packet, s);
    case VEL_PENDING_MAX_DATA:
        return put_stream_limit(packet, VEL_FRAME_MAX_STREAM_DATA, VEL_RECORD_MAX_STREAM_DATA,
                                s->id, s->recv_flow.limit);
    case VEL_PENDING_BLOCKED:
        return put_stream_limit(packet, VEL_FRAME_STREAM_DATA_BLOCKED,
                                VEL_RECORD_STREAM_DATA_BLOCKED, s->id, s->send_flow.limit);
    }
    return VEL_ERR_ARGUMENT;
}

static vel_result write_stream_control(struct vel_streams *streams, struct packet *packet)
{
    struct vel_stream *s;
    while ((s = VEL_QUEUE_FIRST(&streams->control, control_link)) != NULL) {
        unsigned lowest = s->pending & -(unsigned)s->pending;
        TRY(put_stream_control(packet, s, (enum vel_stream_pending)lowest));
        s->pending &= (uint8_t)~lowest;
        vel_streams_place(streams, s);
    }
    return VEL_OK;
}

/* ---- STREAM frames ---- */

/* New bytes of it that flow control admits. */
static uint64_t credit_left(const struct vel_streams *streams, const struct vel_stream *s)
{
    return VEL_MIN(vel_flow_out_left(&s->send_flow), vel_flow_out_left(&streams->send_flow));
}

/* What of the stream goes into this packet. VEL_ERR_AGAIN: nothing fits. */
static vel_result choose_span(const struct vel_streams *streams, const struct vel_stream *s,
                              const struct vel_writer *w, struct vel_send_span *span)
{
    uint64_t credit = s->send.sent + credit_left(streams, s);
    struct vel_send_span whole;
    bool has_span = vel_send_buffer_next(&s->send, SIZE_MAX, credit, &whole);
    VEL_ASSERT(has_span); /* it is in a ready queue */

    size_t room = vel_room(w);
    size_t fit = vel_frame_stream_fit(s->id, whole.offset, room);
    if (whole.len == 0) {
        REQUIRE(room >= vel_frame_stream_header(s->id, whole.offset), VEL_ERR_AGAIN);
    } else if (fit < whole.len) {
        REQUIRE(fit > 0 && (fit >= WORTH_CUTTING || vel_written(w) == 0), VEL_ERR_AGAIN);
        whole.len = fit;
        whole.fin = false;
    }
    *span = whole;
    return VEL_OK;
}

/* The bytes of a frame, or where they lie: nothing follows those that fill the packet. */
static void put_bytes(struct packet *packet, struct vel_stream *s, const struct vel_send_span *span)
{
    uint8_t *space = vel_write_space(packet->w, span->len);
    VEL_ASSERT(space != NULL); /* it was chosen to fit */
    if (span->len == 0)
        return;
    struct vel_slice lying = vel_send_buffer_peek(&s->send, span->offset, span->len);
    if (vel_room(packet->w) == 0 && lying.len == span->len)
        *packet->body = lying;
    else
        vel_send_buffer_copy(&s->send, span->offset, span->len, space);
}

static vel_result put_data(struct packet *packet, struct vel_stream *s,
                           const struct vel_send_span *span)
{
    TRY(add_record(packet, (struct vel_record){.kind = VEL_RECORD_STREAM,
                                               .id = s->id,
                                               .offset = span->offset,
                                               .len = (uint32_t)span->len,
                                               .fin = span->fin}));
    vel_frame_write_stream(packet->w, s->id, span->offset, span->len, span->fin);
    put_bytes(packet, s, span);
    return VEL_OK;
}

/* No credit of the connection is left: streams with nothing but new bytes wait for it. */
static void sort_out_blocked(struct vel_streams *streams)
{
    unsigned choices = streams->chosen != NULL ? VEL_CHOICES : 1;
    for (unsigned choice = 0; choice < choices; choice++)
        for (unsigned urgency = 0; urgency <= VEL_URGENCY_LAST; urgency++)
            vel_streams_place_all(streams, vel_streams_ready(streams, choice, urgency));
}

/* After `count` more bytes of it. */
static bool keeps_turn(const struct vel_streams *streams, struct vel_stream *s, size_t count)
{
    size_t turn = s->send.sent >= streams->long_turn ? streams->long_turn : VEL_TURN_BYTES;
    bool used_up = s->turn_bytes + count >= turn;
    s->turn_bytes = used_up ? 0 : (uint16_t)(s->turn_bytes + count);
    return s->keeps_turn || (s->send.sent >= VEL_TURN_BYTES && !used_up);
}

/* Bytes of it were sent, so many of them for the first time. */
static void count_sent(struct vel_streams *streams, struct vel_stream *s, uint64_t sent,
                       uint64_t fresh)
{
    s->send_flow.used += fresh;
    streams->send_flow.used += fresh;
    vel_streams_count_sent(streams, s, sent, fresh);
    vel_streams_tell_writable(streams, s);
}

static vel_result write_one(struct vel_streams *streams, struct packet *packet,
                            struct vel_stream *s)
{
    struct vel_send_span span;
    TRY(choose_span(streams, s, packet->w, &span));
    TRY(put_data(packet, s, &span));

    uint64_t sent_before = s->send.sent;
    TRY(vel_send_buffer_sent(&s->send, &span));
    uint64_t fresh = s->send.sent - sent_before;
    count_sent(streams, s, span.len, fresh);
    vel_stream_update(s);
    vel_streams_count_over(streams, s);
    if (keeps_turn(streams, s, span.len))
        vel_streams_place(streams, s);
    else
        vel_streams_place_last(streams, s);
    if (fresh > 0 && vel_flow_out_left(&streams->send_flow) == 0)
        sort_out_blocked(streams);
    return VEL_OK;
}

static vel_result write_data(struct vel_streams *streams, struct packet *packet)
{
    struct vel_stream *s;
    while ((s = first_ready(streams, packet->choices)) != NULL)
        TRY(write_one(streams, packet, s));
    return VEL_OK;
}

static vel_result write_control(struct vel_streams *streams, struct packet *packet)
{
    if ((packet->choices & VEL_CHOICE_CONTROL) == 0)
        return VEL_OK;
    TRY(write_conn_control(streams, packet));
    return write_stream_control(streams, packet);
}

static vel_result write_all(struct vel_streams *streams, struct packet *packet)
{
    TRY(write_control(streams, packet));
    TRY(write_data(streams, packet));
    /* A stream that ran dry may have made DATA_BLOCKED or STREAM_DATA_BLOCKED due. */
    return write_control(streams, packet);
}

vel_result vel_streams_write_frames(struct vel_streams *streams, struct vel_writer *w,
                                    struct vel_sent *sent, struct vel_slice *body, unsigned choices)
{
    struct packet packet = {.w = w, .sent = sent, .body = body, .choices = choices};
    enum vel_err err = write_all(streams, &packet);
    return err == VEL_ERR_AGAIN ? VEL_OK : err;
}

/* ---- bulk data ---- */

/* A payload that its frame fills to the last byte: the length takes two bytes. */
enum { BULK_LENGTH = 2, BULK_ROOM_MIN = 128, BULK_ROOM_MAX = 1 << 14 };

bool vel_streams_bulk_begin(struct vel_streams *streams, unsigned choices, size_t room,
                            struct vel_bulk_stream *bulk)
{
    struct vel_stream *s = first_ready(streams, choices);
    if (s == NULL || has_control(streams, choices) || vel_send_buffer_has_lost(&s->send) ||
        room < BULK_ROOM_MIN || room > BULK_ROOM_MAX)
        return false;
    uint64_t left = VEL_MIN(s->send.end - s->send.sent, credit_left(streams, s));
    if (left <= room)
        return false;
    *bulk = (struct vel_bulk_stream){.streams = streams, .stream = s, .left = left};
    return true;
}

bool vel_streams_bulk_write(struct vel_bulk_stream *bulk, struct vel_writer *w,
                            struct vel_sent *sent, struct vel_slice *body)
{
    struct packet packet = {.w = w, .sent = sent, .body = body};
    struct vel_stream *s = bulk->stream;
    uint64_t offset = s->send.sent;
    size_t header = vel_frame_stream_header(s->id, offset) - 1 + BULK_LENGTH;
    struct vel_send_span span = {.offset = offset, .len = vel_room(w) - header};
    if (bulk->left <= span.len || put_data(&packet, s, &span) != VEL_OK ||
        vel_send_buffer_sent(&s->send, &span) != VEL_OK)
        return false;
    bulk->left -= span.len;
    bulk->written += span.len;
    bool alone = bulk->streams->chosen == NULL && s->send_link.next == s->send_link.prev;
    if (!keeps_turn(bulk->streams, s, span.len) && !alone) {
        bulk->left = 0;
        bulk->had_turn = true;
    }
    return true;
}

void vel_streams_bulk_end(struct vel_bulk_stream *bulk)
{
    count_sent(bulk->streams, bulk->stream, bulk->written, bulk->written);
    if (bulk->had_turn)
        vel_streams_place_last(bulk->streams, bulk->stream);
}
