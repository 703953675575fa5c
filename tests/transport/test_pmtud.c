/* SPDX-License-Identifier: MIT */
#include "transport/pmtud.h"

#include "base/units.h"
#include "testing/test.h"

/* Probe until the search rests, on a path that carries `path` bytes. Returns the probes sent. */
static unsigned discover(struct vel_pmtud *p, unsigned path, vel_time now)
{
    unsigned probes = 0;
    while (vel_pmtud_is_due(p, now)) {
        uint16_t size = p->probe;
        assert_in_range(size, p->mtu + 1, p->refused - 1);
        vel_pmtud_sent(p);
        assert_false(vel_pmtud_is_due(p, now));
        if (size <= path)
            assert_true(vel_pmtud_acked(p, size, now));
        else
            vel_pmtud_lost(p, size, now);
        probes++;
        assert_true(probes < 64);
    }
    return probes;
}

static void sizes_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t ceiling;
        unsigned path, least, most_probes;
    } rows[] = {
        {"Ethernet", 1452, 1472, 1452, 1},
        {"PPPoE with IPv6", 1452, 1444, 1420, 12},
        {"a tunnel", 1452, 1392, 1372, 12},
        {"the least", 1452, 1200, 1200, 15},
        {"a low ceiling", 1300, 1472, 1300, 1},
        {"no ceiling", 0, 1472, 1200, 0},
        {"loopback", 65507, 65507, 65507, 2},
        {"jumbo frames", 65507, 8952, 8952, 36},
        {"jumbo frames, ceiling of IPv4", 8972, 8952, 8952, 6},
        {"odd", 65507, 4321, 4250, 40},
        {"more than there is", 1u << 20, 65507, 65507, 2},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_pmtud p;
        vel_pmtud_init(&p, rows[i].ceiling);
        assert_int_equal(p.mtu, VEL_PMTUD_BASE);
        unsigned probes = discover(&p, rows[i].path, 0);
        CHECK(rows[i].name, p.mtu >= rows[i].least && p.mtu <= VEL_MAX(rows[i].path, 1200u));
        CHECK(rows[i].name, probes <= rows[i].most_probes);
    }
}

static void the_search_begins_again_later(void **state)
{
    (void)state;
    struct vel_pmtud p;
    vel_pmtud_init(&p, 9000);
    discover(&p, 1500, 0);
    assert_false(vel_pmtud_is_due(&p, VEL_PMTUD_RAISE - 1));
    assert_true(vel_pmtud_is_due(&p, VEL_PMTUD_RAISE));
    discover(&p, 9000, VEL_PMTUD_RAISE);
    assert_int_equal(p.mtu, 9000);
    assert_int_equal(p.raise_at, VEL_NEVER);
}

static void a_restart_begins_at_the_base(void **state)
{
    (void)state;
    struct vel_pmtud p;
    vel_pmtud_init(&p, 9000);
    assert_false(vel_pmtud_restart(&p));
    discover(&p, 9000, 0);
    assert_true(vel_pmtud_restart(&p));
    assert_int_equal(p.mtu, VEL_PMTUD_BASE);
    discover(&p, 1280, 0);
    assert_in_range(p.mtu, 1280 - 1280 / VEL_PMTUD_STEP, 1280);
}

/* A probe that was given up may arrive after all; one from before a restart proves its size, too;
 * nothing proves more than the ceiling. */
static void late_news_count(void **state)
{
    (void)state;
    struct vel_pmtud p;
    vel_pmtud_init(&p, 9000);
    for (int i = 0; i < VEL_PMTUD_PROBES; i++) {
        assert_true(vel_pmtud_is_due(&p, 0));
        vel_pmtud_sent(&p);
        vel_pmtud_lost(&p, VEL_PMTUD_ETHERNET, 0);
    }
    assert_int_equal(p.refused, VEL_PMTUD_ETHERNET);
    assert_true(vel_pmtud_acked(&p, VEL_PMTUD_ETHERNET, 0));
    assert_int_equal(p.mtu, VEL_PMTUD_ETHERNET);
    assert_true(vel_pmtud_is_due(&p, 0));
    assert_false(vel_pmtud_acked(&p, 9001, 0));
    vel_pmtud_lost(&p, 1300, 0); /* an old one: no news */
    assert_int_equal(p.losses, 0);
}

static void the_peer_lowers_the_ceiling(void **state)
{
    (void)state;
    struct vel_pmtud p;
    vel_pmtud_init(&p, 65507);
    vel_pmtud_set_ceiling(&p, 1400);
    assert_int_equal(discover(&p, 65507, 0), 1);
    assert_int_equal(p.mtu, 1400);
}

static void a_black_hole_swallows_only_large_packets(void **state)
{
    (void)state;
    struct vel_black_hole b = {0};
    vel_time sent = 1;
    vel_black_hole_acked(&b, 1452, sent++);
    for (int i = 0; i < VEL_PMTUD_SUSPECTS; i++)
        vel_black_hole_lost(&b, 1452, sent++);
    assert_false(vel_black_hole_found(&b)); /* an outage, for all we know */
    vel_black_hole_acked(&b, 100, 1);       /* sent before */
    assert_false(vel_black_hole_found(&b));
    vel_black_hole_acked(&b, 100, sent);
    assert_true(vel_black_hole_found(&b));
    assert_false(vel_black_hole_found(&b));
}

static void congestion_is_no_black_hole(void **state)
{
    (void)state;
    struct vel_black_hole b = {0};
    for (vel_time sent = 1; sent < 1000; sent += 10) {
        for (int i = 0; i < VEL_PMTUD_SUSPECTS - 1; i++) /* a burst */
            vel_black_hole_lost(&b, 1452, sent + i);
        vel_black_hole_acked(&b, 100, sent + 8);
        assert_false(vel_black_hole_found(&b));
        vel_black_hole_acked(&b, 1452, sent + 9);
        assert_int_equal(b.lost, 0);
    }
    for (int i = 0; i < 100; i++) { /* losses of small packets, and old news */
        vel_black_hole_lost(&b, 1200, 2000);
        vel_black_hole_lost(&b, 1452, 500);
    }
    assert_int_equal(b.lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_found),
        cmocka_unit_test(the_search_begins_again_later),
        cmocka_unit_test(a_restart_begins_at_the_base),
        cmocka_unit_test(late_news_count),
        cmocka_unit_test(the_peer_lowers_the_ceiling),
        cmocka_unit_test(a_black_hole_swallows_only_large_packets),
        cmocka_unit_test(congestion_is_no_black_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
