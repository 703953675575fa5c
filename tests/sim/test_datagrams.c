/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

/* DATAGRAM frames (RFC 9221): each carries its number and a pattern made from it, so that whatever
 * arrives is whole, and nothing arrives twice. */

enum { MOST = 4096, LONGEST = 65535 };

struct flow {
    bool seen[MOST];
    unsigned arrived, sent, refused;
    unsigned newest, overtaken; /* arrived behind a newer one */
};

static void make(uint8_t *bytes, size_t size, uint32_t number)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(number >> 8 * (i % 4));
}

static void send_one(struct scene *scene, struct flow *flow, size_t size, uint8_t urgency,
                     vel_time life)
{
    uint8_t bytes[2000];
    EXPECT(size <= sizeof bytes && flow->sent < MOST);
    make(bytes, size, flow->sent);
    vel_time expires = life == VEL_NEVER ? life : sim_now(scene->sim) + life;
    enum vel_err err =
        vel_conn_send_datagram(scene->client.conn, vel_slice(bytes, size), urgency, expires, NULL);
    EXPECT(err == VEL_OK || err == VEL_ERR_AGAIN);
    flow->sent++;
    flow->refused += err == VEL_ERR_AGAIN;
}

static void take_all(struct scene *scene, struct flow *flow)
{
    struct vel_slice got;
    uint8_t want[2000];
    while (scene->server.conn != NULL &&
           vel_conn_receive_datagram(scene->server.conn, &got) == VEL_OK) {
        uint32_t number = 0;
        for (size_t i = 0; i < 4; i++)
            number |= (uint32_t)got.ptr[i] << 8 * i;
        EXPECT(number < flow->sent && !flow->seen[number] && got.len <= sizeof want);
        make(want, got.len, number);
        EXPECT(vel_slice_equal(got, vel_slice(want, got.len)));
        flow->seen[number] = true;
        flow->arrived++;
        flow->overtaken += number < flow->newest;
        flow->newest = VEL_MAX(flow->newest, number);
    }
}

static void let_pass(struct scene *scene, struct flow *flow, vel_time span)
{
    vel_time until = sim_now(scene->sim) + span;
    while (sim_step(scene->sim, until))
        take_all(scene, flow);
    take_all(scene, flow);
}

static struct scene *connected(uint64_t seed, unsigned loss)
{
    struct scene *scene = scene_new(seed, VEL_PROFILE_LIGHT);
    scene->server.config.limits.max_datagram_frame_size = LONGEST;
    sim_bottleneck(scene->sim, SIM_BOTH, MIB, 100 * 1000, 0);
    sim_loss(scene->sim, SIM_BOTH, loss);
    sim_delay(scene->sim, SIM_BOTH, 10 * MS);
    scene_start(scene, NULL);
    scene_connect(scene, 10 * SECOND);
    return scene;
}

/* Every one arrives on a good path, also those as long as can be; nothing is sent twice. */
static void they_arrive(uint64_t seed)
{
    struct scene *scene = connected(seed, 0);
    struct flow flow = {0};
    for (int i = 0; i < 200; i++) {
        size_t most = vel_conn_max_datagram(scene->client.conn);
        EXPECT_NUMBER(most, >=, 1150);
        send_one(scene, &flow, i % 2 ? most : 4 + (size_t)i, 3, VEL_NEVER);
        let_pass(scene, &flow, 5 * MS);
    }
    let_pass(scene, &flow, 1 * SECOND);
    EXPECT_NUMBER(flow.arrived, ==, 200);
    const struct vel_datagram_stats *stats = &peer_stats(&scene->client)->datagram_frames;
    EXPECT_NUMBER(stats->sent, ==, 200);
    EXPECT_NUMBER(stats->acked, ==, 200);
    EXPECT_NUMBER(stats->lost, ==, 0);
    scene_free(scene);
}

/* What is lost stays lost, is told, and does not hold up the rest. */
static void they_are_lost_once(uint64_t seed)
{
    struct scene *scene = connected(seed, 100 * 1000);
    struct flow flow = {0};
    for (int i = 0; i < 1000; i++) {
        send_one(scene, &flow, 500, 3, VEL_NEVER);
        let_pass(scene, &flow, 2 * MS);
    }
    let_pass(scene, &flow, 3 * SECOND);
    const struct vel_datagram_stats *stats = &peer_stats(&scene->client)->datagram_frames;
    EXPECT_NUMBER(stats->sent + flow.refused, ==, 1000);
    EXPECT_NUMBER(flow.arrived, <, stats->sent);
    EXPECT_NUMBER(10 * flow.arrived, >, 8 * stats->sent);
    EXPECT_NUMBER(stats->sent, >, 400); /* what congestion control admits at such a loss differs */
    EXPECT_NUMBER(stats->acked, <=, flow.arrived);
    EXPECT_NUMBER(stats->acked + stats->lost, >=, stats->sent);
    scene_free(scene);
}

/* More than the path carries: those that waited too long are dropped, and none arrives late. */
static void the_late_expire(uint64_t seed)
{
    struct scene *scene = connected(seed, 0);
    struct flow flow = {0};
    for (int i = 0; i < 3000; i++) {
        send_one(scene, &flow, 1000, 3, 50 * MS);
        let_pass(scene, &flow, 500 * US); /* twice the rate of the link */
    }
    let_pass(scene, &flow, 2 * SECOND);
    const struct vel_datagram_stats *stats = &peer_stats(&scene->client)->datagram_frames;
    EXPECT_NUMBER(stats->expired + flow.refused, >, 500);
    EXPECT_NUMBER(stats->sent + stats->expired + flow.refused, ==, 3000);
    EXPECT_NUMBER(flow.arrived, >, 1000);
    scene_free(scene);
}

/* With bulk data both ways: urgent ones go ahead of streams, the others behind them; every byte of
 * the streams is right. */
static void they_share_with_streams(uint64_t seed)
{
    struct scene *scene = connected(seed, 10 * 1000);
    struct flow flow = {0};
    exchange_more(&scene->client.exchange, &(struct ask){.streams = 2, .up = 2 * MIB, .down = MIB},
                  sim_now(scene->sim));
    for (int i = 0; i < 300; i++) {
        send_one(scene, &flow, 200, 1, 200 * MS);
        let_pass(scene, &flow, 5 * MS);
    }
    const struct vel_datagram_stats *stats = &peer_stats(&scene->client)->datagram_frames;
    EXPECT_NUMBER(stats->sent, >, 250);
    EXPECT_NUMBER(flow.arrived, >, 220);
    for (int i = 0; i < 20; i++)
        send_one(scene, &flow, 200, 7, VEL_NEVER);
    scene_finish(scene, 60 * SECOND);
    let_pass(scene, &flow, 2 * SECOND);
    EXPECT_NUMBER(peer_stats(&scene->client)->datagram_frames.sent, ==,
                  flow.sent - flow.refused - peer_stats(&scene->client)->datagram_frames.expired);
    scene_free(scene);
}

/* RFC 9221 3: who announced nothing gets nothing. */
static void nobody_is_forced(uint64_t seed)
{
    struct scene *scene = connected(seed, 0);
    EXPECT_NUMBER(vel_conn_max_datagram(scene->server.conn), ==, 0);
    EXPECT(vel_conn_send_datagram(scene->server.conn, vel_slice_text("x"), 3, VEL_NEVER, NULL) ==
           VEL_ERR_UNSUPPORTED);
    static const uint8_t bytes[2000];
    EXPECT(vel_conn_send_datagram(scene->client.conn, vel_slice(bytes, sizeof bytes), 3, VEL_NEVER,
                                  NULL) == VEL_ERR_LIMIT);
    scene_free(scene);
}

/* An application that never takes them costs what the queue holds. */
static void nobody_needs_to_read(uint64_t seed)
{
    struct scene *scene = connected(seed, 0);
    struct flow flow = {0};
    scene_run(scene, 1 * SECOND);
    size_t before = scene->server.t.outstanding;
    for (int i = 0; i < 2000; i++) {
        send_one(scene, &flow, 1000, 3, VEL_NEVER);
        scene_run(scene, 2 * MS);
    }
    scene_run(scene, 3 * SECOND);
    EXPECT_NUMBER(scene->server.t.outstanding - before, <, 300 * 1000);
    EXPECT_NUMBER(peer_stats(&scene->server)->datagram_frames.overflowed, >, 1500);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(they_arrive, BULK_SEEDS),      SCENARIO(they_are_lost_once, BULK_SEEDS),
        SCENARIO(the_late_expire, BULK_SEEDS),  SCENARIO(they_share_with_streams, BULK_SEEDS),
        SCENARIO(nobody_is_forced, BULK_SEEDS), SCENARIO(nobody_needs_to_read, 2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
