/* SPDX-License-Identifier: MIT */
#include "testing/test.h"
#include "transport/conn_internal.h"

static const struct vel_cid first = {.len = 8, .bytes = {1}};
static const struct vel_cid retry = {.len = 8, .bytes = {2}};
static const struct vel_cid source = {.len = 8, .bytes = {3}};

static struct vel_param_cid told(const struct vel_cid *cid)
{
    return (struct vel_param_cid){.present = true, .cid = *cid};
}

/* What an honest server says after a handshake with or without a Retry. */
static struct vel_params honest(bool retried)
{
    struct vel_params params = vel_params_default();
    params.original_destination_connection_id = told(&first);
    params.initial_source_connection_id = told(&source);
    if (retried)
        params.retry_source_connection_id = told(&retry);
    return params;
}

enum change {
    NOTHING,
    NO_SOURCE,
    OTHER_SOURCE,
    NO_ORIGINAL,
    OTHER_ORIGINAL,
    NO_RETRY,
    OTHER_RETRY
};

static void apply(struct vel_params *params, enum change change)
{
    switch (change) {
    case NOTHING:
        break;
    case NO_SOURCE:
        params->initial_source_connection_id.present = false;
        break;
    case OTHER_SOURCE:
        params->initial_source_connection_id = told(&first);
        break;
    case NO_ORIGINAL:
        params->original_destination_connection_id.present = false;
        break;
    case OTHER_ORIGINAL:
        params->original_destination_connection_id = told(&source);
        break;
    case NO_RETRY:
        params->retry_source_connection_id.present = false;
        break;
    case OTHER_RETRY:
        params->retry_source_connection_id = told(&source);
        break;
    }
}

/* RFC 9000 7.3: what an attacker changed on the way is seen by both ends. */
static void claims_are_compared_with_what_was_seen(void **state)
{
    (void)state;
    const struct {
        const char *what;
        bool retried;
        enum change change;
        bool believed;
    } rows[] = {
        {"as it was", false, NOTHING, true},
        {"as it was, with a Retry", true, NOTHING, true},
        {"no source id", false, NO_SOURCE, false},
        {"another source id", false, OTHER_SOURCE, false},
        {"no original id", false, NO_ORIGINAL, false},
        {"another original id", false, OTHER_ORIGINAL, false},
        {"Retry id kept quiet", true, NO_RETRY, false},
        {"another Retry id", true, OTHER_RETRY, false},
        {"Retry id without a Retry", false, OTHER_RETRY, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_opening opening = {.original_dcid = first,
                                      .retry_scid = retry,
                                      .peer_first_scid = source,
                                      .retried = rows[i].retried};
        struct vel_conn conn = {.is_client = true, .opening = &opening};
        struct vel_params params = honest(rows[i].retried);
        apply(&params, rows[i].change);
        CHECK(rows[i].what, (vel_opening_check_params(&conn, &params) == NULL) == rows[i].believed);
    }
}

static void early_packets_are_held_within_a_limit(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 3);
    struct vel_conn conn = {.env = &t.env};
    ASSERT_OK(vel_opening_new(&conn, &conn.opening));
    uint8_t packet[1200] = {0};
    int refused = 0;
    for (int i = 0; i < 100; i++)
        refused += !vel_opening_hold(&conn, vel_slice(packet, sizeof packet), VEL_ECN_NOT_ECT);
    assert_true(t.outstanding < 64 * 1024);
    assert_true(refused > 50);
    vel_opening_free(&t.env, conn.opening);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_compared_with_what_was_seen),
        cmocka_unit_test(early_packets_are_held_within_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
