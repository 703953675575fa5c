/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/try.h"

enum { SMALLEST = 64 };

vel_result vel_buf_reserve(struct vel_buf *buf, size_t more)
{
    REQUIRE(more <= buf->limit && buf->len <= buf->limit - more, VEL_ERR_LIMIT);
    size_t need = buf->len + more;
    if (need <= buf->capacity)
        return VEL_OK;

    /* Doubling keeps appends linear; never past the limit. */
    size_t capacity = buf->capacity > SMALLEST ? buf->capacity : SMALLEST;
    while (capacity < need)
        capacity = capacity > buf->limit / 2 ? buf->limit : capacity * 2;
    uint8_t *moved = vel_alloc(buf->env, capacity);
    REQUIRE(moved != NULL, VEL_ERR_NOMEM);
    if (buf->len > 0)
        memcpy(moved, buf->ptr, buf->len);
    vel_release(buf->env, buf->ptr, buf->capacity);
    buf->ptr = moved;
    buf->capacity = capacity;
    return VEL_OK;
}

vel_result vel_buf_append(struct vel_buf *buf, struct vel_slice bytes)
{
    TRY(vel_buf_reserve(buf, bytes.len));
    if (bytes.len > 0)
        memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
    buf->len += bytes.len;
    return VEL_OK;
}

void vel_buf_consume(struct vel_buf *buf, size_t count)
{
    if (count > buf->len)
        count = buf->len;
    buf->len -= count;
    if (buf->len > 0)
        memmove(buf->ptr, buf->ptr + count, buf->len);
}

void vel_buf_free(struct vel_buf *buf)
{
    if (buf->env != NULL)
        vel_release(buf->env, buf->ptr, buf->capacity);
    buf->ptr = NULL;
    buf->len = 0;
    buf->capacity = 0;
}
