/* SPDX-License-Identifier: MIT */
#ifndef CLI_STATE_H
#define CLI_STATE_H

#include "velocity/err.h"

/* Where commands keep what outlives them: `folder`, or if NULL $XDG_STATE_HOME/velocity, or
 * ~/.local/state/velocity, or .velocity. */
enum { VEL_PATH_TEXT = 1024 };

/* The path of a file (or folder) there; nothing is made. VEL_ERR_ARGUMENT: too long */
vel_result vel_state_path(const char *folder, const char *name, char path[VEL_PATH_TEXT]);

#endif
