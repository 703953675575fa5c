/* SPDX-License-Identifier: MIT */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "velocity/env.h"

/*
 * A progress bar on stderr for transfers that last: it appears after a second, is drawn again ten
 * times a second at most, and leaves its last state behind.
 */
struct vel_progress {
    bool enabled;
    vel_time started;
    vel_time drawn; /* 0: never */
    uint64_t received;
    uint64_t expected; /* sum of the sizes that are known */
    size_t files, files_known, files_done;
};

enum { VEL_PROGRESS_LINE = 256 };

/* `always`: from the start, and also when stderr is no terminal. */
void vel_progress_start(struct vel_progress *progress, bool always, vel_time now);
void vel_progress_update(struct vel_progress *progress, vel_time now);
/* Draw the last state, if anything was drawn. */
void vel_progress_finish(struct vel_progress *progress, vel_time now);

/* The line itself, at most `width` columns; returns `line`, of VEL_PROGRESS_LINE bytes. */
const char *vel_progress_text(const struct vel_progress *progress, vel_time now, unsigned width,
                              char *line);

#endif
