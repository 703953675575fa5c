/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "cli/help.h"

static const struct vel_exit_row usual_exits[] = {
    {VEL_STATUS_OK, "success"},
    {VEL_STATUS_FAILED, "failure, told on the standard error stream"},
    {VEL_STATUS_USAGE, "unknown option or wrong value"},
    {0, NULL},
};

/* Text as roff reads it: a dash would become a hyphen, a backslash or a leading dot a request. */
static void print_text(FILE *to, const char *text)
{
    bool line_start = true;
    for (; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        if (*text == '-')
            fputs("\\-", to);
        else if (*text == '\\')
            fputs("\\e", to);
        else
            fputc(*text, to);
        line_start = *text == '\n';
    }
}

/* "velocity client get" as a page name: velocity-client-get. */
static void print_page_name(FILE *to, const struct vel_command *command, bool upper)
{
    const char *prefix = upper ? "VELOCITY" : "velocity";
    fputs(prefix, to);
    if (command == NULL)
        return;
    fputs("\\-", to);
    for (const char *c = command->name; *c != '\0'; c++) {
        if (*c == ' ')
            fputs("\\-", to);
        else
            fputc(upper ? toupper((unsigned char)*c) : *c, to);
    }
}

static void print_head(FILE *to, const struct vel_command *command, const char *summary)
{
    fputs(".TH ", to);
    print_page_name(to, command, true);
    fputs(" 1 \"\" \"Velocity\"\n.SH NAME\n", to);
    print_page_name(to, command, false);
    fputs(" \\- ", to);
    print_text(to, summary);
    fputs("\n.SH SYNOPSIS\n", to);
}

/* Paragraphs: an empty line becomes .PP. */
static void print_paragraphs(FILE *to, const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t length = end != NULL ? (size_t)(end - text) : strlen(text);
        for (size_t i = 0; i < length; i++) {
            char one[2] = {text[i], '\0'};
            print_text(to, one);
        }
        text += length;
        if (end != NULL) {
            fputs("\n.PP\n", to);
            text += 2;
        }
    }
    fputc('\n', to);
}

static void print_option(FILE *to, const struct vel_option *option)
{
    fputs(".TP\n", to);
    if (option->letter != 0)
        fprintf(to, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", to);
    print_text(to, option->name);
    fputs("\\fR", to);
    if (option->metavar != NULL)
        fprintf(to, " \\fI%s\\fR", option->metavar);
    fputc('\n', to);
    print_text(to, option->help);
    if (option->fallback != NULL) {
        fputs(" (default: ", to);
        print_text(to, option->fallback);
        fputc(')', to);
    }
    fputc('\n', to);
}

static void print_exits(FILE *to, const struct vel_exit_row *row)
{
    fputs(".SH EXIT STATUS\n", to);
    for (; row->text != NULL; row++) {
        fprintf(to, ".TP\n%d\n", row->status);
        print_text(to, row->text);
        fputc('\n', to);
    }
}

static void print_command(FILE *to, const struct vel_command *command)
{
    print_head(to, command, command->summary);
    fprintf(to, ".B velocity %s\n[\\fIOPTION\\fR...]\n%s\n", command->name, command->arguments);
    if (command->description != NULL) {
        fputs(".SH DESCRIPTION\n", to);
        print_paragraphs(to, command->description);
    }
    fputs(".SH OPTIONS\n", to);
    const struct vel_option *option;
    for (size_t i = 0; (option = vel_command_option(command, i)) != NULL; i++)
        print_option(to, option);
    print_exits(to, command->exits != NULL ? command->exits : usual_exits);
    fputs(".SH SEE ALSO\n.BR velocity (1)\n", to);
}

static void print_program(FILE *to)
{
    print_head(to, NULL, "one post-quantum transport");
    fputs(".B velocity\n\\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n", to);
    fputs(".SH COMMANDS\n", to);
    for (size_t i = 0; i < vel_command_count; i++) {
        fprintf(to, ".TP\n.B %s\n", vel_commands[i]->name);
        print_text(to, vel_commands[i]->summary);
        fputc('\n', to);
    }
    print_exits(to, usual_exits);
}

void vel_help_man(FILE *to, const struct vel_command *command)
{
    if (command == NULL)
        print_program(to);
    else
        print_command(to, command);
}
