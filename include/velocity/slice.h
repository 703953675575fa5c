/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_SLICE_H
#define VELOCITY_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Borrowed, read-only bytes. A slice never owns: whoever hands one out says how long it lives.
 * The empty slice may have a NULL pointer.
 */
struct vel_slice {
    const uint8_t *ptr;
    size_t len;
};

static inline struct vel_slice vel_slice(const void *ptr, size_t len)
{
    return (struct vel_slice){.ptr = ptr, .len = len};
}

/* The bytes of a C string without its NUL; NULL gives the empty slice. */
static inline struct vel_slice vel_slice_text(const char *text)
{
    return vel_slice(text, text == NULL ? 0 : strlen(text));
}

/* Same length and bytes. Not constant time: never for secrets (see vel_equal_secret). */
static inline bool vel_slice_equal(struct vel_slice a, struct vel_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
