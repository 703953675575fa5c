/* SPDX-License-Identifier: MIT */
#include "sim/nodes.h"

#include "testing/test.h"

static const struct vel_addr nowhere;

/*
 * The nodes alone: datagrams that carry their number go up, and the far host notes what arrives.
 */
enum { SENT = 20000, SIZE = 100 };

struct arrival {
    unsigned count;
    vel_time when; /* of the first, since the start */
    uint8_t ecn;
    bool damaged;
};

struct far {
    struct sim *sim;
    struct arrival arrivals[SENT];
    unsigned total, damaged, overtaken;
    uint64_t last;
};

static void on_receive(void *self, const struct sim_datagram *datagram, vel_time now)
{
    struct far *far = self;
    struct arrival *arrival = &far->arrivals[datagram->index];
    if (arrival->count++ == 0)
        arrival->when = now - SIM_START;
    arrival->ecn = datagram->ecn;
    arrival->damaged |= datagram->damaged;
    far->total++;
    far->damaged += datagram->damaged;
    far->overtaken += datagram->index < far->last;
    far->last = VEL_MAX(far->last, datagram->index);
}

static vel_time on_deadline(void *self)
{
    (void)self;
    return VEL_NEVER;
}

static void on_time(void *self, vel_time now)
{
    (void)self, (void)now;
}

static struct far *far_new(uint64_t seed)
{
    struct far *far = calloc(1, sizeof *far);
    assert_non_null(far);
    far->sim = sim_new(seed);
    struct sim_host host = {on_receive, on_deadline, on_time, on_time, far};
    sim_attach(far->sim, SIM_UP, host);
    sim_attach(far->sim, SIM_DOWN, host);
    return far;
}

static void far_free(struct far *far)
{
    sim_free(far->sim);
    free(far);
}

/* One datagram each `gap`, then silence until all have arrived. */
static void send_all(struct far *far, unsigned count, size_t size, uint8_t ecn, vel_time gap)
{
    static const uint8_t bytes[2000];
    for (unsigned i = 0; i < count; i++) {
        sim_send(far->sim, SIM_UP, &nowhere, &nowhere, bytes, size, ecn);
        vel_time until = sim_now(far->sim) + gap;
        while (sim_step(far->sim, until))
            continue;
    }
    while (sim_step(far->sim, sim_now(far->sim) + 3600 * SECOND))
        continue;
}

static void delay_is_exact(void **state)
{
    (void)state;
    struct far *far = far_new(1);
    sim_delay(far->sim, SIM_BOTH, 20 * MS);
    send_all(far, 3, SIZE, 0, MS);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(far->arrivals[i].when, 20 * MS + i * MS);
    far_free(far);
}

static void jitter_keeps_the_order(void **state)
{
    (void)state;
    struct far *far = far_new(1);
    sim_jitter(far->sim, SIM_UP, 10 * MS);
    send_all(far, 1000, SIZE, 0, MS);
    assert_int_equal(far->total, 1000);
    assert_int_equal(far->overtaken, 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(far->arrivals[i].when <= i * MS + 10 * MS);
    far_free(far);
}

/* A share of 20,000 datagrams, give or take more than chance would. */
static void shares(void **state)
{
    (void)state;
    struct far *far = far_new(7);
    sim_loss(far->sim, SIM_UP, 300 * 1000);
    send_all(far, SENT, SIZE, 0, US);
    assert_in_range(far->total, 13700, 14300);
    far_free(far);

    far = far_new(7);
    sim_duplicate(far->sim, SIM_UP, 100 * 1000);
    send_all(far, SENT, SIZE, 0, US);
    assert_in_range(far->total, 21800, 22200);
    far_free(far);

    far = far_new(7);
    sim_corrupt(far->sim, SIM_UP, 50 * 1000);
    send_all(far, SENT, SIZE, 0, US);
    assert_in_range(far->damaged, 900, 1100);
    assert_int_equal(far->total, SENT);
    far_free(far);

    far = far_new(7);
    sim_forge(far->sim, SIM_UP, 50 * 1000);
    send_all(far, SENT, SIZE, 0, US);
    assert_in_range(far->damaged, 900, 1100);
    assert_int_equal(far->total, SENT + far->damaged);
    far_free(far);

    far = far_new(7);
    sim_replay(far->sim, SIM_UP, 50 * 1000, MS);
    send_all(far, SENT, SIZE, 0, US);
    assert_in_range(far->overtaken, 900, 1100);
    assert_in_range(far->total, SENT + 900, SENT + 1100);
    far_free(far);

    far = far_new(7);
    sim_reorder(far->sim, SIM_UP, 50 * 1000, 10 * US);
    send_all(far, SENT, SIZE, 0, US);
    assert_in_range(far->overtaken, 900, 1100);
    far_free(far);
}

/* In the long run leave / (enter + leave) get through, and losses come in rows. */
static void bursts_are_bursts(void **state)
{
    (void)state;
    struct far *far = far_new(3);
    sim_burst_loss(far->sim, SIM_UP, 10 * 1000, 200 * 1000);
    send_all(far, SENT, SIZE, 0, US);
    unsigned rows = 0;
    for (unsigned i = 1; i < SENT; i++)
        rows += far->arrivals[i].count == 0 && far->arrivals[i - 1].count > 0;
    unsigned lost = SENT - far->total;
    assert_in_range(lost, 700, 1250);
    assert_in_range(lost / rows, 4, 6);
    far_free(far);
}

static void a_bottleneck_queues_and_drops(void **state)
{
    (void)state;
    struct far *far = far_new(1);
    sim_bottleneck(far->sim, SIM_UP, 100 * 1000, 1000, 0); /* a datagram each millisecond */
    send_all(far, 15, SIZE, 0, 0);
    assert_int_equal(far->total, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(far->arrivals[i].when, (i + 1) * MS);
    far_free(far);
}

static void a_bottleneck_marks_what_may_be_marked(void **state)
{
    (void)state;
    const uint8_t ecn[] = {VEL_ECN_ECT0, VEL_ECN_NOT_ECT};
    for (size_t k = 0; k < VEL_COUNT(ecn); k++) {
        struct far *far = far_new(1);
        sim_bottleneck(far->sim, SIM_UP, 100 * 1000, 1000, 500);
        send_all(far, 10, SIZE, ecn[k], 0);
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(far->arrivals[i].ecn, k == 0 && i > 5 ? VEL_ECN_CE : ecn[k]);
        far_free(far);
    }
}

static void sizes_times_and_marks(void **state)
{
    (void)state;
    struct far *far = far_new(1);
    sim_mtu(far->sim, SIM_UP, 1400);
    sim_blackout(far->sim, SIM_UP, 3 * MS, 5 * MS);
    sim_bleach(far->sim, SIM_UP);
    struct sim_tap *tap = sim_tap(far->sim, SIM_UP);
    send_all(far, 8, 1400, VEL_ECN_ECT0, MS);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(far->arrivals[i].count, i != 3 && i != 4);
    assert_int_equal(far->arrivals[0].ecn, VEL_ECN_NOT_ECT);
    send_all(far, 1, 1401, 0, MS);
    assert_int_equal(far->arrivals[8].count, 0);
    assert_int_equal(tap->datagrams, 6);
    assert_int_equal(tap->bytes, 6 * 1400);
    assert_int_equal(tap->window_most, 1400);
    far_free(far);
}

static void mishaps_hit_the_nth(void **state)
{
    (void)state;
    for (int mishap = 0; mishap < SIM_MISHAPS; mishap++) {
        struct far *far = far_new(1);
        sim_nth(far->sim, SIM_UP, 2, (enum sim_mishap)mishap);
        send_all(far, 5, SIZE, 0, MS);
        const struct arrival *hit = &far->arrivals[2];
        assert_int_equal(hit->count, mishap == SIM_DROP_IT ? 0 : mishap == SIM_DOUBLE_IT ? 2 : 1);
        assert_int_equal(hit->damaged, mishap == SIM_DAMAGE_IT);
        assert_int_equal(far->overtaken, mishap == SIM_SWAP_IT);
        for (unsigned i = 0; i < 5; i++)
            assert_true(i == 2 || (far->arrivals[i].count == 1 && !far->arrivals[i].damaged));
        far_free(far);
    }
}

static void the_same_seed_is_the_same_run(void **state)
{
    (void)state;
    unsigned totals[3];
    const uint64_t seeds[] = {5, 5, 6};
    for (size_t i = 0; i < 3; i++) {
        struct far *far = far_new(seeds[i]);
        sim_loss(far->sim, SIM_UP, 500 * 1000);
        sim_duplicate(far->sim, SIM_UP, 500 * 1000);
        send_all(far, 1000, SIZE, 0, US);
        totals[i] = far->total;
        far_free(far);
    }
    assert_int_equal(totals[0], totals[1]);
    assert_int_not_equal(totals[0], totals[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay_is_exact),
        cmocka_unit_test(jitter_keeps_the_order),
        cmocka_unit_test(shares),
        cmocka_unit_test(bursts_are_bursts),
        cmocka_unit_test(a_bottleneck_queues_and_drops),
        cmocka_unit_test(a_bottleneck_marks_what_may_be_marked),
        cmocka_unit_test(sizes_times_and_marks),
        cmocka_unit_test(mishaps_hit_the_nth),
        cmocka_unit_test(the_same_seed_is_the_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
