/* SPDX-License-Identifier: MIT */
#include "transport/conn_internal.h"
#include "transport/conn_pair.h"

/*
 * A train has the outcome of its datagrams one by one. Two servers are alike to the last bit, since all that
 * is random comes from the same seed; one gets the trains of a client, the other one their datagrams. The client, whose
 * keys the test uses, sends what servers like and what they do not: the states, the events and
 * every byte of the answers are compared.
 */
enum { SEGMENT = 400, TRAIN = 24, TRAINS = 30, SEEDS = 40, KINDS = 16, STREAMS = 3, TEXT = 64 };

struct twins {
    struct conn_pair together, one_by_one;
    struct test_env dice;
    uint64_t number;
    uint64_t offset[STREAMS];
    uint64_t new_cids;
    size_t count;
    uint8_t bytes[TRAIN * SEGMENT];
    size_t len;
};

static unsigned roll(struct twins *t, unsigned sides)
{
    uint8_t byte;
    vel_random(&t->dice.env, &byte, 1);
    return byte % sides;
}

static void begin_pair(struct conn_pair *p, bool multipath)
{
    pair_init(p, VEL_PROFILE_LIGHT);
    p->client_config.limits.max_paths = p->server_config.limits.max_paths = multipath ? 3 : 1;
    p->server_config.limits.max_datagram_frame_size = 1000;
    pair_connect(p);
    pair_run(p, 1 * SECOND);
}

static void begin(struct twins *t, uint64_t seed)
{
    memset(t, 0, sizeof *t);
    test_env_init(&t->dice, seed);
    begin_pair(&t->together, seed % 2 == 0);
    begin_pair(&t->one_by_one, seed % 2 == 0);
    t->number = t->together.client->first.recovery.space[VEL_SPACE_APP].sent.next;
}

/* ---- datagrams, all of one size ---- */

static uint8_t *next_datagram(struct twins *t)
{
    uint8_t *at = t->bytes + t->count++ * SEGMENT;
    t->len += SEGMENT;
    return at;
}

/* To the id in use or, as it may happen, another one. */
static struct vel_writer start(struct twins *t, uint8_t *at)
{
    const struct vel_track *track = &t->together.server->first;
    const struct vel_cid *id =
        &track->cids.local[roll(t, 12) == 0 && track->cids.local[1].in_use].cid;
    struct vel_writer w = vel_writer(at, SEGMENT - VEL_AEAD_TAG);
    uint8_t phase = vel_key_update_bit(&t->together.client->key_update);
    vel_packet_write_short(&w, id, phase, t->number, 4);
    return w;
}

static void seal(struct twins *t, struct vel_writer *w, uint8_t *at)
{
    const size_t header = 1 + VEL_CID_OURS + 4;
    size_t payload = SEGMENT - VEL_AEAD_TAG - header;
    memset(at + vel_written(w), 0, SEGMENT - VEL_AEAD_TAG - vel_written(w));
    ASSERT_OK(vel_packet_seal(&t->together.client->space[VEL_SPACE_APP].write, 0, t->number++, at,
                              header, 4, payload));
}

/* Stream data that fill the packet, sometimes in two frames. */
static void put_data(struct twins *t, unsigned ahead)
{
    uint8_t *at = next_datagram(t);
    struct vel_writer w = start(t, at);
    unsigned frames = 1 + (roll(t, 4) == 0);
    for (unsigned i = 0; i < frames; i++) {
        uint64_t id = roll(t, STREAMS);
        size_t room = SEGMENT - VEL_AEAD_TAG - vel_written(&w);
        size_t fit = vel_frame_stream_fit(4 * id, t->offset[id] + ahead, room) >> (frames - 1 - i);
        uint8_t text[SEGMENT];
        memset(text, (int)t->number, sizeof text);
        vel_frame_write_stream(&w, 4 * id, t->offset[id] + ahead, fit, false);
        vel_write_bytes(&w, vel_slice(text, fit));
        t->offset[id] += fit;
    }
    seal(t, &w, at);
}

static void put_frame(struct twins *t, struct vel_frame frame)
{
    uint8_t *at = next_datagram(t);
    struct vel_writer w = start(t, at);
    vel_frame_write(&w, &frame);
    assert_true(vel_write_ok(&w));
    seal(t, &w, at);
}

/* The oldest id of the client goes, a new one comes. */
static void put_new_cid(struct twins *t)
{
    uint64_t sequence = VEL_CIDS_REMOTE + t->new_cids++;
    struct vel_frame frame = {.type = VEL_FRAME_NEW_CONNECTION_ID,
                              .new_cid = {.sequence = sequence,
                                          .retire_prior_to = sequence - 2,
                                          .cid = {.len = 8, .bytes = {0xc1}}}};
    frame.new_cid.cid.bytes[1] = frame.new_cid.reset_token[0] = (uint8_t)sequence;
    put_frame(t, frame);
}

/* What no key opens: damaged, repeated, foreign, or not a packet at all. */
static void put_junk(struct twins *t, unsigned kind)
{
    static const uint8_t firsts[] = {0x40, 0x00, 0xc0, 0xff};
    uint8_t *at = next_datagram(t);
    if (t->count > 1 && kind < 2)
        memcpy(at, at - SEGMENT, SEGMENT);
    else
        vel_random(&t->dice.env, at, SEGMENT);
    if (kind == 0)
        at[20 + roll(t, 100)] ^= 1;
    if (kind > 1)
        at[0] = firsts[kind % VEL_COUNT(firsts)];
    if (kind == 3)
        memcpy(at + 1, t->together.server->first.cids.local[0].cid.bytes, VEL_CID_OURS);
}

static void update_keys(struct twins *t)
{
    enum vel_err ignored = vel_conn_update_keys(t->together.client);
    (void)ignored;
    put_data(t, 0);
}

/* What ends the connection, sooner or later. */
static void put_end(struct twins *t)
{
    const struct vel_frame frames[] = {
        {.type = VEL_FRAME_CONNECTION_CLOSE, .close = {.application = true, .code = 7}},
        {.type = VEL_FRAME_MAX_STREAM_DATA, .stream_limit = {2, 9}},
        {.type = VEL_FRAME_RESET_STREAM, .reset = {8, 1, t->offset[2]}},
        {.type = VEL_FRAME_RETIRE_CONNECTION_ID, .sequence = 1},
    };
    put_frame(t, frames[roll(t, VEL_COUNT(frames))]);
}

static void put_other(struct twins *t)
{
    switch (roll(t, KINDS)) {
    case 0:
        put_frame(t, (struct vel_frame){.type = VEL_FRAME_PING});
        break;
    case 1:
        put_frame(t, (struct vel_frame){.type = VEL_FRAME_ACK, .ack = {.largest = 0}});
        break;
    case 2:
        put_frame(t, (struct vel_frame){.type = VEL_FRAME_PATH_CHALLENGE, .path_data = "12345678"});
        break;
    case 3:
        put_new_cid(t);
        break;
    case 4:
        update_keys(t);
        break;
    case 5:
        put_data(t, 100); /* behind a hole */
        break;
    case 6:
        if (roll(t, 8) == 0)
            put_end(t);
        break;
    default:
        put_junk(t, roll(t, 8));
        break;
    }
}

static void fill(struct twins *t)
{
    t->count = t->len = 0;
    size_t wanted = 1 + roll(t, TRAIN);
    unsigned calm = roll(t, 3); /* the fewer other things */
    while (t->count < wanted) {
        if (roll(t, calm == 0 ? 2 : calm == 1 ? 8 : 255) == 0)
            put_other(t);
        else
            put_data(t, 0);
    }
    if (roll(t, 4) == 0) /* some come late */
        for (size_t i = 0; i + 1 < t->count; i += 3) {
            uint8_t other[SEGMENT];
            uint8_t *at = t->bytes + i * SEGMENT;
            memcpy(other, at, SEGMENT);
            memcpy(at, at + SEGMENT, SEGMENT);
            memcpy(at + SEGMENT, other, SEGMENT);
        }
    if (roll(t, 3) == 0)
        t->len -= roll(t, SEGMENT - 1); /* the last one is cut off */
}

/* ---- both ends ---- */

static void deliver(struct twins *t)
{
    static uint8_t copy[TRAIN * SEGMENT];
    struct vel_path *path = t->together.server->first.paths.active;
    struct vel_train train = {.local = path->local,
                              .remote = path->remote,
                              .bytes = copy,
                              .len = t->len,
                              .segment = SEGMENT,
                              .ecn = roll(t, 8) == 0 ? VEL_ECN_CE : VEL_ECN_ECT0};
    if (roll(t, 16) == 0)
        train.remote.port = (uint16_t)(100 + roll(t, 2));
    memcpy(copy, t->bytes, t->len);
    vel_conn_receive_train(t->together.server, &train, t->together.now);
    memcpy(copy, t->bytes, t->len);
    for (size_t pos = 0; pos < t->len; pos += SEGMENT)
        vel_conn_receive(t->one_by_one.server, &train.local, &train.remote, train.ecn, copy + pos,
                         VEL_MIN((size_t)SEGMENT, t->len - pos), t->one_by_one.now);
}

static void compare_numbers(struct twins *t)
{
    struct vel_conn *a = t->together.server;
    struct vel_conn *b = t->one_by_one.server;
    const struct vel_acks *acks = &a->first.space[VEL_SPACE_APP].acks;
    const struct vel_acks *same = &b->first.space[VEL_SPACE_APP].acks;
    struct vel_conn_stats stats = {0}, other = {0};
    vel_conn_get_stats(a, &stats);
    vel_conn_get_stats(b, &other);
    assert_memory_equal(&stats, &other, sizeof stats);
    assert_int_equal(a->life.state, b->life.state);
    assert_int_equal(a->life.close.code, b->life.close.code);
    assert_int_equal(a->life.close_received, b->life.close_received);
    assert_int_equal(a->life.idle_deadline, b->life.idle_deadline);
    assert_int_equal(vel_conn_deadline(a), vel_conn_deadline(b));
    assert_int_equal(a->forged, b->forged);
    assert_int_equal(acks->due, same->due);
    assert_int_equal(acks->pending, same->pending);
    assert_int_equal(acks->floor, same->floor);
    assert_memory_equal(&acks->ecn, &same->ecn, sizeof acks->ecn);
    assert_memory_equal(&a->first.phase, &b->first.phase, sizeof a->first.phase);
    assert_int_equal(a->first.largest_moving, b->first.largest_moving);
    assert_int_equal(a->first.bytes_received, b->first.bytes_received);
    assert_int_equal(a->first.paths.active->id, b->first.paths.active->id);
    assert_int_equal(a->first.paths.active->received, b->first.paths.active->received);
}

/* What the application hears and reads. */
static void compare_events(struct twins *t)
{
    struct vel_event event, other;
    while (vel_conn_next_event(t->together.server, &event)) {
        assert_true(vel_conn_next_event(t->one_by_one.server, &other));
        assert_int_equal(event.type, other.type);
        assert_int_equal(event.stream, other.stream);
        if (event.type != VEL_EVENT_STREAM_READABLE)
            continue;
        struct vel_slice bytes, same;
        bool fin, same_fin;
        ASSERT_OK(vel_stream_read(t->together.server, event.stream, &bytes, &fin));
        ASSERT_OK(vel_stream_read(t->one_by_one.server, event.stream, &same, &same_fin));
        assert_true(vel_slice_equal(bytes, same));
        ASSERT_OK(vel_stream_consume(t->together.server, event.stream, bytes.len));
        ASSERT_OK(vel_stream_consume(t->one_by_one.server, event.stream, bytes.len));
    }
    assert_false(vel_conn_next_event(t->one_by_one.server, &other));
}

static void compare_answers(struct twins *t)
{
    static uint8_t space[2][VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = space[0], .capacity = VEL_TRAIN_MAX};
    struct vel_train same = {.bytes = space[1], .capacity = VEL_TRAIN_MAX};
    while (vel_conn_send(t->together.server, &train, VEL_TRAIN_MAX, t->together.now) == VEL_OK) {
        ASSERT_OK(vel_conn_send(t->one_by_one.server, &same, VEL_TRAIN_MAX, t->one_by_one.now));
        assert_int_equal(train.len, same.len);
        assert_memory_equal(train.bytes, same.bytes, train.len);
    }
    ASSERT_ERR("no more",
               vel_conn_send(t->one_by_one.server, &same, VEL_TRAIN_MAX, t->one_by_one.now),
               VEL_ERR_AGAIN);
}

static void pass_time(struct twins *t)
{
    t->together.now += roll(t, 30) * MS;
    t->one_by_one.now = t->together.now;
    if (vel_conn_deadline(t->together.server) <= t->together.now) {
        vel_conn_expire(t->together.server, t->together.now);
        vel_conn_expire(t->one_by_one.server, t->one_by_one.now);
    }
}

static void finish(struct twins *t)
{
    pair_done(&t->together);
    pair_done(&t->one_by_one);
    test_env_done(&t->dice);
}

static void trains_have_the_outcome_of_their_datagrams(void **state)
{
    (void)state;
    static struct twins t;
    uint64_t opened = 0;
    uint64_t dropped = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(&t, seed);
        for (int i = 0; i < TRAINS; i++) {
            fill(&t);
            deliver(&t);
            compare_numbers(&t);
            compare_events(&t);
            compare_answers(&t);
            pass_time(&t);
        }
        opened += t.together.server->stats.packets_received;
        dropped += t.together.server->stats.packets_dropped;
        finish(&t);
    }
    assert_true(opened > 5000);
    assert_true(dropped > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trains_have_the_outcome_of_their_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
