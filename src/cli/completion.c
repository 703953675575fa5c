/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/help.h"

/* One case of the script: what may follow the words typed so far. */
static void print_case(FILE *to, const struct vel_command *command)
{
    if (strchr(command->name, ' ') == NULL)
        fprintf(to, "    '%s' | '%s '*)\n        words='", command->name, command->name);
    else
        fprintf(to, "    '%s')\n        words='", command->name);
    const struct vel_option *option;
    for (size_t i = 0; (option = vel_command_option(command, i)) != NULL; i++)
        fprintf(to, "%s--%s", i > 0 ? " " : "", option->name);
    fputs("' ;;\n", to);
}

static bool first_word_seen_before(size_t index)
{
    const char *name = vel_commands[index]->name;
    size_t length = strcspn(name, " ");
    for (size_t i = 0; i < index; i++)
        if (strcspn(vel_commands[i]->name, " ") == length &&
            memcmp(vel_commands[i]->name, name, length) == 0)
            return true;
    return false;
}

static void print_first_words(FILE *to)
{
    for (size_t i = 0; i < vel_command_count; i++)
        if (!first_word_seen_before(i))
            fprintf(to, "%s%.*s", i > 0 ? " " : "", (int)strcspn(vel_commands[i]->name, " "),
                    vel_commands[i]->name);
}

/* Second words of the commands whose first word is that of command `index`. */
static void print_second_words(FILE *to, size_t index)
{
    const char *name = vel_commands[index]->name;
    size_t length = strcspn(name, " ");
    if (name[length] == '\0' || first_word_seen_before(index))
        return;
    fprintf(to, "    '%.*s')\n        words='", (int)length, name);
    for (size_t i = index; i < vel_command_count; i++) {
        const char *other = vel_commands[i]->name;
        if (strncmp(other, name, length + 1) == 0)
            fprintf(to, "%s%s", i > index ? " " : "", other + length + 1);
    }
    fputs("' ;;\n", to);
}

void vel_help_bash(FILE *to)
{
    fputs("# bash completion for velocity\n"
          "_velocity() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} words=''\n"
          "    local count=$((COMP_CWORD > 3 ? 2 : COMP_CWORD - 1))\n"
          "    local typed=\"${COMP_WORDS[*]:1:count}\"\n"
          "    case $typed in\n"
          "    '')\n        words='",
          to);
    print_first_words(to);
    fputs("' ;;\n", to);
    for (size_t i = 0; i < vel_command_count; i++) {
        print_second_words(to, i);
        print_case(to, vel_commands[i]);
    }
    fputs("    esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
          "}\n"
          "complete -o filenames -F _velocity velocity\n",
          to);
}
