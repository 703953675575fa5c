/* SPDX-License-Identifier: MIT */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/options.h"
#include "velocity/env.h"

/*
 * A subcommand: one constant of this type in its own file, one row in cli/commands.c. The frame
 * parses the command line by the option table, so `run` starts with everything checked; help, man
 * page and completion come from the same table.
 */
struct vel_call;

struct vel_exit_row {
    int status;
    const char *text;
};

struct vel_command {
    const char *name;      /* as typed: "client get" */
    const char *arguments; /* for the usage line: "URL..."; "" for none */
    const char *summary;   /* one line, no full stop */
    const char
        *description; /* paragraphs, separated by empty lines; NULL: the summary says it all */
    const struct vel_option *options;
    size_t option_count;
    size_t settings_size;   /* of the struct that the options fill in */
    unsigned min_arguments; /* beside options */
    unsigned max_arguments;
    const struct vel_exit_row *exits; /* ended by a NULL text; NULL: 0, 1 and 2 as everywhere */
    int (*run)(const struct vel_call *call); /* returns the exit status */
};

/* One use of a command; everything lives until `run` returns. */
struct vel_call {
    const struct vel_env *env;
    const struct vel_command *command;
    const void *settings; /* of settings_size bytes, defaults filled in */
    const bool *given;    /* which of the command's options were, in the order of their table */
    const char *const *arguments;
    size_t argument_count;
};

/* Exit statuses that every command has; commands may add their own. */
enum { VEL_STATUS_OK = 0, VEL_STATUS_FAILED = 1, VEL_STATUS_USAGE = 2 };

/* All commands, in the order of the help text. */
extern const struct vel_command *const vel_commands[];
extern const size_t vel_command_count;

/* Print "velocity COMMAND: message" to stderr; returns VEL_STATUS_FAILED. */
int vel_fail(const struct vel_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
