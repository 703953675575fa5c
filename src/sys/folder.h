/* SPDX-License-Identifier: MIT */
#ifndef SYS_FOLDER_H
#define SYS_FOLDER_H

#include <stddef.h>

#include "velocity/err.h"

/*
 * A folder that files are added to, and added to only: traces. What is there already is never opened,
 * overwritten or removed. A folder that others can write to is refused, so nobody can have put a link
 * in the way. Descriptors are closed with vel_fd_close.
 */

/* VEL_ERR_NOT_FOUND  no such folder
 * VEL_ERR_AUTH       it belongs to another user (but the superuser), or others may write to it
 * VEL_ERR_IO         see errno */
vel_result vel_folder_open(const char *path, int *folder);

/* Make a file for writing that only its owner can read (0600), whatever the umask.
 * VEL_ERR_EXISTS  the name is taken, by a link as well
 * VEL_ERR_IO      see errno */
vel_result vel_folder_create(int folder, const char *name, int *file);

/* How many names end like this. `most` entries are looked at; when there are more, `most` is the
 * answer. VEL_ERR_IO: see errno */
vel_result vel_folder_count(int folder, const char *ending, size_t most, size_t *count);

#endif
