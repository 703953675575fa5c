/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/try.h"

const struct vel_option vel_help_option = {
    .name = "help", .letter = 'h', .parse = vel_parse_flag, .help = "print this help and exit"};

/* One run over argv. */
struct scan {
    const struct vel_option *options;
    size_t option_count;
    int argc;
    char **argv;
    int at; /* next word */
    void *settings;
    struct vel_parsed *parsed;
};

__attribute__((format(printf, 2, 3))) static enum vel_err wrong(struct scan *scan,
                                                                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(scan->parsed->problem, sizeof scan->parsed->problem, format, arguments);
    va_end(arguments);
    return VEL_ERR_ARGUMENT;
}

static const struct vel_option *by_name(const struct scan *scan, const char *name, size_t length)
{
    for (size_t i = 0; i < scan->option_count; i++) {
        const struct vel_option *option = &scan->options[i];
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    }
    if (length == strlen(vel_help_option.name) && memcmp(vel_help_option.name, name, length) == 0)
        return &vel_help_option;
    return NULL;
}

static const struct vel_option *by_letter(const struct scan *scan, char letter)
{
    for (size_t i = 0; i < scan->option_count; i++)
        if (scan->options[i].letter == letter)
            return &scan->options[i];
    return letter == vel_help_option.letter ? &vel_help_option : NULL;
}

static bool takes_value(const struct vel_option *option)
{
    return option->parse != vel_parse_flag;
}

static vel_result store(struct scan *scan, const struct vel_option *option, const char *value)
{
    if (option == &vel_help_option) {
        scan->parsed->help = true;
        return VEL_OK;
    }
    enum vel_err err = option->parse(option, value, (char *)scan->settings + option->offset);
    if (err == VEL_ERR_LIMIT)
        return wrong(scan, "option --%s was given too often", option->name);
    if (err != VEL_OK)
        return wrong(scan, "option --%s: '%s' is not a valid %s", option->name, value,
                     option->metavar);
    return VEL_OK;
}

/* On the command line. */
static vel_result give(struct scan *scan, const struct vel_option *option, const char *value)
{
    if (option != &vel_help_option)
        scan->parsed->given[option - scan->options] = true;
    return store(scan, option, value);
}

static vel_result value_from_next(struct scan *scan, const struct vel_option *option)
{
    if (scan->at >= scan->argc)
        return wrong(scan, "option --%s needs a value: %s", option->name, option->metavar);
    return give(scan, option, scan->argv[scan->at++]);
}

/* "--name", "--name VALUE" or "--name=VALUE"; `word` is behind the dashes. */
static vel_result long_option(struct scan *scan, const char *word)
{
    size_t length = strcspn(word, "=");
    const struct vel_option *option = by_name(scan, word, length);
    if (option == NULL)
        return wrong(scan, "unknown option --%.*s", (int)length, word);
    bool has_value = word[length] == '=';
    if (!takes_value(option) && has_value)
        return wrong(scan, "option --%s takes no value", option->name);
    if (takes_value(option) && !has_value)
        return value_from_next(scan, option);
    return give(scan, option, has_value ? word + length + 1 : NULL);
}

/* "-v", "-vk", "-o VALUE" or "-oVALUE"; `word` is behind the dash. */
static vel_result short_options(struct scan *scan, const char *word)
{
    for (; *word != '\0'; word++) {
        const struct vel_option *option = by_letter(scan, *word);
        if (option == NULL)
            return wrong(scan, "unknown option -%c", *word);
        if (takes_value(option))
            return word[1] != '\0' ? give(scan, option, word + 1) : value_from_next(scan, option);
        TRY(give(scan, option, NULL));
    }
    return VEL_OK;
}

static vel_result fill_defaults(struct scan *scan)
{
    for (size_t i = 0; i < scan->option_count; i++)
        if (scan->options[i].fallback != NULL)
            TRY(store(scan, &scan->options[i], scan->options[i].fallback));
    return VEL_OK;
}

vel_result vel_options_parse(const struct vel_option *options, size_t option_count, int argc,
                             char **argv, void *settings, struct vel_parsed *parsed)
{
    struct scan scan = {.options = options,
                        .option_count = option_count,
                        .argc = argc,
                        .argv = argv,
                        .settings = settings,
                        .parsed = parsed};
    VEL_ASSERT(option_count <= VEL_OPTIONS_MAX);
    *parsed = (struct vel_parsed){0};
    TRY(fill_defaults(&scan));

    bool only_arguments = false;
    while (scan.at < argc) {
        char *word = argv[scan.at++];
        if (only_arguments || word[0] != '-' || word[1] == '\0')
            argv[parsed->argument_count++] = word;
        else if (strcmp(word, "--") == 0)
            only_arguments = true;
        else if (word[1] == '-')
            TRY(long_option(&scan, word + 2));
        else
            TRY(short_options(&scan, word + 1));
    }
    return VEL_OK;
}
