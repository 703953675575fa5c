/* SPDX-License-Identifier: MIT */
#include "http/h1_line.h"

#include "base/reader.h"
#include "base/try.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool is_one_of(uint8_t c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

bool vel_h1_token_ok(struct vel_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.ptr[i]) && !is_one_of(text.ptr[i], "!#$%&'*+-.^_`|~"))
            return false;
    return text.len > 0;
}

bool vel_h1_value_ok(struct vel_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] < ' ' && text.ptr[i] != '\t') || text.ptr[i] == 0x7f)
            return false;
    return text.len == 0 ||
           !(is_one_of(text.ptr[0], " \t") || is_one_of(text.ptr[text.len - 1], " \t"));
}

bool vel_h1_is(struct vel_slice text, const char *wanted)
{
    if (text.len != strlen(wanted))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (lower(text.ptr[i]) != (uint8_t)wanted[i])
            return false;
    return true;
}

vel_result vel_h1_number_parse(struct vel_slice text, uint64_t *number)
{
    uint64_t value = 0;
    REQUIRE(text.len > 0, VEL_ERR_MALFORMED);
    for (size_t i = 0; i < text.len; i++) {
        REQUIRE(is_digit(text.ptr[i]), VEL_ERR_MALFORMED);
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        REQUIRE(value <= (UINT64_MAX - digit) / 10, VEL_ERR_MALFORMED);
        value = value * 10 + digit;
    }
    *number = value;
    return VEL_OK;
}

/* Up to the next space, which is dropped; everything when there is none. */
static struct vel_slice read_word(struct vel_reader *r)
{
    const uint8_t *space = memchr(r->pos, ' ', vel_left(r));
    if (space == NULL)
        return vel_read_rest(r);
    struct vel_slice word = vel_read_bytes(r, (uint64_t)(space - r->pos));
    (void)vel_read_bytes(r, 1);
    return word;
}

/* "HTTP/1.1" or "HTTP/1.0": case-sensitive (RFC 9112 2.3). */
static bool read_version(struct vel_slice text, unsigned *minor, bool *other)
{
    bool form = text.len == 8 && memcmp(text.ptr, "HTTP/", 5) == 0 && is_digit(text.ptr[5]) &&
                text.ptr[6] == '.' && is_digit(text.ptr[7]);
    *other = form && (text.ptr[5] != '1' || text.ptr[7] > '1');
    if (!form || *other)
        return false;
    *minor = (unsigned)(text.ptr[7] - '0');
    return true;
}

static bool visible(struct vel_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
            return false;
    return text.len > 0;
}

unsigned vel_h1_request_line_parse(struct vel_slice line, struct vel_h1_request_line *out)
{
    struct vel_reader r = vel_reader(line);
    struct vel_h1_request_line made = {.minor = 1};
    bool other;
    made.method = read_word(&r);
    made.target = read_word(&r);
    struct vel_slice version = vel_read_rest(&r);
    if (!vel_h1_token_ok(made.method) || !visible(made.target))
        return 400;
    if (!read_version(version, &made.minor, &other))
        return other ? 505 : 400;
    *out = made;
    return 0;
}

vel_result vel_h1_status_line_parse(struct vel_slice line, unsigned *status, unsigned *minor)
{
    struct vel_reader r = vel_reader(line);
    bool other;
    unsigned found_minor;
    uint64_t number;
    REQUIRE(read_version(read_word(&r), &found_minor, &other), VEL_ERR_MALFORMED);
    struct vel_slice code = read_word(&r);
    REQUIRE(code.len == 3 && vel_h1_number_parse(code, &number) == VEL_OK, VEL_ERR_MALFORMED);
    REQUIRE(number >= 100 && number <= 599, VEL_ERR_MALFORMED);
    struct vel_slice reason = vel_read_rest(&r);
    for (size_t i = 0; i < reason.len; i++)
        REQUIRE((reason.ptr[i] >= ' ' && reason.ptr[i] != 0x7f) || reason.ptr[i] == '\t',
                VEL_ERR_MALFORMED);
    *status = (unsigned)number;
    *minor = found_minor;
    return VEL_OK;
}

/* ---- authorities and targets ---- */

static bool host_ok(struct vel_slice host)
{
    bool literal = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (literal)
        host = vel_slice(host.ptr + 1, host.len - 2);
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];
        bool fine =
            literal ? is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.'
                    : is_alnum(c) || is_one_of(c, "-._~%!$&'()*+,;=");
        if (!fine)
            return false;
    }
    return host.len > 0;
}

bool vel_h1_authority_ok(struct vel_slice text)
{
    size_t end = text.len;
    while (end > 0 && is_digit(text.ptr[end - 1]))
        end--;
    if (end > 0 && text.ptr[end - 1] == ':') { /* the port may be empty (RFC 3986 3.2.3) */
        if (text.len - end > 5)
            return false;
        return host_ok(vel_slice(text.ptr, end - 1));
    }
    return host_ok(text);
}

/* "scheme://authority/path?query" */
static vel_result parse_absolute(struct vel_slice target, struct vel_h1_target *made)
{
    const uint8_t *colon = memchr(target.ptr, ':', target.len);
    REQUIRE(colon != NULL, VEL_ERR_MALFORMED);
    struct vel_reader r = vel_reader(target);
    made->scheme = vel_read_bytes(&r, (uint64_t)(colon - target.ptr));
    REQUIRE(vel_h1_is(made->scheme, "http") || vel_h1_is(made->scheme, "https"), VEL_ERR_MALFORMED);
    struct vel_slice slashes = vel_read_bytes(&r, 3);
    REQUIRE(slashes.len == 3 && memcmp(slashes.ptr, "://", 3) == 0, VEL_ERR_MALFORMED);
    struct vel_slice rest = vel_read_rest(&r);
    size_t end = 0;
    while (end < rest.len && !is_one_of(rest.ptr[end], "/?"))
        end++;
    made->authority = vel_slice(rest.ptr, end);
    made->path = vel_slice(rest.ptr + end, rest.len - end);
    REQUIRE(vel_h1_authority_ok(made->authority), VEL_ERR_MALFORMED);
    if (made->path.len == 0)
        made->path = vel_slice_text("/");
    REQUIRE(made->path.ptr[0] == '/', VEL_ERR_MALFORMED); /* "http://host?query": nobody needs it */
    return VEL_OK;
}

vel_result vel_h1_target_parse(struct vel_slice method, struct vel_slice target,
                               struct vel_h1_target *out)
{
    struct vel_h1_target made = {.path = target};
    REQUIRE(target.len > 0 && memchr(target.ptr, '#', target.len) == NULL, VEL_ERR_MALFORMED);
    made.connect = vel_slice_equal(method, vel_slice_text("CONNECT"));
    if (made.connect) {
        REQUIRE(vel_h1_authority_ok(target), VEL_ERR_MALFORMED);
        made.authority = target;
        made.path = vel_slice(NULL, 0);
    } else if (vel_slice_equal(target, vel_slice_text("*"))) {
        REQUIRE(vel_slice_equal(method, vel_slice_text("OPTIONS")), VEL_ERR_MALFORMED);
    } else if (target.ptr[0] != '/') {
        TRY(parse_absolute(target, &made));
    }
    *out = made;
    return VEL_OK;
}
