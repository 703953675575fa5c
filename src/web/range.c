/* SPDX-License-Identifier: MIT */
#include "web/range.h"

#include "base/reader.h"

/* A failed reader has bytes left but moves no more, so a loop asks for both. */
static bool next_is(const struct vel_reader *r, uint8_t low, uint8_t high)
{
    return vel_read_ok(r) && vel_left(r) > 0 && *r->pos >= low && *r->pos <= high;
}

/* Decimal digits, as many as there are; those beyond 2^63 count as 2^63. */
static bool take_digits(struct vel_reader *r, uint64_t *value)
{
    bool any = false;
    *value = 0;
    while (next_is(r, '0', '9')) {
        uint64_t digit = vel_read_uint(r, 1) - '0';
        *value = *value > (uint64_t)INT64_MAX / 10 - 1 ? (uint64_t)INT64_MAX : *value * 10 + digit;
        any = true;
    }
    return any;
}

static bool is_bytes(struct vel_slice unit)
{
    static const char name[] = "bytes";
    for (size_t i = 0; i < unit.len && i < sizeof name - 1; i++)
        if ((unit.ptr[i] | 0x20) != name[i])
            return false;
    return unit.len == sizeof name - 1;
}

enum vel_range vel_range_parse(struct vel_slice value, uint64_t size, uint64_t *first,
                               uint64_t *count)
{
    struct vel_reader r = vel_reader(value);
    bool bytes = is_bytes(vel_read_bytes(&r, 5)) && vel_read_uint(&r, 1) == '=';
    while (next_is(&r, ' ', ' '))
        vel_read_uint(&r, 1);
    uint64_t from, to;
    bool has_from = take_digits(&r, &from);
    bool dash = vel_read_uint(&r, 1) == '-';
    bool has_to = take_digits(&r, &to);
    if (!bytes || !dash || !vel_read_done(&r) || (!has_from && !has_to))
        return VEL_RANGE_WHOLE;
    if (has_from && has_to && to < from)
        return VEL_RANGE_WHOLE;
    if (!has_from) { /* the last `to` bytes */
        from = to < size ? size - to : 0;
        if (to == 0)
            return VEL_RANGE_UNSATISFIABLE;
        has_to = false;
    }
    if (from >= size)
        return VEL_RANGE_UNSATISFIABLE;
    *first = from;
    *count = has_to && to < size - 1 ? to - from + 1 : size - from;
    return VEL_RANGE_PART;
}
