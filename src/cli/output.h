/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "base/buf.h"
#include "velocity/loop.h"

/*
 * Where a body goes: a file, or the standard output. A pipe or a terminal whose reader is slow must
 * not stop the loop, which answers the peer meanwhile: what it does not take at once is kept and
 * written when it can be. Its flags are shared with other processes and stay as they are: we write
 * through a description of our own (/proc/self/fd). Where there is none, for a socket or a pipe of
 * another user, writing waits. A named pipe that nobody reads yet counts as full until somebody does.
 *
 * Start with {0}. vel_output_open; vel_output_write, which takes all; while vel_output_is_full, the
 * source should rest until `drained` is called; vel_output_close.
 */
struct vel_output_setup {
    const struct vel_env *env;
    struct vel_loop *loop;
    void (*drained)(void *self); /* nothing is kept any more, or writing failed: see write, close */
    void *self;
};

struct vel_output {
    struct vel_output_setup setup;
    bool open;
    FILE *file;              /* NULL: a named pipe */
    const char *fifo;        /* its path, while nobody reads it */
    struct vel_timer *timer; /* looks again */
    struct vel_watch *watch; /* NULL: written through `file` */
    int fd;                  /* of the watch */
    struct vel_buf kept;
    int error; /* errno of what failed between two calls */
};

/* `path` NULL: the standard output; it outlives the output. VEL_ERR_IO: see errno; VEL_ERR_NOMEM. It is
 * not open then. */
vel_result vel_output_open(struct vel_output *output, const char *path,
                           const struct vel_output_setup *setup);

static inline bool vel_output_is_open(const struct vel_output *output)
{
    return output->open;
}

/* Write or keep all of it. VEL_ERR_IO: see errno; VEL_ERR_NOMEM */
vel_result vel_output_write(struct vel_output *output, struct vel_slice bytes);

static inline bool vel_output_is_full(const struct vel_output *output)
{
    return output->kept.len > 0 || output->fifo != NULL;
}

/* What is still kept is dropped. VEL_ERR_IO: not everything was written, see errno. One that is not
 * open: VEL_OK. */
vel_result vel_output_close(struct vel_output *output);

#endif
