/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/cmd.h"
#include "velocity/config.h"

static int run_version(const struct vel_call *call)
{
    (void)call;
    printf("velocity %s\nprotocol velocity/1, wire version 0x%08x\n", VELOCITY_VERSION,
           (unsigned)VEL_VERSION_DRAFT);
    return VEL_STATUS_OK;
}

const struct vel_command vel_cmd_version = {
    .name = "version",
    .arguments = "",
    .summary = "Print the version of the program and of the protocol",
    .run = run_version,
};
