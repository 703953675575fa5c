/* SPDX-License-Identifier: MIT */
#include "cli/key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

FILE *vel_key_log_open(void)
{
    const char *path = secure_getenv("SSLKEYLOGFILE");
    if (path == NULL || path[0] == '\0')
        return NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "a");
    if (file == NULL)
        fprintf(stderr, "velocity: SSLKEYLOGFILE %s: %s\n", path, strerror(errno));
    else
        fprintf(stderr,
                "velocity: SSLKEYLOGFILE is set: whoever reads %s can read these connections\n",
                path);
    if (file == NULL && fd >= 0)
        close(fd);
    return file;
}

void vel_key_log_close(FILE *file)
{
    if (file != NULL)
        fclose(file);
}

void vel_key_log_line(void *self, const char *line)
{
    FILE *file = self;
    fprintf(file, "%s\n", line);
    fflush(file);
}
