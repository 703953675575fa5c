/* SPDX-License-Identifier: MIT */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "cli/command.h"

/* The subcommands, one file each. */
extern const struct vel_command vel_cmd_bench;
extern const struct vel_command vel_cmd_ca_init;
extern const struct vel_command vel_cmd_ca_issue;
extern const struct vel_command vel_cmd_cert_issue;
extern const struct vel_command vel_cmd_cert_show;
extern const struct vel_command vel_cmd_client_get;
extern const struct vel_command vel_cmd_client_probe;
extern const struct vel_command vel_cmd_completion;
extern const struct vel_command vel_cmd_help;
extern const struct vel_command vel_cmd_serve;
extern const struct vel_command vel_cmd_version;

#endif
