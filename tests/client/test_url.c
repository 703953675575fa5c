/* SPDX-License-Identifier: MIT */
#include "client/url.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

static void takes_urls_apart(void **state)
{
    (void)state;
    const struct {
        const char *url, *host, *authority;
        uint16_t port;
        const char *target;
    } rows[] = {
        {"https://localhost:4433/", "localhost", "localhost:4433", 4433, "/"},
        {"https://localhost", "localhost", "localhost", 443, "/"},
        {"HTTPS://Example.ORG:443/A", "example.org", "example.org", 443, "/A"},
        {"https://example.org:/a", "example.org", "example.org", 443, "/a"},
        {"https://[::1]:4433/a/b?c=d&e#f", "::1", "[::1]:4433", 4433, "/a/b?c=d&e"},
        {"https://[fe80::1%eth0]/", "fe80::1%eth0", "[fe80::1%eth0]", 443, "/"},
        {"https://host?q", "host", "host", 443, "/?q"},
        {"https://host#x", "host", "host", 443, "/"},
        {"https://h/a b\"c", "h", "h", 443, "/a%20b%22c"},
        {"https://h/\xc3\xa4.txt", "h", "h", 443, "/%C3%A4.txt"},
        {"https://h/%2e%2e/../x", "h", "h", 443, "/%2e%2e/../x"},
        {"http://h/", "h", "h", 80, "/"},
        {"Http://h:80/", "h", "h", 80, "/"},
        {"http://h:443/", "h", "h:443", 443, "/"},
        {"https://h:80/", "h", "h:80", 80, "/"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_url url;
        ASSERT_ERR(rows[i].url, vel_url_parse(&t.env, rows[i].url, &url), VEL_OK);
        CHECK(rows[i].url, strcmp(url.host, rows[i].host) == 0);
        CHECK(rows[i].url, strcmp(url.authority, rows[i].authority) == 0);
        CHECK(rows[i].url, url.port == rows[i].port);
        CHECK(rows[i].url,
              vel_slice_equal(vel_buf_slice(&url.target), vel_slice_text(rows[i].target)));
        vel_url_clear(&url);
        test_env_done(&t);
    }
}

static void refuses_what_is_no_url(void **state)
{
    (void)state;
    static char long_host[300] = "https://", long_path[VEL_URL_TARGET_MAX + 32] = "https://h/";
    memset(long_host + 8, 'a', sizeof long_host - 9);
    memset(long_path + 10, 'a', sizeof long_path - 11);
    const struct {
        const char *url;
        enum vel_err want;
    } rows[] = {
        {"", VEL_ERR_MALFORMED},
        {"localhost", VEL_ERR_MALFORMED},
        {"https:/localhost", VEL_ERR_MALFORMED},
        {"://localhost", VEL_ERR_MALFORMED},
        {"https://", VEL_ERR_MALFORMED},
        {"https:///path", VEL_ERR_MALFORMED},
        {"https://:443/", VEL_ERR_MALFORMED},
        {"httpx://localhost/", VEL_ERR_UNSUPPORTED},
        {"ftp://localhost/", VEL_ERR_UNSUPPORTED},
        {"https://user@host/", VEL_ERR_MALFORMED},
        {"https://user:pass@host/", VEL_ERR_MALFORMED},
        {"https://host:0/", VEL_ERR_MALFORMED},
        {"https://host:65536/", VEL_ERR_MALFORMED},
        {"https://host:44x/", VEL_ERR_MALFORMED},
        {"https://ho st/", VEL_ERR_MALFORMED},
        {"https://[::1/", VEL_ERR_MALFORMED},
        {"https://[::1]x/", VEL_ERR_MALFORMED},
        {"https://[]/", VEL_ERR_MALFORMED},
        {"https://host/\r\nx", VEL_ERR_MALFORMED},
        {"https://h\x80st/", VEL_ERR_MALFORMED},
        {long_host, VEL_ERR_LIMIT},
        {long_path, VEL_ERR_LIMIT},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_url url = {.port = 77};
        ASSERT_ERR(rows[i].url, vel_url_parse(&t.env, rows[i].url, &url), rows[i].want);
        assert_int_equal(url.port, 77);
        test_env_done(&t);
    }
}

/* The rows of RFC 3986 5.4 that can occur with our schemes, and a few more. */
static void resolves_references(void **state)
{
    (void)state;
    static const char base_text[] = "https://a:81/b/c/d;p?q";
    const struct {
        const char *reference;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"https://x/y/../z", "https://x/z"},
        {"http://x", "http://x/"},
        {"HTTPS://X", "https://x/"},
        {"g", "https://a:81/b/c/g"},
        {"./g", "https://a:81/b/c/g"},
        {"g/", "https://a:81/b/c/g/"},
        {"/g", "https://a:81/g"},
        {"//g", "https://g/"},
        {"//g:82/x", "https://g:82/x"},
        {"?y", "https://a:81/b/c/d;p?y"},
        {"g?y", "https://a:81/b/c/g?y"},
        {"#s", "https://a:81/b/c/d;p?q"},
        {"", "https://a:81/b/c/d;p?q"},
        {"g#s", "https://a:81/b/c/g"},
        {";x", "https://a:81/b/c/;x"},
        {".", "https://a:81/b/c/"},
        {"./", "https://a:81/b/c/"},
        {"..", "https://a:81/b/"},
        {"../g", "https://a:81/b/g"},
        {"../..", "https://a:81/"},
        {"../../g", "https://a:81/g"},
        {"../../../../g", "https://a:81/g"},
        {"/./g", "https://a:81/g"},
        {"/../g", "https://a:81/g"},
        {"g.", "https://a:81/b/c/g."},
        {"..g", "https://a:81/b/c/..g"},
        {"./g/.", "https://a:81/b/c/g/"},
        {"g/../h", "https://a:81/b/c/h"},
        {"g;x=1/../y", "https://a:81/b/c/y"},
        {"g?y/../x", "https://a:81/b/c/g?y/../x"},
        {"/a//b", "https://a:81/a//b"},
        {"g h", "https://a:81/b/c/g%20h"},
        {"mailto:x@y", NULL},
        {"ftp://h/", NULL},
        {"//user@h/", NULL},
        {"/a\r\nb", NULL},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_url base, url;
        char made[VEL_URL_AUTHORITY_MAX + 200];
        ASSERT_OK(vel_url_parse(&t.env, base_text, &base));
        enum vel_err err = vel_url_resolve(&t.env, &base, vel_slice_text(rows[i].reference), &url);
        CHECK(rows[i].reference, (err == VEL_OK) == (rows[i].want != NULL));
        if (err == VEL_OK) {
            snprintf(made, sizeof made, "%s://%s%.*s", vel_url_scheme(&url), url.authority,
                     (int)url.target.len, (const char *)url.target.ptr);
            if (strcmp(made, rows[i].want) != 0)
                fail_msg("'%s': %s, want %s", rows[i].reference, made, rows[i].want);
            vel_url_clear(&url);
        }
        vel_url_clear(&base);
        test_env_done(&t);
    }
}

static void knows_this_machine(void **state)
{
    (void)state;
    const struct {
        const char *url;
        bool want;
    } rows[] = {
        {"http://localhost/", true},    {"http://LOCALHOST:8080/", true},
        {"http://a.localhost/", true},  {"http://localhost./", true},
        {"http://127.0.0.1/", true},    {"http://127.8.9.1/", true},
        {"http://[::1]/", true},        {"http://notlocalhost/", false},
        {"http://127.0.0.1.x/", false}, {"http://128.0.0.1/", false},
        {"http://[::2]/", false},       {"http://localhost.x/", false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_url url;
        ASSERT_OK(vel_url_parse(&t.env, rows[i].url, &url));
        CHECK(rows[i].url, vel_url_is_loopback(&url) == rows[i].want);
        vel_url_clear(&url);
        test_env_done(&t);
    }
}

static void names_files(void **state)
{
    (void)state;
    const struct {
        const char *url;
        const char *name; /* NULL: refused */
    } rows[] = {
        {"https://h", "index.html"},
        {"https://h/a/", "a/index.html"},
        {"https://h/a/b.txt?x=/..", "a/b.txt"},
        {"https://h/a%20b/%c3%A4", "a b/\xc3\xa4"},
        {"https://h/100%", "100%"},
        {"https://h/100%zz", "100%zz"},
        {"https://h/...", "..."},
        {"https://h/../a", NULL},
        {"https://h/a/%2e%2E/b", NULL},
        {"https://h/.", NULL},
        {"https://h//a", NULL},
        {"https://h/a%00b", NULL},
        {"https://h/a%2fb", NULL},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_url url;
        struct vel_buf name = {.env = &t.env, .limit = 4096};
        ASSERT_OK(vel_url_parse(&t.env, rows[i].url, &url));
        ASSERT_ERR(rows[i].url, vel_url_file_name(&url, &name),
                   rows[i].name == NULL ? VEL_ERR_MALFORMED : VEL_OK);
        if (rows[i].name != NULL)
            CHECK(rows[i].url, strcmp((const char *)name.ptr, rows[i].name) == 0);
        vel_buf_free(&name);
        vel_url_clear(&url);
        test_env_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_urls_apart),    cmocka_unit_test(refuses_what_is_no_url),
        cmocka_unit_test(resolves_references), cmocka_unit_test(knows_this_machine),
        cmocka_unit_test(names_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
