/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "cli/cmd.h"

const struct vel_command *const vel_commands[] = {
    &vel_cmd_serve,     &vel_cmd_client_get, &vel_cmd_client_probe, &vel_cmd_cert_issue,
    &vel_cmd_cert_show, &vel_cmd_ca_init,    &vel_cmd_ca_issue,     &vel_cmd_bench,
    &vel_cmd_help,      &vel_cmd_completion, &vel_cmd_version,
};
const size_t vel_command_count = VEL_COUNT(vel_commands);
