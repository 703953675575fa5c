/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/stream.h"
#include "transport/streams_pair.h"

/*
 * Random traffic against a model: both sides open streams, write in pieces of all sizes, read in
 * other ones; packets are lost, late, duplicated and reordered. Every byte must arrive once and in
 * order, every stream must close on both sides, and all memory must come back.
 */
enum { STREAMS = 24, FLIGHT = 24, STEPS = 200 * 1000 };

/* What the model knows of one direction of one stream, by the id of the stream. */
struct flow {
    uint64_t total; /* to be written */
    uint64_t written;
    uint64_t read;
    bool ended; /* the reader saw the end */
};

struct traffic {
    struct pair pair;
    struct flow flow[2][STREAMS * 4]; /* by sender, then stream id */
    unsigned opened[2];
    unsigned closed[2];
    struct pair_packet flight[FLIGHT];
    size_t in_flight;
};

static uint8_t byte_at(uint64_t id, uint64_t offset)
{
    return (uint8_t)(id * 101 + offset * 31 + (offset >> 8) * 7);
}

static vel_result open_some(struct traffic *x, int side)
{
    uint64_t id = 0;
    if (x->opened[side] == STREAMS)
        return VEL_OK;
    bool bidirectional = pair_draw(&x->pair, 2) == 0;
    enum vel_err err = vel_streams_open(x->pair.side[side].streams, bidirectional, &id);
    if (err == VEL_ERR_AGAIN)
        return VEL_OK;
    if (err != VEL_OK)
        return err;
    x->opened[side]++;
    uint64_t most = pair_draw(&x->pair, 3) == 0 ? 60000 : 300;
    x->flow[side][id].total = pair_draw(&x->pair, most);
    x->flow[1 - side][id].total = bidirectional ? pair_draw(&x->pair, most) : 0;
    uint8_t urgency = (uint8_t)pair_draw(&x->pair, 8);
    return vel_streams_set_priority(x->pair.side[side].streams, id, urgency,
                                    pair_draw(&x->pair, 2) == 0);
}

/* A stream that this side can write; false when it is not there (yet, or any more). */
static vel_result write_some(struct traffic *x, int side, uint64_t id)
{
    static uint8_t bytes[8000];
    struct flow *flow = &x->flow[side][id];
    uint64_t left = flow->total - flow->written;
    uint64_t most = pair_draw(&x->pair, sizeof bytes);
    size_t len = (size_t)VEL_MIN(left, most);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(id, flow->written + i);
    size_t accepted = 0;
    enum vel_err err = vel_streams_write(x->pair.side[side].streams, id, vel_slice(bytes, len),
                                         len == left, &accepted);
    if (err == VEL_OK)
        flow->written += accepted;
    return err == VEL_ERR_NOT_FOUND || err == VEL_ERR_CLOSED ? VEL_OK : err;
}

static vel_result read_some(struct traffic *x, int side, uint64_t id)
{
    struct vel_streams *streams = x->pair.side[side].streams;
    struct flow *flow = &x->flow[1 - side][id];
    struct vel_slice bytes;
    bool fin = false;
    enum vel_err err = vel_streams_read(streams, id, &bytes, &fin);
    if (err != VEL_OK)
        return err == VEL_ERR_NOT_FOUND ? VEL_OK : err;
    uint64_t most = pair_draw(&x->pair, 5000);
    size_t count = VEL_MIN(bytes.len, (size_t)most);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(bytes.ptr[i], byte_at(id, flow->read + i));
    flow->read += count;
    flow->ended |= fin && count == bytes.len;
    return vel_streams_consume(streams, id, count);
}

static void take_events(struct traffic *x, int side)
{
    struct vel_event event;
    while (vel_streams_next_event(x->pair.side[side].streams, &event))
        x->closed[side] += event.type == VEL_EVENT_STREAM_CLOSED;
}

static vel_result send_some(struct traffic *x, int side)
{
    if (x->in_flight == FLIGHT)
        return VEL_OK;
    struct pair_packet *packet = &x->flight[x->in_flight];
    enum vel_err err = pair_write(&x->pair, side, 30 + pair_draw(&x->pair, PAIR_PACKET), packet);
    x->in_flight += err == VEL_OK && packet->len > 0;
    return err;
}

static vel_result land_some(struct traffic *x)
{
    uint64_t wire_code = 0;
    if (x->in_flight == 0)
        return VEL_OK;
    struct pair_packet *packet = &x->flight[pair_draw(&x->pair, x->in_flight)];
    uint64_t fate = pair_draw(&x->pair, 10);
    enum vel_err err = VEL_OK;
    if (fate < 7)
        err = pair_deliver(&x->pair, packet, &wire_code);
    if (err == VEL_OK && fate < 6)
        err = pair_acked(&x->pair, packet);
    if (err == VEL_OK && fate > 6)
        err = pair_lost(&x->pair, packet);
    if (fate != 6) /* else it arrived, and is settled later, perhaps after a second arrival */
        *packet = x->flight[--x->in_flight];
    return err;
}

static vel_result step(struct traffic *x)
{
    enum vel_err err = VEL_OK;
    for (int side = 0; side < 2 && err == VEL_OK; side++) {
        uint64_t id = pair_draw(&x->pair, STREAMS * 4);
        err = open_some(x, side);
        if (err == VEL_OK)
            err = write_some(x, side, id);
        if (err == VEL_OK)
            err = read_some(x, side, id);
        if (err == VEL_OK)
            err = send_some(x, side);
        take_events(x, side);
    }
    return err == VEL_OK ? land_some(x) : err;
}

static bool is_over(const struct traffic *x)
{
    unsigned opened = x->opened[0] + x->opened[1];
    return opened == 2 * STREAMS && x->closed[0] == opened && x->closed[1] == opened;
}

static vel_result begin(struct traffic *x, uint64_t seed, long fail_after)
{
    struct vel_limits limits = pair_limits();
    *x = (struct traffic){0};
    enum vel_err err = pair_init(&x->pair, seed, &limits, fail_after);
    if (err == VEL_OK && seed % 2 == 0)
        pair_connect(&x->pair);
    return err;
}

static void every_byte_once_in_order(void **state)
{
    (void)state;
    static struct traffic x;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        ASSERT_OK(begin(&x, seed, -1));
        unsigned steps = 0;
        for (; !is_over(&x) && steps < STEPS; steps++) {
            if (steps == 50 && seed % 2 == 1)
                pair_connect(&x.pair); /* the parameters come when streams are open already */
            if (step(&x) != VEL_OK)
                fail_msg("seed %llu: refused", (unsigned long long)seed);
        }
        if (steps == STEPS)
            fail_msg("seed %llu: never over", (unsigned long long)seed);
        for (int side = 0; side < 2; side++) {
            for (uint64_t id = 0; id < STREAMS * 4; id++) {
                assert_int_equal(x.flow[side][id].written, x.flow[side][id].total);
                assert_int_equal(x.flow[side][id].read, x.flow[side][id].total);
            }
            assert_int_equal(vel_streams_count(x.pair.side[side].streams), 0);
        }
        pair_free(&x.pair);
    }
}

/* Memory runs out at some point, for good: the call says so, and nothing leaks. */
static void allocations_fail(void **state)
{
    (void)state;
    static struct traffic x;
    for (long n = 0; n < 120; n++) {
        enum vel_err err = begin(&x, 2, n);
        for (unsigned steps = 0; err == VEL_OK && steps < 5000 && !is_over(&x); steps++)
            err = step(&x);
        if (err != VEL_ERR_NOMEM)
            fail_msg("allocation %ld: %s", n, vel_err_text(err));
        x.pair.t.fail_after = -1;
        pair_free(&x.pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_once_in_order),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
