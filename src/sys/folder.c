/* SPDX-License-Identifier: MIT */
#include "sys/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/try.h"
#include "sys/fd.h"

enum { OWNER_ONLY = 0600, OTHERS_WRITE = 022 };

vel_result vel_folder_open(const char *path, int *folder)
{
    OWNED(vel_fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat found;
    REQUIRE(fd >= 0, errno == ENOENT ? VEL_ERR_NOT_FOUND : VEL_ERR_IO);
    REQUIRE(fstat(fd, &found) == 0, VEL_ERR_IO);
    REQUIRE((found.st_uid == geteuid() || found.st_uid == 0) && (found.st_mode & OTHERS_WRITE) == 0,
            VEL_ERR_AUTH);
    *folder = vel_fd_give(&fd);
    return VEL_OK;
}

vel_result vel_folder_create(int folder, const char *name, int *file)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    OWNED(vel_fd_close) int fd = openat(folder, name, flags, OWNER_ONLY);
    REQUIRE(fd >= 0, errno == EEXIST ? VEL_ERR_EXISTS : VEL_ERR_IO);
    REQUIRE(fchmod(fd, OWNER_ONLY) == 0, VEL_ERR_IO);
    *file = vel_fd_give(&fd);
    return VEL_OK;
}

static bool ends_like(const char *name, const char *ending)
{
    size_t length = strlen(name), end = strlen(ending);
    return length >= end && strcmp(name + length - end, ending) == 0;
}

/* closedir closes the descriptor that fdopendir took. */
static void close_listing(DIR **listing)
{
    if (*listing != NULL)
        closedir(*listing);
}

vel_result vel_folder_count(int folder, const char *ending, size_t most, size_t *count)
{
    OWNED(vel_fd_close) int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(fd >= 0, VEL_ERR_IO);
    OWNED(close_listing) DIR *listing = fdopendir(fd);
    REQUIRE(listing != NULL, VEL_ERR_IO);
    (void)vel_fd_give(&fd);
    size_t seen = 0, found = 0;
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL && seen < most; seen++)
        found += ends_like(entry->d_name, ending);
    REQUIRE(errno == 0, VEL_ERR_IO);
    *count = seen < most ? found : most;
    return VEL_OK;
}
