/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "cli/cli.h"
#include "velocity/system.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, with a message */
    struct vel_env env = vel_env_system();
    return vel_cli_run(&env, argc, argv);
}
