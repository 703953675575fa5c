/* SPDX-License-Identifier: MIT */
#include "web/types.h"

#include "testing/test.h"

static void names_have_types(void **state)
{
    (void)state;
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"index.html", "text/html; charset=utf-8"},
        {"a/b.HTM", "text/html; charset=utf-8"},
        {"app.min.js", "text/javascript; charset=utf-8"},
        {"a.css", "text/css; charset=utf-8"},
        {"a.json", "application/json"},
        {"pic.PNG", "image/png"},
        {"font.woff2", "font/woff2"},
        {"a.wasm", "application/wasm"},
        {"README", "application/octet-stream"},
        {"html", "application/octet-stream"},
        {"a.html/README", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"a.htmlx", "application/octet-stream"},
        {".html", "text/html; charset=utf-8"},
        {"", "application/octet-stream"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(vel_web_type(rows[i].name), rows[i].type) != 0)
            fail_msg("%s: %s", rows[i].name, vel_web_type(rows[i].name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
