/* SPDX-License-Identifier: MIT */
#include "qlog/frames.h"

#include <stdio.h>

#include "base/units.h"
#include "transport/error.h"

/* RFC 9000 13.2.5: ACK Delay counts so many microseconds, whatever was announced. */
static vel_time delay_of(const struct vel_frame_ack *ack, uint64_t exponent)
{
    uint64_t most = (uint64_t)(VEL_NEVER / US) >> exponent;
    return (vel_time)(VEL_MIN(ack->delay, most) << exponent) * US;
}

static void put_ack(struct vel_json *j, const struct vel_frame_ack *ack, uint64_t exponent)
{
    struct vel_ack_walk walk = vel_ack_walk(ack);
    struct vel_range range;
    vel_json_ms(j, "ack_delay", delay_of(ack, exponent));
    vel_json_open(j, "acked_ranges", '[');
    for (unsigned i = 0; i < VEL_QLOG_RANGES_MAX && vel_ack_next(&walk, &range); i++) {
        vel_json_open(j, NULL, '[');
        vel_json_uint(j, NULL, range.start);
        vel_json_uint(j, NULL, range.end - 1);
        vel_json_close(j, ']');
    }
    vel_json_close(j, ']');
    if (!ack->has_ecn)
        return;
    vel_json_uint(j, "ect0", ack->ecn.ect0);
    vel_json_uint(j, "ect1", ack->ecn.ect1);
    vel_json_uint(j, "ce", ack->ecn.ce);
}

static void put_extent(struct vel_json *j, uint64_t offset, size_t length)
{
    vel_json_uint(j, "offset", offset);
    vel_json_uint(j, "length", length);
}

static void put_stream(struct vel_json *j, const struct vel_frame_stream *stream)
{
    vel_json_uint(j, "stream_id", stream->id);
    put_extent(j, stream->offset, stream->data.len);
    if (stream->fin)
        vel_json_bool(j, "fin", true);
}

static void lower(const char *name, char *text, size_t size)
{
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < size; i++)
        text[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    text[i] = '\0';
}

void vel_qlog_close_code(struct vel_json *j, const char *key, uint64_t code)
{
    char text[40];
    if (code >= VEL_WIRE_CRYPTO_ERROR && code < VEL_WIRE_CRYPTO_ERROR_END)
        snprintf(text, sizeof text, "crypto_error_0x%x", (unsigned)code);
    else
        lower(vel_wire_error_name(code), text, sizeof text);
    if (strcmp(text, "unknown") == 0)
        vel_json_uint(j, key, code);
    else
        vel_json_word(j, key, text);
}

static void put_close(struct vel_json *j, const struct vel_frame_close *close)
{
    vel_json_word(j, "error_space", close->application ? "application" : "transport");
    if (close->application)
        vel_json_uint(j, "error_code", close->code);
    else
        vel_qlog_close_code(j, "error_code", close->code);
    vel_json_uint(j, "raw_error_code", close->code);
    vel_json_text(j, "reason", close->reason);
    if (!close->application && close->frame_type != 0)
        vel_json_uint(j, "trigger_frame_type", close->frame_type);
}

static void put_new_cid(struct vel_json *j, const struct vel_frame_new_cid *id)
{
    vel_json_uint(j, "sequence_number", id->sequence);
    vel_json_uint(j, "retire_prior_to", id->retire_prior_to);
    vel_json_uint(j, "connection_id_length", id->cid.len);
    vel_json_hex(j, "connection_id", vel_cid_slice(&id->cid));
}

static void put_reset(struct vel_json *j, uint64_t stream, uint64_t code)
{
    vel_json_uint(j, "stream_id", stream);
    vel_json_uint(j, "error_code", code);
}

static void put_streams(struct vel_json *j, const struct vel_frame *frame, const char *key)
{
    vel_json_word(j, "stream_type",
                  frame->streams.bidirectional ? "bidirectional" : "unidirectional");
    vel_json_uint(j, key, frame->streams.limit);
}

/* draft-ietf-quic-ack-frequency 4. */
static void put_ack_frequency(struct vel_json *j, const struct vel_frame_ack_frequency *asked)
{
    vel_json_uint(j, "sequence_number", asked->sequence);
    vel_json_uint(j, "ack_eliciting_threshold", asked->threshold);
    vel_json_uint(j, "requested_max_ack_delay", asked->max_delay);
    vel_json_uint(j, "reordering_threshold", asked->reordering);
}

static void put_token(struct vel_json *j, struct vel_slice token)
{
    vel_json_open(j, "token", '{');
    vel_json_open(j, "raw", '{');
    vel_json_uint(j, "length", token.len);
    vel_json_close(j, '}');
    vel_json_close(j, '}');
}

/* The fields of a frame that its name does not tell. */
static void put_fields(struct vel_json *j, const struct vel_frame *f, uint64_t ack_exponent)
{
    switch (f->type) {
    case VEL_FRAME_PADDING:
        vel_json_uint(j, "length", f->padding);
        vel_json_uint(j, "payload_length", f->padding);
        break;
    case VEL_FRAME_PING:
    case VEL_FRAME_HANDSHAKE_DONE:
    case VEL_FRAME_IMMEDIATE_ACK:
        break;
    case VEL_FRAME_ACK_FREQUENCY:
        put_ack_frequency(j, &f->ack_frequency);
        break;
    case VEL_FRAME_ACK:
    case VEL_FRAME_PATH_ACK:
        put_ack(j, &f->ack, ack_exponent);
        break;
    case VEL_FRAME_RESET_STREAM:
        put_reset(j, f->reset.id, f->reset.code);
        vel_json_uint(j, "final_size", f->reset.final_size);
        break;
    case VEL_FRAME_STOP_SENDING:
        put_reset(j, f->stop.id, f->stop.code);
        break;
    case VEL_FRAME_CRYPTO:
        put_extent(j, f->crypto.offset, f->crypto.data.len);
        break;
    case VEL_FRAME_NEW_TOKEN:
        put_token(j, f->token);
        break;
    case VEL_FRAME_STREAM:
        put_stream(j, &f->stream);
        break;
    case VEL_FRAME_MAX_DATA:
    case VEL_FRAME_MAX_PATH_ID:
        vel_json_uint(j, "maximum", f->limit);
        break;
    case VEL_FRAME_MAX_STREAM_DATA:
        vel_json_uint(j, "stream_id", f->stream_limit.id);
        vel_json_uint(j, "maximum", f->stream_limit.limit);
        break;
    case VEL_FRAME_MAX_STREAMS:
        put_streams(j, f, "maximum");
        break;
    case VEL_FRAME_DATA_BLOCKED:
    case VEL_FRAME_PATHS_BLOCKED:
        vel_json_uint(j, "limit", f->limit);
        break;
    case VEL_FRAME_STREAM_DATA_BLOCKED:
        vel_json_uint(j, "stream_id", f->stream_limit.id);
        vel_json_uint(j, "limit", f->stream_limit.limit);
        break;
    case VEL_FRAME_STREAMS_BLOCKED:
        put_streams(j, f, "limit");
        break;
    case VEL_FRAME_NEW_CONNECTION_ID:
    case VEL_FRAME_PATH_NEW_CONNECTION_ID:
        put_new_cid(j, &f->new_cid);
        break;
    case VEL_FRAME_RETIRE_CONNECTION_ID:
    case VEL_FRAME_PATH_RETIRE_CONNECTION_ID:
    case VEL_FRAME_PATH_STATUS_BACKUP:
    case VEL_FRAME_PATH_STATUS_AVAILABLE:
    case VEL_FRAME_PATH_CIDS_BLOCKED:
        vel_json_uint(j, "sequence_number", f->sequence);
        break;
    case VEL_FRAME_PATH_ABANDON:
        vel_json_uint(j, "error_code", f->code);
        break;
    case VEL_FRAME_PATH_CHALLENGE:
    case VEL_FRAME_PATH_RESPONSE:
        vel_json_hex(j, "data", vel_slice(f->path_data, sizeof f->path_data));
        break;
    case VEL_FRAME_CONNECTION_CLOSE:
        put_close(j, &f->close);
        break;
    case VEL_FRAME_DATAGRAM:
        vel_json_uint(j, "length", f->datagram.len);
        break;
    case VEL_FRAME_DATAGRAM_COPY:
        vel_json_uint(j, "number", f->copy.number);
        vel_json_uint(j, "length", f->copy.bytes.len);
        break;
    }
}

/* Of the multipath extension, for a path identifier. */
static bool names_a_path(enum vel_frame_type type)
{
    return type == VEL_FRAME_PATH_ACK ||
           (type >= VEL_FRAME_PATH_ABANDON && type != VEL_FRAME_MAX_PATH_ID &&
            type != VEL_FRAME_PATHS_BLOCKED);
}

static void put_frame(struct vel_json *j, const struct vel_frame *frame, uint64_t ack_exponent)
{
    char name[40];
    lower(vel_frame_kind(frame->type)->name, name, sizeof name);
    vel_json_open(j, NULL, '{');
    vel_json_word(j, "frame_type", name);
    if (names_a_path(frame->type))
        vel_json_uint(j, "path_id", frame->path_id);
    put_fields(j, frame, ack_exponent);
    vel_json_close(j, '}');
}

static void put_unknown(struct vel_json *j, struct vel_reader *r)
{
    vel_json_open(j, NULL, '{');
    vel_json_word(j, "frame_type", "unknown");
    vel_json_uint(j, "frame_type_value", vel_read_varint(r));
    vel_json_close(j, '}');
}

void vel_qlog_frames(struct vel_json *j, enum vel_packet_type packet, struct vel_slice payload,
                     uint64_t ack_exponent)
{
    struct vel_reader r = vel_reader(payload);
    struct vel_frame frame;
    vel_json_open(j, "frames", '[');
    for (unsigned i = 0; i < VEL_QLOG_FRAMES_MAX && vel_left(&r) > 0; i++) {
        if (vel_frame_read(&r, packet, &frame) != VEL_OK) {
            put_unknown(j, &r);
            break;
        }
        put_frame(j, &frame, ack_exponent);
    }
    vel_json_close(j, ']');
}
