/* SPDX-License-Identifier: MIT */
/*
 * The payload of a packet; the first byte chooses the packet's type. Properties: each frame takes
 * at least one byte, a refused one takes none; a frame is only read where its table row allows it;
 * what was read can be written, and reads and writes the same again; the ranges of an ACK go down
 * without touching, and an ACK made from them as a set says the same; so does a PATH_ACK.
 */
#include "base/units.h"
#include "testing/fuzz.h"
#include "transport/frame.h"

enum { PAYLOAD_MAX = 4096, RANGES_MAX = 64 };

static void check_ack(const struct vel_frame *frame)
{
    const struct vel_frame_ack *ack = &frame->ack;
    const struct vel_ecn_counts *ecn = ack->has_ecn ? &ack->ecn : NULL;
    struct vel_ranges set = {.env = &fuzz_env, .limit = RANGES_MAX};
    struct vel_ack_walk walk = vel_ack_walk(ack);
    struct vel_range range;
    uint64_t count = 0;
    uint64_t above = UINT64_MAX;
    while (vel_ack_next(&walk, &range)) {
        FUZZ_CHECK(range.start < range.end && range.end < above);
        FUZZ_CHECK(count > 0 || range.end == ack->largest + 1);
        above = range.start;
        if (++count <= RANGES_MAX)
            FUZZ_CHECK(vel_ranges_add(&set, range.start, range.end) == VEL_OK);
    }
    FUZZ_CHECK(count == ack->range_count + 1);

    uint8_t bytes[PAYLOAD_MAX];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    FUZZ_CHECK(frame->type == VEL_FRAME_ACK
                   ? vel_frame_write_ack(&w, sizeof bytes, &set, ack->delay, ecn)
                   : vel_frame_write_path_ack(&w, sizeof bytes, (uint32_t)frame->path_id, &set,
                                              ack->delay, ecn));
    struct vel_reader r = vel_reader(vel_writer_slice(&w));
    struct vel_frame again;
    FUZZ_CHECK(vel_frame_read(&r, VEL_PACKET_ONE_RTT, &again) == VEL_OK && vel_read_done(&r));
    FUZZ_CHECK(again.type == frame->type && again.path_id == (uint32_t)frame->path_id);
    FUZZ_CHECK(again.ack.largest == ack->largest && again.ack.delay == ack->delay);
    FUZZ_CHECK(again.ack.range_count + 1 == VEL_MIN(count, (uint64_t)RANGES_MAX));
    walk = vel_ack_walk(&again.ack);
    for (size_t i = set.count; vel_ack_next(&walk, &range);) {
        const struct vel_range *want = vel_ranges_at(&set, --i);
        FUZZ_CHECK(range.start == want->start && range.end == want->end);
    }
    vel_ranges_free(&set);
}

static void check_round_trip(const struct vel_frame *frame, enum vel_packet_type packet)
{
    static uint8_t first[2 * PAYLOAD_MAX];
    static uint8_t second[2 * PAYLOAD_MAX];
    struct vel_writer w = vel_writer(first, sizeof first);
    vel_frame_write(&w, frame);
    FUZZ_CHECK(vel_write_ok(&w));
    struct vel_reader r = vel_reader(vel_writer_slice(&w));
    struct vel_frame again;
    FUZZ_CHECK(vel_frame_read(&r, packet, &again) == VEL_OK && vel_read_done(&r));
    FUZZ_CHECK(again.type == frame->type);
    struct vel_writer w2 = vel_writer(second, sizeof second);
    vel_frame_write(&w2, &again);
    FUZZ_CHECK(vel_slice_equal(vel_writer_slice(&w), vel_writer_slice(&w2)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum vel_packet_type types[] = {VEL_PACKET_INITIAL, VEL_PACKET_HANDSHAKE,
                                                 VEL_PACKET_ZERO_RTT, VEL_PACKET_ONE_RTT};
    if (size == 0 || size > PAYLOAD_MAX)
        return 0;
    enum vel_packet_type packet = types[data[0] % VEL_COUNT(types)];
    struct vel_reader r = vel_reader(vel_slice(data + 1, size - 1));
    while (vel_left(&r) > 0) {
        const uint8_t *before = r.pos;
        struct vel_frame frame;
        if (vel_frame_read(&r, packet, &frame) != VEL_OK) {
            FUZZ_CHECK(r.pos == before && vel_read_ok(&r));
            return 0;
        }
        FUZZ_CHECK(r.pos > before);
        FUZZ_CHECK(vel_frame_kind(frame.type)->allowed_in & 1u << packet);
        check_round_trip(&frame, packet);
        if (frame.type == VEL_FRAME_ACK || frame.type == VEL_FRAME_PATH_ACK)
            check_ack(&frame);
    }
    return 0;
}
