/* SPDX-License-Identifier: MIT */
#ifndef CLI_WARN_H
#define CLI_WARN_H

#include "velocity/log.h"

/* A log sink for commands: prints the few events that a person should act on, as one sentence on
 * stderr, and drops the others. */
struct vel_log vel_warn_log(void);

#endif
