/* SPDX-License-Identifier: MIT */
#include "cli/qlog_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sys/file.h"
#include "velocity/system.h"

/* It names who talked with whom. */
enum { FOLDER_MODE = 0700 };

vel_result vel_qlog_dir_open(const struct vel_env *env, const char *folder, struct vel_qlog **qlog,
                             char message[VEL_QLOG_DIR_MESSAGE])
{
    if (folder == NULL)
        return VEL_OK;
    const struct vel_qlog_setup setup = {
        .env = env, .folder = folder, .unix_base = vel_clock_unix_base()};
    enum vel_err err = vel_folder_make(folder, FOLDER_MODE);
    if (err == VEL_OK)
        err = vel_qlog_new(&setup, qlog);
    if (err == VEL_ERR_AUTH)
        snprintf(message, VEL_QLOG_DIR_MESSAGE,
                 "--qlog-dir %s: others may write to this folder, or own it; take one of your own "
                 "(chmod go-w)",
                 folder);
    else if (err != VEL_OK)
        snprintf(message, VEL_QLOG_DIR_MESSAGE, "--qlog-dir %s: %s", folder,
                 err == VEL_ERR_IO ? strerror(errno) : vel_err_text(err));
    return err;
}

const struct vel_tracer *vel_qlog_dir_tracer(const struct vel_qlog *qlog)
{
    return qlog != NULL ? vel_qlog_tracer(qlog) : NULL;
}
