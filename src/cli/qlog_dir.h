/* SPDX-License-Identifier: MIT */
#ifndef CLI_QLOG_DIR_H
#define CLI_QLOG_DIR_H

#include "velocity/qlog.h"

enum { VEL_QLOG_DIR_MESSAGE = 256 };

/*
 * --qlog-dir: traces of connections in this folder, which is made (mode 0700) when it is missing.
 * folder NULL: none; *qlog stays as it is. Errors are told in `message`, those of vel_folder_make and
 * vel_qlog_new.
 */
vel_result vel_qlog_dir_open(const struct vel_env *env, const char *folder, struct vel_qlog **qlog,
                             char message[VEL_QLOG_DIR_MESSAGE]);

/* For a config; NULL when there is none. */
const struct vel_tracer *vel_qlog_dir_tracer(const struct vel_qlog *qlog);

#endif
