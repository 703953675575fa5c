/* SPDX-License-Identifier: MIT */
#include "cli/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/try.h"

vel_result vel_state_path(const char *folder, const char *name, char path[VEL_PATH_TEXT])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    const char *base = ".velocity", *below = "";
    if (folder != NULL) {
        base = folder;
    } else if (state != NULL && state[0] == '/') {
        base = state;
        below = "/velocity";
    } else if (home != NULL && home[0] == '/') {
        base = home;
        below = "/.local/state/velocity";
    }
    int length = snprintf(path, VEL_PATH_TEXT, "%s%s/%s", base, below, name);
    REQUIRE(length > 0 && length < VEL_PATH_TEXT, VEL_ERR_ARGUMENT);
    return VEL_OK;
}
