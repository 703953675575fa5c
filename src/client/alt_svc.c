/* SPDX-License-Identifier: MIT */
#include "client/alt_svc.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/try.h"
#include "base/units.h"

enum { DEFAULT_AGE_S = 86400, AGE_MAX_S = 30 * 86400, AGE_DIGITS = 12, QUOTED_MAX = 300 };

static void skip_spaces(struct vel_reader *r)
{
    while (vel_left(r) > 0 && (*r->pos == ' ' || *r->pos == '\t'))
        r->pos++;
}

static bool take(struct vel_reader *r, uint8_t wanted)
{
    skip_spaces(r);
    if (vel_left(r) == 0 || *r->pos != wanted)
        return false;
    r->pos++;
    return true;
}

static bool is_token_byte(uint8_t c)
{
    return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static struct vel_slice take_token(struct vel_reader *r)
{
    size_t length = 0;
    skip_spaces(r);
    while (length < vel_left(r) && is_token_byte(r->pos[length]))
        length++;
    if (length == 0)
        r->failed = true;
    return vel_read_bytes(r, length);
}

/* A quoted string without its quotes, as text; escapes are taken literally (RFC 9110 5.6.4). */
static vel_result take_quoted(struct vel_reader *r, char *text, size_t size)
{
    size_t used = 0;
    REQUIRE(take(r, '"'), VEL_ERR_MALFORMED);
    for (;;) {
        uint64_t c = vel_read_uint(r, 1);
        if (c == '"' && !r->failed)
            break;
        if (c == '\\')
            c = vel_read_uint(r, 1);
        REQUIRE(!r->failed && c != '\0' && used + 1 < size, VEL_ERR_MALFORMED);
        text[used++] = (char)c;
    }
    text[used] = '\0';
    return VEL_OK;
}

static int hex_value(uint8_t c)
{
    if (isdigit(c))
        return c - '0';
    c = (uint8_t)tolower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static vel_result decode(struct vel_slice token, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < token.len; i++) {
        uint8_t c = token.ptr[i];
        if (c == '%') {
            REQUIRE(i + 2 < token.len, VEL_ERR_MALFORMED);
            int high = hex_value(token.ptr[i + 1]), low = hex_value(token.ptr[i + 2]);
            REQUIRE(high >= 0 && low >= 0, VEL_ERR_MALFORMED);
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        REQUIRE(c > ' ' && c < 0x7f && used + 1 < size, VEL_ERR_MALFORMED);
        text[used++] = (char)c;
    }
    text[used] = '\0';
    return VEL_OK;
}

/* "[host]:port" */
static vel_result parse_authority(const char *text, struct vel_alt_svc *service)
{
    const char *colon = strrchr(text, ':');
    REQUIRE(colon != NULL, VEL_ERR_MALFORMED);
    size_t length = (size_t)(colon - text), digits = strspn(colon + 1, "0123456789");
    unsigned long port = strtoul(colon + 1, NULL, 10);
    REQUIRE(length < sizeof service->host && digits > 0 && digits <= 5, VEL_ERR_MALFORMED);
    REQUIRE(colon[1 + digits] == '\0' && port > 0 && port <= UINT16_MAX, VEL_ERR_MALFORMED);
    for (size_t i = 0; i < length; i++) {
        REQUIRE(text[i] > ' ' && text[i] < 0x7f, VEL_ERR_MALFORMED);
        service->host[i] = (char)tolower((unsigned char)text[i]);
    }
    service->host[length] = '\0';
    service->port = (uint16_t)port;
    return VEL_OK;
}

static int64_t age_of(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return DEFAULT_AGE_S;
    return digits > AGE_DIGITS ? AGE_MAX_S : VEL_MIN(strtoll(text, NULL, 10), AGE_MAX_S);
}

/* *( OWS ";" OWS parameter ); unknown ones are passed over. */
static vel_result take_parameters(struct vel_reader *r, struct vel_alt_svc *service)
{
    char value[QUOTED_MAX];
    while (take(r, ';')) {
        struct vel_slice name = take_token(r);
        REQUIRE(take(r, '='), VEL_ERR_MALFORMED);
        skip_spaces(r);
        if (vel_left(r) > 0 && *r->pos == '"') {
            TRY(take_quoted(r, value, sizeof value));
        } else {
            struct vel_slice token = take_token(r);
            REQUIRE(token.len < sizeof value, VEL_ERR_MALFORMED);
            memcpy(value, token.ptr, token.len);
            value[token.len] = '\0';
        }
        REQUIRE(vel_read_ok(r), VEL_ERR_MALFORMED);
        if (vel_slice_equal(name, vel_slice_text("ma")))
            service->max_age = age_of(value);
    }
    return VEL_OK;
}

static vel_result take_service(struct vel_reader *r, struct vel_alt_svc *service)
{
    char authority[QUOTED_MAX];
    struct vel_alt_svc made = {.max_age = DEFAULT_AGE_S};
    while (take(r, ','))
        continue;
    skip_spaces(r);
    REQUIRE(vel_left(r) > 0, VEL_ERR_NOT_FOUND);
    struct vel_slice protocol = take_token(r);
    REQUIRE(take(r, '='), VEL_ERR_MALFORMED); /* "clear" as well */
    TRY(decode(protocol, made.protocol, sizeof made.protocol));
    TRY(take_quoted(r, authority, sizeof authority));
    TRY(parse_authority(authority, &made));
    TRY(take_parameters(r, &made));
    skip_spaces(r);
    REQUIRE(vel_read_ok(r) && (vel_left(r) == 0 || *r->pos == ','), VEL_ERR_MALFORMED);
    *service = made;
    return VEL_OK;
}

bool vel_alt_svc_next(struct vel_reader *value, struct vel_alt_svc *service)
{
    return vel_read_ok(value) && take_service(value, service) == VEL_OK;
}

int64_t vel_alt_svc_expects_velocity(struct vel_slice value, const struct vel_url *origin)
{
    struct vel_reader r = vel_reader(value);
    struct vel_alt_svc service;
    while (vel_alt_svc_next(&r, &service)) {
        bool here = service.host[0] == '\0' || strcmp(service.host, origin->host) == 0;
        if (strcmp(service.protocol, "velocity/1") == 0 && here && service.port == origin->port)
            return service.max_age;
    }
    return 0;
}
