/* SPDX-License-Identifier: MIT */
#ifndef SYS_ROOT_H
#define SYS_ROOT_H

#include <stdbool.h>

#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * A folder that is served, and files under it. Nothing outside of the folder can be reached
 * whatever the path says: the kernel resolves it (openat2, RESOLVE_BENEATH), so neither "..", nor
 * an absolute symbolic link, nor a link that changes during the call escapes. Links that stay
 * inside are followed. Where openat2 is missing every part is opened on its own and links are
 * refused.
 */
struct vel_root;

/* VEL_ERR_NOT_FOUND, VEL_ERR_IO (errno says why), VEL_ERR_NOMEM */
vel_result vel_root_open(const struct vel_env *env, const char *folder, struct vel_root **root);
void vel_root_free(struct vel_root *root);

/* Follow no links at all, as where openat2 is missing. */
void vel_root_refuse_links(struct vel_root *root);

/* An open file or folder; fd is -1 when closed (so {0} is not a closed one). */
struct vel_root_file {
    int fd;
    bool is_folder;
    uint64_t size;
    int64_t mtime; /* nanoseconds of the Unix epoch */
    uint64_t inode;
};

/*
 * Open for reading what `path` names, relative to the root without a leading slash; "" is the root.
 *
 * VEL_ERR_NOT_FOUND    nothing there; also what is neither file nor folder, and names too long
 * VEL_ERR_AUTH         not allowed to read it, or it leads outside
 * VEL_ERR_LIMIT        no file descriptors left: try again later
 * VEL_ERR_IO           anything else, see errno
 */
vel_result vel_root_find(const struct vel_root *root, const char *path, struct vel_root_file *file);

/* Closes; harmless when closed. */
void vel_root_file_close(struct vel_root_file *file);

/* Read up to `size` bytes at `offset`. Fewer than asked: the end of the file. VEL_ERR_IO */
vel_result vel_root_file_read(const struct vel_root_file *file, uint64_t offset, uint8_t *bytes,
                              size_t size, size_t *got);

#endif
