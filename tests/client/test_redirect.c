/* SPDX-License-Identifier: MIT */
#include "client/redirect.h"

#include "base/units.h"
#include "testing/test.h"

static const struct {
    const char *what, *from, *method;
    unsigned status;
    const char *location; /* NULL: none */
    enum vel_err err;
    const char *authority; /* where to */
    bool becomes_get, other_origin;
} rows[] = {
    {"moved", "https://a/", "GET", 301, "/b", VEL_OK, "a", false, false},
    {"POST moved", "https://a/", "POST", 301, "/b", VEL_OK, "a", true, false},
    {"POST found", "https://a/", "POST", 302, "/b", VEL_OK, "a", true, false},
    {"PUT found", "https://a/", "PUT", 302, "/b", VEL_OK, "a", false, false},
    {"PUT see other", "https://a/", "PUT", 303, "/b", VEL_OK, "a", true, false},
    {"HEAD see other", "https://a/", "HEAD", 303, "/b", VEL_OK, "a", false, false},
    {"POST temporary", "https://a/", "POST", 307, "/b", VEL_OK, "a", false, false},
    {"POST permanent", "https://a/", "POST", 308, "/b", VEL_OK, "a", false, false},
    {"not modified", "https://a/", "GET", 304, "/b", VEL_ERR_NOT_FOUND, NULL, false, false},
    {"no redirection", "https://a/", "GET", 200, "/b", VEL_ERR_NOT_FOUND, NULL, false, false},
    {"no location", "https://a/", "GET", 302, NULL, VEL_ERR_NOT_FOUND, NULL, false, false},
    {"other host", "https://a/", "GET", 302, "https://b/", VEL_OK, "b", false, true},
    {"other port", "https://a/", "GET", 302, "https://a:8443/", VEL_OK, "a:8443", false, true},
    {"to http", "https://a/", "GET", 302, "http://a/", VEL_ERR_AUTH, NULL, false, false},
    {"to http here", "https://a/", "GET", 302, "http://localhost:1/", VEL_OK, "localhost:1", false,
     true},
    {"http to http", "http://a/", "GET", 302, "http://b/", VEL_OK, "b", false, true},
    {"http to https", "http://a/", "GET", 301, "https://a/", VEL_OK, "a", false, true},
    {"to ftp", "https://a/", "GET", 302, "ftp://a/", VEL_ERR_UNSUPPORTED, NULL, false, false},
    {"nonsense", "https://a/", "GET", 302, "https://[", VEL_ERR_MALFORMED, NULL, false, false},
};

static void redirections_are_planned(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        struct vel_url from;
        struct vel_redirect redirect;
        struct vel_field field = {vel_slice_text("location"), vel_slice_text(rows[i].location)};
        const struct vel_response response = {.status = rows[i].status,
                                              .fields = {&field, rows[i].location != NULL ? 1 : 0}};
        test_env_init(&t, 1);
        ASSERT_OK(vel_url_parse(&t.env, rows[i].from, &from));
        ASSERT_ERR(rows[i].what,
                   vel_redirect_plan(&t.env, &from, rows[i].method, &response, &redirect),
                   rows[i].err);
        if (rows[i].err == VEL_OK) {
            CHECK(rows[i].what, strcmp(redirect.url.authority, rows[i].authority) == 0);
            CHECK(rows[i].what, redirect.becomes_get == rows[i].becomes_get);
            CHECK(rows[i].what, redirect.other_origin == rows[i].other_origin);
            vel_url_clear(&redirect.url);
        }
        vel_url_clear(&from);
        test_env_done(&t);
    }
}

static void credentials_stay_at_home(void **state)
{
    (void)state;
    const struct {
        const char *name;
        bool home, other, get;
    } fields[] = {
        {"authorization", true, false, true},
        {"cookie", true, false, true},
        {"proxy-authorization", true, false, true},
        {"x-api-key", true, false, true},
        {"accept", true, true, true},
        {"user-agent", true, true, true},
        {"range", true, true, true},
        {"content-type", true, true, false},
        {"content-encoding", true, false, false},
    };
    for (size_t i = 0; i < VEL_COUNT(fields); i++) {
        struct vel_slice name = vel_slice_text(fields[i].name);
        CHECK(fields[i].name, vel_redirect_keeps_field(name, false, false) == fields[i].home);
        CHECK(fields[i].name, vel_redirect_keeps_field(name, true, false) == fields[i].other);
        CHECK(fields[i].name, vel_redirect_keeps_field(name, false, true) == fields[i].get);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirections_are_planned),
        cmocka_unit_test(credentials_stay_at_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
