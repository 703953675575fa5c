/* SPDX-License-Identifier: MIT */
#include "client/pins.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

enum { NOW = 1800000000, DAY = 86400 };

/* VEL-FB-40 */
static void reads_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum vel_err err;
        uint32_t max_age;
    } rows[] = {
        {"max-age=0", VEL_OK, 0},
        {"max-age=1", VEL_OK, 1},
        {"max-age=86400", VEL_OK, 86400},
        {"max-age=2592000", VEL_OK, 2592000},
        {"max-age=2592001", VEL_ERR_MALFORMED, 7},
        {"max-age=9999999999", VEL_ERR_MALFORMED, 7},
        {"max-age=99999999999999999999", VEL_ERR_MALFORMED, 7},
        {"max-age=", VEL_ERR_MALFORMED, 7},
        {"max-age=01", VEL_ERR_MALFORMED, 7},
        {"max-age=00", VEL_ERR_MALFORMED, 7},
        {"max-age=+1", VEL_ERR_MALFORMED, 7},
        {"max-age=-1", VEL_ERR_MALFORMED, 7},
        {"max-age=1.5", VEL_ERR_MALFORMED, 7},
        {"max-age=1;", VEL_ERR_MALFORMED, 7},
        {"max-age=1 ", VEL_ERR_MALFORMED, 7},
        {" max-age=1", VEL_ERR_MALFORMED, 7},
        {"max-age=1\n", VEL_ERR_MALFORMED, 7},
        {"Max-Age=1", VEL_ERR_MALFORMED, 7},
        {"max-age=\"1\"", VEL_ERR_MALFORMED, 7},
        {"1", VEL_ERR_MALFORMED, 7},
        {"", VEL_ERR_MALFORMED, 7},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        const struct vel_field fields[] = {
            {vel_slice_text("server"), vel_slice_text("velocity")},
            {vel_slice_text("velocity-pin"), vel_slice_text(rows[i].value)}};
        const struct vel_response response = {.fields = {fields, VEL_COUNT(fields)}};
        uint32_t max_age = 7;
        ASSERT_ERR(rows[i].value, vel_pin_of_response(&response, &max_age), rows[i].err);
        CHECK(rows[i].value, max_age == rows[i].max_age);
    }
}

static void heeds_one_field(void **state)
{
    (void)state;
    const struct vel_field pin = {vel_slice_text("velocity-pin"), vel_slice_text("max-age=1")};
    const struct vel_field fields[] = {pin, pin};
    struct vel_response response = {.fields = {fields, 2}};
    uint32_t max_age = 7;
    ASSERT_ERR("two", vel_pin_of_response(&response, &max_age), VEL_ERR_MALFORMED);
    response.fields.count = 0;
    ASSERT_ERR("none", vel_pin_of_response(&response, &max_age), VEL_ERR_NOT_FOUND);
    assert_int_equal(max_age, 7);
}

/* ---- the set ---- */

struct stage {
    struct test_env t;
    struct vel_pins *pins;
};

static int open_stage(void **state)
{
    static struct stage s;
    test_env_init(&s.t, 1);
    ASSERT_OK(vel_pins_new(&s.t.env, &s.pins));
    *state = &s;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *s = *state;
    vel_pins_free(s->pins);
    test_env_done(&s->t);
    return 0;
}

/* VEL-FB-42 */
static void a_pin_is_for_a_host_and_port_and_a_time(void **state)
{
    struct stage *s = *state;
    ASSERT_OK(vel_pins_set(s->pins, "a.example", 443, DAY, NOW));
    assert_true(vel_pins_hold(s->pins, "a.example", 443, NOW));
    assert_true(vel_pins_hold(s->pins, "a.example", 443, NOW + DAY - 1));
    assert_false(vel_pins_hold(s->pins, "a.example", 443, NOW + DAY));
    assert_false(vel_pins_hold(s->pins, "a.example", 4433, NOW));
    assert_false(vel_pins_hold(s->pins, "b.example", 443, NOW));
    assert_false(vel_pins_hold(s->pins, "www.a.example", 443, NOW));

    ASSERT_OK(vel_pins_set(s->pins, "a.example", 443, 60, NOW + 10));
    assert_int_equal(vel_pins_count(s->pins), 1);
    assert_false(vel_pins_hold(s->pins, "a.example", 443, NOW + 70));
    ASSERT_OK(vel_pins_set(s->pins, "a.example", 443, 0, NOW + 20));
    assert_false(vel_pins_hold(s->pins, "a.example", 443, NOW + 20));
    assert_int_equal(vel_pins_count(s->pins), 0);
    ASSERT_OK(vel_pins_set(s->pins, "a.example", 443, 0, NOW));
}

static void refuses_what_is_no_pin(void **state)
{
    struct stage *s = *state;
    static char long_host[300];
    memset(long_host, 'a', sizeof long_host - 1);
    static const char *const hosts[] = {"", "A.example", "a b", "a\n", "\xc3\xa4", long_host};
    for (size_t i = 0; i < VEL_COUNT(hosts); i++)
        ASSERT_ERR(hosts[i], vel_pins_set(s->pins, hosts[i], 443, 60, NOW), VEL_ERR_ARGUMENT);
    ASSERT_ERR("port", vel_pins_set(s->pins, "a", 0, 60, NOW), VEL_ERR_ARGUMENT);
    ASSERT_ERR("age", vel_pins_set(s->pins, "a", 1, VEL_PIN_MAX_AGE + 1, NOW), VEL_ERR_ARGUMENT);
    assert_int_equal(vel_pins_count(s->pins), 0);
}

/* VEL-FB-43 */
static void the_oldest_gives_way(void **state)
{
    struct stage *s = *state;
    char host[32];
    for (int i = 0; i < VEL_PINS_MAX; i++) {
        snprintf(host, sizeof host, "host%d.example", i);
        ASSERT_OK(vel_pins_set(s->pins, host, 443, DAY, i == 500 ? NOW : NOW + 1 + i));
    }
    assert_true(vel_pins_hold(s->pins, "host500.example", 443, NOW + 5));
    ASSERT_OK(vel_pins_set(s->pins, "new.example", 443, DAY, NOW + 5000));
    assert_int_equal(vel_pins_count(s->pins), VEL_PINS_MAX);
    assert_true(vel_pins_hold(s->pins, "new.example", 443, NOW + 5000));
    assert_false(vel_pins_hold(s->pins, "host500.example", 443, NOW + 5));
    assert_true(vel_pins_hold(s->pins, "host0.example", 443, NOW + 5));
}

/* ---- text ---- */

static enum vel_err read_text(struct stage *s, const char *text, int64_t now)
{
    return vel_pins_read(s->pins, vel_slice_text(text), now);
}

static void check_text(struct stage *s, const char *want)
{
    struct vel_buf text = {.env = &s->t.env, .limit = VEL_PINS_TEXT_MAX};
    ASSERT_OK(vel_pins_write(s->pins, &text));
    if (!vel_slice_equal(vel_buf_slice(&text), vel_slice_text(want)))
        fail_msg("have '%.*s', want '%s'", (int)text.len, (const char *)text.ptr, want);
    vel_buf_free(&text);
}

static void text_goes_both_ways(void **state)
{
    struct stage *s = *state;
    static const char text[] = "velocity-pins 1\n"
                               "a.example 443 1800000000 86400\n"
                               "::1 4433 1799999999 2592000\n";
    check_text(s, "velocity-pins 1\n");
    ASSERT_OK(read_text(s, text, NOW));
    assert_true(vel_pins_hold(s->pins, "::1", 4433, NOW));
    check_text(s, text);
    ASSERT_OK(read_text(s, "velocity-pins 1\n", NOW));
    assert_int_equal(vel_pins_count(s->pins), 0);
}

static void what_is_over_is_dropped(void **state)
{
    struct stage *s = *state;
    ASSERT_OK(read_text(s, "velocity-pins 1\na 1 1799999000 1000\nb 1 1799999001 1000\n", NOW));
    check_text(s, "velocity-pins 1\nb 1 1799999001 1000\n");
}

/* VEL-FB-44 */
static void a_clock_that_went_back_prolongs_nothing(void **state)
{
    struct stage *s = *state;
    ASSERT_OK(read_text(s, "velocity-pins 1\na 1 1900000000 1000\n", NOW));
    assert_true(vel_pins_hold(s->pins, "a", 1, NOW));
    check_text(s, "velocity-pins 1\na 1 1800000000 1000\n");
    assert_false(vel_pins_hold(s->pins, "a", 1, NOW + 1000));
}

static void refuses_other_text(void **state)
{
    struct stage *s = *state;
    static const char *const rows[] = {
        "",
        "velocity-pins 2\n",
        "velocity-pins 1",
        "velocity-pins 1\na 1 1 1",
        "velocity-pins 1\n\n",
        "velocity-pins 1\na 1 1\n",
        "velocity-pins 1\na 1 1 1 1\n",
        "velocity-pins 1\na  1 1 1\n",
        "velocity-pins 1\n 1 1 1\n",
        "velocity-pins 1\nA 1 1 1\n",
        "velocity-pins 1\na 0 1 1\n",
        "velocity-pins 1\na 65536 1 1\n",
        "velocity-pins 1\na 01 1 1\n",
        "velocity-pins 1\na 1 -1 1\n",
        "velocity-pins 1\na 1 1 0\n",
        "velocity-pins 1\na 1 1 2592001\n",
        "velocity-pins 1\na 1 99999999999999999999 1\n",
        "velocity-pins 1\na 1 1 1\r\n",
        "velocity-pins 1\na 1 1800000000 60\nb 1 1 1\na 1 1800000000 60\n",
    };
    ASSERT_OK(vel_pins_set(s->pins, "kept", 1, 60, NOW));
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        ASSERT_ERR(rows[i], read_text(s, rows[i], NOW), VEL_ERR_MALFORMED);
        CHECK(rows[i], vel_pins_hold(s->pins, "kept", 1, NOW));
    }
}

static void survives_lack_of_memory(void **state)
{
    struct stage *s = *state;
    struct vel_pins *none = NULL;
    struct vel_buf text = {.env = &s->t.env, .limit = VEL_PINS_TEXT_MAX};
    s->t.fail_after = 0;
    ASSERT_ERR("new", vel_pins_new(&s->t.env, &none), VEL_ERR_NOMEM);
    ASSERT_ERR("read", read_text(s, "velocity-pins 1\n", NOW), VEL_ERR_NOMEM);
    ASSERT_ERR("write", vel_pins_write(s->pins, &text), VEL_ERR_NOMEM);
    s->t.fail_after = -1;
    assert_null(none);
    vel_pins_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_field),
        cmocka_unit_test(heeds_one_field),
        TEST(a_pin_is_for_a_host_and_port_and_a_time),
        TEST(refuses_what_is_no_pin),
        TEST(the_oldest_gives_way),
        TEST(text_goes_both_ways),
        TEST(what_is_over_is_dropped),
        TEST(a_clock_that_went_back_prolongs_nothing),
        TEST(refuses_other_text),
        TEST(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
