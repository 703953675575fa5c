/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/frame.h"
#include "transport/frame_internal.h"

/* A type of one byte. */
static void write_type(struct vel_writer *w, enum vel_frame_type type, unsigned flags)
{
    vel_write_uint(w, (unsigned)type | flags, 1);
}

static void write_vector(struct vel_writer *w, struct vel_slice bytes)
{
    vel_write_varint(w, bytes.len);
    vel_write_bytes(w, bytes);
}

static void write_ecn(struct vel_writer *w, const struct vel_ecn_counts *ecn)
{
    vel_write_varint(w, ecn->ect0);
    vel_write_varint(w, ecn->ect1);
    vel_write_varint(w, ecn->ce);
}

/* Behind the type. */
static void write_ack(struct vel_writer *w, const struct vel_frame_ack *ack)
{
    vel_write_varint(w, ack->largest);
    vel_write_varint(w, ack->delay);
    vel_write_varint(w, ack->range_count);
    vel_write_varint(w, ack->first_range);
    vel_write_bytes(w, ack->ranges);
    if (ack->has_ecn)
        write_ecn(w, &ack->ecn);
}

static void write_close(struct vel_writer *w, const struct vel_frame_close *close)
{
    write_type(w, VEL_FRAME_CONNECTION_CLOSE, close->application ? FLAG_APPLICATION : 0);
    vel_write_varint(w, close->code);
    if (!close->application)
        vel_write_varint(w, close->frame_type);
    write_vector(w, close->reason);
}

/* Behind the type. */
static void write_new_cid(struct vel_writer *w, const struct vel_frame_new_cid *n)
{
    vel_write_varint(w, n->sequence);
    vel_write_varint(w, n->retire_prior_to);
    vel_write_uint(w, n->cid.len, 1);
    vel_write_bytes(w, vel_cid_slice(&n->cid));
    vel_write_bytes(w, vel_slice(n->reset_token, VEL_RESET_TOKEN));
}

static void write_ack_frequency(struct vel_writer *w, const struct vel_frame_ack_frequency *f)
{
    vel_write_varint(w, VEL_FRAME_ACK_FREQUENCY);
    vel_write_varint(w, f->sequence);
    vel_write_varint(w, f->threshold);
    vel_write_varint(w, f->max_delay);
    vel_write_varint(w, f->reordering);
}

/* A frame of a type and up to three integers. */
static void write_numbers(struct vel_writer *w, enum vel_frame_type type, size_t count, uint64_t a,
                          uint64_t b, uint64_t c)
{
    const uint64_t numbers[] = {a, b, c};
    vel_write_varint(w, type);
    for (size_t i = 0; i < count; i++)
        vel_write_varint(w, numbers[i]);
}

void vel_frame_write(struct vel_writer *w, const struct vel_frame *f)
{
    switch (f->type) {
    case VEL_FRAME_PADDING:
        vel_write_fill(w, VEL_FRAME_PADDING, f->padding);
        return;
    case VEL_FRAME_PING:
    case VEL_FRAME_HANDSHAKE_DONE:
    case VEL_FRAME_IMMEDIATE_ACK:
        write_type(w, f->type, 0);
        return;
    case VEL_FRAME_ACK:
        write_type(w, f->type, f->ack.has_ecn ? FLAG_ACK_ECN : 0);
        write_ack(w, &f->ack);
        return;
    case VEL_FRAME_PATH_ACK:
        write_type(w, f->type, f->ack.has_ecn ? FLAG_ACK_ECN : 0);
        vel_write_varint(w, f->path_id);
        write_ack(w, &f->ack);
        return;
    case VEL_FRAME_RESET_STREAM:
        write_numbers(w, f->type, 3, f->reset.id, f->reset.code, f->reset.final_size);
        return;
    case VEL_FRAME_STOP_SENDING:
        write_numbers(w, f->type, 2, f->stop.id, f->stop.code, 0);
        return;
    case VEL_FRAME_CRYPTO:
        vel_frame_write_crypto(w, f->crypto.offset, f->crypto.data.len);
        vel_write_bytes(w, f->crypto.data);
        return;
    case VEL_FRAME_NEW_TOKEN:
        write_type(w, f->type, 0);
        write_vector(w, f->token);
        return;
    case VEL_FRAME_STREAM:
        vel_frame_write_stream(w, f->stream.id, f->stream.offset, f->stream.data.len,
                               f->stream.fin);
        vel_write_bytes(w, f->stream.data);
        return;
    case VEL_FRAME_MAX_DATA:
    case VEL_FRAME_DATA_BLOCKED:
    case VEL_FRAME_MAX_PATH_ID:
    case VEL_FRAME_PATHS_BLOCKED:
        write_numbers(w, f->type, 1, f->limit, 0, 0);
        return;
    case VEL_FRAME_MAX_STREAM_DATA:
    case VEL_FRAME_STREAM_DATA_BLOCKED:
        write_numbers(w, f->type, 2, f->stream_limit.id, f->stream_limit.limit, 0);
        return;
    case VEL_FRAME_MAX_STREAMS:
    case VEL_FRAME_STREAMS_BLOCKED:
        write_type(w, f->type, f->streams.bidirectional ? 0 : FLAG_UNIDIRECTIONAL);
        vel_write_varint(w, f->streams.limit);
        return;
    case VEL_FRAME_NEW_CONNECTION_ID:
        write_type(w, f->type, 0);
        write_new_cid(w, &f->new_cid);
        return;
    case VEL_FRAME_PATH_NEW_CONNECTION_ID:
        write_numbers(w, f->type, 1, f->path_id, 0, 0);
        write_new_cid(w, &f->new_cid);
        return;
    case VEL_FRAME_RETIRE_CONNECTION_ID:
        write_numbers(w, f->type, 1, f->sequence, 0, 0);
        return;
    case VEL_FRAME_PATH_ABANDON:
        write_numbers(w, f->type, 2, f->path_id, f->code, 0);
        return;
    case VEL_FRAME_PATH_STATUS_BACKUP:
    case VEL_FRAME_PATH_STATUS_AVAILABLE:
    case VEL_FRAME_PATH_RETIRE_CONNECTION_ID:
    case VEL_FRAME_PATH_CIDS_BLOCKED:
        write_numbers(w, f->type, 2, f->path_id, f->sequence, 0);
        return;
    case VEL_FRAME_PATH_CHALLENGE:
    case VEL_FRAME_PATH_RESPONSE:
        write_type(w, f->type, 0);
        vel_write_bytes(w, vel_slice(f->path_data, VEL_PATH_DATA));
        return;
    case VEL_FRAME_CONNECTION_CLOSE:
        write_close(w, &f->close);
        return;
    case VEL_FRAME_ACK_FREQUENCY:
        write_ack_frequency(w, &f->ack_frequency);
        return;
    case VEL_FRAME_DATAGRAM:
        write_type(w, f->type, FLAG_DATAGRAM_LEN);
        write_vector(w, f->datagram);
        return;
    case VEL_FRAME_DATAGRAM_COPY:
        vel_write_varint(w, f->type);
        vel_write_varint(w, f->copy.number);
        write_vector(w, f->copy.bytes);
        return;
    }
}

/* Encoded size of the pair that says where `range` lies under `above`; RFC 9000 19.3.1. */
static size_t pair_size(const struct vel_range *above, const struct vel_range *range)
{
    return vel_varint_size(above->start - range->end - 1) +
           vel_varint_size(range->end - range->start - 1);
}

/* Ranges below the highest that fit in `room` bytes together with their count. */
static size_t pairs_that_fit(const struct vel_ranges *received, size_t room)
{
    size_t used = 0;
    size_t count = 0;
    for (size_t i = received->count - 1; i-- > 0; count++) {
        used += pair_size(vel_ranges_at(received, i + 1), vel_ranges_at(received, i));
        if (used + vel_varint_size(count + 1) > room)
            break;
    }
    return count;
}

static size_t ecn_size(const struct vel_ecn_counts *ecn)
{
    return vel_varint_size(ecn->ect0) + vel_varint_size(ecn->ect1) + vel_varint_size(ecn->ce);
}

/* Behind the type and, in a PATH_ACK, the path identifier, which `head` holds. */
static bool write_ranges(struct vel_writer *w, size_t room, struct vel_slice head,
                         const struct vel_ranges *received, uint64_t delay,
                         const struct vel_ecn_counts *ecn)
{
    const struct vel_range *range = vel_ranges_last(received);
    uint64_t largest = range->end - 1;
    size_t fixed = head.len + vel_varint_size(largest) + vel_varint_size(delay) +
                   vel_varint_size(largest - range->start) + (ecn != NULL ? ecn_size(ecn) : 0);
    room = VEL_MIN(room, vel_room(w));
    if (vel_varint_size(delay) == 0 || room < fixed + 1)
        return false;

    size_t pairs = pairs_that_fit(received, room - fixed);
    vel_write_bytes(w, head);
    vel_write_varint(w, largest);
    vel_write_varint(w, delay);
    vel_write_varint(w, pairs);
    vel_write_varint(w, largest - range->start);
    for (size_t i = received->count - 1; pairs > 0; pairs--) {
        const struct vel_range *above = range;
        range = vel_ranges_at(received, --i);
        vel_write_varint(w, above->start - range->end - 1);
        vel_write_varint(w, range->end - range->start - 1);
    }
    if (ecn != NULL)
        write_ecn(w, ecn);
    return true;
}

bool vel_frame_write_ack(struct vel_writer *w, size_t room, const struct vel_ranges *received,
                         uint64_t delay, const struct vel_ecn_counts *ecn)
{
    const uint8_t type = VEL_FRAME_ACK | (ecn != NULL ? FLAG_ACK_ECN : 0);
    return write_ranges(w, room, vel_slice(&type, 1), received, delay, ecn);
}

bool vel_frame_write_path_ack(struct vel_writer *w, size_t room, uint32_t path_id,
                              const struct vel_ranges *received, uint64_t delay,
                              const struct vel_ecn_counts *ecn)
{
    uint8_t bytes[1 + VEL_VARINT_MAX];
    struct vel_writer head = vel_writer(bytes, sizeof bytes);
    write_type(&head, VEL_FRAME_PATH_ACK, ecn != NULL ? FLAG_ACK_ECN : 0);
    vel_write_varint(&head, path_id);
    return write_ranges(w, room, vel_writer_slice(&head), received, delay, ecn);
}

void vel_frame_write_stream(struct vel_writer *w, uint64_t id, uint64_t offset, size_t size,
                            bool fin)
{
    write_type(w, VEL_FRAME_STREAM,
               FLAG_STREAM_LEN | (offset > 0 ? FLAG_STREAM_OFF : 0) | (fin ? FLAG_STREAM_FIN : 0));
    vel_write_varint(w, id);
    if (offset > 0)
        vel_write_varint(w, offset);
    vel_write_varint(w, size);
}

void vel_frame_write_crypto(struct vel_writer *w, uint64_t offset, size_t size)
{
    write_type(w, VEL_FRAME_CRYPTO, 0);
    vel_write_varint(w, offset);
    vel_write_varint(w, size);
}

/* Most data bytes that fit in `room` with their length in front; longer lengths cost more. */
static size_t vector_fit(size_t room)
{
    static const struct {
        size_t length_size, least, most;
    } steps[] = {{1, 1, 63}, {2, 64, 16383}, {4, 16384, 65536}};
    for (size_t i = 0; i < VEL_COUNT(steps); i++) {
        if (room < steps[i].length_size + steps[i].least)
            return steps[i].least - 1;
        if (room - steps[i].length_size <= steps[i].most)
            return room - steps[i].length_size;
    }
    return steps[VEL_COUNT(steps) - 1].most;
}

size_t vel_frame_stream_header(uint64_t id, uint64_t offset)
{
    return 1 + vel_varint_size(id) + (offset > 0 ? vel_varint_size(offset) : 0) + 1;
}

size_t vel_frame_stream_fit(uint64_t id, uint64_t offset, size_t room)
{
    size_t before = vel_frame_stream_header(id, offset) - 1;
    return room > before ? vector_fit(room - before) : 0;
}

size_t vel_frame_crypto_fit(uint64_t offset, size_t room)
{
    size_t before = 1 + vel_varint_size(offset);
    return room > before ? vector_fit(room - before) : 0;
}
