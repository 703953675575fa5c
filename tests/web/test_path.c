/* SPDX-License-Identifier: MIT */
#include "web/path.h"

#include "testing/test.h"

static const struct {
    const char *target;
    enum vel_err err;
    const char *name;
    bool folder;
    const char *written; /* NULL: as the target */
} rows[] = {
    {"/", VEL_OK, "", true, NULL},
    {"/a", VEL_OK, "a", false, NULL},
    {"/a/", VEL_OK, "a", true, NULL},
    {"/a/b.html", VEL_OK, "a/b.html", false, NULL},
    {"/a/b.html?q=1/../x", VEL_OK, "a/b.html", false, "/a/b.html"},
    {"/?", VEL_OK, "", true, "/"},
    {"/a%20b", VEL_OK, "a b", false, NULL},
    {"/%C3%A4/%e2%82%ac", VEL_OK, "\xc3\xa4/\xe2\x82\xac", false, "/%C3%A4/%E2%82%AC"},
    {"/100%25", VEL_OK, "100%", false, NULL},
    {"/%2541", VEL_OK, "%41", false, NULL}, /* decoded once */
    {"/a%3Fb", VEL_OK, "a?b", false, NULL},
    {"/a%23b", VEL_OK, "a#b", false, NULL},
    {"/a+b", VEL_OK, "a+b", false, NULL},
    {"//a", VEL_OK, "a", false, "/a"},
    {"//evil.example/", VEL_OK, "evil.example", true, "/evil.example/"},
    {"/a//b", VEL_OK, "a/b", false, "/a/b"},
    {"/./a/.", VEL_OK, "a", true, "/a/"},
    {"/a/..", VEL_OK, "", true, "/"},
    {"/a/../b", VEL_OK, "b", false, "/b"},
    {"/a/b/../../c", VEL_OK, "c", false, "/c"},
    {"/a/%2e%2e/b", VEL_OK, "b", false, "/b"},
    {"/a/.%2E/b/%2e", VEL_OK, "b", true, "/b/"},
    {"/...", VEL_OK, "...", false, NULL},
    {"/..a", VEL_OK, "..a", false, NULL},
    {"/.well-known/x", VEL_OK, ".well-known/x", false, NULL},
    /* escapes */
    {"/..", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/../a", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a/../../b", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/%2e%2e/a", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/%2E./a", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a/%2e%2e/%2e%2e/etc", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/..%2fetc", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%2f..%2f..%2fetc", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/..\\etc", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/..%5cetc", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%5Cb", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%00b", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a.html%00.png", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%0ab", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%7fb", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a\tb", VEL_ERR_MALFORMED, NULL, false, NULL},
    /* not paths */
    {"", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"*", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"a/b", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"https://localhost/", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%2", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%zz", VEL_ERR_MALFORMED, NULL, false, NULL},
    {"/a%%20", VEL_ERR_MALFORMED, NULL, false, NULL},
};

static void targets_become_names(void **state)
{
    (void)state;
    static struct vel_web_path path;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *what = rows[i].target;
        path.len = 12345;
        ASSERT_ERR(what, vel_web_path_parse(vel_slice_text(what), &path), rows[i].err);
        if (rows[i].err != VEL_OK) {
            CHECK(what, path.len == 12345);
            continue;
        }
        CHECK(what, strcmp(path.name, rows[i].name) == 0);
        CHECK(what, path.len == strlen(rows[i].name));
        CHECK(what, path.folder == rows[i].folder);
        char text[256];
        ASSERT_OK(vel_web_path_write(&path, path.folder, text, sizeof text));
        const char *written = rows[i].written == NULL ? what : rows[i].written;
        if (strcmp(text, written) != 0)
            fail_msg("%s: written as %s", what, text);
    }
}

static void raw_nul_is_refused(void **state)
{
    (void)state;
    static struct vel_web_path path;
    ASSERT_ERR("NUL", vel_web_path_parse(BYTES('/', 'a', 0, 'b'), &path), VEL_ERR_MALFORMED);
}

static void long_paths_are_refused(void **state)
{
    (void)state;
    static struct vel_web_path path;
    static uint8_t target[2 * VEL_WEB_PATH_MAX];
    memset(target, 'a', sizeof target);
    target[0] = '/';
    ASSERT_OK(vel_web_path_parse(vel_slice(target, VEL_WEB_PATH_MAX + 1), &path));
    assert_int_equal(path.len, VEL_WEB_PATH_MAX);
    ASSERT_ERR("one more", vel_web_path_parse(vel_slice(target, VEL_WEB_PATH_MAX + 2), &path),
               VEL_ERR_LIMIT);
    target[1000] = '/';
    ASSERT_ERR("two names", vel_web_path_parse(vel_slice(target, sizeof target), &path),
               VEL_ERR_LIMIT);
    char small[8];
    ASSERT_ERR("no room", vel_web_path_write(&path, true, small, sizeof small), VEL_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_become_names),
        cmocka_unit_test(raw_nul_is_refused),
        cmocka_unit_test(long_paths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
