/* SPDX-License-Identifier: MIT */
#include "pki/pem.h"

#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"

enum { LINE = 64, MARKER_MAX = 64 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct vel_slice marker(char text[MARKER_MAX], const char *which, const char *label)
{
    int len = snprintf(text, MARKER_MAX, "-----%s %s-----", which, label);
    VEL_ASSERT(len > 0 && len < MARKER_MAX);
    return vel_slice(text, (size_t)len);
}

/* The bytes in front of the next `wanted`; `text` moves behind it. */
static bool read_until(struct vel_reader *text, struct vel_slice wanted, struct vel_slice *before)
{
    size_t left = vel_left(text);
    const uint8_t *found =
        left < wanted.len ? NULL : memmem(text->pos, left, wanted.ptr, wanted.len);
    if (found == NULL)
        return false;
    *before = vel_read_bytes(text, (uint64_t)(found - text->pos));
    vel_read_bytes(text, wanted.len);
    return true;
}

/* Value of a base64 digit; 64 for the padding, 65 for white space, 66 for anything else. */
static unsigned digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26U;
    if (c >= '0' && c <= '9')
        return c - '0' + 52U;
    if (c == '+' || c == '/')
        return c == '+' ? 62 : 63;
    if (c == '=')
        return 64;
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' ? 65 : 66;
}

/* RFC 4648 section 4: complete groups, padding only at the end, unused bits zero. */
static bool decode(struct vel_slice body, struct vel_writer *out)
{
    uint32_t group = 0;
    unsigned digits = 0;
    unsigned padding = 0;
    for (size_t i = 0; i < body.len; i++) {
        unsigned digit = digit_of(body.ptr[i]);
        if (digit == 65)
            continue;
        if (digit == 66 || (padding > 0 && digit != 64) || (digit == 64 && digits % 4 < 2))
            return false;
        padding += digit == 64 ? 1 : 0;
        group = group << 6 | (digit & 63);
        if (++digits % 4 != 0)
            continue;
        unsigned unused = 8 * padding;
        if ((group & ((1U << unused) - 1)) != 0)
            return false;
        vel_write_uint(out, (group & 0xffffff) >> unused, 3 - padding);
        group = 0;
        if (padding > 0)
            digits = 0; /* complete: only white space may follow */
    }
    return digits % 4 == 0 && vel_written(out) > 0 && vel_write_ok(out);
}

vel_result vel_pem_next(struct vel_reader *text, const char *label, struct vel_buf *der)
{
    char begin[MARKER_MAX];
    char end[MARKER_MAX];
    struct vel_reader r = *text;
    struct vel_slice before;
    struct vel_slice body;
    REQUIRE(read_until(&r, marker(begin, "BEGIN", label), &before), VEL_ERR_NOT_FOUND);
    REQUIRE(read_until(&r, marker(end, "END", label), &body), VEL_ERR_MALFORMED);

    size_t most = body.len / 4 * 3;
    REQUIRE(most > 0, VEL_ERR_MALFORMED);
    TRY(vel_buf_reserve(der, most));
    struct vel_writer out = vel_writer(der->ptr + der->len, most);
    REQUIRE(decode(body, &out), VEL_ERR_MALFORMED);
    der->len += vel_written(&out);
    *text = r;
    return VEL_OK;
}

static void encode_group(struct vel_writer *w, const uint8_t *bytes, size_t count)
{
    uint32_t group = (uint32_t)bytes[0] << 16 | (count > 1 ? (uint32_t)bytes[1] << 8 : 0) |
                     (count > 2 ? bytes[2] : 0);
    vel_write_uint(w, (uint8_t)alphabet[group >> 18], 1);
    vel_write_uint(w, (uint8_t)alphabet[group >> 12 & 63], 1);
    vel_write_uint(w, count > 1 ? (uint8_t)alphabet[group >> 6 & 63] : '=', 1);
    vel_write_uint(w, count > 2 ? (uint8_t)alphabet[group & 63] : '=', 1);
}

const char *vel_pem_peek(struct vel_slice text, const char *const *labels, size_t count)
{
    const char *next = NULL;
    for (size_t i = 0; i < count; i++) {
        char begin[MARKER_MAX];
        struct vel_reader r = vel_reader(text);
        struct vel_slice before;
        if (!read_until(&r, marker(begin, "BEGIN", labels[i]), &before))
            continue;
        text.len = before.len; /* others only count in front of it */
        next = labels[i];
    }
    return next;
}

vel_result vel_pem_append(struct vel_buf *text, const char *label, struct vel_slice der)
{
    char begin[MARKER_MAX];
    char end[MARKER_MAX];
    struct vel_slice head = marker(begin, "BEGIN", label);
    struct vel_slice tail = marker(end, "END", label);
    size_t digits = (der.len + 2) / 3 * 4;
    size_t size = head.len + tail.len + digits + (digits + LINE - 1) / LINE + 2;
    TRY(vel_buf_reserve(text, size));

    struct vel_writer w = vel_writer(text->ptr + text->len, size);
    vel_write_bytes(&w, head);
    for (size_t i = 0; i < der.len; i += 3) {
        if (i % (LINE / 4 * 3) == 0)
            vel_write_uint(&w, '\n', 1);
        encode_group(&w, der.ptr + i, VEL_MIN(der.len - i, (size_t)3));
    }
    vel_write_uint(&w, '\n', 1);
    vel_write_bytes(&w, tail);
    vel_write_uint(&w, '\n', 1);
    VEL_ASSERT(vel_write_ok(&w));
    text->len += vel_written(&w);
    return VEL_OK;
}
