/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_RANGES_H
#define TRANSPORT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "velocity/env.h"
#include "velocity/err.h"

/*
 * A set of uint64 as sorted, disjoint, non-touching half-open intervals [start, end): packet
 * numbers to acknowledge, bytes that were received or acknowledged. Appending at either end and
 * taking away from the start, the usual cases, cost O(1); finding is O(log n); a change in the
 * middle moves the shorter side. What a peer can make of that is bounded by `limit`.
 *
 * Start one with {.env = env, .limit = n}; the first VEL_RANGES_INLINE intervals need no
 * allocation. Release with vel_ranges_free, after which it is empty and usable again. It may be
 * moved by assignment (the old copy is then dead), not shared.
 */
enum { VEL_RANGES_INLINE = 2 };

struct vel_range {
    uint64_t start;
    uint64_t end; /* not in the interval */
};

struct vel_ranges {
    const struct vel_env *env;
    uint32_t limit; /* intervals; needing more is VEL_ERR_LIMIT */
    uint32_t count;
    uint32_t capacity; /* of heap; 0: the inline ones are used */
    uint32_t first;    /* free slots of heap before the lowest interval */
    union {            /* private: use vel_ranges_at */
        struct vel_range *heap;
        struct vel_range few[VEL_RANGES_INLINE];
    };
};

void vel_ranges_free(struct vel_ranges *ranges);

/* Empty it, keeping its memory. */
static inline void vel_ranges_clear(struct vel_ranges *ranges)
{
    ranges->count = 0;
    ranges->first = 0;
}

/* Interval `index`, 0 the lowest, below count. Good until the next change. */
static inline const struct vel_range *vel_ranges_at(const struct vel_ranges *ranges, size_t index)
{
    return (ranges->capacity > 0 ? ranges->heap + ranges->first : ranges->few) + index;
}

/* The highest interval; NULL when the set is empty. */
static inline const struct vel_range *vel_ranges_last(const struct vel_ranges *ranges)
{
    return ranges->count == 0 ? NULL : vel_ranges_at(ranges, ranges->count - 1);
}

/* Let the highest interval, if it ends at `start`, grow to `end`: the usual case of vel_ranges_add, and
 * one that cannot fail. False: it does not end there. */
static inline bool vel_ranges_append(struct vel_ranges *ranges, uint64_t start, uint64_t end)
{
    if (ranges->count == 0)
        return false;
    struct vel_range *all = ranges->capacity > 0 ? ranges->heap + ranges->first : ranges->few;
    struct vel_range *last = all + ranges->count - 1;
    if (last->end != start || end < start)
        return false;
    last->end = end;
    return true;
}

/*
 * Add [start, end), merging what it overlaps or touches; nothing happens when start >= end.
 * VEL_ERR_LIMIT  one more interval than the limit would be needed; the set is unchanged
 * VEL_ERR_NOMEM  allocation failed; the set is unchanged
 */
vel_result vel_ranges_add(struct vel_ranges *ranges, uint64_t start, uint64_t end);

/* Take [start, end) out. Errors as above (cutting a hole makes one interval more). */
vel_result vel_ranges_subtract(struct vel_ranges *ranges, uint64_t start, uint64_t end);

/* Take out everything under `start`. */
void vel_ranges_remove_below(struct vel_ranges *ranges, uint64_t start);

/* Index of the first interval that ends after `value`: the one that holds it, or the next one;
 * count when there is none. */
size_t vel_ranges_find(const struct vel_ranges *ranges, uint64_t value);

bool vel_ranges_contains(const struct vel_ranges *ranges, uint64_t value);

/* All of [start, end) is in the set; true when start >= end. */
bool vel_ranges_covers(const struct vel_ranges *ranges, uint64_t start, uint64_t end);

/* The first stretch at or after `from` that is not in the set. Its end is the start of the next
 * interval, or UINT64_MAX when nothing follows. */
struct vel_range vel_ranges_gap(const struct vel_ranges *ranges, uint64_t from);

#endif
