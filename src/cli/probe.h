/* SPDX-License-Identifier: MIT */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include <stdio.h>

#include "cli/command.h"
#include "client/probe.h"

/* What `velocity client probe` was asked to do. */
struct vel_probe_settings {
    const char *cacert;
    bool insecure;
    bool json;
    vel_time timeout;
};

/* Probe call->arguments[0]; returns the exit status (client/exit.h). */
int vel_probe_run(const struct vel_call *call, const struct vel_probe_settings *settings);

/* ---- probe_report.c ---- */

/* Everything that was found, as a table for people. */
void vel_probe_print(FILE *to, const char *url, const struct vel_probe *probe);
/* The same as one JSON object. */
void vel_probe_print_json(FILE *to, const char *url, const struct vel_probe *probe);

#endif
