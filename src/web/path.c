/* SPDX-License-Identifier: MIT */
#include "web/path.h"

#include "base/reader.h"
#include "base/try.h"
#include "base/writer.h"

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The next byte of a name; fails the reader on a broken code. *encoded: it was written as %xx. */
static uint8_t take_byte(struct vel_reader *r, bool *encoded)
{
    uint8_t byte = (uint8_t)vel_read_uint(r, 1);
    *encoded = byte == '%';
    if (!*encoded)
        return byte;
    int high = hex_value((uint8_t)vel_read_uint(r, 1));
    int low = hex_value((uint8_t)vel_read_uint(r, 1));
    if (high < 0 || low < 0)
        r->failed = true;
    return (uint8_t)((unsigned)high << 4 | (unsigned)low);
}

static bool allowed(uint8_t byte, bool encoded)
{
    if (byte < 0x20 || byte == 0x7f || byte == '\\')
        return false;
    /* An encoded slash would become another path than the one that was checked before us. */
    return !(encoded && byte == '/');
}

/* Drop the last name of what was written; false when there is none. */
static bool up(struct vel_writer *w)
{
    if (vel_written(w) == 0)
        return false;
    while (vel_written(w) > 0 && w->pos[-1] != '/')
        w->pos--;
    if (vel_written(w) > 0)
        w->pos--;
    return true;
}

static vel_result add_name(struct vel_writer *w, struct vel_slice name, bool *folder)
{
    *folder = true;
    if (name.len == 0 || vel_slice_equal(name, vel_slice_text(".")))
        return VEL_OK;
    if (vel_slice_equal(name, vel_slice_text("..")))
        return up(w) ? VEL_OK : VEL_ERR_MALFORMED;
    *folder = false;
    if (vel_written(w) > 0)
        vel_write_uint(w, '/', 1);
    vel_write_bytes(w, name);
    return vel_write_ok(w) ? VEL_OK : VEL_ERR_LIMIT;
}

/* Bytes that stand for themselves in a name, whatever is beside them. */
static size_t plain_run(const struct vel_reader *r)
{
    size_t size = 0;
    while (size < vel_left(r) && r->pos[size] > 0x20 && r->pos[size] < 0x7f &&
           r->pos[size] != '%' && r->pos[size] != '/' && r->pos[size] != '\\')
        size++;
    return size;
}

/* Decode up to the next slash or the end. */
static vel_result take_name(struct vel_reader *r, struct vel_writer *name, bool *more)
{
    *more = false;
    vel_write_bytes(name, vel_read_bytes(r, plain_run(r)));
    while (vel_left(r) > 0 && !*more) {
        bool encoded;
        uint8_t byte = take_byte(r, &encoded);
        REQUIRE(vel_read_ok(r) && allowed(byte, encoded), VEL_ERR_MALFORMED);
        *more = byte == '/';
        if (!*more)
            vel_write_uint(name, byte, 1);
    }
    return vel_write_ok(name) ? VEL_OK : VEL_ERR_LIMIT;
}

vel_result vel_web_path_parse(struct vel_slice target, struct vel_web_path *path)
{
    REQUIRE(target.len > 0 && target.ptr[0] == '/', VEL_ERR_MALFORMED);
    const uint8_t *mark = memchr(target.ptr, '?', target.len);
    size_t len = mark == NULL ? target.len : (size_t)(mark - target.ptr);
    struct vel_reader r = vel_reader(vel_slice(target.ptr + 1, len - 1));
    uint8_t all[VEL_WEB_PATH_MAX];
    struct vel_writer w = vel_writer(all, sizeof all);
    bool folder = true;
    bool more = true;
    while (more) {
        uint8_t bytes[VEL_WEB_PATH_MAX];
        struct vel_writer name = vel_writer(bytes, sizeof bytes);
        TRY(take_name(&r, &name, &more));
        TRY(add_name(&w, vel_writer_slice(&name), &folder));
        folder = folder || more;
    }
    path->folder = folder;
    path->len = vel_written(&w);
    memcpy(path->name, all, path->len);
    path->name[path->len] = '\0';
    return VEL_OK;
}

/* RFC 3986 3.3: what a path may hold unencoded. */
static bool plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("/-._~!$&'()*+,;=:@", c) != NULL);
}

vel_result vel_web_path_write(const struct vel_web_path *path, bool folder, char *text, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    struct vel_writer w = vel_writer(text, size);
    vel_write_uint(&w, '/', 1);
    for (size_t i = 0; i < path->len; i++) {
        uint8_t byte = (uint8_t)path->name[i];
        if (plain(byte)) {
            vel_write_uint(&w, byte, 1);
        } else {
            vel_write_uint(&w, '%', 1);
            vel_write_uint(&w, (uint8_t)digits[byte >> 4], 1);
            vel_write_uint(&w, (uint8_t)digits[byte & 15], 1);
        }
    }
    if (folder && path->len > 0)
        vel_write_uint(&w, '/', 1);
    vel_write_uint(&w, 0, 1);
    return vel_write_ok(&w) ? VEL_OK : VEL_ERR_LIMIT;
}
