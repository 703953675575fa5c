/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/help.h"
#include "sys/terminal.h"

int vel_fail(const struct vel_call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "velocity %s: ", call->command->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return VEL_STATUS_FAILED;
}

/* Whether the words of `name` begin argv; *used tells how many there are. */
static bool name_matches(const char *name, int argc, char **argv, int *used)
{
    for (*used = 0; *name != '\0'; (*used)++) {
        size_t length = strcspn(name, " ");
        if (*used >= argc || strlen(argv[*used]) != length ||
            memcmp(argv[*used], name, length) != 0)
            return false;
        name += length;
        name += *name == ' ';
    }
    return true;
}

/* The command that argv begins with; NULL when there is none. */
static const struct vel_command *find(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < vel_command_count; i++)
        if (name_matches(vel_commands[i]->name, argc, argv, used))
            return vel_commands[i];
    return NULL;
}

static int unknown(const char *word)
{
    fprintf(stderr,
            "velocity: there is no command '%s'\n"
            "Try 'velocity help'.\n",
            word);
    return VEL_STATUS_USAGE;
}

static int wrong_usage(const struct vel_command *command, const char *problem)
{
    fprintf(stderr, "velocity %s: %s\nTry 'velocity %s --help'.\n", command->name, problem,
            command->name);
    return VEL_STATUS_USAGE;
}

/* A first word like "client" that only groups commands: tell which ones there are. */
static int incomplete(const char *word)
{
    size_t length = strlen(word);
    bool any = false;
    for (size_t i = 0; i < vel_command_count; i++) {
        const char *name = vel_commands[i]->name;
        if (strncmp(name, word, length) != 0 || name[length] != ' ')
            continue;
        if (!any)
            fprintf(stderr, "velocity %s: which one?\n\n", word);
        fprintf(stderr, "  %-16s %s\n", name, vel_commands[i]->summary);
        any = true;
    }
    return any ? VEL_STATUS_USAGE : unknown(word);
}

static int check_count(const struct vel_command *command, size_t count)
{
    if (count < command->min_arguments)
        return wrong_usage(command, "something is missing");
    if (count > command->max_arguments)
        return wrong_usage(command, "too many arguments");
    return VEL_STATUS_OK;
}

static int run_with(const struct vel_env *env, const struct vel_command *command, int argc,
                    char **argv, void *settings)
{
    struct vel_parsed parsed;
    enum vel_err err =
        vel_options_parse(command->options, command->option_count, argc, argv, settings, &parsed);
    if (err != VEL_OK)
        return wrong_usage(command, parsed.problem);
    if (parsed.help) {
        vel_help_command(stdout, command, vel_terminal_width(STDOUT_FILENO));
        return VEL_STATUS_OK;
    }
    int status = check_count(command, parsed.argument_count);
    if (status != VEL_STATUS_OK)
        return status;
    const struct vel_call call = {.env = env,
                                  .command = command,
                                  .settings = settings,
                                  .given = parsed.given,
                                  .arguments = (const char *const *)argv,
                                  .argument_count = parsed.argument_count};
    return command->run(&call);
}

static int run_command(const struct vel_env *env, const struct vel_command *command, int argc,
                       char **argv)
{
    size_t size = command->settings_size > 0 ? command->settings_size : 1;
    void *settings = vel_alloc(env, size);
    if (settings == NULL)
        return wrong_usage(command, vel_err_text(VEL_ERR_NOMEM));
    int status = run_with(env, command, argc, argv, settings);
    vel_release(env, settings, size);
    return status;
}

/* The spellings that every program understands, as our commands. */
static void translate(char **word)
{
    static char help[] = "help", version[] = "version";
    if (strcmp(*word, "--help") == 0 || strcmp(*word, "-h") == 0)
        *word = help;
    else if (strcmp(*word, "--version") == 0 || strcmp(*word, "-V") == 0)
        *word = version;
}

int vel_cli_run(const struct vel_env *env, int argc, char **argv)
{
    if (argc < 2) {
        vel_help_overview(stderr);
        return VEL_STATUS_USAGE;
    }
    translate(&argv[1]);
    int used;
    const struct vel_command *command = find(argc - 1, argv + 1, &used);
    if (command == NULL)
        return incomplete(argv[1]);
    int status = run_command(env, command, argc - 1 - used, argv + 1 + used);
    if (fflush(stdout) != 0 && status == VEL_STATUS_OK) {
        fprintf(stderr, "velocity: the output could not be written\n");
        return VEL_STATUS_FAILED;
    }
    return status;
}
