/* SPDX-License-Identifier: MIT */
/*
 * A URL from anybody. Properties: what is accepted gives a request that is safe to send, and parses
 * to itself again; a file name made from it stays inside of its folder; a reference, which follows
 * in a second line, resolves to a URL with the same properties and without dots in its path.
 */
#include <string.h>

#include "client/url.h"
#include "testing/fuzz.h"

enum { TEXT_MAX = 16 * 1024 };

static void check_parsed(const struct vel_url *url)
{
    struct vel_url again;
    char text[TEXT_MAX] = "";
    strcat(strcat(text, vel_url_scheme(url)), "://");
    FUZZ_CHECK(url->port != 0 && url->host[0] != '\0');
    FUZZ_CHECK(url->target.len > 0 && url->target.ptr[0] == '/');
    for (size_t i = 0; i < url->target.len; i++)
        FUZZ_CHECK(url->target.ptr[i] > ' ' && url->target.ptr[i] < 0x7f);

    size_t used = strlen(text);
    memcpy(text + used, url->authority, strlen(url->authority));
    used += strlen(url->authority);
    memcpy(text + used, url->target.ptr, url->target.len);
    FUZZ_CHECK(vel_url_parse(&fuzz_env, text, &again) == VEL_OK);
    FUZZ_CHECK(vel_url_same_origin(url, &again));
    FUZZ_CHECK(vel_slice_equal(vel_buf_slice(&url->target), vel_buf_slice(&again.target)));
    vel_url_clear(&again);
}

static void check_name(const char *name)
{
    FUZZ_CHECK(name[0] != '\0' && name[0] != '/');
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        FUZZ_CHECK(length > 0);
        FUZZ_CHECK(!(length == 1 && part[0] == '.'));
        FUZZ_CHECK(!(length == 2 && part[0] == '.' && part[1] == '.'));
    }
}

static void check_no_dots(const struct vel_url *url)
{
    struct vel_slice target = vel_buf_slice(&url->target);
    size_t start = 1;
    for (size_t i = 1; i <= target.len; i++) {
        if (i < target.len && target.ptr[i] != '/' && target.ptr[i] != '?')
            continue;
        struct vel_slice part = vel_slice(target.ptr + start, i - start);
        FUZZ_CHECK(!vel_slice_equal(part, vel_slice_text(".")));
        FUZZ_CHECK(!vel_slice_equal(part, vel_slice_text("..")));
        if (i < target.len && target.ptr[i] == '?')
            return;
        start = i + 1;
    }
}

static void check_reference(const struct vel_url *base, struct vel_slice reference)
{
    struct vel_url url;
    if (vel_url_resolve(&fuzz_env, base, reference, &url) != VEL_OK)
        return;
    check_parsed(&url);
    check_no_dots(&url);
    vel_url_clear(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct vel_url url;
    char text[TEXT_MAX];
    if (size >= sizeof text)
        return 0;
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    char *second = strchr(text, '\n');
    if (second != NULL)
        *second++ = '\0';
    if (vel_url_parse(&fuzz_env, text, &url) != VEL_OK)
        return 0;
    check_parsed(&url);
    if (second != NULL)
        check_reference(&url, vel_slice(second, size - (size_t)(second - text)));
    struct vel_buf name = {.env = &fuzz_env, .limit = TEXT_MAX};
    if (vel_url_file_name(&url, &name) == VEL_OK)
        check_name((const char *)name.ptr);
    vel_buf_free(&name);
    vel_url_clear(&url);
    return 0;
}
