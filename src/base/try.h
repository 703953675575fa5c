/* SPDX-License-Identifier: MIT */
#ifndef BASE_TRY_H
#define BASE_TRY_H

#include "velocity/err.h"

/* Pass a failure up unchanged. Only for functions whose locals clean up after themselves. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum vel_err try_err = (call);                                                             \
        if (try_err != VEL_OK)                                                                     \
            return try_err;                                                                        \
    } while (0)

/* Fail with `err` unless `condition` holds. Reads as the rule being enforced. */
#define REQUIRE(condition, err)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return (err);                                                                          \
    } while (0)

/* States that no input can reach. Never on anything a peer can influence. */
#define VEL_ASSERT(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

#endif
