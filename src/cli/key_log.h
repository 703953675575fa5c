/* SPDX-License-Identifier: MIT */
#ifndef CLI_KEY_LOG_H
#define CLI_KEY_LOG_H

#include <stdio.h>

/*
 * The key log file that the environment names, as with curl and browsers: the secrets of connections
 * are added to $SSLKEYLOGFILE, for reading captures: those of TLS 1.3 with the labels of RFC 9850,
 * those of Velocity/1 with labels of their own (docs/observation.md).
 */

/* NULL when the environment names none, or when it cannot be opened. Either is said on stderr: that
 * there is no file, or that whoever reads it reads the connections. */
FILE *vel_key_log_open(void);

/* NULL is allowed. */
void vel_key_log_close(FILE *file);

/* As vel_tls_setup.key_log and vel_config.key_log want it; self is the file. */
void vel_key_log_line(void *self, const char *line);

#endif
