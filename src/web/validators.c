/* SPDX-License-Identifier: MIT */
#include "web/validators.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/reader.h"
#include "base/units.h"
#include "http/date.h"

struct vel_validators vel_validators_of(uint64_t inode, uint64_t size, int64_t mtime)
{
    struct vel_validators v = {.modified = mtime / SECOND - (mtime % SECOND < 0)};
    snprintf(v.etag, sizeof v.etag, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", inode, size,
             (uint64_t)mtime);
    return v;
}

static void skip(struct vel_reader *r, const char *bytes)
{
    while (vel_left(r) > 0 && *r->pos != '\0' && strchr(bytes, *r->pos) != NULL)
        vel_read_uint(r, 1);
}

/* The next entity tag of a list with its quotes; empty when there is none. */
static struct vel_slice take_tag(struct vel_reader *r, bool *weak)
{
    skip(r, " \t,");
    *weak = vel_left(r) >= 2 && r->pos[0] == 'W' && r->pos[1] == '/';
    if (*weak)
        vel_read_bytes(r, 2);
    const uint8_t *start = r->pos;
    if (vel_read_uint(r, 1) != '"')
        return vel_slice(NULL, 0);
    while (vel_read_uint(r, 1) != '"')
        if (!vel_read_ok(r))
            return vel_slice(NULL, 0);
    return vel_slice(start, (size_t)(r->pos - start));
}

/* RFC 9110 8.8.3.2. Ours is strong, so a weak one of theirs matches only when `weakly`. */
static bool list_matches(struct vel_slice list, const char *etag, bool weakly)
{
    if (vel_slice_equal(list, vel_slice_text("*")))
        return true;
    struct vel_reader r = vel_reader(list);
    for (;;) {
        bool weak;
        struct vel_slice tag = take_tag(&r, &weak);
        if (tag.len == 0)
            return false;
        if (vel_slice_equal(tag, vel_slice_text(etag)) && (weakly || !weak))
            return true;
    }
}

/* A date that does not parse is as if it were not there. */
static bool date_of(struct vel_fields request, const char *name, int64_t *seconds)
{
    const struct vel_slice *value = vel_fields_find(request, name);
    return value != NULL && vel_http_date_parse(*value, seconds) == VEL_OK;
}

unsigned vel_conditions(struct vel_fields request, const struct vel_validators *have, bool safe)
{
    int64_t seconds;
    const struct vel_slice *match = vel_fields_find(request, "if-match");
    if (match != NULL && !list_matches(*match, have->etag, false))
        return 412;
    if (match == NULL && date_of(request, "if-unmodified-since", &seconds) &&
        have->modified > seconds)
        return 412;
    const struct vel_slice *none = vel_fields_find(request, "if-none-match");
    if (none != NULL && list_matches(*none, have->etag, true))
        return safe ? 304 : 412;
    if (none == NULL && safe && date_of(request, "if-modified-since", &seconds) &&
        have->modified <= seconds)
        return 304;
    return 200;
}

bool vel_range_applies(struct vel_fields request, const struct vel_validators *have)
{
    const struct vel_slice *value = vel_fields_find(request, "if-range");
    if (value == NULL)
        return true;
    if (value->len > 0 && value->ptr[0] == '"')
        return vel_slice_equal(*value, vel_slice_text(have->etag));
    /* A date is a strong validator only if the file is older than the second it names; the etag is
     * always better, so dates must match exactly (13.1.5). */
    int64_t seconds;
    return date_of(request, "if-range", &seconds) && seconds == have->modified;
}
