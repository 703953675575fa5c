/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "cli/cmd.h"

const struct vel_command *const vel_commands[] = {
    &vel_cmd_help,
    &vel_cmd_completion,
    &vel_cmd_version,
};
const size_t vel_command_count = VEL_COUNT(vel_commands);
