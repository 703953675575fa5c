/* SPDX-License-Identifier: MIT */
#include "sys/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/try.h"
#include "base/units.h"

struct vel_root {
    const struct vel_env *env;
    int folder;
    bool walk; /* part by part, no links */
};

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, RACES = 8 };

static vel_result result_of_errno(void)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case ENXIO:
    case EINVAL:
        return VEL_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EXDEV:
        return VEL_ERR_AUTH;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return VEL_ERR_LIMIT;
    default:
        return VEL_ERR_IO;
    }
}

static int open_beneath(int folder, const char *path)
{
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = -1;
    /* EAGAIN: something was renamed while the kernel looked. */
    for (int i = 0; i < RACES && fd < 0 && (i == 0 || errno == EAGAIN); i++)
        fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    return fd;
}

/* One part of a path; the folder so far is given up. */
static int step(int at, int root, const char *name, size_t size, bool last)
{
    char part[NAME_MAX + 1];
    int fd = -1;
    errno = ENOENT;
    if (size <= NAME_MAX) {
        memcpy(part, name, size);
        part[size] = '\0';
        if (strcmp(part, "..") == 0)
            errno = EXDEV;
        else
            fd = openat(at, part,
                        O_NOFOLLOW | (last ? OPEN_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    int saved = errno;
    if (at != root)
        close(at);
    errno = saved;
    return fd;
}

static int open_walking(int folder, const char *path)
{
    int at = folder;
    while (at >= 0) {
        while (*path == '/')
            path++;
        size_t size = strcspn(path, "/");
        bool last = path[size + strspn(path + size, "/")] == '\0';
        at = step(at, folder, path, size, last);
        if (last)
            return at;
        path += size;
    }
    return at;
}

vel_result vel_root_open(const struct vel_env *env, const char *folder, struct vel_root **root)
{
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? VEL_ERR_NOT_FOUND : VEL_ERR_IO;
    struct vel_root *fresh = vel_alloc(env, sizeof *fresh);
    if (fresh == NULL) {
        close(fd);
        return VEL_ERR_NOMEM;
    }
    *fresh = (struct vel_root){.env = env, .folder = fd};
    /* Kernels before 5.6 lack the call, and some sandboxes forbid it. */
    int probe = open_beneath(fd, ".");
    fresh->walk = probe < 0 && (errno == ENOSYS || errno == EPERM);
    if (probe >= 0)
        close(probe);
    *root = fresh;
    return VEL_OK;
}

void vel_root_free(struct vel_root *root)
{
    if (root == NULL)
        return;
    close(root->folder);
    vel_release(root->env, root, sizeof *root);
}

void vel_root_refuse_links(struct vel_root *root)
{
    root->walk = true;
}

vel_result vel_root_find(const struct vel_root *root, const char *path, struct vel_root_file *file)
{
    if (*path == '\0')
        path = ".";
    int fd = root->walk ? open_walking(root->folder, path) : open_beneath(root->folder, path);
    if (fd < 0)
        return result_of_errno();
    struct vel_root_file found = {.fd = fd};
    struct stat st;
    if (fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
        vel_root_file_close(&found);
        return VEL_ERR_NOT_FOUND;
    }
    found.is_folder = S_ISDIR(st.st_mode);
    found.size = (uint64_t)st.st_size;
    found.mtime = (int64_t)st.st_mtim.tv_sec * SECOND + st.st_mtim.tv_nsec;
    found.inode = st.st_ino;
    *file = found;
    return VEL_OK;
}

void vel_root_file_close(struct vel_root_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

vel_result vel_root_file_read(const struct vel_root_file *file, uint64_t offset, uint8_t *bytes,
                              size_t size, size_t *got)
{
    size_t used = 0;
    while (used < size) {
        ssize_t n = pread(file->fd, bytes + used, size - used, (off_t)(offset + used));
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        REQUIRE(n > 0, VEL_ERR_IO);
        used += (size_t)n;
    }
    *got = used;
    return VEL_OK;
}
