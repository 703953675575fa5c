/* SPDX-License-Identifier: MIT */
#include "http/h3_rules.h"

/*
 * A dictionary of structured fields (RFC 9651 3.2) of which two members matter: u, an integer, and i,
 * a boolean (RFC 9218 4). Others are stepped over; what is no dictionary says nothing.
 */

enum { URGENCY_DEFAULT = 3, URGENCY_MAX = 7 };

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct vel_slice trim(struct vel_slice text)
{
    while (text.len > 0 && is_space(text.ptr[0]))
        text = vel_slice(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* Where the byte stands for the first time outside of strings; the length of the text: nowhere. */
static size_t find(struct vel_slice text, uint8_t wanted)
{
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            quoted = !quoted;
        else if (quoted && text.ptr[i] == '\\')
            i++;
        else if (!quoted && text.ptr[i] == wanted)
            return i;
    }
    return text.len;
}

static bool is(struct vel_slice text, const char *wanted)
{
    return vel_slice_equal(text, vel_slice_text(wanted));
}

/* "u=3", "i", "i=?0", with parameters or without. False: a value that the member cannot have. */
static bool take_member(struct vel_slice member, struct vel_h3_priority *priority)
{
    member.len = find(member, ';');
    member = trim(member);
    size_t sign = find(member, '=');
    struct vel_slice key = vel_slice(member.ptr, sign);
    struct vel_slice value = vel_slice(member.ptr + sign, member.len - sign);
    if (is(key, "u")) {
        bool fits = value.len == 2 && value.ptr[1] >= '0' && value.ptr[1] <= '0' + URGENCY_MAX;
        if (fits)
            priority->urgency = (uint8_t)(value.ptr[1] - '0');
        return fits;
    }
    if (is(key, "i")) {
        priority->incremental = value.len == 0 || is(value, "=?1");
        return priority->incremental || is(value, "=?0");
    }
    return key.len > 0;
}

void vel_h3_priority_parse(struct vel_slice text, struct vel_h3_priority *priority)
{
    struct vel_h3_priority parsed = {.urgency = URGENCY_DEFAULT};
    bool good = true;
    text = trim(text);
    while (good && text.len > 0) {
        size_t comma = find(text, ',');
        good = take_member(vel_slice(text.ptr, comma), &parsed);
        size_t step = comma < text.len ? comma + 1 : comma;
        text = vel_slice(text.ptr + step, text.len - step);
    }
    *priority = good ? parsed : (struct vel_h3_priority){.urgency = URGENCY_DEFAULT};
    priority->told = true;
}
