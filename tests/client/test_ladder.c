/* SPDX-License-Identifier: MIT */
#include "client/ladder.h"

#include <string.h>

#include "testing/test.h"

/*
 * The machine is driven by rows: what happens when, and the whole trace of its orders and its end.
 * In traces v, q and t are the rungs; "q@250" starts one at 250 ms, "-q@300" cancels it; "=v" means
 * that v won, "!t:connect" that the search was lost with t's failure.
 */
enum what { NOTHING, ANSWERED, CONNECTED, ACCEPTED, FAILED, REFUSED };

enum { EVENTS = 8, TRACE = 256, UNIX_NOW = 1000000 };

#define V VEL_RUNG_VELOCITY
#define Q VEL_RUNG_QUIC
#define T VEL_RUNG_TCP

struct happening {
    int64_t ms;
    enum what what;
    enum vel_rung rung;
    enum vel_client_failure failure;
    enum vel_fallback reason;
};

struct row {
    const char *what;
    unsigned allowed; /* bits of rungs; 0: all */
    bool no_fallback, pinned;
    int64_t rtt_ms;
    int64_t timeout_ms;
    struct vel_fall v, q;
    struct happening events[EVENTS];
    const char *trace;
};

#define UP(at, rung) {at, CONNECTED, rung, 0, 0}, {at, ACCEPTED, rung, 0, 0}
#define FALL(at, rung, why) {at, FAILED, rung, VEL_CLIENT_CONNECT, VEL_FALLBACK_##why}
#define DIE(at, rung, why) {at, FAILED, rung, VEL_CLIENT_##why, VEL_FALLBACK_NONE}

static const struct row rows[] = {
    {.what = "the best rung is quick", .events = {UP(40, V)}, .trace = "v@0 =v"},
    {.what = "the rungs below start one after the other",
     .events = {UP(600, V)},
     .trace = "v@0 q@250 t@500 -q@600 -t@600 =v"},
    {.what = "an answer gives the head start once more",
     .events = {{100, ANSWERED, V, 0, 0}, {200, ANSWERED, V, 0, 0}, UP(360, V)},
     .trace = "v@0 q@350 -q@360 =v"},
    {.what = "an answer after the head start changes nothing",
     .events = {{300, ANSWERED, V, 0, 0}, UP(400, V)},
     .trace = "v@0 q@250 -q@400 =v"},
    {.what = "a known round trip lengthens the head start",
     .rtt_ms = 400,
     .events = {UP(800, V)},
     .trace = "v@0 q@600 -q@800 =v"},
    {.what = "a short round trip does not shorten it",
     .rtt_ms = 10,
     .events = {UP(251, V)},
     .trace = "v@0 q@250 -q@251 =v"},
    {.what = "Version Negotiation: the next rung at once",
     .events = {FALL(20, V, VERSION_NEGOTIATION), UP(60, Q)},
     .trace = "v@0 q@20 =q"},
    {.what = "no hybrid certificate",
     .events = {FALL(20, V, NO_HYBRID_CERT), UP(60, Q)},
     .trace = "v@0 q@20 =q"},
    {.what = "switched off by policy",
     .events = {FALL(20, V, POLICY_DISABLED), FALL(30, Q, POLICY_DISABLED), UP(60, T)},
     .trace = "v@0 q@20 t@30 =t"},
    {.what = "no profile of ours",
     .events = {FALL(20, V, CLIENT_PROFILE_UNSUPPORTED), UP(60, Q)},
     .trace = "v@0 q@20 =q"},
    {.what = "maintenance",
     .events = {FALL(20, V, MAINTENANCE_WINDOW), UP(60, Q)},
     .trace = "v@0 q@20 =q"},
    {.what = "a closed UDP port: TCP at once",
     .events = {FALL(5, V, UDP_BLOCKED), FALL(6, Q, UDP_BLOCKED), UP(60, T)},
     .trace = "v@0 q@5 t@6 =t"},
    {.what = "silence over UDP",
     .events = {UP(530, T)},
     .trace = "v@0 q@250 t@500 -v@530 -q@530 =t"},
    {.what = "a failure higher up does not hurry the lowest rung",
     .events = {FALL(300, V, TIMEOUT), UP(700, T)},
     .trace = "v@0 q@250 t@500 -q@700 =t"},
    {.what = "a certificate error never falls back",
     .events = {DIE(30, V, CERTIFICATE)},
     .trace = "v@0 !v:certificate"},
    {.what = "a certificate error of a lower rung ends the race",
     .events = {DIE(300, Q, CERTIFICATE)},
     .trace = "v@0 q@250 -v@300 !q:certificate"},
    {.what = "a handshake that fails without a reason",
     .events = {DIE(30, V, HANDSHAKE)},
     .trace = "v@0 !v:handshake"},
    {.what = "a failure over UDP without a reason is none to step down for",
     .events = {DIE(30, Q, CONNECT), DIE(31, V, CONNECT)},
     .trace = "v@0 !v:connect"},
    {.what = "a downgrade in the transport parameters",
     .events = {FALL(20, V, VERSION_NEGOTIATION), DIE(60, Q, DOWNGRADE)},
     .trace = "v@0 q@20 !q:downgrade"},
    {.what = "a refused acceptance ends the search",
     .events = {FALL(20, V, VERSION_NEGOTIATION),
                {50, CONNECTED, Q, 0, 0},
                {70, REFUSED, Q, VEL_CLIENT_DOWNGRADE, 0}},
     .trace = "v@0 q@20 !q:downgrade"},
    {.what = "a bad record ends the search, what runs is cancelled",
     .events = {{510, CONNECTED, T, 0, 0}, {520, REFUSED, T, VEL_CLIENT_RECORD, 0}},
     .trace = "v@0 q@250 t@500 -v@520 -q@520 !t:record"},
    {.what = "while one is checked, a better one may come",
     .events = {{510, CONNECTED, T, 0, 0},
                {515, CONNECTED, V, 0, 0},
                {516, ACCEPTED, V, 0, 0},
                {520, ACCEPTED, T, 0, 0}},
     .trace = "v@0 q@250 t@500 -q@516 -t@516 =v"},
    {.what = "a connection lost during its check falls like any other",
     .events = {FALL(20, V, VERSION_NEGOTIATION),
                {50, CONNECTED, Q, 0, 0},
                FALL(60, Q, TIMEOUT),
                UP(90, T)},
     .trace = "v@0 q@20 t@60 =t"},
    {.what = "acceptance without a connection is nothing",
     .events = {{10, ACCEPTED, V, 0, 0}, {11, REFUSED, V, VEL_CLIENT_DOWNGRADE, 0}, UP(20, V)},
     .trace = "v@0 =v"},
    {.what = "nobody anywhere",
     .events = {FALL(1, V, UDP_BLOCKED), FALL(2, Q, UDP_BLOCKED), DIE(3, T, CONNECT)},
     .trace = "v@0 q@1 t@2 !v:connect"},
    {.what = "a closed TCP port waits for those above",
     .events = {DIE(510, T, CONNECT), UP(900, V)},
     .trace = "v@0 q@250 t@500 -q@900 =v"},
    {.what = "silence tells more than a closed port",
     .events = {DIE(510, T, CONNECT),
                FALL(600, V, UDP_BLOCKED),
                {700, FAILED, Q, VEL_CLIENT_TIMEOUT, VEL_FALLBACK_TIMEOUT}},
     .trace = "v@0 q@250 t@500 !q:timeout"},
    {.what = "a refused profile tells more than silence",
     .events = {{20, FAILED, V, VEL_CLIENT_PROFILE, VEL_FALLBACK_CLIENT_PROFILE_UNSUPPORTED},
                FALL(30, Q, UDP_BLOCKED),
                DIE(40, T, CONNECT)},
     .trace = "v@0 q@20 t@30 !v:profile"},
    {.what = "TLS over TCP fails: nothing is below, and no other is tried on",
     .events = {DIE(510, T, HANDSHAKE)},
     .trace = "v@0 q@250 t@500 -v@510 -q@510 !t:handshake"},
    {.what = "the whole search has a limit",
     .timeout_ms = 2000,
     .trace = "v@0 q@250 t@500 -v@2000 -q@2000 -t@2000 !t:timeout"},
    {.what = "the limit comes before the second rung",
     .timeout_ms = 100,
     .trace = "v@0 -v@100 !v:timeout"},
    {.what = "only the best allowed rung",
     .no_fallback = true,
     .events = {FALL(20, V, VERSION_NEGOTIATION)},
     .trace = "v@0 !v:connect"},
    {.what = "only the best allowed rung, where that is not Velocity/1",
     .allowed = 1 << Q | 1 << T,
     .no_fallback = true,
     .timeout_ms = 1000,
     .trace = "q@0 -q@1000 !q:timeout"},
    {.what = "a rung that is not allowed is passed over",
     .allowed = 1 << V | 1 << T,
     .events = {UP(300, T)},
     .trace = "v@0 t@250 -v@300 =t"},
    {.what = "one rung", .allowed = 1 << T, .events = {UP(30, T)}, .trace = "t@0 =t"},
    {.what = "a rung in its cool-down is not tried first",
     .v = {VEL_FALLBACK_VERSION_NEGOTIATION, UNIX_NOW - 10, 1},
     .events = {UP(800, Q)},
     .trace = "q@0 t@250 -t@800 =q"},
    {.what = "after the cool-down it is tried first again",
     .v = {VEL_FALLBACK_VERSION_NEGOTIATION, UNIX_NOW - 3600, 1},
     .events = {UP(40, V)},
     .trace = "v@0 =v"},
    {.what = "the second time the cool-down is twice as long",
     .v = {VEL_FALLBACK_VERSION_NEGOTIATION, UNIX_NOW - 3600, 2},
     .events = {UP(40, Q)},
     .trace = "q@0 =q"},
    {.what = "a cool-down lasts a day at most",
     .v = {VEL_FALLBACK_VERSION_NEGOTIATION, UNIX_NOW - 86400, 60},
     .events = {UP(40, V)},
     .trace = "v@0 =v"},
    {.what = "a clock that was set back ends the cool-down",
     .v = {VEL_FALLBACK_VERSION_NEGOTIATION, UNIX_NOW + 10, 1},
     .events = {UP(40, V)},
     .trace = "v@0 =v"},
    {.what = "a pinned server is always asked for Velocity/1 first",
     .pinned = true,
     .v = {VEL_FALLBACK_UDP_BLOCKED, UNIX_NOW - 10, 3},
     .events = {UP(40, V)},
     .trace = "v@0 =v"},
    {.what = "when all others failed, those in their cool-down are tried, one by one",
     .v = {VEL_FALLBACK_UDP_BLOCKED, UNIX_NOW - 10, 1},
     .q = {VEL_FALLBACK_UDP_BLOCKED, UNIX_NOW - 10, 1},
     .events = {DIE(10, T, CONNECT),
                {900, FAILED, V, VEL_CLIENT_TIMEOUT, VEL_FALLBACK_TIMEOUT},
                UP(950, Q)},
     .trace = "t@0 v@10 q@900 =q"},
    {.what = "in its cool-down, and alone",
     .allowed = 1 << V,
     .v = {VEL_FALLBACK_UDP_BLOCKED, UNIX_NOW - 10, 1},
     .events = {UP(40, V)},
     .trace = "v@0 =v"},
    {.what = "all in their cool-down: as if none was",
     .allowed = 1 << V | 1 << Q,
     .v = {VEL_FALLBACK_UDP_BLOCKED, UNIX_NOW - 10, 1},
     .q = {VEL_FALLBACK_TIMEOUT, UNIX_NOW - 10, 1},
     .events = {UP(300, Q)},
     .trace = "v@0 q@250 -v@300 =q"},
    {.what = "news of what is not running is nothing",
     .events = {{10, CONNECTED, T, 0, 0},
                {11, ACCEPTED, T, 0, 0},
                DIE(12, Q, CERTIFICATE),
                {13, ANSWERED, Q, 0, 0},
                UP(20, V),
                DIE(30, V, CERTIFICATE)},
     .trace = "v@0 =v"},
};

/* ---- driving it ---- */

static const char letters[] = "vqt";

struct drive {
    struct vel_ladder ladder;
    char trace[TRACE];
};

__attribute__((format(printf, 2, 3))) static void note(struct drive *d, const char *format, ...)
{
    size_t used = strlen(d->trace);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(d->trace + used, sizeof d->trace - used, format, arguments);
    va_end(arguments);
}

static void take_orders(struct drive *d, vel_time now)
{
    struct vel_ladder_order order;
    while (vel_ladder_next(&d->ladder, now, &order))
        note(d, "%s%c@%d ", order.kind == VEL_LADDER_CANCEL ? "-" : "", letters[order.rung],
             (int)(now / MS));
}

/* Let time pass up to `until`; deadlines that lie before it are kept to the nanosecond. */
static void pass(struct drive *d, vel_time from, vel_time until)
{
    take_orders(d, from);
    for (;;) {
        vel_time next = vel_ladder_deadline(&d->ladder);
        if (next > until)
            return;
        take_orders(d, next);
    }
}

static void happen(struct drive *d, const struct happening *event, vel_time now)
{
    struct vel_rung_failure failure = {event->failure, event->reason};
    switch (event->what) {
    case ANSWERED:
        vel_ladder_answered(&d->ladder, event->rung, now);
        break;
    case CONNECTED:
        vel_ladder_connected(&d->ladder, event->rung, now);
        break;
    case ACCEPTED:
        vel_ladder_accepted(&d->ladder, event->rung, now);
        break;
    case FAILED:
        vel_ladder_failed(&d->ladder, event->rung, failure, now);
        break;
    case REFUSED:
        vel_ladder_refused(&d->ladder, event->rung, event->failure, now);
        break;
    case NOTHING:
        break;
    }
}

static const char *failure_name(enum vel_client_failure failure)
{
    static const char *const names[] = {
        [VEL_CLIENT_CONNECT] = "connect",     [VEL_CLIENT_TIMEOUT] = "timeout",
        [VEL_CLIENT_HANDSHAKE] = "handshake", [VEL_CLIENT_CERTIFICATE] = "certificate",
        [VEL_CLIENT_PROFILE] = "profile",     [VEL_CLIENT_DOWNGRADE] = "downgrade",
        [VEL_CLIENT_RECORD] = "record"};
    return (size_t)failure < VEL_COUNT(names) && names[failure] != NULL ? names[failure] : "other";
}

static struct vel_ladder_setup setup_of(const struct row *row)
{
    struct vel_ladder_setup setup = {.no_fallback = row->no_fallback,
                                     .pinned = row->pinned,
                                     .unix_now = UNIX_NOW,
                                     .timeout = row->timeout_ms * MS};
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++)
        setup.allowed[i] = row->allowed == 0 || row->allowed & 1U << i;
    setup.outcome.rtt = row->rtt_ms * MS;
    setup.outcome.falls[V] = row->v;
    setup.outcome.falls[Q] = row->q;
    return setup;
}

static void drive(struct drive *d, const struct row *row)
{
    const struct vel_ladder_setup setup = setup_of(row);
    vel_time now = 0;
    *d = (struct drive){0};
    vel_ladder_start(&d->ladder, &setup, now);
    for (const struct happening *event = row->events; event->what != NOTHING; event++) {
        pass(d, now, event->ms * MS - 1);
        now = event->ms * MS;
        happen(d, event, now);
        take_orders(d, now);
    }
    pass(d, now, 20 * SECOND);
    if (d->ladder.state == VEL_LADDER_WON)
        note(d, "=%c", letters[d->ladder.winner]);
    if (d->ladder.state == VEL_LADDER_LOST)
        note(d, "!%c:%s", letters[d->ladder.culprit], failure_name(d->ladder.failure));
}

static void orders_and_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct drive d;
        drive(&d, &rows[i]);
        if (strcmp(d.trace, rows[i].trace) != 0)
            fail_msg("%s: '%s', want '%s'", rows[i].what, d.trace, rows[i].trace);
    }
}

/* ---- the trail and what is remembered of it ---- */

static struct vel_outcome learned(const struct row *row, bool trusted, struct drive *d)
{
    struct vel_outcome outcome = setup_of(row).outcome;
    drive(d, row);
    vel_ladder_learn(&d->ladder, UNIX_NOW, 30 * MS, trusted, &outcome);
    return outcome;
}

static void silent_udp_is_called_blocked(void **state)
{
    (void)state;
    struct drive d;
    const struct row row = {.events = {UP(530, T)}};
    struct vel_outcome outcome = learned(&row, true, &d);
    assert_int_equal(outcome.falls[V].reason, VEL_FALLBACK_UDP_BLOCKED);
    assert_int_equal(outcome.falls[Q].reason, VEL_FALLBACK_UDP_BLOCKED);
    assert_int_equal(outcome.falls[V].count, 1);
    assert_int_equal(outcome.falls[V].at, UNIX_NOW);
    assert_int_equal(outcome.falls[T].reason, VEL_FALLBACK_NONE);
    assert_int_equal(outcome.velocity_until, 0);
    assert_int_equal(outcome.rtt, 30 * MS);
    assert_int_equal(vel_ladder_step(&d.ladder, V)->state, VEL_RUNG_FAILED);
    assert_int_equal(vel_ladder_step(&d.ladder, T)->state, VEL_RUNG_WON);
    assert_int_equal(vel_ladder_step(&d.ladder, T)->started, 500 * MS);
    assert_int_equal(vel_ladder_step(&d.ladder, T)->ended, 530 * MS);
}

/* Where UDP works for another rung, or the server answered, it is only slow. */
static void slow_rungs_are_called_slow(void **state)
{
    (void)state;
    struct drive d;
    const struct row by_quic = {.events = {UP(300, Q)}};
    assert_int_equal(learned(&by_quic, true, &d).falls[V].reason, VEL_FALLBACK_TIMEOUT);
    const struct row answered = {.events = {{600, ANSWERED, V, 0, 0}, UP(610, T)}};
    assert_int_equal(learned(&answered, true, &d).falls[V].reason, VEL_FALLBACK_TIMEOUT);
}

static void a_success_clears_what_was_known(void **state)
{
    (void)state;
    struct drive d;
    const struct row row = {.v = {VEL_FALLBACK_UDP_BLOCKED, UNIX_NOW - 900, 1},
                            .events = {UP(40, V)}};
    struct vel_outcome outcome = learned(&row, true, &d);
    assert_int_equal(outcome.falls[V].reason, VEL_FALLBACK_NONE);
    assert_int_equal(outcome.velocity_until, UNIX_NOW + VEL_EXPECT_S);
    assert_int_equal(learned(&row, false, &d).velocity_until, 0);
}

static void a_repeated_failure_counts(void **state)
{
    (void)state;
    struct drive d;
    const struct row row = {.v = {VEL_FALLBACK_TIMEOUT, UNIX_NOW - 900, 3},
                            .events = {FALL(20, V, VERSION_NEGOTIATION), UP(60, Q)}};
    struct vel_outcome outcome = learned(&row, true, &d);
    assert_int_equal(outcome.falls[V].reason, VEL_FALLBACK_VERSION_NEGOTIATION);
    assert_int_equal(outcome.falls[V].count, 4);
}

/* Why Velocity/1 was not even tried is part of the evidence, and is not counted again. */
static void a_rung_that_was_passed_over_says_why(void **state)
{
    (void)state;
    struct drive d;
    const struct row row = {.v = {VEL_FALLBACK_VERSION_NEGOTIATION, UNIX_NOW - 10, 2},
                            .events = {UP(60, Q)}};
    struct vel_outcome outcome = learned(&row, true, &d);
    const struct vel_step *step = vel_ladder_step(&d.ladder, V);
    assert_int_equal(step->state, VEL_RUNG_UNUSED);
    assert_true(step->cooling);
    assert_int_equal(step->reason, VEL_FALLBACK_VERSION_NEGOTIATION);
    assert_int_equal(outcome.falls[V].count, 2);
    assert_int_equal(outcome.falls[V].at, UNIX_NOW - 10);
}

static void a_lost_search_teaches_nothing(void **state)
{
    (void)state;
    static const struct row lost[] = {
        {.events = {FALL(1, V, UDP_BLOCKED), FALL(2, Q, UDP_BLOCKED), DIE(3, T, CONNECT)}},
        {.events = {FALL(1, V, VERSION_NEGOTIATION), DIE(9, Q, DOWNGRADE)}},
        {.timeout_ms = 800},
    };
    for (size_t i = 0; i < VEL_COUNT(lost); i++) {
        struct drive d;
        struct vel_outcome outcome = learned(&lost[i], true, &d);
        const struct vel_outcome none = {0};
        assert_int_equal(d.ladder.state, VEL_LADDER_LOST);
        assert_memory_equal(&outcome, &none, sizeof none);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_and_ends),
        cmocka_unit_test(silent_udp_is_called_blocked),
        cmocka_unit_test(slow_rungs_are_called_slow),
        cmocka_unit_test(a_success_clears_what_was_known),
        cmocka_unit_test(a_repeated_failure_counts),
        cmocka_unit_test(a_rung_that_was_passed_over_says_why),
        cmocka_unit_test(a_lost_search_teaches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
