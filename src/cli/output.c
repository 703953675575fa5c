/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "sys/fd.h"
#include "sys/terminal.h"
#include "velocity/system.h"

/* A session that pauses shows 64 KiB more; one whose connection ended, all that a window held. */
enum { KEPT_MAX = 64 * MIB };

/* How often a named pipe is looked at that nobody reads. */
#define LOOK_AGAIN (50 * MS)

/* A description of our own, non-blocking, of a pipe or a terminal; -1: of other things. */
static int reopen(FILE *file)
{
    char path[sizeof "/proc/self/fd/2147483647"];
    struct stat status;
    int fd = fileno(file);
    if (fstat(fd, &status) != 0 || !(S_ISFIFO(status.st_mode) || vel_is_terminal(fd)))
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Bytes written before it would have had to wait; *error: errno of a failure, else as before. */
static size_t write_now(int fd, struct vel_slice bytes, int *error)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t written = write(fd, bytes.ptr + done, bytes.len - done);
        if (written >= 0) {
            done += (size_t)written;
        } else if (errno != EINTR) {
            if (errno != EAGAIN)
                *error = errno;
            break;
        }
    }
    return done;
}

static void on_writable(void *self, unsigned ready)
{
    struct vel_output *output = self;
    (void)ready;
    size_t done = write_now(output->fd, vel_buf_slice(&output->kept), &output->error);
    vel_buf_consume(&output->kept, output->error != 0 ? output->kept.len : done);
    if (vel_output_is_full(output))
        return;
    vel_watch_set(output->watch, 0);
    output->setup.drained(output->setup.self);
}

/* ---- named pipes ---- */

static bool is_fifo(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* VEL_ERR_AGAIN: nobody reads it yet. */
static vel_result open_fifo(struct vel_output *output)
{
    OWNED(vel_fd_close) int fd = open(output->fifo, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    REQUIRE(fd >= 0, errno == ENXIO ? VEL_ERR_AGAIN : VEL_ERR_IO);
    TRY(vel_watch_new(output->setup.loop, fd, on_writable, output, &output->watch));
    output->fd = vel_fd_give(&fd);
    output->fifo = NULL;
    return VEL_OK;
}

static void look_again(void *self, vel_time now)
{
    struct vel_output *output = self;
    enum vel_err err = open_fifo(output);
    if (err == VEL_ERR_AGAIN) {
        vel_timer_set(output->timer, now + LOOK_AGAIN);
        return;
    }
    if (err != VEL_OK) {
        output->error = errno != 0 ? errno : EIO;
        output->fifo = NULL;
        vel_buf_free(&output->kept);
    }
    if (vel_output_is_full(output))
        vel_watch_set(output->watch, VEL_WATCH_WRITE);
    else
        output->setup.drained(output->setup.self);
}

static vel_result wait_for_reader(struct vel_output *output, const char *path)
{
    output->fifo = path;
    enum vel_err err = open_fifo(output);
    if (err != VEL_ERR_AGAIN)
        return err;
    TRY(vel_timer_new(output->setup.loop, look_again, output, &output->timer));
    vel_timer_set(output->timer, vel_clock_now() + LOOK_AGAIN);
    return VEL_OK;
}

/* ---- opening, writing, closing ---- */

vel_result vel_output_open(struct vel_output *output, const char *path,
                           const struct vel_output_setup *setup)
{
    struct vel_output made = {
        .setup = *setup, .open = true, .kept = {.env = setup->env, .limit = KEPT_MAX}};
    if (path != NULL && is_fifo(path)) {
        *output = made; /* watch and timer point at it */
        enum vel_err err = wait_for_reader(output, path);
        if (err != VEL_OK)
            *output = (struct vel_output){0};
        return err;
    }
    made.file = path != NULL ? fopen(path, "wbe") : stdout;
    REQUIRE(made.file != NULL, VEL_ERR_IO);
    if (path != NULL) /* what comes is whole blocks mostly: a buffer would cut and copy them */
        (void)setvbuf(made.file, NULL, _IONBF, 0);
    *output = made;
    OWNED(vel_fd_close) int fd = reopen(made.file);
    if (fd >= 0 && vel_watch_new(setup->loop, fd, on_writable, output, &output->watch) == VEL_OK)
        output->fd = vel_fd_give(&fd);
    return VEL_OK;
}

vel_result vel_output_write(struct vel_output *output, struct vel_slice bytes)
{
    if (output->watch == NULL && output->file != NULL) {
        REQUIRE(fwrite(bytes.ptr, 1, bytes.len, output->file) == bytes.len, VEL_ERR_IO);
        return VEL_OK;
    }
    size_t done = 0;
    if (!vel_output_is_full(output) && output->error == 0)
        done = write_now(output->fd, bytes, &output->error);
    errno = output->error;
    REQUIRE(output->error == 0, VEL_ERR_IO);
    if (done == bytes.len)
        return VEL_OK;
    TRY(vel_buf_append(&output->kept, vel_slice(bytes.ptr + done, bytes.len - done)));
    if (output->watch != NULL)
        vel_watch_set(output->watch, VEL_WATCH_WRITE);
    return VEL_OK;
}

vel_result vel_output_close(struct vel_output *output)
{
    FILE *file = output->file;
    if (!output->open)
        return VEL_OK;
    vel_timer_free(output->timer);
    if (output->watch != NULL) {
        vel_watch_free(output->watch);
        close(output->fd);
    }
    vel_buf_free(&output->kept);
    int error = output->error;
    *output = (struct vel_output){0};
    if (file != NULL && (file == stdout ? fflush(file) : fclose(file)) != 0)
        return VEL_ERR_IO;
    errno = error;
    return error == 0 ? VEL_OK : VEL_ERR_IO;
}
