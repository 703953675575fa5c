/* SPDX-License-Identifier: MIT */
#ifndef SYS_TERMINAL_H
#define SYS_TERMINAL_H

#include <stdbool.h>

/* Whether a person reads what is written to this descriptor. */
bool vel_is_terminal(int fd);

/* Columns of the terminal behind a descriptor; 80 when it cannot tell. */
unsigned vel_terminal_width(int fd);

#endif
