/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"
#include "velocity/config.h"

struct settings {
    bool quiet, loud;
    const char *output;
    struct vel_texts headers;
    int64_t count;
    int64_t patience;
    struct vel_profile_list profiles;
    enum vel_profile profile;
    enum vel_congestion congestion;
    enum vel_scheduler scheduler;
    struct vel_local_list locals;
};

#define FIELD(name) offsetof(struct settings, name)
static const struct vel_option table[] = {
    {"quiet", 'q', vel_parse_flag, FIELD(quiet), NULL, NULL, 0, 0, "say nothing"},
    {"loud", 'l', vel_parse_flag, FIELD(loud), NULL, NULL, 0, 0, "say everything"},
    {"output", 'o', vel_parse_text, FIELD(output), "FILE", NULL, 1, 8, "where to"},
    {"header", 'H', vel_parse_texts, FIELD(headers), "LINE", NULL, 0, 0, "more"},
    {"count", 'n', vel_parse_number, FIELD(count), "NUMBER", "3", 1, 9, "how many"},
    {"patience", 0, vel_parse_span, FIELD(patience), "TIME", "10s", 0, 60 * SECOND, "wait"},
    {"profiles", 0, vel_parse_profiles, FIELD(profiles), "LIST", NULL, 0, 0, "which"},
    {"profile", 0, vel_parse_profile, FIELD(profile), "PROFILE", NULL, 0, 0, "which one"},
    {"congestion", 0, vel_parse_congestion, FIELD(congestion), "NAME", NULL, 0, 0, "how"},
    {"scheduler", 0, vel_parse_scheduler, FIELD(scheduler), "NAME", NULL, 0, 0, "by which"},
    {"local", 0, vel_parse_locals, FIELD(locals), "ADDRESS", NULL, 0, 0, "from where"},
};

static struct vel_parsed parsed;

/* Parse words separated by spaces, in a copy that lives until the next call. */
static enum vel_err parse(const char *line, struct settings *settings, char ***words)
{
    static char copy[256];
    static char *argv[32];
    int argc = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *at = copy; *at != '\0' && argc < 32; argc++) {
        argv[argc] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    *words = argv;
    memset(settings, 0, sizeof *settings);
    return vel_options_parse(table, VEL_COUNT(table), argc, argv, settings, &parsed);
}

static void reads_every_spelling(void **state)
{
    (void)state;
    const char *const lines[] = {
        "-ql -o file -n 5 --header a --header=b url",
        "url --quiet --loud --output=file --count=5 -Ha -Hb",
        "-lqofile -n5 url -H a -H b",
        "--output file --quiet -l --count 5 --header a --header b -- url",
    };
    for (size_t i = 0; i < VEL_COUNT(lines); i++) {
        struct settings settings;
        char **words;
        ASSERT_ERR(lines[i], parse(lines[i], &settings, &words), VEL_OK);
        CHECK(lines[i], settings.quiet && settings.loud);
        CHECK(lines[i], strcmp(settings.output, "file") == 0 && settings.count == 5);
        CHECK(lines[i], settings.headers.count == 2);
        CHECK(lines[i], strcmp(settings.headers.items[1], "b") == 0);
        CHECK(lines[i], parsed.argument_count == 1 && strcmp(words[0], "url") == 0);
        CHECK(lines[i], settings.patience == 10 * SECOND);
        const bool given[] = {true, true, true, true, true}; /* and not those that have a default */
        CHECK(lines[i], memcmp(parsed.given, given, sizeof given) == 0);
        CHECK(lines[i], !parsed.given[VEL_COUNT(given)]);
    }
}

static void tells_what_is_wrong(void **state)
{
    (void)state;
    const struct {
        const char *line, *problem;
    } rows[] = {
        {"--nothing", "unknown option --nothing"},
        {"--nothing=1", "unknown option --nothing"},
        {"-x", "unknown option -x"},
        {"-qx", "unknown option -x"},
        {"--output", "option --output needs a value: FILE"},
        {"-o", "option --output needs a value: FILE"},
        {"--quiet=yes", "option --quiet takes no value"},
        {"--count ten", "option --count: 'ten' is not a valid NUMBER"},
        {"--count 0", "option --count: '0' is not a valid NUMBER"},
        {"--count 10", "option --count: '10' is not a valid NUMBER"},
        {"--count 99999999999999999999",
         "option --count: '99999999999999999999' is not a valid NUMBER"},
        {"--output 123456789", "option --output: '123456789' is not a valid FILE"},
        {"--patience 2h", "option --patience: '2h' is not a valid TIME"},
        {"--profile strong", "option --profile: 'strong' is not a valid PROFILE"},
        {"--congestion vegas", "option --congestion: 'vegas' is not a valid NAME"},
        {"--scheduler fastest", "option --scheduler: 'fastest' is not a valid NAME"},
        {"--local here", "option --local: 'here' is not a valid ADDRESS"},
        {"--local 192.0.2.1:80", "option --local: '192.0.2.1:80' is not a valid ADDRESS"},
        {"--profiles balanced,balanced",
         "option --profiles: 'balanced,balanced' is not a valid LIST"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct settings settings;
        char **words;
        ASSERT_ERR(rows[i].line, parse(rows[i].line, &settings, &words), VEL_ERR_ARGUMENT);
        if (strcmp(parsed.problem, rows[i].problem) != 0)
            fail_msg("%s: '%s'", rows[i].line, parsed.problem);
    }
}

static void reads_congestion_controls(void **state)
{
    (void)state;
    for (enum vel_congestion i = 0; i < VEL_CC_COUNT; i++) {
        char line[64];
        struct settings settings;
        char **words;
        snprintf(line, sizeof line, "--congestion %s", vel_congestion_name(i));
        ASSERT_ERR(line, parse(line, &settings, &words), VEL_OK);
        CHECK(line, settings.congestion == i);
    }
}

static void reads_schedulers(void **state)
{
    (void)state;
    for (enum vel_scheduler i = 0; i <= VEL_SCHEDULE_REDUNDANT; i++) {
        char line[64];
        struct settings settings;
        char **words;
        snprintf(line, sizeof line, "--scheduler %s", vel_scheduler_name(i));
        ASSERT_ERR(line, parse(line, &settings, &words), VEL_OK);
        CHECK(line, settings.scheduler == i);
    }
}

static void reads_addresses_of_ours(void **state)
{
    (void)state;
    const char *four = "--local 192.0.2.1 --local ::1 --local 192.0.2.2 --local 192.0.2.3";
    char line[128];
    struct settings settings;
    char **words;
    ASSERT_ERR(four, parse(four, &settings, &words), VEL_OK);
    assert_int_equal(settings.locals.count, VEL_LOCALS_MAX);
    assert_int_equal(settings.locals.items[1].family, VEL_ADDR_IP6);
    assert_int_equal(settings.locals.items[3].ip[3], 3);
    snprintf(line, sizeof line, "%s --local 192.0.2.4", four);
    assert_int_not_equal(parse(line, &settings, &words), VEL_OK);
}

static void reads_spans(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t want; /* negative: refused */
    } rows[] = {
        {"250ms", 250 * MS},
        {"10s", 10 * SECOND},
        {"1.5", 1500 * MS},
        {"1m", 60 * SECOND},
        {"0", 0},
        {"", -1},
        {"s", -1},
        {"-1s", -1},
        {"1e3", -1},
        {"1.5.5", -1},
        {".5", -1},
        {"10 s", -1},
        {"10x", -1},
        {"0x10", -1},
        {"61s", -1},
        {"99999999999999h", -1},
    };
    const struct vel_option option = {.high = 60 * SECOND};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        int64_t got = -7;
        enum vel_err err = vel_parse_span(&option, rows[i].text, &got);
        CHECK(rows[i].text, err == (rows[i].want < 0 ? VEL_ERR_ARGUMENT : VEL_OK));
        CHECK(rows[i].text, got == (rows[i].want < 0 ? -7 : rows[i].want));
    }
}

static void repeats_are_bounded(void **state)
{
    (void)state;
    static char word[] = "-Hx";
    char *argv[VEL_TEXTS_MAX + 1];
    struct settings settings = {0};
    for (size_t i = 0; i < VEL_COUNT(argv); i++)
        argv[i] = word;
    ASSERT_OK(vel_options_parse(table, VEL_COUNT(table), VEL_TEXTS_MAX, argv, &settings, &parsed));
    settings = (struct settings){0};
    ASSERT_ERR(
        "one more",
        vel_options_parse(table, VEL_COUNT(table), VEL_TEXTS_MAX + 1, argv, &settings, &parsed),
        VEL_ERR_ARGUMENT);
    assert_string_equal(parsed.problem, "option --header was given too often");
}

static void a_dash_is_an_argument(void **state)
{
    (void)state;
    struct settings settings;
    char **words;
    ASSERT_OK(parse("-q - -- -l", &settings, &words));
    assert_int_equal(parsed.argument_count, 2);
    assert_string_equal(words[1], "-l");
    assert_false(settings.loud);
    ASSERT_OK(parse("--help", &settings, &words));
    assert_true(parsed.help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_spelling),      cmocka_unit_test(tells_what_is_wrong),
        cmocka_unit_test(reads_congestion_controls), cmocka_unit_test(reads_schedulers),
        cmocka_unit_test(reads_addresses_of_ours),   cmocka_unit_test(reads_spans),
        cmocka_unit_test(repeats_are_bounded),       cmocka_unit_test(a_dash_is_an_argument),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
