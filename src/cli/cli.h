/* SPDX-License-Identifier: MIT */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "velocity/env.h"

/* The program: argv as main() gets it; returns the exit status. */
int vel_cli_run(const struct vel_env *env, int argc, char **argv);

#endif
