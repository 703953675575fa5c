/* SPDX-License-Identifier: MIT */
#include "client/outcomes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testing/test.h"

enum { NOW = 1000000 };

static const struct vel_outcome sample = {
    .rtt = 1200 * US,
    .velocity_until = NOW + 77,
    .falls = {[VEL_RUNG_VELOCITY] = {VEL_FALLBACK_UDP_BLOCKED, NOW - 3, 2},
              [VEL_RUNG_QUIC] = {VEL_FALLBACK_TIMEOUT, NOW - 4, 1}}};

struct fixture {
    struct test_env env;
    struct vel_outcomes *outcomes;
};

static void open_fixture(struct fixture *f)
{
    test_env_init(&f->env, 1);
    ASSERT_OK(vel_outcomes_new(&f->env.env, &f->outcomes));
}

static void close_fixture(struct fixture *f)
{
    vel_outcomes_free(f->outcomes);
    test_env_done(&f->env);
}

static bool is_zero(struct vel_outcome outcome)
{
    return outcome.rtt == 0 && outcome.velocity_until == 0 &&
           outcome.falls[VEL_RUNG_VELOCITY].reason == VEL_FALLBACK_NONE &&
           outcome.falls[VEL_RUNG_QUIC].reason == VEL_FALLBACK_NONE;
}

static void servers_are_kept_apart(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    vel_outcomes_set(f.outcomes, "a", 443, &sample, NOW);
    assert_int_equal(vel_outcomes_find(f.outcomes, "a", 443).rtt, sample.rtt);
    assert_true(is_zero(vel_outcomes_find(f.outcomes, "a", 444)));
    assert_true(is_zero(vel_outcomes_find(f.outcomes, "b", 443)));
    vel_outcomes_set(f.outcomes, "a", 443, &(struct vel_outcome){0}, NOW);
    assert_int_equal(vel_outcomes_count(f.outcomes), 1);
    assert_true(is_zero(vel_outcomes_find(f.outcomes, "a", 443)));
    vel_outcomes_set(f.outcomes, "no name", 443, &sample, NOW);
    vel_outcomes_set(f.outcomes, "", 443, &sample, NOW);
    assert_int_equal(vel_outcomes_count(f.outcomes), 1);
    close_fixture(&f);
}

static void the_oldest_gives_way(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    vel_outcomes_set(f.outcomes, "old", 1, &sample, NOW - 1);
    for (unsigned i = 1; i <= VEL_OUTCOMES_MAX; i++)
        vel_outcomes_set(f.outcomes, "host", (uint16_t)i, &sample, NOW + i);
    assert_int_equal(vel_outcomes_count(f.outcomes), VEL_OUTCOMES_MAX);
    assert_true(is_zero(vel_outcomes_find(f.outcomes, "old", 1)));
    assert_int_equal(vel_outcomes_find(f.outcomes, "host", 1).rtt, sample.rtt);
    assert_int_equal(vel_outcomes_find(f.outcomes, "host", VEL_OUTCOMES_MAX).rtt, sample.rtt);
    close_fixture(&f);
}

static void text_brings_it_all_back(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    struct vel_buf text = {.env = &f.env.env, .limit = VEL_OUTCOMES_TEXT_MAX};
    static const char want[] =
        "velocity-outcomes 1\n"
        "::1 4433 1000000 1200 1000077 udp_blocked 999997 2 timeout 999996 1\n";
    vel_outcomes_set(f.outcomes, "::1", 4433, &sample, NOW);
    ASSERT_OK(vel_outcomes_write(f.outcomes, &text));
    assert_true(vel_slice_equal(vel_buf_slice(&text), vel_slice_text(want)));
    vel_outcomes_set(f.outcomes, "::1", 4433, &(struct vel_outcome){0}, NOW);
    ASSERT_OK(vel_outcomes_read(f.outcomes, vel_buf_slice(&text)));
    struct vel_outcome got = vel_outcomes_find(f.outcomes, "::1", 4433);
    assert_int_equal(got.rtt, sample.rtt);
    assert_int_equal(got.velocity_until, sample.velocity_until);
    for (unsigned i = 0; i < VEL_RUNG_TCP; i++) {
        assert_int_equal(got.falls[i].reason, sample.falls[i].reason);
        assert_int_equal(got.falls[i].at, sample.falls[i].at);
        assert_int_equal(got.falls[i].count, sample.falls[i].count);
    }
    vel_buf_free(&text);
    close_fixture(&f);
}

static void spoiled_text_changes_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "velocity-outcomes 2\n",
        "velocity-outcomes 1\na 443 0 0 0 none 0 0 none 0\n",
        "velocity-outcomes 1\na 443 0 0 0 none 0 0 none 0 0",
        "velocity-outcomes 1\na 443 0 0 0 none 0 0 none 0 0 0\n",
        "velocity-outcomes 1\na 0 0 0 0 none 0 0 none 0 0\n",
        "velocity-outcomes 1\na 65536 0 0 0 none 0 0 none 0 0\n",
        "velocity-outcomes 1\n 443 0 0 0 none 0 0 none 0 0\n",
        "velocity-outcomes 1\na -1 0 0 0 none 0 0 none 0 0\n",
        "velocity-outcomes 1\na 443 0 0 0 whim 0 0 none 0 0\n",
        "velocity-outcomes 1\na 443 9999999999999999999 0 0 none 0 0 none 0 0\n",
        "velocity-outcomes 1\na 443 0 0 0 none 0 0 none 0 0\na 443 0 0 0 none 0 0 none 0 0\n",
    };
    struct fixture f;
    open_fixture(&f);
    vel_outcomes_set(f.outcomes, "keep", 443, &sample, NOW);
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        ASSERT_ERR(rows[i], vel_outcomes_read(f.outcomes, vel_slice_text(rows[i])),
                   VEL_ERR_MALFORMED);
    assert_int_equal(vel_outcomes_find(f.outcomes, "keep", 443).rtt, sample.rtt);
    close_fixture(&f);
}

static void the_file_is_made_with_its_folders(void **state)
{
    (void)state;
    struct fixture f;
    char folder[] = "/tmp/velocity-outcomes-XXXXXX", path[120], inner[100];
    assert_non_null(mkdtemp(folder));
    snprintf(inner, sizeof inner, "%s/deep", folder);
    snprintf(path, sizeof path, "%s/outcomes", inner);
    open_fixture(&f);
    ASSERT_OK(vel_outcomes_load(path, f.outcomes)); /* none is an empty one */
    vel_outcomes_set(f.outcomes, "a", 443, &sample, NOW);
    ASSERT_OK(vel_outcomes_save(path, &f.env.env, f.outcomes));
    vel_outcomes_set(f.outcomes, "b", 443, &sample, NOW);
    ASSERT_OK(vel_outcomes_load(path, f.outcomes));
    assert_int_equal(vel_outcomes_count(f.outcomes), 1);
    assert_int_equal(vel_outcomes_find(f.outcomes, "a", 443).rtt, sample.rtt);
    FILE *spoil = fopen(path, "w");
    assert_non_null(spoil);
    fputs("nonsense", spoil);
    fclose(spoil);
    ASSERT_OK(vel_outcomes_load(path, f.outcomes)); /* so is a spoiled one */
    unlink(path);
    rmdir(inner);
    rmdir(folder);
    close_fixture(&f);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    struct vel_buf text = {.env = &f.env.env, .limit = VEL_OUTCOMES_TEXT_MAX};
    vel_outcomes_set(f.outcomes, "a", 443, &sample, NOW);
    f.env.fail_after = 0;
    ASSERT_ERR("write", vel_outcomes_write(f.outcomes, &text), VEL_ERR_NOMEM);
    ASSERT_ERR("read", vel_outcomes_read(f.outcomes, vel_slice_text("velocity-outcomes 1\n")),
               VEL_ERR_NOMEM);
    f.env.fail_after = -1;
    assert_int_equal(vel_outcomes_count(f.outcomes), 1);
    vel_buf_free(&text);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_kept_apart),
        cmocka_unit_test(the_oldest_gives_way),
        cmocka_unit_test(text_brings_it_all_back),
        cmocka_unit_test(spoiled_text_changes_nothing),
        cmocka_unit_test(the_file_is_made_with_its_folders),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
