/* SPDX-License-Identifier: MIT */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Whole files, for certificates, keys and settings: small things read and written in one go.
 * Everything here blocks, so it belongs in start-up and in commands, not in a loop.
 */

/* Append the content of a file (or pipe) to `buf`, whose limit is the largest size accepted.
 * VEL_ERR_NOT_FOUND  no such file
 * VEL_ERR_LIMIT      larger than the limit; buf as before
 * VEL_ERR_IO         see errno; buf as before
 * VEL_ERR_NOMEM      buf as before */
vel_result vel_file_load(const char *path, struct vel_buf *buf);

/*
 * Write a file whole or not at all: a reader sees the old content or the new, never a part.
 *
 * mode     permissions, whatever the umask: 0600 for keys
 * replace  false: an existing file is an error
 *
 * VEL_ERR_EXISTS     there is one already and `replace` is false
 * VEL_ERR_NOT_FOUND  no such folder
 * VEL_ERR_ARGUMENT   path too long
 * VEL_ERR_IO         see errno
 */
vel_result vel_file_save(const char *path, struct vel_slice bytes, unsigned mode, bool replace);

bool vel_file_exists(const char *path);

/*
 * Wait until nobody else holds the lock on this file, and hold it until *fd is closed (vel_fd_close)
 * or the process ends. The file is made when it is missing; its content does not matter. It binds
 * only who asks for it as well.
 *
 * VEL_ERR_NOT_FOUND  no such folder
 * VEL_ERR_IO         see errno
 */
vel_result vel_file_lock(const char *path, unsigned mode, int *fd);

/* Make a folder and the missing ones above it; existing ones are fine. `mode` is that of new ones.
 * VEL_ERR_ARGUMENT  path too long
 * VEL_ERR_IO        see errno; also when a file is in the way */
vel_result vel_folder_make(const char *path, unsigned mode);

#endif
