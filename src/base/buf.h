/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * Owned bytes that grow up to a limit. Start one with {.env = env, .limit = n}; release it with
 * vel_buf_free (also as OWNED(vel_buf_free)), after which it is empty and usable again. Memory is
 * wiped when it is released or moved, so secrets may pass through.
 */
struct vel_buf {
    const struct vel_env *env;
    uint8_t *ptr;
    size_t len;
    size_t capacity;
    size_t limit; /* bytes; growing past it is VEL_ERR_LIMIT */
};

/* Make room for `more` bytes after the content.
 * VEL_ERR_LIMIT  len + more exceeds the limit: refuse what was going to be stored
 * VEL_ERR_NOMEM  allocation failed */
vel_result vel_buf_reserve(struct vel_buf *buf, size_t more);

/* Append a copy of `bytes`; errors as vel_buf_reserve, content untouched then. */
vel_result vel_buf_append(struct vel_buf *buf, struct vel_slice bytes);

/* Drop the first `count` bytes (at most len) and close the gap. */
void vel_buf_consume(struct vel_buf *buf, size_t count);

void vel_buf_free(struct vel_buf *buf);

static inline struct vel_slice vel_buf_slice(const struct vel_buf *buf)
{
    return vel_slice(buf->ptr, buf->len);
}

#endif
