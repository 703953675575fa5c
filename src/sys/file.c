/* SPDX-License-Identifier: MIT */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "sys/fd.h"

enum { CHUNK = 16 * 1024 };

static enum vel_err err_of(int number)
{
    if (number == ENOENT || number == ENOTDIR)
        return VEL_ERR_NOT_FOUND;
    return number == EEXIST ? VEL_ERR_EXISTS : VEL_ERR_IO;
}

static vel_result read_to_end(int fd, struct vel_buf *buf)
{
    for (;;) {
        uint8_t chunk[CHUNK];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        REQUIRE(got >= 0, VEL_ERR_IO);
        enum vel_err err = vel_buf_append(buf, vel_slice(chunk, (size_t)got));
        vel_wipe(chunk, sizeof chunk); /* it may be a private key */
        if (err != VEL_OK || got == 0)
            return err;
    }
}

vel_result vel_file_load(const char *path, struct vel_buf *buf)
{
    OWNED(vel_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0, err_of(errno));

    size_t before = buf->len;
    enum vel_err err = read_to_end(fd, buf);
    if (err != VEL_OK && buf->len > before) {
        vel_wipe(buf->ptr + before, buf->len - before);
        buf->len = before;
    }
    return err;
}

static vel_result fill(int fd, struct vel_slice bytes, unsigned mode)
{
    TRY(vel_fd_write(fd, bytes));
    REQUIRE(fchmod(fd, mode) == 0 && fsync(fd) == 0, VEL_ERR_IO);
    return VEL_OK;
}

static vel_result publish(const char *temporary, const char *path, bool replace)
{
    unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    REQUIRE(renameat2(AT_FDCWD, temporary, AT_FDCWD, path, flags) == 0, err_of(errno));
    return VEL_OK;
}

vel_result vel_file_save(const char *path, struct vel_slice bytes, unsigned mode, bool replace)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    REQUIRE(length > 0 && (size_t)length < sizeof temporary, VEL_ERR_ARGUMENT);

    OWNED(vel_fd_close) int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 until complete */
    REQUIRE(fd >= 0, err_of(errno));
    enum vel_err err = fill(fd, bytes, mode);
    if (err == VEL_OK)
        err = publish(temporary, path, replace);
    if (err != VEL_OK) {
        int number = errno;
        unlink(temporary);
        errno = number;
    }
    return err;
}

bool vel_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

vel_result vel_file_lock(const char *path, unsigned mode, int *fd)
{
    OWNED(vel_fd_close) int held = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);
    REQUIRE(held >= 0, err_of(errno));
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    while (fcntl(held, F_OFD_SETLKW, &whole) != 0)
        REQUIRE(errno == EINTR, VEL_ERR_IO);
    *fd = vel_fd_give(&held);
    return VEL_OK;
}

static vel_result make_one(const char *path, unsigned mode)
{
    struct stat found;
    if (mkdir(path, mode) == 0)
        return VEL_OK;
    int number = errno;
    REQUIRE(number == EEXIST && stat(path, &found) == 0, VEL_ERR_IO);
    errno = ENOTDIR;
    return S_ISDIR(found.st_mode) ? VEL_OK : VEL_ERR_IO;
}

vel_result vel_folder_make(const char *path, unsigned mode)
{
    char part[PATH_MAX];
    int length = snprintf(part, sizeof part, "%s", path);
    REQUIRE(length > 0 && (size_t)length < sizeof part, VEL_ERR_ARGUMENT);

    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        TRY(make_one(part, mode));
        *slash = '/';
    }
    return make_one(part, mode);
}
