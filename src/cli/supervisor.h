/* SPDX-License-Identifier: MIT */
#ifndef CLI_SUPERVISOR_H
#define CLI_SUPERVISOR_H

#include "cli/command.h"
#include "cli/serve_counts.h"

/*
 * The parent of worker processes: it starts them, ends them, and starts another in the place of one
 * that dies, without touching the rest. It has no event loop and no traffic. Each worker is a fork
 * of it, so whatever was made before (keys, certificates, sockets) is there in each of them and
 * again after a restart.
 *
 *     parent    SIGINT, SIGTERM: every worker gets SIGTERM, which lets it finish what runs; the second
 *               time SIGINT, which ends it at once; then SIGKILL
 *     a worker  tells that it is ready, that it has nothing left to finish, and what it did; dies with
 *               its parent. A second SIGTERM means nothing to it, nor does a SIGINT before the first:
 *               a terminal or a service manager sends them to all processes of a group.
 *
 * Workers that have finished stay until all have: so the port is answered for to the end.
 */
struct vel_supervisor {
    const struct vel_call *call;
    unsigned count; /* of workers, VEL_WORKERS_MAX at most */
    /* A worker's life, in its own process. Returns its exit status. */
    int (*work)(void *self, unsigned worker, int reports);
    /* In the parent, once: all are ready; they are ending. */
    void (*ready)(void *self);
    void (*finishing)(void *self);
    void *self;
};

/* Until all workers have ended. Returns the exit status of the process it returns in: it does so in
 * the parent, and in every worker when `work` has. Prints counts of each worker and of all. */
int vel_supervise(const struct vel_supervisor *supervisor);

/* From a worker to its parent, with the `reports` it was given; negative: there is no parent. */
void vel_report_ready(int reports);
void vel_report_idle(int reports);
void vel_report_counts(int reports, const struct vel_serve_counts *counts);

/* How many processors this process may use. */
unsigned vel_processors(void);

#endif
