/* SPDX-License-Identifier: MIT */
#include "web/validators.h"

#include "testing/test.h"

#define THEN "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static struct vel_validators file(void)
{
    return vel_validators_of(1, 2, INT64_C(784111777) * 1000000000 + 123);
}

static void tags_tell_files_apart(void **state)
{
    (void)state;
    struct vel_validators a = file();
    assert_int_equal(a.modified, 784111777);
    assert_int_equal(a.etag[0], '"');
    assert_string_not_equal(a.etag, vel_validators_of(2, 2, 123).etag);
    assert_string_not_equal(vel_validators_of(1, 3, 123).etag, vel_validators_of(1, 2, 123).etag);
    assert_string_not_equal(vel_validators_of(1, 2, 124).etag, vel_validators_of(1, 2, 123).etag);
    assert_int_equal(vel_validators_of(1, 1, -1).modified, -1);
}

static const struct {
    const char *what;
    const char *name, *value; /* TAG stands for the file's */
    const char *name_2, *value_2;
    unsigned status;
} rows[] = {
    {"nothing", NULL, NULL, NULL, NULL, 200},
    {"same tag", "if-none-match", "TAG", NULL, NULL, 304},
    {"same tag, weak", "if-none-match", "W/TAG", NULL, NULL, 304},
    {"in a list", "if-none-match", "\"x\", W/\"y\" ,TAG", NULL, NULL, 304},
    {"any", "if-none-match", "*", NULL, NULL, 304},
    {"other tag", "if-none-match", "\"x\"", NULL, NULL, 200},
    {"broken tag", "if-none-match", "x", NULL, NULL, 200},
    {"unclosed tag", "if-none-match", "\"x", NULL, NULL, 200},
    {"empty", "if-none-match", "", NULL, NULL, 200},
    {"not modified", "if-modified-since", THEN, NULL, NULL, 304},
    {"later", "if-modified-since", AFTER, NULL, NULL, 304},
    {"modified", "if-modified-since", BEFORE, NULL, NULL, 200},
    {"no date", "if-modified-since", "yesterday", NULL, NULL, 200},
    {"tag wins over date", "if-none-match", "\"x\"", "if-modified-since", AFTER, 200},
    {"match", "if-match", "TAG", NULL, NULL, 200},
    {"match any", "if-match", "*", NULL, NULL, 200},
    {"match is strong", "if-match", "W/TAG", NULL, NULL, 412},
    {"match other", "if-match", "\"x\"", NULL, NULL, 412},
    {"unmodified", "if-unmodified-since", THEN, NULL, NULL, 200},
    {"modified since", "if-unmodified-since", BEFORE, NULL, NULL, 412},
    {"match before unmodified", "if-match", "TAG", "if-unmodified-since", BEFORE, 200},
    {"match, then none-match", "if-match", "TAG", "if-none-match", "TAG", 304},
};

/* Put the file's own tag where a row says TAG. */
static struct vel_slice expand(const char *value, const char *etag, char *out, size_t size)
{
    const char *mark = strstr(value, "TAG");
    if (mark == NULL)
        snprintf(out, size, "%s", value);
    else
        snprintf(out, size, "%.*s%s%s", (int)(mark - value), value, etag, mark + 3);
    return vel_slice_text(out);
}

static void conditions_decide(void **state)
{
    (void)state;
    struct vel_validators have = file();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char a[128], b[128];
        struct vel_field fields[2];
        size_t count = 0;
        if (rows[i].name != NULL)
            fields[count++] = (struct vel_field){vel_slice_text(rows[i].name),
                                                 expand(rows[i].value, have.etag, a, sizeof a)};
        if (rows[i].name_2 != NULL)
            fields[count++] = (struct vel_field){vel_slice_text(rows[i].name_2),
                                                 expand(rows[i].value_2, have.etag, b, sizeof b)};
        unsigned status =
            vel_conditions((struct vel_fields){.items = fields, .count = count}, &have, true);
        if (status != rows[i].status)
            fail_msg("%s: %u", rows[i].what, status);
    }
}

static void if_range_is_strong(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool applies;
    } cases[] = {{"TAG", true},   {"W/TAG", false}, {"\"x\"", false}, {THEN, true},
                 {BEFORE, false}, {AFTER, false},   {"", false},      {"*", false}};
    struct vel_validators have = file();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        struct vel_field field = {vel_slice_text("if-range"),
                                  expand(cases[i].value, have.etag, text, sizeof text)};
        struct vel_fields fields = {.items = &field, .count = 1};
        CHECK(cases[i].value, vel_range_applies(fields, &have) == cases[i].applies);
    }
    assert_true(vel_range_applies((struct vel_fields){0}, &have));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_tell_files_apart),
        cmocka_unit_test(conditions_decide),
        cmocka_unit_test(if_range_is_strong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
