/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "sim/line.h"
#include "sim/scenario.h"

/* What congestion control is for: to use a path, not to fill its queue, and to share it. */

static const enum vel_congestion all[] = {VEL_CC_CUBIC, VEL_CC_NEWRENO, VEL_CC_BBR};

/* 100 Mbit/s, 40 ms: the bandwidth-delay product is half a megabyte. */
#define RATE UINT64_C(12500000)
#define BDP (RATE * 40 / 1000)
#define ONE_WAY (20 * MS)

/* Let so much time pass, and tell which percentage of the line was used. */
static uint64_t used(struct line *line, vel_time span)
{
    line_measure(line);
    line_run(line, span);
    uint64_t delivered = 0;
    for (unsigned i = 0; i < line->count; i++)
        delivered += line->flows[i].delivered;
    return delivered * 100 / (line->rate * (uint64_t)(span / SECOND));
}

static void a_path_is_used(uint64_t seed)
{
    for (size_t i = 0; i < VEL_COUNT(all); i++) {
        struct line line;
        line_init(&line, seed, RATE, BDP, ONE_WAY);
        line_add(&line, all[i]);
        EXPECT_NUMBER(used(&line, 2 * SECOND), >=, 85); /* slow start, or startup, included */
        EXPECT_NUMBER(used(&line, 20 * SECOND), >=, 90);
        line_free(&line);
    }
}

/* Where the others get what RFC 9002 gives them: a few percent. VEL-TR-34. */
static void bbr_withstands_random_loss(uint64_t seed)
{
    struct line line;
    line_init(&line, seed, RATE, BDP, ONE_WAY);
    line.loss = 10 * 1000;
    line_add(&line, VEL_CC_BBR);
    EXPECT_NUMBER(used(&line, 30 * SECOND), >=, 85);
    line_free(&line);
}

/* The queue may hold ten times what the path does. */
static void bbr_leaves_the_queue_short(uint64_t seed)
{
    struct line line;
    line_init(&line, seed, RATE, 10 * BDP, ONE_WAY);
    line_add(&line, VEL_CC_BBR);
    line_run(&line, 2 * SECOND);
    EXPECT_NUMBER(line.queued_most, <, 2 * BDP);
    EXPECT_NUMBER(used(&line, 20 * SECOND), >=, 90);
    EXPECT_NUMBER(line.queued_most, <, 2 * BDP);
    EXPECT_NUMBER(line.queued_sum / line.queued_count, <, BDP / 4);
    EXPECT_NUMBER(line.dropped, ==, 0);
    line_free(&line);
}

static void bbr_goes_through_its_phases(uint64_t seed)
{
    struct line line;
    line_init(&line, seed, RATE, 2 * BDP, ONE_WAY);
    struct flow *flow = line_add(&line, VEL_CC_BBR);
    struct vel_cc *cc = &flow->recovery.cc;
    line_run(&line, 20 * MS);
    assert_string_equal(vel_cc_state(cc), "startup");
    line_run(&line, SECOND);
    EXPECT((flow->phases_seen & 1U << VEL_BBR_DRAIN) != 0);
    EXPECT(cc->bbr->full_bw_reached);
    EXPECT((flow->phases_seen & 1U << VEL_BBR_PROBE_RTT) == 0);
    line_run(&line, 12 * SECOND);
    EXPECT_NUMBER(flow->phases_seen, ==, (1U << VEL_BBR_PHASES) - 1);
    EXPECT_NUMBER(cc->bbr->min_rtt, >=, 40 * MS);
    EXPECT_NUMBER(cc->bbr->min_rtt, <, 42 * MS);
    EXPECT_NUMBER(cc->bbr->bw, >=, RATE * 97 / 100);
    EXPECT_NUMBER(cc->bbr->bw, <, RATE * 103 / 100);
    line_free(&line);
}

/* Another flow comes five seconds late, has half a minute to settle, and over the minute after that
 * neither has more than three times what the other has. Half a minute is what the specifications
 * need: where 0.85 of W_max is left to the first by fast convergence, CUBIC takes K = cbrt(0.15 W_max /
 * 0.4) seconds to be back there, six for the 540 packets that it has here at the end of its first
 * reduction (RFC 9438 4.2 and 4.7), and each such epoch takes 15 percent from it; BBR probes every two
 * or three seconds, and gives way by a few percent each time. */
static void share(uint64_t seed, uint64_t rate, enum vel_congestion congestion)
{
    struct line line;
    line_init(&line, seed, rate, rate * 40 / 1000, ONE_WAY);
    line.jitter = 1 * MS;
    line_add(&line, congestion);
    struct flow *second = line_add(&line, congestion);
    second->starts += 5 * SECOND;
    line_run(&line, 35 * SECOND);
    EXPECT_NUMBER(used(&line, 60 * SECOND), >=, 90);
    uint64_t a = line.flows[0].delivered, b = second->delivered;
    EXPECT_NUMBER(VEL_MAX(a, b), <=, 3 * VEL_MIN(a, b));
    line_free(&line);
}

static void two_flows_share(uint64_t seed)
{
    for (size_t i = 0; i < VEL_COUNT(all); i++)
        share(seed, RATE, all[i]);
}

static void two_flows_share_a_slow_line(uint64_t seed)
{
    for (size_t i = 0; i < VEL_COUNT(all); i++)
        share(seed, RATE / 5, all[i]);
}

/* A flow whose sender is looked at each 5 ms only, as on a busy processor, beside one that is always in time:
 * what it missed leaves in trains then, so it has a share that is not far from its own (with BBR it had a
 * twentieth of the other's before), and a short queue bears them. */
static void a_late_sender_shares(uint64_t seed)
{
    for (size_t i = 0; i < 2 * VEL_COUNT(all); i++) {
        bool short_queue = i >= VEL_COUNT(all);
        struct line line;
        line_init(&line, seed, RATE, short_queue ? BDP / 10 : BDP, ONE_WAY);
        line.jitter = 1 * MS;
        struct flow *late = line_add(&line, all[i % VEL_COUNT(all)]);
        struct flow *other = line_add(&line, all[i % VEL_COUNT(all)]);
        late->turn = 5 * MS;
        line_run(&line, 15 * SECOND);
        EXPECT_NUMBER(used(&line, 30 * SECOND), >=, short_queue ? 80 : 90);
        EXPECT_NUMBER(late->delivered, >=, other->delivered / 4);
        EXPECT_NUMBER(other->delivered, >=, late->delivered / 4);
        uint64_t packets = (late->delivered + other->delivered) / LINE_PACKET;
        EXPECT_NUMBER(line.dropped, <, packets / 250);
        line_free(&line);
    }
}

static void another_rate_is_followed(uint64_t seed)
{
    for (size_t i = 0; i < VEL_COUNT(all); i++) {
        struct line line;
        line_init(&line, seed, RATE, BDP, ONE_WAY);
        struct flow *flow = line_add(&line, all[i]);
        line_run(&line, 8 * SECOND);
        line_set_rate(&line, RATE / 2);
        EXPECT_NUMBER(used(&line, 2 * SECOND), >=, 85);
        EXPECT_NUMBER(used(&line, 8 * SECOND), >=, 90);
        EXPECT_NUMBER(vel_cc_window(&flow->recovery.cc), <, 2 * BDP);
        line_set_rate(&line, RATE);
        EXPECT_NUMBER(used(&line, 5 * SECOND), >=, 70); /* BBR looks every two or three seconds */
        EXPECT_NUMBER(used(&line, 8 * SECOND), >=, 90);
        line_free(&line);
    }
}

/* An application that writes 20 kB each 10 ms, a sixth of the line, does not make BBR think that the
 * path is as slow, nor CUBIC's window grow. */
static void an_idle_line_is_not_a_slow_one(uint64_t seed)
{
    for (size_t i = 0; i < VEL_COUNT(all); i++) {
        struct line line;
        line_init(&line, seed, RATE, BDP, ONE_WAY);
        struct flow *flow = line_add(&line, all[i]);
        line_run(&line, 5 * SECOND);
        flow->every = 10 * MS;
        flow->chunk = 20 * 1000;
        flow->next_chunk = line.now;
        EXPECT_NUMBER(used(&line, 15 * SECOND), <, 20);
        if (all[i] == VEL_CC_BBR)
            EXPECT_NUMBER(flow->recovery.cc.bbr->bw, >=, RATE * 90 / 100);
        EXPECT_NUMBER(vel_cc_window(&flow->recovery.cc), <, 5 * BDP / 2);
        flow->chunk = 0;
        EXPECT_NUMBER(used(&line, 2 * SECOND), >=, 85);
        line_free(&line);
    }
}

/* One that never writes much: there is nothing to conclude from it, and no reason to leave startup. */
static void a_trickle_teaches_nothing(uint64_t seed)
{
    struct line line;
    line_init(&line, seed, RATE, BDP, ONE_WAY);
    struct flow *flow = line_add(&line, VEL_CC_BBR);
    flow->every = 10 * MS;
    flow->chunk = 3000;
    line_run(&line, 4 * SECOND);
    EXPECT(!flow->recovery.cc.bbr->full_bw_reached);
    flow->chunk = 0;
    line_run(&line, SECOND);
    EXPECT_NUMBER(used(&line, 5 * SECOND), >=, 85);
    line_free(&line);
}

/* VEL-TR-33: a queue that marks is not filled. */
static void bbr_obeys_marks(uint64_t seed)
{
    struct line line;
    line_init(&line, seed, RATE, 4 * BDP, ONE_WAY);
    line.mark = BDP / 4;
    struct flow *flow = line_add(&line, VEL_CC_BBR);
    line_run(&line, SECOND);
    EXPECT(flow->recovery.cc.bbr->full_bw_reached);
    EXPECT_NUMBER(used(&line, 20 * SECOND), >=, 85);
    EXPECT_NUMBER(flow->recovery.ce_marks, >, 0);
    EXPECT_NUMBER(line.queued_most, <, BDP);
    EXPECT_NUMBER(line.dropped, ==, 0);
    line_free(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_path_is_used, 3),
        SCENARIO(bbr_withstands_random_loss, 5),
        SCENARIO(bbr_leaves_the_queue_short, 3),
        SCENARIO(bbr_goes_through_its_phases, 3),
        SCENARIO(two_flows_share, 2),
        SCENARIO(two_flows_share_a_slow_line, 2),
        SCENARIO(a_late_sender_shares, 2),
        SCENARIO(another_rate_is_followed, 3),
        SCENARIO(an_idle_line_is_not_a_slow_one, 3),
        SCENARIO(a_trickle_teaches_nothing, 3),
        SCENARIO(bbr_obeys_marks, 3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
