/* SPDX-License-Identifier: MIT */
#include "client/url.h"

#include <ctype.h>
#include <stdio.h>

#include "base/own.h"
#include "base/reader.h"
#include "base/try.h"

enum {
    HTTPS_PORT = 443,
    HTTP_PORT = 80,
    PORT_DIGITS = 5,
    PORT_MAX = 65535,
    DEL = 0x7f,
    RESOLVED_MAX = 16 * 1024
};

static const char hex[] = "0123456789ABCDEF";

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Bytes of the reader up to the first of `stops`, which is not taken. */
static struct vel_slice until(struct vel_reader *r, const char *stops)
{
    size_t length = 0;
    while (length < vel_left(r) && strchr(stops, r->pos[length]) == NULL)
        length++;
    return vel_read_bytes(r, length);
}

static bool equal_name(struct vel_slice text, const char *name)
{
    if (text.len != strlen(name))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (lower((char)text.ptr[i]) != name[i])
            return false;
    return true;
}

static vel_result take_scheme(struct vel_reader *r, bool *plain)
{
    struct vel_slice scheme = until(r, ":/?#");
    struct vel_slice mark = vel_read_bytes(r, 3);
    REQUIRE(scheme.len > 0 && vel_slice_equal(mark, vel_slice_text("://")), VEL_ERR_MALFORMED);
    *plain = equal_name(scheme, "http");
    REQUIRE(*plain || equal_name(scheme, "https"), VEL_ERR_UNSUPPORTED);
    return VEL_OK;
}

/* Characters of a DNS name, or of an IP address with its zone. What it names is for the resolver. */
static bool is_host_byte(uint8_t c, bool bracketed)
{
    if (isalnum(c) || c == '-' || c == '.' || c == '_')
        return true;
    return bracketed && (c == ':' || c == '%');
}

static vel_result set_host(struct vel_slice host, bool bracketed, struct vel_url *url)
{
    REQUIRE(host.len > 0, VEL_ERR_MALFORMED);
    REQUIRE(host.len <= VEL_URL_HOST_MAX, VEL_ERR_LIMIT);
    for (size_t i = 0; i < host.len; i++) {
        REQUIRE(is_host_byte(host.ptr[i], bracketed), VEL_ERR_MALFORMED);
        url->host[i] = lower((char)host.ptr[i]);
    }
    url->host[host.len] = '\0';
    return VEL_OK;
}

static uint16_t default_port(const struct vel_url *url)
{
    return url->plain ? HTTP_PORT : HTTPS_PORT;
}

/* *port comes with the default, which "host:" without digits means as well (RFC 3986 6.2.3). */
static vel_result parse_port(struct vel_slice digits, uint16_t *port)
{
    unsigned value = 0;
    REQUIRE(digits.len <= PORT_DIGITS, VEL_ERR_MALFORMED);
    for (size_t i = 0; i < digits.len; i++) {
        REQUIRE(isdigit(digits.ptr[i]), VEL_ERR_MALFORMED);
        value = value * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    value = digits.len == 0 ? *port : value;
    REQUIRE(value > 0 && value <= PORT_MAX, VEL_ERR_MALFORMED);
    *port = (uint16_t)value;
    return VEL_OK;
}

static vel_result parse_authority(struct vel_slice authority, struct vel_url *url)
{
    struct vel_reader r = vel_reader(authority);
    bool bracketed = authority.len > 0 && authority.ptr[0] == '[';
    struct vel_slice host;
    if (bracketed) {
        (void)vel_read_bytes(&r, 1);
        host = until(&r, "]");
        (void)vel_read_bytes(&r, 1);
    } else {
        host = until(&r, ":");
    }
    REQUIRE(vel_read_ok(&r), VEL_ERR_MALFORMED);
    TRY(set_host(host, bracketed, url));

    url->port = default_port(url);
    if (vel_left(&r) > 0) {
        REQUIRE(vel_read_uint(&r, 1) == ':', VEL_ERR_MALFORMED);
        TRY(parse_port(vel_read_rest(&r), &url->port));
    }
    const char *open = bracketed ? "[" : "", *close = bracketed ? "]" : "";
    if (url->port == default_port(url))
        snprintf(url->authority, sizeof url->authority, "%s%s%s", open, url->host, close);
    else
        snprintf(url->authority, sizeof url->authority, "%s%s%s:%u", open, url->host, close,
                 url->port);
    return VEL_OK;
}

/* One byte of path or query, encoded if it may not stand there as it is. */
static vel_result add_byte(struct vel_buf *target, uint8_t byte)
{
    REQUIRE(byte >= ' ' && byte != DEL,
            VEL_ERR_MALFORMED); /* control characters are no typing error */
    if (byte < DEL && strchr(" \"<>\\^`{|}", byte) == NULL)
        return vel_buf_append(target, vel_slice(&byte, 1));
    uint8_t encoded[3] = {'%', (uint8_t)hex[byte >> 4], (uint8_t)hex[byte & 15]};
    return vel_buf_append(target, vel_slice(encoded, sizeof encoded));
}

static vel_result parse_target(struct vel_slice text, struct vel_buf *target)
{
    if (text.len == 0 || text.ptr[0] != '/')
        TRY(vel_buf_append(target, vel_slice_text("/")));
    for (size_t i = 0; i < text.len; i++)
        TRY(add_byte(target, text.ptr[i]));
    return VEL_OK;
}

vel_result vel_url_parse(const struct vel_env *env, const char *text, struct vel_url *url)
{
    OWNED(vel_url_clear)
    struct vel_url made = {.target = {.env = env, .limit = VEL_URL_TARGET_MAX}};
    struct vel_reader r = vel_reader(vel_slice_text(text));

    TRY(take_scheme(&r, &made.plain));
    TRY(parse_authority(until(&r, "/?#"), &made));
    TRY(parse_target(until(&r, "#"), &made.target));
    *url = made;
    made.target = (struct vel_buf){0};
    return VEL_OK;
}

void vel_url_clear(struct vel_url *url)
{
    vel_buf_free(&url->target);
}

const char *vel_url_scheme(const struct vel_url *url)
{
    return url->plain ? "http" : "https";
}

bool vel_url_same_origin(const struct vel_url *a, const struct vel_url *b)
{
    return a->plain == b->plain && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool vel_url_is_loopback(const struct vel_url *url)
{
    static const char name[] = "localhost";
    size_t length = strlen(url->host), digits = strspn(url->host, "0123456789.");
    length -= length > 0 && url->host[length - 1] == '.';
    if (length >= sizeof name - 1 &&
        memcmp(url->host + length - (sizeof name - 1), name, sizeof name - 1) == 0)
        return length == sizeof name - 1 || url->host[length - sizeof name] == '.';
    bool is_ip4 = url->host[digits] == '\0' && strncmp(url->host, "127.", 4) == 0;
    return is_ip4 || strcmp(url->host, "::1") == 0;
}

/* ---- references ---- */

/* "scheme:" at the start (RFC 3986 3.1). */
static bool has_scheme(struct vel_slice text)
{
    size_t length = 0;
    while (length < text.len && (isalnum(text.ptr[length]) || strchr("+-.", text.ptr[length])))
        length++;
    return length > 0 && isalpha(text.ptr[0]) && length < text.len && text.ptr[length] == ':';
}

static struct vel_slice path_of(const struct vel_url *url)
{
    struct vel_reader r = vel_reader(vel_buf_slice(&url->target));
    return until(&r, "?");
}

/* Scheme and authority of the base, and as much of its target as the reference leaves. */
static vel_result add_base(const struct vel_url *base, struct vel_slice reference,
                           struct vel_buf *text)
{
    struct vel_slice path = path_of(base), target = vel_buf_slice(&base->target);
    uint8_t first = reference.len > 0 ? reference.ptr[0] : '#';
    TRY(vel_buf_append(text, vel_slice_text(vel_url_scheme(base))));
    TRY(vel_buf_append(text, vel_slice_text(":")));
    if (first == '/' && reference.len > 1 && reference.ptr[1] == '/')
        return VEL_OK;
    TRY(vel_buf_append(text, vel_slice_text("//")));
    TRY(vel_buf_append(text, vel_slice_text(base->authority)));
    if (first == '/')
        return VEL_OK;
    if (first == '#')
        return vel_buf_append(text, target);
    if (first == '?')
        return vel_buf_append(text, path);
    while (path.len > 0 && path.ptr[path.len - 1] != '/')
        path.len--;
    return vel_buf_append(text, path);
}

/* RFC 3986 5.2.4, in place: what is written never passes what is read. */
static void remove_dots(struct vel_buf *target)
{
    struct vel_reader whole = vel_reader(vel_buf_slice(target));
    struct vel_reader path = vel_reader(until(&whole, "?"));
    size_t made = 0;
    while (vel_left(&path) > 0) {
        (void)vel_read_bytes(&path, 1); /* the slash */
        struct vel_slice part = until(&path, "/");
        bool up = equal_name(part, ".."), is_last = vel_left(&path) == 0;
        while (up && made > 0 && target->ptr[--made] != '/')
            continue;
        if (!up && !equal_name(part, ".")) {
            target->ptr[made++] = '/';
            memmove(target->ptr + made, part.ptr, part.len);
            made += part.len;
        } else if (is_last) {
            target->ptr[made++] = '/';
        }
    }
    struct vel_slice query = vel_read_rest(&whole);
    memmove(target->ptr + made, query.ptr, query.len);
    target->len = made + query.len;
}

vel_result vel_url_resolve(const struct vel_env *env, const struct vel_url *base,
                           struct vel_slice reference, struct vel_url *url)
{
    OWNED(vel_buf_free) struct vel_buf text = {.env = env, .limit = RESOLVED_MAX};
    REQUIRE(reference.len == 0 || memchr(reference.ptr, '\0', reference.len) == NULL,
            VEL_ERR_MALFORMED);
    if (!has_scheme(reference))
        TRY(add_base(base, reference, &text));
    TRY(vel_buf_append(&text, reference));
    TRY(vel_buf_append(&text, vel_slice("", 1)));
    TRY(vel_url_parse(env, (const char *)text.ptr, url));
    remove_dots(&url->target);
    return VEL_OK;
}

/* ---- the path as a file name ---- */

static int hex_value(uint8_t c)
{
    const char *at = c == '\0' ? NULL : strchr(hex, toupper(c));
    return at == NULL ? -1 : (int)(at - hex);
}

/* The next byte of the path, decoded. A percent sign without two digits stands for itself. */
static uint8_t decoded_byte(struct vel_reader *r)
{
    uint8_t byte = (uint8_t)vel_read_uint(r, 1);
    if (byte != '%' || vel_left(r) < 2)
        return byte;
    int high = hex_value(r->pos[0]), low = hex_value(r->pos[1]);
    if (high < 0 || low < 0)
        return byte;
    (void)vel_read_bytes(r, 2);
    return (uint8_t)(high << 4 | low);
}

static vel_result add_part(struct vel_slice part, struct vel_buf *name)
{
    struct vel_reader r = vel_reader(part);
    size_t start = name->len;
    while (vel_left(&r) > 0) {
        uint8_t byte = decoded_byte(&r);
        REQUIRE(byte != '\0' && byte != '/', VEL_ERR_MALFORMED);
        TRY(vel_buf_append(name, vel_slice(&byte, 1)));
    }
    REQUIRE(name->len > start, VEL_ERR_MALFORMED);
    struct vel_slice made = vel_slice(name->ptr + start, name->len - start);
    REQUIRE(!vel_slice_equal(made, vel_slice_text(".")), VEL_ERR_MALFORMED);
    REQUIRE(!vel_slice_equal(made, vel_slice_text("..")), VEL_ERR_MALFORMED);
    return VEL_OK;
}

vel_result vel_url_file_name(const struct vel_url *url, struct vel_buf *name)
{
    struct vel_reader whole = vel_reader(vel_buf_slice(&url->target));
    struct vel_reader path = vel_reader(until(&whole, "?"));
    for (;;) {
        (void)vel_read_bytes(&path, 1); /* the slash */
        if (vel_left(&path) == 0)
            break;
        TRY(add_part(until(&path, "/"), name));
        if (vel_left(&path) == 0)
            return vel_buf_append(name, vel_slice("", 1));
        TRY(vel_buf_append(name, vel_slice_text("/")));
    }
    return vel_buf_append(name, vel_slice("index.html", sizeof "index.html"));
}
