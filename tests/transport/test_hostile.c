/* SPDX-License-Identifier: MIT */
#include "transport/conn_internal.h"
#include "transport/conn_pair.h"
#include "transport/streams_internal.h"

/*
 * A client that has finished the handshake and then sends what it likes: the test holds its keys.
 * Violations end the connection with the RFC's code; floods cost memory under a bound, and answers in
 * proportion to what was received. Work is counted in packets, pieces and blocks, never in time.
 */

enum { PACKET = 1400 };

struct hostile {
    struct conn_pair p;
    struct vel_conn *victim;
    uint64_t number;
    uint8_t packet[PACKET];
    struct vel_writer w; /* frames of the next packet */
    size_t header;
    uint64_t packets, answers; /* received by the victim, sent by it */
    size_t before;             /* memory held when the attack began */
};

static void open_packet(struct hostile *h)
{
    h->w = vel_writer(h->packet, PACKET - VEL_AEAD_TAG);
    vel_packet_write_short(&h->w, &h->victim->first.cids.local[0].cid, 0, h->number, 4);
    h->header = vel_written(&h->w);
}

static void begin(struct hostile *h)
{
    *h = (struct hostile){.number = 0};
    pair_init(&h->p, VEL_PROFILE_LIGHT);
    h->p.server_config.limits.max_datagram_frame_size = 1000;
    pair_connect(&h->p);
    pair_run(&h->p, 1 * SECOND);
    h->victim = h->p.server;
    struct vel_event event;
    while (vel_conn_next_event(h->victim, &event))
        continue;
    h->number = h->p.client->first.recovery.space[VEL_SPACE_APP].sent.next;
    h->before = h->p.env.outstanding;
    open_packet(h);
}

/* What the victim sends goes nowhere. */
static void drain(struct hostile *h)
{
    static uint8_t space[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = space, .capacity = sizeof space};
    while (vel_conn_send(h->victim, &train, sizeof space, h->p.now) == VEL_OK)
        h->answers += (train.len + train.segment - 1) / train.segment;
}

static void deliver_from(struct hostile *h, const struct vel_addr *remote)
{
    size_t payload = vel_written(&h->w) - h->header;
    ASSERT_OK(vel_packet_seal(&h->p.client->space[VEL_SPACE_APP].write, 0, h->number, h->packet,
                              h->header, 4, payload));
    h->p.now += 50 * US;
    vel_conn_receive(h->victim, &h->victim->first.paths.active->local, remote, VEL_ECN_NOT_ECT,
                     h->packet, h->header + payload + VEL_AEAD_TAG, h->p.now);
    h->number++;
    h->packets++;
    if (vel_conn_deadline(h->victim) <= h->p.now)
        vel_conn_expire(h->victim, h->p.now);
    drain(h);
    open_packet(h);
}

static void deliver(struct hostile *h)
{
    struct vel_addr remote = h->victim->first.paths.active->remote;
    deliver_from(h, &remote);
}

/* One more frame; the packet leaves when it is full. */
static void put(struct hostile *h, const struct vel_frame *frame)
{
    struct vel_writer trial = h->w;
    vel_frame_write(&trial, frame);
    if (!vel_write_ok(&trial)) {
        deliver(h);
        trial = h->w;
        vel_frame_write(&trial, frame);
    }
    h->w = trial;
}

static bool is_closed(const struct hostile *h)
{
    return vel_life_is_over(&h->victim->life);
}

static void finish(struct hostile *h)
{
    h->p.mute_client = h->p.mute_server = true;
    pair_done(&h->p);
}

static size_t held(const struct hostile *h)
{
    return h->p.env.outstanding > h->before ? h->p.env.outstanding - h->before : 0;
}

static struct vel_frame stream_frame(uint64_t id, uint64_t offset, size_t len, bool fin)
{
    static const uint8_t zeroes[PACKET];
    return (struct vel_frame){.type = VEL_FRAME_STREAM,
                              .stream = {id, offset, vel_slice(zeroes, len), fin}};
}

static struct vel_frame ack_frame(uint64_t largest, uint64_t first_range)
{
    return (struct vel_frame){.type = VEL_FRAME_ACK,
                              .ack = {.largest = largest, .first_range = first_range}};
}

/* ---- violations ---- */

enum { CLIENT_BIDI = 0, SERVER_BIDI = 1, CLIENT_UNI = 2, SERVER_UNI = 3 };

static void violations_have_their_codes(void **state)
{
    (void)state;
    static const uint8_t long_datagram[1100];
    const uint64_t far = UINT64_C(1) << 40;
    const struct {
        const char *what;
        struct vel_frame frames[2];
        uint64_t code;
    } rows[] = {
        {"over the stream's credit",
         {stream_frame(CLIENT_BIDI, far, 1, false)},
         VEL_WIRE_FLOW_CONTROL_ERROR},
        {"a final size over the credit",
         {{.type = VEL_FRAME_RESET_STREAM, .reset = {CLIENT_BIDI, 0, far}}},
         VEL_WIRE_FLOW_CONTROL_ERROR},
        {"bytes behind the end",
         {stream_frame(CLIENT_BIDI, 0, 1, true), stream_frame(CLIENT_BIDI, 1, 1, false)},
         VEL_WIRE_FINAL_SIZE_ERROR},
        {"another end",
         {stream_frame(CLIENT_BIDI, 0, 9, true), stream_frame(CLIENT_BIDI, 0, 5, true)},
         VEL_WIRE_FINAL_SIZE_ERROR},
        {"an end before what came",
         {stream_frame(CLIENT_BIDI, 0, 9, false),
          {.type = VEL_FRAME_RESET_STREAM, .reset = {CLIENT_BIDI, 0, 5}}},
         VEL_WIRE_FINAL_SIZE_ERROR},
        {"a stream too many",
         {stream_frame(CLIENT_BIDI + 4 * 128, 0, 1, false)},
         VEL_WIRE_STREAM_LIMIT_ERROR},
        {"a stream far away",
         {{.type = VEL_FRAME_RESET_STREAM, .reset = {4 * far, 0, 0}}},
         VEL_WIRE_STREAM_LIMIT_ERROR},
        {"a stream of ours that is not open",
         {stream_frame(SERVER_BIDI, 0, 1, false)},
         VEL_WIRE_STREAM_STATE_ERROR},
        {"data where only we send",
         {stream_frame(SERVER_UNI, 0, 1, false)},
         VEL_WIRE_STREAM_STATE_ERROR},
        {"stopping its own stream",
         {{.type = VEL_FRAME_STOP_SENDING, .stop = {CLIENT_UNI, 0}}},
         VEL_WIRE_STREAM_STATE_ERROR},
        {"credit for its own stream",
         {{.type = VEL_FRAME_MAX_STREAM_DATA, .stream_limit = {CLIENT_UNI, 9}}},
         VEL_WIRE_STREAM_STATE_ERROR},
        {"what was never sent", {ack_frame(5000, 0)}, VEL_WIRE_PROTOCOL_VIOLATION},
        {"numbers at the end of time",
         {ack_frame(VEL_VARINT_LAST, 0)},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"a done handshake", {{.type = VEL_FRAME_HANDSHAKE_DONE}}, VEL_WIRE_PROTOCOL_VIOLATION},
        {"a longer datagram than announced",
         {{.type = VEL_FRAME_DATAGRAM, .datagram = vel_slice(long_datagram, sizeof long_datagram)}},
         VEL_WIRE_PROTOCOL_VIOLATION},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct hostile h;
        begin(&h);
        put(&h, &rows[i].frames[0]);
        if (rows[i].frames[1].type != VEL_FRAME_PADDING)
            put(&h, &rows[i].frames[1]);
        deliver(&h);
        CHECK(rows[i].what, is_closed(&h));
        CHECK(rows[i].what, h.victim->life.close.code == rows[i].code);
        CHECK(rows[i].what, !h.victim->life.close.application);
        finish(&h);
    }
}

static struct vel_frame new_cid_frame(uint64_t sequence, uint64_t retire_prior)
{
    struct vel_frame frame = {.type = VEL_FRAME_NEW_CONNECTION_ID,
                              .new_cid = {.sequence = sequence,
                                          .retire_prior_to = retire_prior,
                                          .cid = {.len = 8, .bytes = {0xc1, (uint8_t)sequence}}}};
    frame.new_cid.reset_token[0] = (uint8_t)sequence;
    return frame;
}

static void put_new_cid(struct hostile *h, uint64_t sequence, uint64_t retire_prior)
{
    struct vel_frame frame = new_cid_frame(sequence, retire_prior);
    put(h, &frame);
}

/* More ids are taken back than retirements may wait: the active one is among them, and the close
 * still finds its way. */
static void taking_back_too_many_ids_ends_with_a_close(void **state)
{
    (void)state;
    static const uint64_t frames[][2] = {{4, 1},  {8, 4},  {9, 8},  {10, 9},
                                         {11, 0}, {12, 0}, {20, 13}};
    struct hostile h;
    begin(&h);
    for (size_t i = 0; i < VEL_COUNT(frames); i++)
        put_new_cid(&h, frames[i][0], frames[i][1]);
    deliver(&h);
    assert_true(is_closed(&h));
    assert_int_equal(h.victim->life.close.code, VEL_WIRE_CONNECTION_ID_LIMIT_ERROR);
    assert_true(h.answers > 0);
    finish(&h);
}

/* The one id to spare belongs to another path, and the active path's is taken back by a frame that
 * brings none: the connection ends without a word, since none could be addressed. */
static void taking_back_the_last_id_ends_silently(void **state)
{
    (void)state;
    struct hostile h;
    begin(&h);
    put_new_cid(&h, 100, 4); /* in place of those the handshake brought */
    put_new_cid(&h, 101, 0);
    deliver(&h);
    struct vel_addr elsewhere = h.victim->first.paths.active->remote;
    elsewhere.port++;
    h.w = vel_writer(h.packet, PACKET - VEL_AEAD_TAG);
    vel_packet_write_short(&h.w, &h.victim->first.cids.local[1].cid, 0, h.number, 4);
    put(&h, &(struct vel_frame){.type = VEL_FRAME_PATH_CHALLENGE});
    deliver_from(&h, &elsewhere);
    assert_int_equal(h.victim->first.paths.slot[1].peer_cid, 101);
    assert_false(is_closed(&h));
    uint64_t before = h.answers;
    put_new_cid(&h, 101, 101); /* seen before: nothing new */
    deliver(&h);
    assert_true(is_closed(&h));
    assert_int_equal(h.victim->life.close.code, VEL_WIRE_PROTOCOL_VIOLATION);
    assert_int_equal(h.answers, before);
    finish(&h);
}

/* RFC 9000 21.4: who acknowledges everything in advance, one number at a time, meets one that was
 * left out. */
static void optimistic_acknowledgements_are_caught(void **state)
{
    (void)state;
    struct hostile h;
    begin(&h);
    uint64_t id;
    size_t accepted;
    static const uint8_t bytes[1000];
    ASSERT_OK(vel_stream_open(h.victim, false, &id));
    h.victim->streams->send_flow.limit = UINT64_C(1) << 40;
    vel_streams_find(h.victim->streams, id)->send_flow.limit = UINT64_C(1) << 40;
    unsigned rounds = 0;
    for (; !is_closed(&h) && rounds < 10 * VEL_SKIP_FIRST; rounds++) {
        ASSERT_OK(vel_stream_write(h.victim, id, vel_slice(bytes, sizeof bytes), false, &accepted));
        drain(&h);
        uint64_t sent = h.victim->first.recovery.space[VEL_SPACE_APP].sent.next - 1;
        struct vel_frame frame = ack_frame(sent, sent);
        put(&h, &frame);
        deliver(&h);
    }
    assert_true(is_closed(&h));
    assert_int_equal(h.victim->life.close.code, VEL_WIRE_PROTOCOL_VIOLATION);
    assert_in_range(rounds, VEL_SKIP_FIRST / 2, 3 * VEL_SKIP_FIRST);
    finish(&h);
}

/* ---- floods ---- */

/* An attack with one kind of frame, so many packets of it. */
enum { FRAMES = 20 };

static void flood(struct hostile *h, const struct vel_frame *frame, unsigned packets)
{
    for (unsigned i = 1; h->packets < packets && !is_closed(h); i++) {
        put(h, frame);
        if (i % FRAMES == 0)
            deliver(h);
    }
}

/* No more is kept of them than of the packets that answer them, which the peer does not acknowledge, and what is answered is every second packet at most. */
static void empty_frames_cost_nothing(void **state)
{
    (void)state;
    const struct vel_frame frames[] = {
        {.type = VEL_FRAME_PING},
        {.type = VEL_FRAME_MAX_DATA, .limit = 1},
        {.type = VEL_FRAME_DATA_BLOCKED, .limit = 1},
        {.type = VEL_FRAME_STREAMS_BLOCKED, .streams = {true, 1}},
        {.type = VEL_FRAME_MAX_STREAMS, .streams = {true, 1}},
        stream_frame(CLIENT_BIDI, 0, 0, false),
        {.type = VEL_FRAME_STREAM_DATA_BLOCKED, .stream_limit = {CLIENT_BIDI, 1}},
        {.type = VEL_FRAME_MAX_STREAM_DATA, .stream_limit = {CLIENT_BIDI, 1}},
        {.type = VEL_FRAME_STOP_SENDING, .stop = {CLIENT_BIDI, 1}},
        {.type = VEL_FRAME_RESET_STREAM, .reset = {CLIENT_BIDI, 1, 0}},
    };
    for (size_t i = 0; i < VEL_COUNT(frames); i++) {
        const char *what = vel_frame_kind(frames[i].type)->name;
        struct hostile h;
        begin(&h);
        flood(&h, &frames[i], 12000);
        CHECK(what, !is_closed(&h));
        CHECK(what, held(&h) < 512 * KIB);
        CHECK(what, h.answers <= h.packets / VEL_ACK_EVERY + 10);
        finish(&h);
    }
}

/* ACKs with hundreds of ranges, again and again: they settle nothing new and keep nothing. */
static void ranges_of_acknowledgements_keep_nothing(void **state)
{
    (void)state;
    struct hostile h;
    begin(&h);
    uint8_t pairs[2 * 300];
    memset(pairs, 0, sizeof pairs);
    struct vel_ranges every_second = {.env = &h.p.env.env, .limit = 400};
    for (uint64_t i = 0; i < 400; i++)
        ASSERT_OK(vel_ranges_add(&every_second, 2 * i, 2 * i + 1));
    uint64_t sent = h.victim->first.recovery.space[VEL_SPACE_APP].sent.next;
    for (unsigned i = 0; i < 500 && !is_closed(&h); i++) {
        (void)vel_frame_write_ack(&h.w, vel_room(&h.w), &every_second, 0, NULL);
        deliver(&h);
    }
    assert_true(sent < 800);
    assert_true(is_closed(&h)); /* the first one: it acknowledges what was not sent */
    assert_int_equal(h.packets, 1);
    vel_ranges_free(&every_second);
    finish(&h);
}

/* Packet numbers with a gap before each: the set of what to acknowledge stays small. */
static void gaps_in_numbers_are_forgotten(void **state)
{
    (void)state;
    struct hostile h;
    begin(&h);
    const struct vel_frame ping = {.type = VEL_FRAME_PING};
    for (unsigned i = 0; i < 12000 && !is_closed(&h); i++) {
        put(&h, &ping);
        h.number += 1;
        open_packet(&h);
        put(&h, &ping);
        deliver(&h);
    }
    assert_false(is_closed(&h));
    assert_true(h.victim->first.space[VEL_SPACE_APP].acks.received.count <= VEL_ACK_RANGES);
    assert_true(held(&h) < 512 * KIB);
    finish(&h);
}

/* One byte at a time, downwards, on every stream: ended before it costs more than it does. */
static void crumbs_end_it(void **state)
{
    (void)state;
    struct hostile h;
    begin(&h);
    for (uint64_t offset = 200 * 1000; offset > 0 && !is_closed(&h); offset -= 2) {
        struct vel_frame frame = stream_frame(CLIENT_BIDI, offset, 1, false);
        put(&h, &frame);
    }
    assert_true(is_closed(&h));
    assert_true(h.packets <= 2);
    assert_true(held(&h) <= 2 * VEL_POOL_BLOCK + 32 * KIB);
    finish(&h);
}

/* Opened and abandoned at once, as fast as limits return: never more at a time than announced, and
 * as many that linger; nothing is left of them. */
static void rapid_resets_stay_within_the_limits(void **state)
{
    (void)state;
    struct hostile h;
    begin(&h);
    const struct vel_streams *streams = h.victim->streams;
    size_t most = 0;
    uint64_t opened = 0;
    for (unsigned i = 0; i < 20000 && !is_closed(&h); i++) {
        if (opened == streams->remote[0].limit)
            deliver(&h);
        struct vel_event event;
        while (opened == streams->remote[0].limit && vel_conn_next_event(h.victim, &event))
            if (event.type == VEL_EVENT_STREAM_RESET)
                (void)!vel_stream_reset(h.victim, event.stream, 0);
        if (opened == streams->remote[0].limit)
            break; /* it does not acknowledge our RESET_STREAM: no more credit comes */
        struct vel_frame frame = {.type = VEL_FRAME_RESET_STREAM, .reset = {4 * opened++, 0, 0}};
        put(&h, &frame);
        most = VEL_MAX(most, vel_streams_count(streams));
    }
    assert_false(is_closed(&h));
    assert_true(most <= 2 * h.p.server_config.limits.max_streams_bidi);
    assert_true(opened <= 3 * h.p.server_config.limits.max_streams_bidi);
    assert_true(held(&h) < 512 * KIB);
    finish(&h);
}

/* Datagrams that nobody takes. */
static void datagrams_push_each_other_out(void **state)
{
    (void)state;
    static const uint8_t bytes[900];
    struct hostile h;
    begin(&h);
    const struct vel_frame frames[] = {
        {.type = VEL_FRAME_DATAGRAM, .datagram = vel_slice(bytes, sizeof bytes)},
        {.type = VEL_FRAME_DATAGRAM, .datagram = {0}},
    };
    flood(&h, &frames[0], 1000);
    flood(&h, &frames[1], 2000);
    assert_false(is_closed(&h));
    assert_true(held(&h) < VEL_DATAGRAMS_BYTES + 32 * KIB);
    finish(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(violations_have_their_codes),
        cmocka_unit_test(taking_back_too_many_ids_ends_with_a_close),
        cmocka_unit_test(taking_back_the_last_id_ends_silently),
        cmocka_unit_test(optimistic_acknowledgements_are_caught),
        cmocka_unit_test(empty_frames_cost_nothing),
        cmocka_unit_test(ranges_of_acknowledgements_keep_nothing),
        cmocka_unit_test(gaps_in_numbers_are_forgotten),
        cmocka_unit_test(crumbs_end_it),
        cmocka_unit_test(rapid_resets_stay_within_the_limits),
        cmocka_unit_test(datagrams_push_each_other_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
