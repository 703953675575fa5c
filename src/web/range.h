/* SPDX-License-Identifier: MIT */
#ifndef WEB_RANGE_H
#define WEB_RANGE_H

#include <stdbool.h>

#include "velocity/slice.h"

/*
 * Byte ranges, RFC 9110 section 14. One range is served; a request for several is answered with the
 * whole, which is always allowed and cannot be used to make us send more than the file.
 */
enum vel_range {
    VEL_RANGE_WHOLE,        /* no range, several, another unit, or not well-formed: ignore it */
    VEL_RANGE_PART,         /* 206 */
    VEL_RANGE_UNSATISFIABLE /* 416 */
};

/* Read the value of a Range field for a representation of `size` bytes. For VEL_RANGE_PART *first
 * is the offset and *count the bytes, at least 1, within the size. */
enum vel_range vel_range_parse(struct vel_slice value, uint64_t size, uint64_t *first,
                               uint64_t *count);

#endif
