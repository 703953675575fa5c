/* SPDX-License-Identifier: MIT */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/*
 * What the command table looks like to people and programs: texts for a terminal, man pages,
 * completion. All of it is generated, so none of it can be out of date.
 */

/* The list of commands. */
void vel_help_overview(FILE *to);

/* Usage line and options of one command, `width` columns wide. */
void vel_help_command(FILE *to, const struct vel_command *command, unsigned width);

/* A man page in man(7) macros: of one command, or of the program (NULL). */
void vel_help_man(FILE *to, const struct vel_command *command);

/* A completion script for bash. */
void vel_help_bash(FILE *to);

/* Visit every option of a command, --help last. */
const struct vel_option *vel_command_option(const struct vel_command *command, size_t index);

#endif
