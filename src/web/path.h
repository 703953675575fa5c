/* SPDX-License-Identifier: MIT */
#ifndef WEB_PATH_H
#define WEB_PATH_H

#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * From the path of a request to the name of a file, and back. Decoding happens once, and what comes
 * out is a relative path of plain names: no "..", no ".", no empty name, no NUL or other control
 * byte, no backslash. "." and ".." of a request, encoded or not, are resolved by text alone (RFC
 * 3986 5.2.4); above the root there is nothing. What follows a '?' is ignored.
 */
enum { VEL_WEB_PATH_MAX = 2048 };

struct vel_web_path {
    char name[VEL_WEB_PATH_MAX + 1]; /* "docs/a b.html", NUL-terminated; "" is the root */
    size_t len;
    bool folder; /* the request named a folder: it ended with a slash */
};

/* VEL_ERR_MALFORMED  not a path, a broken percent code, a byte that no path here may hold (answer
 *                    400), or above the root
 * VEL_ERR_LIMIT      longer than VEL_WEB_PATH_MAX (answer 414) */
vel_result vel_web_path_parse(struct vel_slice target, struct vel_web_path *path);

/* The path as a URL reference: "/docs/a%20b.html", with a final slash when `folder`. Three bytes
 * for each byte of the name and three more are always enough. VEL_ERR_LIMIT: does not fit. */
vel_result vel_web_path_write(const struct vel_web_path *path, bool folder, char *text,
                              size_t size);

#endif
