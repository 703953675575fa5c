/* SPDX-License-Identifier: MIT */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Units of vel_time (nanoseconds) and of sizes, so that a constant reads as `40 * MS`. */
#define US ((int64_t)1000)
#define MS (1000 * US)
#define SECOND (1000 * MS)
#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

#define VEL_MIN(a, b) ((a) < (b) ? (a) : (b))
#define VEL_MAX(a, b) ((a) > (b) ? (a) : (b))
#define VEL_COUNT(array) (sizeof(array) / sizeof(array)[0])

#endif
