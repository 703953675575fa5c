/* SPDX-License-Identifier: MIT */
#include "client/downgrade.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

/* The situations that matter, by name. VEL-FB-30, VEL-FB-31, VEL-FB-32, VEL-FB-33, VEL-FB-34 */
static const struct {
    const char *what;
    struct vel_downgrade_evidence evidence;
    enum vel_downgrade_verdict verdict;
    enum vel_downgrade_why why;
} rows[] = {
    {"Velocity itself, pinned",
     {.rung = VEL_RUNG_VELOCITY, .pinned = true},
     VEL_DOWNGRADE_ACCEPT,
     0},
    {"a server nobody knows, over TCP", {.rung = VEL_RUNG_TCP}, VEL_DOWNGRADE_ACCEPT, 0},
    {"a server nobody knows, h3", {.rung = VEL_RUNG_QUIC}, VEL_DOWNGRADE_ACCEPT, 0},
    {"UDP is dropped, unpinned: PROTOCOL says that this works",
     {.rung = VEL_RUNG_TCP, .expected = true},
     VEL_DOWNGRADE_ACCEPT,
     0},
    {"only Velocity's packets are dropped, unpinned",
     {.rung = VEL_RUNG_QUIC, .expected = true, .list = VEL_LIST_WITH_VELOCITY},
     VEL_DOWNGRADE_ACCEPT,
     0},

    {"an honest Version Negotiation, nothing known",
     {.rung = VEL_RUNG_QUIC, .version_negotiation = true, .list = VEL_LIST_WITHOUT_VELOCITY},
     VEL_DOWNGRADE_ACCEPT,
     0},
    {"an honest one from a server without a list, nothing known",
     {.rung = VEL_RUNG_QUIC, .version_negotiation = true},
     VEL_DOWNGRADE_ACCEPT,
     0},
    {"an honest one from a server that spoke Velocity and gave it up",
     {.rung = VEL_RUNG_QUIC,
      .expected = true,
      .version_negotiation = true,
      .list = VEL_LIST_WITHOUT_VELOCITY},
     VEL_DOWNGRADE_ACCEPT,
     0},
    {"a forged one, the list tells",
     {.rung = VEL_RUNG_QUIC, .version_negotiation = true, .list = VEL_LIST_WITH_VELOCITY},
     VEL_DOWNGRADE_REFUSE,
     VEL_WHY_LISTED},
    {"a forged one, the list tells, a record does not help",
     {.rung = VEL_RUNG_QUIC,
      .pinned = true,
      .version_negotiation = true,
      .list = VEL_LIST_WITH_VELOCITY,
      .record = VEL_RECORD_WITHOUT_VELOCITY},
     VEL_DOWNGRADE_REFUSE,
     VEL_WHY_LISTED},
    {"a forged one, no list, known: ask",
     {.rung = VEL_RUNG_QUIC, .expected = true, .version_negotiation = true},
     VEL_DOWNGRADE_NEED_RECORD,
     0},
    {"a forged one and TCP, known: ask",
     {.rung = VEL_RUNG_TCP, .expected = true, .version_negotiation = true},
     VEL_DOWNGRADE_NEED_RECORD,
     0},
    {"a forged one and TCP, known, no record",
     {.rung = VEL_RUNG_TCP,
      .expected = true,
      .version_negotiation = true,
      .record = VEL_RECORD_MISSING},
     VEL_DOWNGRADE_REFUSE,
     VEL_WHY_UNLISTED},
    {"a forged one and TCP, the record tells",
     {.rung = VEL_RUNG_TCP,
      .expected = true,
      .version_negotiation = true,
      .record = VEL_RECORD_WITH_VELOCITY},
     VEL_DOWNGRADE_REFUSE,
     VEL_WHY_RECORD_LISTED},
    {"an honest one and TCP, the record tells",
     {.rung = VEL_RUNG_TCP,
      .expected = true,
      .version_negotiation = true,
      .record = VEL_RECORD_WITHOUT_VELOCITY},
     VEL_DOWNGRADE_ACCEPT,
     0},

    {"pinned, UDP is dropped: ask",
     {.rung = VEL_RUNG_TCP, .pinned = true},
     VEL_DOWNGRADE_NEED_RECORD,
     0},
    {"pinned, h3 whose list denies it classically: ask",
     {.rung = VEL_RUNG_QUIC, .pinned = true, .list = VEL_LIST_WITHOUT_VELOCITY},
     VEL_DOWNGRADE_NEED_RECORD,
     0},
    {"pinned, UDP is dropped, record",
     {.rung = VEL_RUNG_TCP, .pinned = true, .record = VEL_RECORD_WITH_VELOCITY},
     VEL_DOWNGRADE_ACCEPT,
     0},
    {"pinned, switched off by the server, record",
     {.rung = VEL_RUNG_QUIC,
      .pinned = true,
      .version_negotiation = true,
      .list = VEL_LIST_WITHOUT_VELOCITY,
      .record = VEL_RECORD_WITHOUT_VELOCITY},
     VEL_DOWNGRADE_ACCEPT,
     0},
    {"pinned, no record",
     {.rung = VEL_RUNG_TCP, .pinned = true, .record = VEL_RECORD_MISSING},
     VEL_DOWNGRADE_REFUSE,
     VEL_WHY_PINNED},
    {"pinned, a bad record",
     {.rung = VEL_RUNG_QUIC, .pinned = true, .record = VEL_RECORD_INVALID},
     VEL_DOWNGRADE_REFUSE_RECORD,
     VEL_WHY_RECORD_INVALID},
    {"unpinned, a bad record",
     {.rung = VEL_RUNG_TCP,
      .expected = true,
      .version_negotiation = true,
      .record = VEL_RECORD_INVALID},
     VEL_DOWNGRADE_REFUSE_RECORD,
     VEL_WHY_RECORD_INVALID},
};

static void judges_what_matters(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        enum vel_downgrade_why why = VEL_WHY_COUNT;
        CHECK(rows[i].what, vel_downgrade_judge(&rows[i].evidence, &why) == rows[i].verdict);
        CHECK(rows[i].what, why == rows[i].why);
    }
}

/* Rules that hold whatever the rest of the evidence says. */
static void check_rules(const char *what, const struct vel_downgrade_evidence *e)
{
    enum vel_downgrade_why why;
    enum vel_downgrade_verdict got = vel_downgrade_judge(e, &why);
    bool refused = got == VEL_DOWNGRADE_REFUSE || got == VEL_DOWNGRADE_REFUSE_RECORD;
    bool valid = e->record == VEL_RECORD_WITH_VELOCITY || e->record == VEL_RECORD_WITHOUT_VELOCITY;
    CHECK(what, refused == (why != VEL_WHY_NOTHING));
    if (e->rung == VEL_RUNG_VELOCITY) {
        CHECK(what, got == VEL_DOWNGRADE_ACCEPT);
        return;
    }
    if (e->pinned && !valid)
        CHECK(what, got != VEL_DOWNGRADE_ACCEPT);
    if (e->record == VEL_RECORD_INVALID)
        CHECK(what, refused);
    if (e->record != VEL_RECORD_UNASKED)
        CHECK(what, got != VEL_DOWNGRADE_NEED_RECORD); /* nobody asks twice */
    if (e->version_negotiation && e->list == VEL_LIST_WITH_VELOCITY)
        CHECK(what, got == VEL_DOWNGRADE_REFUSE);
    if (e->version_negotiation && e->expected && e->list == VEL_LIST_ABSENT && !valid)
        CHECK(what, got != VEL_DOWNGRADE_ACCEPT);
    if (!e->version_negotiation && !e->pinned && e->record != VEL_RECORD_INVALID)
        CHECK(what, got == VEL_DOWNGRADE_ACCEPT); /* nobody else is kept out */

    /* Knowing more never makes a client accept what it would refuse. */
    struct vel_downgrade_evidence more = *e;
    more.pinned = more.expected = true;
    if (got != VEL_DOWNGRADE_ACCEPT)
        CHECK(what, vel_downgrade_judge(&more, &why) != VEL_DOWNGRADE_ACCEPT);
}

static void keeps_its_rules_in_every_combination(void **state)
{
    (void)state;
    enum { BITS = 8, ALL = VEL_RUNG_COUNT * BITS * VEL_LIST_COUNT * VEL_RECORD_COUNT };
    for (unsigned n = 0; n < ALL; n++) {
        unsigned bits = n % BITS, rest = n / BITS;
        const struct vel_downgrade_evidence evidence = {
            .pinned = (bits & 1) != 0,
            .expected = (bits & 2) != 0,
            .version_negotiation = (bits & 4) != 0,
            .rung = (enum vel_rung)(rest % VEL_RUNG_COUNT),
            .list = (enum vel_downgrade_list)(rest / VEL_RUNG_COUNT % VEL_LIST_COUNT),
            .record = (enum vel_downgrade_record)(rest / VEL_RUNG_COUNT / VEL_LIST_COUNT),
        };
        char what[128];
        snprintf(what, sizeof what, "rung %d pinned %d expected %d vn %d list %d record %d",
                 (int)evidence.rung, evidence.pinned, evidence.expected,
                 evidence.version_negotiation, (int)evidence.list, (int)evidence.record);
        check_rules(what, &evidence);
    }
}

static void names_every_reason(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VEL_WHY_COUNT; i++) {
        assert_true(strlen(vel_downgrade_why_name((enum vel_downgrade_why)i)) > 0);
        assert_true(strlen(vel_downgrade_why_text((enum vel_downgrade_why)i)) > 0);
    }
    assert_string_equal(vel_downgrade_why_name(VEL_WHY_COUNT), "unknown");
    assert_string_equal(vel_downgrade_why_text(VEL_WHY_COUNT), "unknown reason");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_what_matters),
        cmocka_unit_test(keeps_its_rules_in_every_combination),
        cmocka_unit_test(names_every_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
