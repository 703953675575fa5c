/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "testing/test.h"
#include "transport/bbr_internal.h"

/* The draft's example test cases, on a path that is computed: packets leave and come back a round trip
 * later, as many as the model of the path delivers. tests/sim/test_sharing.c has whole paths. */
enum { MTU = 1000 };
#define RTT (40 * MS)

static struct test_env t;
static struct vel_cc cc;
static struct vel_rtt rtt;
static vel_time now;
static uint64_t number;

/* What left in the last round trip: evenly, and some of it in vain. */
static struct {
    unsigned count, lost;
    vel_time start;
} flight;
static uint64_t in_flight;

static int begin(void **state)
{
    (void)state;
    now = SECOND;
    number = in_flight = 0;
    flight.count = 0;
    test_env_init(&t, 1);
    vel_cc_init(&cc, &t.env, VEL_CC_BBR, MTU, now);
    vel_rtt_init(&rtt);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    vel_cc_clear(&cc);
    vel_cc_clear(&cc);
    test_env_done(&t);
    return 0;
}

static const char *phase(void)
{
    return vel_cc_state(&cc);
}

static vel_time sent_at(unsigned i)
{
    return flight.start + RTT * i / flight.count;
}

/* Packet i of the flight: lost, if it is one of those in `lost` places, or acknowledged. */
static void comes_back(unsigned i, bool app_limited)
{
    vel_time sent = sent_at(i), back = sent + RTT;
    number++;
    in_flight -= MTU;
    if (flight.lost > 0 && i % (flight.count / flight.lost) == 1) {
        vel_cc_on_lost(&cc, &(struct vel_cc_lost){number, MTU, sent, back});
        vel_cc_on_congestion(&cc, sent, back);
        return;
    }
    vel_rtt_update(&rtt, RTT, 0, back);
    vel_cc_on_ack(&cc, &rtt,
                  &(struct vel_cc_ack){.acked = MTU,
                                       .bytes = MTU,
                                       .in_flight = in_flight,
                                       .sent = sent,
                                       .app_limited = app_limited,
                                       .now = back});
}

/* A round trip: the last flight comes back, and another of `packets` leaves, of which some get lost. */
static void round_trip(unsigned packets, unsigned lost, bool app_limited)
{
    unsigned back = 0;
    for (unsigned i = 0; i < packets; i++) {
        vel_time leaves = now + RTT * i / packets;
        while (back < flight.count && sent_at(back) + RTT <= leaves)
            comes_back(back++, app_limited);
        vel_cc_on_sent(&cc, in_flight, MTU, leaves);
        in_flight += MTU;
        if (app_limited)
            vel_cc_on_app_limited(&cc, in_flight);
    }
    while (back < flight.count)
        comes_back(back++, app_limited);
    flight.count = packets;
    flight.lost = lost;
    flight.start = now;
    now += RTT;
}

/* Until it is in this phase; at most so many round trips. */
static void until(enum vel_bbr_phase wanted, unsigned packets, unsigned limit)
{
    for (unsigned i = 0; i < limit && cc.bbr->phase != wanted; i++)
        round_trip(packets, 0, false);
    assert_int_equal(cc.bbr->phase, wanted);
}

static void starts_with_the_initial_window(void **state)
{
    (void)state;
    assert_int_equal(vel_cc_window(&cc), 10 * MTU);
    assert_string_equal(phase(), "startup");
    assert_int_equal(vel_cc_pacing(&cc, &rtt).rate, 0); /* no round trip is known */
    round_trip(10, 0, false);
    round_trip(20, 0, false);
    assert_int_equal(cc.bbr->min_rtt, RTT);
    /* 2.77 times the initial window each round trip. */
    assert_int_equal(vel_cc_pacing(&cc, &rtt).rate, 692500);
    assert_in_range(vel_cc_window(&cc), 11 * MTU, 20 * MTU);
}

static void a_plateau_ends_startup(void **state)
{
    (void)state;
    for (unsigned packets = 10; packets <= 80; packets *= 2)
        round_trip(packets, 0, false);
    assert_string_equal(phase(), "startup");
    until(VEL_BBR_CRUISE, 80, 7); /* drain and down are over soon: nothing is queued here */
    assert_true(cc.bbr->full_bw_reached);
    uint64_t path = 80 * MTU * (uint64_t)SECOND / (uint64_t)RTT;
    assert_in_range(vel_cc_pacing(&cc, &rtt).rate, path * 95 / 100, path);
}

static void losses_end_startup(void **state)
{
    (void)state;
    round_trip(40, 0, false);
    round_trip(80, 0, false);
    for (unsigned i = 0; i < 4; i++)
        round_trip(160, 20, true);
    assert_true(cc.bbr->full_bw_reached);
    assert_true(cc.bbr->inflight_longterm != VEL_BBR_INFINITY);
}

static void a_few_losses_do_not(void **state)
{
    (void)state;
    for (unsigned packets = 10; packets <= 640; packets *= 2)
        round_trip(packets, 2, false);
    assert_false(cc.bbr->full_bw_reached);
    assert_string_equal(phase(), "startup");
}

/* VEL-TR-33 */
static void marks_end_startup(void **state)
{
    (void)state;
    round_trip(20, 0, false);
    round_trip(40, 0, false);
    vel_cc_on_marked(&cc, now - RTT, now);
    round_trip(80, 0, false);
    round_trip(160, 0, false);
    assert_true(cc.bbr->full_bw_reached);
}

static void what_the_application_holds_back_ends_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++)
        round_trip(20, 0, true);
    assert_string_equal(phase(), "startup");
    assert_false(cc.bbr->full_bw_reached);
}

static void the_cycle_goes_round(void **state)
{
    (void)state;
    until(VEL_BBR_CRUISE, 100, 14);
    assert_int_equal(vel_bbr_pacing_gain(cc.bbr), 100);
    until(VEL_BBR_REFILL, 100, 80); /* two or three seconds, or 63 rounds */
    assert_int_equal(cc.bbr->inflight_shortterm, VEL_BBR_INFINITY);
    until(VEL_BBR_UP, 100, 2);
    assert_int_equal(vel_bbr_pacing_gain(cc.bbr), 125);
    assert_int_equal(vel_bbr_cwnd_gain(cc.bbr), 225);
    until(VEL_BBR_CRUISE, 100, 8); /* there is nothing more */
}

static void losses_in_up_set_the_longterm_bound(void **state)
{
    (void)state;
    until(VEL_BBR_CRUISE, 100, 14);
    until(VEL_BBR_UP, 100, 90);
    round_trip(120, 10, false);
    round_trip(100, 0, false);
    assert_true(cc.bbr->phase == VEL_BBR_DOWN || cc.bbr->phase == VEL_BBR_CRUISE);
    assert_true(cc.bbr->prev_probe_too_high);
    assert_in_range(cc.bbr->inflight_longterm, 50 * MTU, 125 * MTU);
    assert_true(vel_bbr_with_headroom(&cc) < cc.bbr->inflight_longterm);
}

/* VEL-TR-34 */
static void cruising_heeds_heavy_losses_only(void **state)
{
    (void)state;
    until(VEL_BBR_CRUISE, 200, 14);
    for (unsigned i = 0; i < 5; i++)
        round_trip(200, 2, false);
    assert_int_equal(cc.bbr->bw_shortterm, VEL_BBR_INFINITY);
    for (unsigned i = 0; i < 3; i++)
        round_trip(200, 20, false);
    assert_true(cc.bbr->bw_shortterm < vel_bbr_max_bw(cc.bbr));
    assert_true(cc.bbr->inflight_shortterm != VEL_BBR_INFINITY);
}

static void probe_rtt_comes_and_goes(void **state)
{
    (void)state;
    until(VEL_BBR_CRUISE, 100, 14);
    until(VEL_BBR_PROBE_RTT, 100, 150);
    assert_true(vel_cc_window(&cc) <= 50 * MTU);
    vel_time entered = now;
    while (cc.bbr->phase == VEL_BBR_PROBE_RTT && now < entered + 2 * SECOND)
        round_trip(40, 0, false);
    assert_in_range(now - entered, 200 * MS, SECOND);
    assert_true(vel_bbr_in_probe_bw(cc.bbr));
    assert_true(vel_cc_window(&cc) > 100 * MTU);
}

static void silence_is_as_good_as_probe_rtt(void **state)
{
    (void)state;
    until(VEL_BBR_CRUISE, 100, 14);
    uint64_t bw = cc.bbr->bw;
    vel_cc_on_app_limited(&cc, 0);
    now += 20 * SECOND;
    round_trip(100, 0, false);
    assert_true(cc.bbr->phase != VEL_BBR_PROBE_RTT);
    assert_true(cc.bbr->bw >= bw / 2);
}

static void an_undo_goes_back(void **state)
{
    (void)state;
    until(VEL_BBR_CRUISE, 100, 14);
    until(VEL_BBR_UP, 100, 90);
    uint64_t longterm = cc.bbr->inflight_longterm;
    round_trip(120, 10, false);
    round_trip(100, 0, false);
    assert_true(cc.bbr->inflight_longterm < longterm);
    vel_cc_undo(&cc, now);
    assert_int_equal(cc.bbr->inflight_longterm, longterm);
    assert_string_equal(phase(), "probe_bw_refill");
    vel_cc_undo(&cc, now); /* once */
    assert_string_equal(phase(), "probe_bw_refill");
}

static void persistent_congestion_passes(void **state)
{
    (void)state;
    until(VEL_BBR_CRUISE, 100, 14);
    uint64_t window = vel_cc_window(&cc);
    vel_cc_on_persistent_congestion(&cc, now);
    assert_int_equal(vel_cc_window(&cc), 2 * MTU);
    now += RTT;
    round_trip(4, 0, false);
    round_trip(100, 0, false);
    assert_true(vel_cc_window(&cc) >= window / 2);
}

static void tiny_and_huge_paths(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++)
        round_trip(1, 0, false);
    assert_true(vel_cc_window(&cc) >= 4 * MTU);
    assert_true(vel_cc_pacing(&cc, &rtt).quantum >= 2 * MTU);
    cc.bbr->bw = cc.bbr->max_bw[0] = UINT64_MAX;
    cc.bbr->min_rtt = 100 * SECOND;
    round_trip(10, 1, false);
    assert_true(vel_cc_window(&cc) <= VEL_CC_MAX_WINDOW);
    assert_true(vel_cc_pacing(&cc, &rtt).quantum <= 64 * KIB);
}

/* The path is controlled all the same. */
static void without_memory_it_is_cubic(void **state)
{
    (void)state;
    struct vel_cc other;
    t.fail_after = 0;
    vel_cc_init(&other, &t.env, VEL_CC_BBR, MTU, now);
    t.fail_after = -1;
    assert_string_equal(other.ops->name, "cubic");
    assert_int_equal(vel_cc_window(&other), 10 * MTU);
    vel_cc_clear(&other);
}

#define WITH_PATH(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PATH(starts_with_the_initial_window),
        WITH_PATH(a_plateau_ends_startup),
        WITH_PATH(losses_end_startup),
        WITH_PATH(a_few_losses_do_not),
        WITH_PATH(marks_end_startup),
        WITH_PATH(what_the_application_holds_back_ends_nothing),
        WITH_PATH(the_cycle_goes_round),
        WITH_PATH(losses_in_up_set_the_longterm_bound),
        WITH_PATH(cruising_heeds_heavy_losses_only),
        WITH_PATH(probe_rtt_comes_and_goes),
        WITH_PATH(silence_is_as_good_as_probe_rtt),
        WITH_PATH(an_undo_goes_back),
        WITH_PATH(persistent_congestion_passes),
        WITH_PATH(tiny_and_huge_paths),
        WITH_PATH(without_memory_it_is_cubic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
