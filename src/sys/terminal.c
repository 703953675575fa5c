/* SPDX-License-Identifier: MIT */
#include "sys/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { DEFAULT_WIDTH = 80 };

bool vel_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

unsigned vel_terminal_width(int fd)
{
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_WIDTH;
    return size.ws_col;
}
