/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <string.h>

#include "testing/test.h"

enum { TEXT_MAX = 64 * 1024 };
static char text[TEXT_MAX];

/* What `print` writes, as text. */
#define PRINTED(print)                                                                             \
    do {                                                                                           \
        FILE *to = fmemopen(text, sizeof text, "w");                                               \
        assert_non_null(to);                                                                       \
        print;                                                                                     \
        assert_int_equal(fclose(to), 0);                                                           \
    } while (0)

static void every_command_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < vel_command_count; i++) {
        const struct vel_command *command = vel_commands[i];
        CHECK(command->name, command->summary[strlen(command->summary) - 1] != '.');
        CHECK(command->name, command->run != NULL && command->arguments != NULL);
        CHECK(command->name, command->min_arguments <= command->max_arguments);
        for (size_t j = 0; j < command->option_count; j++) {
            const struct vel_option *option = &command->options[j];
            CHECK(option->name, option->parse != NULL && option->help != NULL);
            CHECK(option->name, (option->parse == vel_parse_flag) == (option->metavar == NULL));
            CHECK(option->name, option->offset < command->settings_size);
            for (size_t k = 0; k < j; k++)
                CHECK(option->name,
                      strcmp(option->name, command->options[k].name) != 0 &&
                          (option->letter == 0 || option->letter != command->options[k].letter));
        }
    }
}

/* Defaults stand in the table as a user would write them: the parser must take them. */
static void every_default_parses(void **state)
{
    (void)state;
    static char settings[4096];
    for (size_t i = 0; i < vel_command_count; i++) {
        const struct vel_command *command = vel_commands[i];
        struct vel_parsed parsed;
        assert_true(command->settings_size <= sizeof settings);
        memset(settings, 0, sizeof settings);
        ASSERT_ERR(
            command->name,
            vel_options_parse(command->options, command->option_count, 0, NULL, settings, &parsed),
            VEL_OK);
    }
}

static void help_names_everything(void **state)
{
    (void)state;
    PRINTED(vel_help_overview(to));
    for (size_t i = 0; i < vel_command_count; i++)
        CHECK(vel_commands[i]->name, strstr(text, vel_commands[i]->name) != NULL);

    for (size_t i = 0; i < vel_command_count; i++) {
        const struct vel_command *command = vel_commands[i];
        PRINTED(vel_help_command(to, command, 80));
        CHECK(command->name, strstr(text, command->name) != NULL);
        for (size_t j = 0; j < command->option_count; j++)
            CHECK(command->options[j].name, strstr(text, command->options[j].name) != NULL);
        for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
            line += *line == '\n';
            CHECK(command->name, strcspn(line, "\n") <= 80);
        }
    }
}

static void man_pages_have_their_sections(void **state)
{
    (void)state;
    static const char *const sections[] = {".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS",
                                           ".SH EXIT STATUS"};
    for (size_t i = 0; i < vel_command_count; i++) {
        PRINTED(vel_help_man(to, vel_commands[i]));
        for (size_t j = 0; j < sizeof sections / sizeof sections[0]; j++)
            CHECK(vel_commands[i]->name, strstr(text, sections[j]) != NULL);
    }
    PRINTED(vel_help_man(to, NULL));
    assert_non_null(strstr(text, ".SH COMMANDS"));
}

static void completion_names_every_option(void **state)
{
    (void)state;
    PRINTED(vel_help_bash(to));
    for (size_t i = 0; i < vel_command_count; i++)
        for (size_t j = 0; j < vel_commands[i]->option_count; j++)
            CHECK(vel_commands[i]->options[j].name,
                  strstr(text, vel_commands[i]->options[j].name) != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_complete),
        cmocka_unit_test(every_default_parses),
        cmocka_unit_test(help_names_everything),
        cmocka_unit_test(man_pages_have_their_sections),
        cmocka_unit_test(completion_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
