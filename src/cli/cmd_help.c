/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "sys/terminal.h"

struct help_settings {
    bool man;
};

static const struct vel_option help_options[] = {
    {"man", 0, vel_parse_flag, offsetof(struct help_settings, man), NULL, NULL, 0, 0,
     "print a man page instead, in man(7) macros"},
};

/* The command whose words are the arguments, given as one or as several. */
static const struct vel_command *named(const struct vel_call *call)
{
    char name[64] = "";
    size_t used = 0;
    for (size_t i = 0; i < call->argument_count && used < sizeof name; i++)
        used += (size_t)snprintf(name + used, sizeof name - used, "%s%s", i > 0 ? " " : "",
                                 call->arguments[i]);
    for (size_t i = 0; i < vel_command_count; i++)
        if (strcmp(vel_commands[i]->name, name) == 0)
            return vel_commands[i];
    return NULL;
}

static int run_help(const struct vel_call *call)
{
    const struct help_settings *settings = call->settings;
    const struct vel_command *command = named(call);
    if (command == NULL && call->argument_count > 0) {
        vel_fail(call, "there is no command '%s'", call->arguments[0]);
        return VEL_STATUS_USAGE;
    }
    if (settings->man)
        vel_help_man(stdout, command);
    else if (command == NULL)
        vel_help_overview(stdout);
    else
        vel_help_command(stdout, command, vel_terminal_width(STDOUT_FILENO));
    return VEL_STATUS_OK;
}

const struct vel_command vel_cmd_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "Print the list of commands, or the options of one",
    .options = help_options,
    .option_count = VEL_COUNT(help_options),
    .settings_size = sizeof(struct help_settings),
    .max_arguments = 2,
    .run = run_help,
};

static int run_completion(const struct vel_call *call)
{
    if (strcmp(call->arguments[0], "bash") != 0) {
        vel_fail(call, "only bash is known, not '%s'", call->arguments[0]);
        return VEL_STATUS_USAGE;
    }
    vel_help_bash(stdout);
    return VEL_STATUS_OK;
}

const struct vel_command vel_cmd_completion = {
    .name = "completion",
    .arguments = "bash",
    .summary = "Print a completion script for a shell",
    .description = "Load it into the running shell with: source <(velocity completion bash)",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_completion,
};
