/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "base/units.h"
#include "cli/options.h"
#include "sys/address.h"
#include "velocity/config.h"

static bool in_limits(const struct vel_option *option, int64_t value)
{
    bool limited = option->low != 0 || option->high != 0;
    return !limited || (value >= option->low && value <= option->high);
}

enum vel_err vel_parse_flag(const struct vel_option *option, const char *value, void *field)
{
    (void)option;
    (void)value;
    *(bool *)field = true;
    return VEL_OK;
}

enum vel_err vel_parse_text(const struct vel_option *option, const char *value, void *field)
{
    REQUIRE(in_limits(option, (int64_t)strlen(value)), VEL_ERR_ARGUMENT);
    *(const char **)field = value;
    return VEL_OK;
}

enum vel_err vel_parse_texts(const struct vel_option *option, const char *value, void *field)
{
    struct vel_texts *texts = field;
    REQUIRE(in_limits(option, (int64_t)strlen(value)), VEL_ERR_ARGUMENT);
    REQUIRE(texts->count < VEL_TEXTS_MAX, VEL_ERR_LIMIT);
    texts->items[texts->count++] = value;
    return VEL_OK;
}

enum vel_err vel_parse_number(const struct vel_option *option, const char *value, void *field)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    REQUIRE(end != value && *end == '\0' && errno == 0, VEL_ERR_ARGUMENT);
    REQUIRE(in_limits(option, number), VEL_ERR_ARGUMENT);
    *(int64_t *)field = number;
    return VEL_OK;
}

/* Digits, perhaps with a fraction; no sign, exponent or hexadecimal, which strtod would take. */
static vel_result parse_decimal(const char *value, double *number, const char **rest)
{
    size_t length = strspn(value, "0123456789.");
    REQUIRE(length > 0 && length <= 15 && value[0] != '.', VEL_ERR_ARGUMENT);
    char *end;
    *number = strtod(value, &end);
    REQUIRE(end == value + length, VEL_ERR_ARGUMENT);
    *rest = end;
    return VEL_OK;
}

enum vel_err vel_parse_span(const struct vel_option *option, const char *value, void *field)
{
    static const struct {
        const char *name;
        int64_t unit;
    } units[] = {{"", SECOND}, {"ms", MS}, {"s", SECOND}, {"m", 60 * SECOND}, {"h", 3600 * SECOND}};
    double number;
    const char *rest;
    TRY(parse_decimal(value, &number, &rest));
    for (size_t i = 0; i < VEL_COUNT(units); i++) {
        if (strcmp(units[i].name, rest) != 0)
            continue;
        double span = number * (double)units[i].unit;
        REQUIRE(span < (double)INT64_MAX / 2, VEL_ERR_ARGUMENT);
        REQUIRE(in_limits(option, (int64_t)span), VEL_ERR_ARGUMENT);
        *(int64_t *)field = (int64_t)span;
        return VEL_OK;
    }
    return VEL_ERR_ARGUMENT;
}

enum vel_err vel_parse_profiles(const struct vel_option *option, const char *value, void *field)
{
    (void)option;
    return vel_profile_list_parse(value, field) == VEL_OK ? VEL_OK : VEL_ERR_ARGUMENT;
}

enum vel_err vel_parse_profile(const struct vel_option *option, const char *value, void *field)
{
    (void)option;
    return vel_profile_parse(value, field) == VEL_OK ? VEL_OK : VEL_ERR_ARGUMENT;
}

static vel_result add_alpn(struct vel_alpn_list *list, const char *name, size_t length)
{
    static const char *const known[VEL_ALPN_KNOWN] = {"velocity/1", "h3", "h2", "http/1.1"};
    for (size_t i = 0; i < VEL_ALPN_KNOWN; i++) {
        if (strlen(known[i]) != length || memcmp(known[i], name, length) != 0)
            continue;
        for (size_t j = 0; j < list->count; j++)
            REQUIRE(list->names[j] != known[i], VEL_ERR_ARGUMENT);
        list->names[list->count++] = known[i];
        return VEL_OK;
    }
    return VEL_ERR_ARGUMENT;
}

enum vel_err vel_parse_congestion(const struct vel_option *option, const char *value, void *field)
{
    (void)option;
    enum vel_err err = vel_congestion_find(value, field);
    return err == VEL_ERR_NOT_FOUND ? VEL_ERR_ARGUMENT : err;
}

enum vel_err vel_parse_scheduler(const struct vel_option *option, const char *value, void *field)
{
    (void)option;
    enum vel_err err = vel_scheduler_find(value, field);
    return err == VEL_ERR_NOT_FOUND ? VEL_ERR_ARGUMENT : err;
}

enum vel_err vel_parse_locals(const struct vel_option *option, const char *value, void *field)
{
    (void)option;
    struct vel_local_list *list = field;
    struct vel_addr addr;
    REQUIRE(vel_addr_parse_ip(value, 0, &addr) == VEL_OK, VEL_ERR_ARGUMENT);
    REQUIRE(list->count < VEL_LOCALS_MAX, VEL_ERR_LIMIT);
    list->items[list->count++] = addr;
    return VEL_OK;
}

enum vel_err vel_parse_alpn(const struct vel_option *option, const char *value, void *field)
{
    struct vel_alpn_list list = {0};
    (void)option;
    for (const char *at = value; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        TRY(add_alpn(&list, at, strcspn(at, ",")));
    }
    *(struct vel_alpn_list *)field = list;
    return VEL_OK;
}
