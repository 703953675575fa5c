/* SPDX-License-Identifier: MIT */
#include "transport/streams_pair.h"

#include "base/try.h"
#include "base/units.h"

struct vel_limits pair_limits(void)
{
    return (struct vel_limits){
        .max_data = 64 * KIB,
        .max_stream_data = 16 * KIB,
        .max_streams_bidi = 4,
        .max_streams_uni = 4,
        .max_send_buffer = 32 * KIB,
    };
}

static vel_result side_init(struct pair *pair, int which, const struct vel_limits *limits)
{
    struct pair_side *side = &pair->side[which];
    side->limits = *limits;
    side->pool = (struct vel_pool){.env = &pair->t.env};
    vel_sent_init(&side->sent, &pair->t.env);
    struct vel_streams_setup setup = {.env = &pair->t.env,
                                      .pool = &side->pool,
                                      .limits = &side->limits,
                                      .is_client = which == PAIR_CLIENT};
    return vel_streams_new(&setup, &side->streams);
}

vel_result pair_init(struct pair *pair, uint64_t seed, const struct vel_limits *limits,
                     long fail_after)
{
    *pair = (struct pair){0};
    test_env_init(&pair->t, seed);
    pair->t.fail_after = fail_after;
    TRY(side_init(pair, PAIR_CLIENT, limits));
    return side_init(pair, PAIR_SERVER, limits);
}

void pair_connect(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        struct vel_params params = vel_params_default();
        vel_streams_fill_params(pair->side[i].streams, &params);
        vel_streams_set_peer_params(pair->side[1 - i].streams, &params);
    }
}

void pair_begin(struct pair *pair)
{
    struct vel_limits limits = pair_limits();
    ASSERT_OK(pair_init(pair, 1, &limits, -1));
    pair_connect(pair);
}

void pair_free(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        vel_streams_free(pair->side[i].streams);
        if (pair->side[i].sent.env != NULL)
            vel_sent_clear(&pair->side[i].sent);
        vel_pool_trim(&pair->side[i].pool);
    }
    test_env_done(&pair->t);
}

vel_result pair_write(struct pair *pair, int from, size_t room, struct pair_packet *packet)
{
    struct pair_side *side = &pair->side[from];
    struct vel_writer w = vel_writer(packet->bytes, VEL_MIN(room, (size_t)PAIR_PACKET));
    packet->from = from;
    packet->len = 0;
    TRY(vel_sent_begin(&side->sent));
    packet->number = side->sent.next;
    struct vel_slice body = {0};
    enum vel_err err =
        vel_streams_write_frames(side->streams, &w, &side->sent, &body, VEL_CHOICE_ALL);
    assert_true(vel_write_ok(&w));
    if (err != VEL_OK || vel_written(&w) == 0) {
        vel_sent_abandon(&side->sent);
        return err;
    }
    packet->len = vel_written(&w);
    if (body.len > 0)
        memcpy(w.pos - body.len, body.ptr, body.len);
    vel_sent_commit(&side->sent, (struct vel_sent_packet){.state = VEL_SENT_OUTSTANDING,
                                                          .size = (uint16_t)packet->len,
                                                          .ack_eliciting = true,
                                                          .in_flight = true});
    return VEL_OK;
}

vel_result pair_deliver(struct pair *pair, const struct pair_packet *packet, uint64_t *wire_code)
{
    struct vel_reader r = vel_reader(vel_slice(packet->bytes, packet->len));
    while (vel_left(&r) > 0) {
        struct vel_frame frame;
        ASSERT_OK(vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame));
        TRY(vel_streams_on_frame(pair->side[1 - packet->from].streams, &frame, wire_code));
    }
    return VEL_OK;
}

static vel_result tell(struct pair *pair, const struct pair_packet *packet, bool acked)
{
    struct pair_side *side = &pair->side[packet->from];
    struct vel_sent_packet *slot = vel_sent_find(&side->sent, packet->number);
    if (slot == NULL)
        return VEL_OK;
    for (unsigned i = 0; i < slot->records; i++) {
        const struct vel_record *record = vel_sent_record(&side->sent, slot, i);
        TRY(acked ? vel_streams_acked(side->streams, record)
                  : vel_streams_lost(side->streams, record));
    }
    slot->state = acked ? VEL_SENT_ACKED : VEL_SENT_LOST;
    vel_sent_settle(&side->sent);
    return VEL_OK;
}

vel_result pair_acked(struct pair *pair, const struct pair_packet *packet)
{
    return tell(pair, packet, true);
}

vel_result pair_lost(struct pair *pair, const struct pair_packet *packet)
{
    return tell(pair, packet, false);
}

void pair_settle(struct pair *pair)
{
    struct pair_packet packet;
    uint64_t wire_code = 0;
    for (int from = 0, silent = 0; silent < 2; from = 1 - from) {
        ASSERT_OK(pair_write(pair, from, PAIR_PACKET, &packet));
        silent = packet.len == 0 ? silent + 1 : 0;
        if (packet.len == 0) {
            assert_false(vel_streams_want_send(pair->side[from].streams, VEL_CHOICE_ALL));
            continue;
        }
        ASSERT_OK(pair_deliver(pair, &packet, &wire_code));
        ASSERT_OK(pair_acked(pair, &packet));
    }
}

void pair_drain_events(struct pair *pair, int side)
{
    struct vel_event event;
    while (vel_streams_next_event(pair->side[side].streams, &event))
        continue;
}

bool pair_find_frame(const struct pair_packet *packet, enum vel_frame_type type,
                     struct vel_frame *frame)
{
    struct vel_reader r = vel_reader(vel_slice(packet->bytes, packet->len));
    while (vel_left(&r) > 0) {
        ASSERT_OK(vel_frame_read(&r, VEL_PACKET_ONE_RTT, frame));
        if (frame->type == type)
            return true;
    }
    return false;
}

uint64_t pair_draw(struct pair *pair, uint64_t below)
{
    uint64_t value = 0;
    vel_random(&pair->t.env, &value, sizeof value);
    return value % below;
}
