/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "base/try.h"
#include "cli/get_internal.h"

enum { HEADER_NAMES_LIMIT = 64 * 1024 };

/* Header lines, "Name: value". Names travel in lower case (RFC 9114 4.2). */
static vel_result prepare_header(struct vel_get *get, struct vel_slice name, const char *value)
{
    struct vel_buf *names = &get->header_names;
    REQUIRE(name.len > 0 && get->header_count < VEL_GET_HEADERS_MAX, VEL_ERR_ARGUMENT);
    TRY(vel_buf_reserve(names, name.len));
    uint8_t *start = names->ptr + names->len;
    for (size_t i = 0; i < name.len; i++)
        start[i] = (uint8_t)tolower(name.ptr[i]);
    names->len += name.len;
    get->headers[get->header_count++] =
        (struct vel_field){vel_slice(start, name.len), vel_slice_text(value)};
    return VEL_OK;
}

static bool has_header(const struct vel_get *get, const char *name)
{
    struct vel_fields fields = {get->headers, get->header_count};
    return vel_fields_find(fields, name) != NULL;
}

static vel_result prepare_line(struct vel_get *get, const char *line)
{
    const char *colon = strchr(line, ':');
    if (colon == NULL || colon == line || strpbrk(line, "\r\n") != NULL) {
        vel_get_failed(get, VEL_EXIT_USAGE, "--header '%s': not of the form 'Name: value'", line);
        return VEL_ERR_ARGUMENT;
    }
    const char *value = colon + 1;
    value += strspn(value, " \t");
    return prepare_header(get, vel_slice(line, (size_t)(colon - line)), value);
}

vel_result vel_get_prepare_headers(struct vel_get *get)
{
    const struct vel_texts *lines = &get->settings->headers;
    get->header_names = (struct vel_buf){.env = &get->env, .limit = HEADER_NAMES_LIMIT};
    size_t all = sizeof "user-agent" + sizeof "content-type" + sizeof "accept";
    for (size_t i = 0; i < lines->count; i++)
        all += strlen(lines->items[i]);
    TRY(vel_buf_reserve(&get->header_names, all)); /* so that the slices into it stay good */
    for (size_t i = 0; i < lines->count; i++)
        TRY(prepare_line(get, lines->items[i]));

    if (!has_header(get, "user-agent"))
        TRY(prepare_header(get, vel_slice_text("user-agent"), "velocity/" VELOCITY_VERSION));
    if (!has_header(get, "accept"))
        TRY(prepare_header(get, vel_slice_text("accept"), "*/*"));
    if (get->settings->data.count > 0 && !has_header(get, "content-type"))
        TRY(prepare_header(get, vel_slice_text("content-type"),
                           "application/x-www-form-urlencoded"));
    return VEL_OK;
}

bool vel_fetch_has_body(const struct vel_fetch *fetch)
{
    return fetch->get->settings->data.count > 0 && !fetch->no_body;
}

/* The user's fields, but for those that a redirection leaves behind, and the length of the body:
 * many a server takes no chunked one. */
size_t vel_fetch_fields(struct vel_fetch *fetch, struct vel_field *fields)
{
    const struct vel_get *get = fetch->get;
    size_t count = 0;
    if (vel_fetch_has_body(fetch) && !has_header(get, "content-length")) {
        snprintf(fetch->length, sizeof fetch->length, "%zu", get->data.len);
        fields[count++] =
            (struct vel_field){vel_slice_text("content-length"), vel_slice_text(fetch->length)};
    }
    for (size_t i = 0; i < get->header_count; i++)
        if (vel_redirect_keeps_field(get->headers[i].name, fetch->left_home, fetch->no_body))
            fields[count++] = get->headers[i];
    return count;
}
