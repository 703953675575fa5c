/* SPDX-License-Identifier: MIT */
#include "client/alt_svc.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

enum { MOST = 4, DAY = 86400 };

static const struct {
    const char *value;
    struct vel_alt_svc want[MOST]; /* port 0: end */
} rows[] = {
    {"h3=\":443\"", {{"h3", "", 443, DAY}}},
    {"h3=\":443\"; ma=3600", {{"h3", "", 443, 3600}}},
    {"velocity%2F1=\":4433\"; ma=60, h3=\":4433\";ma=60",
     {{"velocity/1", "", 4433, 60}, {"h3", "", 4433, 60}}},
    {"velocity%2f1=\":4433\"", {{"velocity/1", "", 4433, DAY}}},
    {" , h2=\"Alt.Example:8000\" ; persist=1 ; ma=\"10\" ,\t", {{"h2", "alt.example", 8000, 10}}},
    {"h3=\"[2001:db8::1]:443\"", {{"h3", "[2001:db8::1]", 443, DAY}}},
    {"h3=\":443\"; ma=99999999999999999999", {{"h3", "", 443, 30 * DAY}}},
    {"h3=\":443\"; ma=soon", {{"h3", "", 443, DAY}}},
    {"h3=\":443\"; x=\"a\\\"b;,c\", h2=\":1\"", {{"h3", "", 443, DAY}, {"h2", "", 1, DAY}}},
    {"clear", {{"", "", 0, 0}}},
    {"", {{"", "", 0, 0}}},
    {"h3", {{"", "", 0, 0}}},
    {"h3=:443", {{"", "", 0, 0}}},
    {"h3=\"443\"", {{"", "", 0, 0}}},
    {"h3=\":0\"", {{"", "", 0, 0}}},
    {"h3=\":65536\"", {{"", "", 0, 0}}},
    {"h3=\":443", {{"", "", 0, 0}}},
    {"h%3=\":443\"", {{"", "", 0, 0}}},
    {"h3=\":443\" h2=\":443\"", {{"", "", 0, 0}}},
    {"h3=\":443\"; ma", {{"", "", 0, 0}}},
    {"h3=\":443\", nonsense, h2=\":1\"", {{"h3", "", 443, DAY}}},
};

static void values_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_reader r = vel_reader(vel_slice_text(rows[i].value));
        struct vel_alt_svc got;
        size_t n = 0;
        for (; vel_alt_svc_next(&r, &got); n++) {
            const struct vel_alt_svc *want = &rows[i].want[n];
            CHECK(rows[i].value, n < MOST && want->port == got.port);
            CHECK(rows[i].value, strcmp(want->protocol, got.protocol) == 0);
            CHECK(rows[i].value, strcmp(want->host, got.host) == 0);
            CHECK(rows[i].value, want->max_age == got.max_age);
        }
        CHECK(rows[i].value, n == MOST || rows[i].want[n].port == 0);
    }
}

static void velocity_is_expected_where_it_is_promised(void **state)
{
    (void)state;
    const struct vel_url origin = {.host = "a", .port = 4433};
    const struct {
        const char *value;
        int64_t want;
    } promises[] = {
        {"h3=\":4433\", velocity%2F1=\":4433\"; ma=60", 60},
        {"velocity%2F1=\"a:4433\"; ma=60", 60},
        {"velocity%2F1=\"b:4433\"; ma=60", 0},
        {"velocity%2F1=\":4434\"; ma=60", 0},
        {"velocity%2F1=\":4433\"; ma=0", 0},
        {"h3=\":4433\"", 0},
        {"clear", 0},
    };
    for (size_t i = 0; i < VEL_COUNT(promises); i++)
        CHECK(promises[i].value, vel_alt_svc_expects_velocity(vel_slice_text(promises[i].value),
                                                              &origin) == promises[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_taken_apart),
        cmocka_unit_test(velocity_is_expected_where_it_is_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
