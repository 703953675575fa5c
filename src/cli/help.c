/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <string.h>

#include "base/units.h"

enum { HELP_COLUMN = 30, NARROWEST = 60, WIDEST = 100 };

const struct vel_option *vel_command_option(const struct vel_command *command, size_t index)
{
    if (index < command->option_count)
        return &command->options[index];
    return index == command->option_count ? &vel_help_option : NULL;
}

void vel_help_overview(FILE *to)
{
    fputs("usage: velocity COMMAND [OPTION...] [ARGUMENT...]\n\n", to);
    for (size_t i = 0; i < vel_command_count; i++)
        fprintf(to, "  %-16s %s\n", vel_commands[i]->name, vel_commands[i]->summary);
    fputs("\n'velocity COMMAND --help' tells what a command can do.\n", to);
}

/* Words of `text` in lines of `width` columns, from the second line on indented; the first one
 * starts at column `at`. A newline in the text begins a new line. */
static void wrap(FILE *to, const char *text, unsigned at, unsigned indent, unsigned width)
{
    unsigned column = at;
    while (*text != '\0') {
        unsigned length = (unsigned)strcspn(text, " \n");
        if (column > indent && column + 1 + length > width) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (column > indent)
            column += (unsigned)fprintf(to, " ");
        column += (unsigned)fprintf(to, "%.*s", (int)length, text);
        text += length;
        for (; *text == ' ' || *text == '\n'; text++) {
            if (*text != '\n')
                continue;
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        }
    }
    fputc('\n', to);
}

static void print_option(FILE *to, const struct vel_option *option, unsigned width)
{
    char text[512];
    int used = option->letter != 0 ? fprintf(to, "  -%c, --%s", option->letter, option->name)
                                   : fprintf(to, "      --%s", option->name);
    if (option->metavar != NULL)
        used += fprintf(to, " %s", option->metavar);
    if (used >= HELP_COLUMN)
        used = fprintf(to, "\n") - 1;
    fprintf(to, "%*s", HELP_COLUMN - used, "");
    if (option->fallback != NULL)
        snprintf(text, sizeof text, "%s (default: %s)", option->help, option->fallback);
    else
        snprintf(text, sizeof text, "%s", option->help);
    wrap(to, text, HELP_COLUMN, HELP_COLUMN, width);
}

void vel_help_command(FILE *to, const struct vel_command *command, unsigned width)
{
    width = VEL_MIN(VEL_MAX(width, NARROWEST), WIDEST);
    fprintf(to, "usage: velocity %s [OPTION...]%s%s\n\n", command->name,
            command->arguments[0] != '\0' ? " " : "", command->arguments);
    fprintf(to, "%s.\n", command->summary);
    if (command->description != NULL) {
        fputc('\n', to);
        wrap(to, command->description, 0, 0, width);
    }
    fputs("\nOptions:\n", to);
    const struct vel_option *option;
    for (size_t i = 0; (option = vel_command_option(command, i)) != NULL; i++)
        print_option(to, option, width);
    if (command->exits == NULL)
        return;
    fputs("\nExit status:\n", to);
    for (const struct vel_exit_row *row = command->exits; row->text != NULL; row++)
        fprintf(to, "  %3d  %s\n", row->status, row->text);
}
