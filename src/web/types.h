/* SPDX-License-Identifier: MIT */
#ifndef WEB_TYPES_H
#define WEB_TYPES_H

/* The media type for a file name, by what follows its last dot; text has charset=utf-8.
 * "application/octet-stream" when unknown. */
const char *vel_web_type(const char *name);

#endif
