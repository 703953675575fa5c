/* SPDX-License-Identifier: MIT */
#ifndef CLI_KEY_LOG_H
#define CLI_KEY_LOG_H

#include <stdio.h>

/*
 * The key log file that the environment names, as with curl and browsers: secrets of TLS 1.3
 * connections are added to $SSLKEYLOGFILE, for reading captures. Those of Velocity/1 never are.
 */

/* NULL when the environment names none, or when it cannot be opened, which is said on stderr. */
FILE *vel_key_log_open(void);

/* NULL is allowed. */
void vel_key_log_close(FILE *file);

/* As vel_tls_setup.key_log wants it; self is the file. */
void vel_key_log_line(void *self, const char *line);

#endif
