/* SPDX-License-Identifier: MIT */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <stddef.h>

/* A local declared with OWNED(f) is released by f when it goes out of scope, on every path.
 * f takes a pointer to the local. */
#define OWNED(release) __attribute__((cleanup(release)))

/* Hand an owned pointer to someone else; the local becomes NULL, so its release does nothing. */
#define GIVE(pointer)                                                                              \
    __extension__({                                                                                \
        __auto_type give_value = (pointer);                                                        \
        (pointer) = NULL;                                                                          \
        give_value;                                                                                \
    })

/* Define `name`, the OWNED() release for a pointer local that `free_fn` destroys (NULL is fine). */
#define OWNED_POINTER(name, type, free_fn)                                                         \
    static inline void name(type **pointer)                                                        \
    {                                                                                              \
        free_fn(*pointer);                                                                         \
    }

#endif
