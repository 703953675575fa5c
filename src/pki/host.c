/* SPDX-License-Identifier: MIT */
#include "pki/host.h"

#include "base/reader.h"
#include "base/try.h"
#include "pki/cert.h"
#include "pki/der.h"

enum { LABEL_MAX = 63 };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_label(struct vel_slice label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = lower(label.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

static struct vel_slice first_label(struct vel_slice name)
{
    const uint8_t *dot = name.len == 0 ? NULL : memchr(name.ptr, '.', name.len);
    return vel_slice(name.ptr, dot == NULL ? name.len : (size_t)(dot - name.ptr));
}

struct vel_slice vel_dns_parent(struct vel_slice name)
{
    size_t skip = first_label(name).len + 1;
    return skip >= name.len ? vel_slice(NULL, 0) : vel_slice(name.ptr + skip, name.len - skip);
}

static bool is_dns(struct vel_slice name)
{
    if (name.len == 0 || name.len > VEL_DNS_NAME_MAX || name.ptr[name.len - 1] == '.')
        return false;
    struct vel_slice last = {0};
    for (struct vel_slice rest = name; rest.len > 0; rest = vel_dns_parent(rest)) {
        last = first_label(rest);
        if (!is_label(last))
            return false;
    }
    /* No top-level domain is a number, so "1.2.3.456" is a mistyped address. */
    for (size_t i = 0; i < last.len; i++) {
        if (!is_digit(last.ptr[i]))
            return true;
    }
    return false;
}

static bool is_wildcard(struct vel_slice name)
{
    return name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.';
}

bool vel_dns_is_pattern(struct vel_slice name)
{
    if (!is_wildcard(name))
        return is_dns(name);
    struct vel_slice parent = vel_dns_parent(name);
    return is_dns(parent) && vel_dns_parent(parent).len > 0;
}

bool vel_dns_equal(struct vel_slice a, struct vel_slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

/* Four decimal numbers without leading zeros. */
static bool parse_ip4(struct vel_slice text, uint8_t ip[4])
{
    unsigned parts = 0;
    for (struct vel_slice rest = text; rest.len > 0; rest = vel_dns_parent(rest)) {
        struct vel_slice part = first_label(rest);
        unsigned value = 0;
        if (parts == 4 || part.len == 0 || part.len > 3 || (part.len > 1 && part.ptr[0] == '0'))
            return false;
        for (size_t i = 0; i < part.len; i++) {
            if (!is_digit(part.ptr[i]))
                return false;
            value = value * 10 + (unsigned)(part.ptr[i] - '0');
        }
        if (value > 255)
            return false;
        ip[parts++] = (uint8_t)value;
    }
    return parts == 4 && text.ptr[text.len - 1] != '.';
}

static bool read_group(struct vel_reader *r, uint16_t *group)
{
    unsigned value = 0;
    unsigned digits = 0;
    for (; vel_left(r) > 0 && *r->pos != ':'; digits++) {
        uint8_t c = lower((uint8_t)vel_read_uint(r, 1));
        bool hex = c >= 'a' && c <= 'f';
        if (digits == 4 || (!hex && !is_digit(c)))
            return false;
        value = value << 4 | (unsigned)(hex ? c - 'a' + 10 : c - '0');
    }
    *group = (uint16_t)value;
    return digits > 0;
}

static bool skip_text(struct vel_reader *r, const char *text)
{
    size_t len = strlen(text);
    if (vel_left(r) < len || memcmp(r->pos, text, len) != 0)
        return false;
    vel_read_bytes(r, len);
    return true;
}

/* RFC 4291, 2.2: eight groups, one run of zeros as "::", perhaps an IPv4 address at the end. */
static bool parse_ip6(struct vel_slice text, uint8_t ip[16])
{
    uint8_t found[16] = {0};
    size_t size = 0;
    size_t gap = SIZE_MAX; /* where "::" stands */
    struct vel_reader r = vel_reader(text);
    if (skip_text(&r, "::"))
        gap = 0;
    while (vel_left(&r) > 0) {
        uint16_t group = 0;
        if (size <= 12 && parse_ip4(vel_slice(r.pos, vel_left(&r)), found + size)) {
            size += 4;
            break;
        }
        if (size == 16 || !read_group(&r, &group))
            return false;
        found[size++] = (uint8_t)(group >> 8);
        found[size++] = (uint8_t)group;
        if (vel_left(&r) == 0)
            break;
        if (gap == SIZE_MAX && skip_text(&r, "::"))
            gap = size;
        else if (!skip_text(&r, ":") || vel_left(&r) == 0)
            return false;
    }
    if (gap == SIZE_MAX ? size != 16 : size > 14)
        return false;
    memset(ip, 0, 16);
    size_t front = gap == SIZE_MAX ? size : gap;
    memcpy(ip, found, front);
    memcpy(ip + 16 - (size - front), found + front, size - front);
    return true;
}

static vel_result parse(const char *text, bool pattern, struct vel_host *host)
{
    struct vel_host made = {.dns = vel_slice_text(text)};
    if (made.dns.len > 0 && parse_ip4(made.dns, made.ip))
        made.ip_size = 4;
    else if (parse_ip6(made.dns, made.ip))
        made.ip_size = 16;
    if (made.ip_size > 0) {
        made.dns = vel_slice(NULL, 0);
    } else {
        if (made.dns.len > 1 && made.dns.ptr[made.dns.len - 1] == '.')
            made.dns.len--;
        bool wildcard = is_wildcard(made.dns);
        REQUIRE(wildcard ? pattern && vel_dns_is_pattern(made.dns) : is_dns(made.dns),
                VEL_ERR_MALFORMED);
    }
    *host = made;
    return VEL_OK;
}

vel_result vel_host_parse(const char *text, struct vel_host *host)
{
    return parse(text, false, host);
}

vel_result vel_host_parse_pattern(const char *text, struct vel_host *host)
{
    return parse(text, true, host);
}

static bool dns_matches(struct vel_slice pattern, struct vel_slice name)
{
    if (!vel_dns_is_pattern(pattern))
        return false;
    if (is_wildcard(pattern))
        return vel_dns_equal(vel_dns_parent(pattern), vel_dns_parent(name));
    return vel_dns_equal(pattern, name);
}

bool vel_names_match(struct vel_slice names, const struct vel_host *host)
{
    struct vel_reader r = vel_reader(names);
    while (vel_read_ok(&r) && vel_left(&r) > 0) {
        uint8_t tag = 0;
        struct vel_slice name = vel_der_any(&r, &tag);
        if (tag == VEL_NAME_DNS && host->ip_size == 0 && dns_matches(name, host->dns))
            return true;
        if (tag == VEL_NAME_IP && host->ip_size > 0 &&
            vel_slice_equal(name, vel_slice(host->ip, host->ip_size)))
            return true;
    }
    return false;
}
