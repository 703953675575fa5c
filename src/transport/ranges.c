/* SPDX-License-Identifier: MIT */
#include "transport/ranges.h"

#include <string.h>

#include "base/try.h"
#include "base/units.h"

static struct vel_range *items(struct vel_ranges *ranges)
{
    return ranges->capacity > 0 ? ranges->heap + ranges->first : ranges->few;
}

void vel_ranges_free(struct vel_ranges *ranges)
{
    if (ranges->capacity > 0)
        vel_release(ranges->env, ranges->heap, ranges->capacity * sizeof *ranges->heap);
    ranges->capacity = 0;
    ranges->count = 0;
    ranges->first = 0;
}

/* Make room for one interval more. A quarter stays free where the limit allows, so that room on
 * either side is made seldom. */
static vel_result reserve(struct vel_ranges *ranges)
{
    REQUIRE(ranges->count < ranges->limit, VEL_ERR_LIMIT);
    uint32_t capacity = VEL_MAX(ranges->capacity, (uint32_t)VEL_RANGES_INLINE);
    bool enough = ranges->capacity == 0 || capacity == ranges->limit
                      ? ranges->count < capacity
                      : ranges->count < capacity - capacity / 4;
    if (enough)
        return VEL_OK;

    uint32_t wanted = VEL_MIN(2 * capacity, ranges->limit);
    struct vel_range *heap = vel_alloc(ranges->env, wanted * sizeof *heap);
    REQUIRE(heap != NULL, VEL_ERR_NOMEM);
    memcpy(heap, items(ranges), ranges->count * sizeof *heap);
    if (ranges->capacity > 0)
        vel_release(ranges->env, ranges->heap, ranges->capacity * sizeof *heap);
    ranges->heap = heap;
    ranges->capacity = wanted;
    ranges->first = 0;
    return VEL_OK;
}

/* Share the free slots between both ends; an odd one lies behind. */
static void centre(struct vel_ranges *ranges)
{
    uint32_t first = (ranges->capacity - ranges->count) / 2;
    memmove(ranges->heap + first, items(ranges), ranges->count * sizeof *ranges->heap);
    ranges->first = first;
}

/* Is the front the side to be moved for a new interval at `index`? */
static bool moves_front(struct vel_ranges *ranges, size_t index)
{
    if (ranges->capacity == 0)
        return false;
    bool front = index < ranges->count / 2;
    if (front ? ranges->first == 0 : ranges->first + ranges->count == ranges->capacity)
        centre(ranges);
    return front && ranges->first > 0;
}

/* Take out the intervals with an index in [from, to). */
static void drop(struct vel_ranges *ranges, size_t from, size_t to)
{
    if (from == to)
        return;
    struct vel_range *all = items(ranges);
    if (from == 0 && ranges->capacity > 0)
        ranges->first += (uint32_t)to;
    else
        memmove(all + from, all + to, (ranges->count - to) * sizeof *all);
    ranges->count -= (uint32_t)(to - from);
    if (ranges->count == 0)
        ranges->first = 0;
}

static vel_result insert(struct vel_ranges *ranges, size_t index, uint64_t start, uint64_t end)
{
    TRY(reserve(ranges));
    bool front = moves_front(ranges, index);
    ranges->first -= front;
    struct vel_range *all = items(ranges);
    if (front)
        memmove(all, all + 1, index * sizeof *all);
    else
        memmove(all + index + 1, all + index, (ranges->count - index) * sizeof *all);
    all[index] = (struct vel_range){start, end};
    ranges->count++;
    return VEL_OK;
}

/* Index of the first interval whose end is at least `value`; the last one is tried first, since
 * most values are new ones at the end. */
static size_t find_end_from(const struct vel_ranges *ranges, uint64_t value)
{
    size_t low = 0;
    size_t high = ranges->count;
    if (high > 0 && vel_ranges_at(ranges, high - 1)->end < value)
        return high;
    if (high > 1 && vel_ranges_at(ranges, high - 2)->end < value)
        return high - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vel_ranges_at(ranges, middle)->end < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t vel_ranges_find(const struct vel_ranges *ranges, uint64_t value)
{
    return value == UINT64_MAX ? ranges->count : find_end_from(ranges, value + 1);
}

vel_result vel_ranges_add(struct vel_ranges *ranges, uint64_t start, uint64_t end)
{
    if (start >= end)
        return VEL_OK;
    /* [first, last): what [start, end) overlaps or touches. */
    size_t first = find_end_from(ranges, start);
    size_t last = first;
    while (last < ranges->count && vel_ranges_at(ranges, last)->start <= end)
        last++;
    if (first == last)
        return insert(ranges, first, start, end);

    struct vel_range *all = items(ranges);
    all[first].start = VEL_MIN(all[first].start, start);
    all[first].end = VEL_MAX(all[last - 1].end, end);
    drop(ranges, first + 1, last);
    return VEL_OK;
}

vel_result vel_ranges_subtract(struct vel_ranges *ranges, uint64_t start, uint64_t end)
{
    size_t first = start >= end ? ranges->count : vel_ranges_find(ranges, start);
    if (first == ranges->count)
        return VEL_OK;

    struct vel_range *all = items(ranges);
    if (all[first].start < start && all[first].end > end) { /* a hole inside one interval */
        TRY(insert(ranges, first + 1, end, all[first].end));
        items(ranges)[first].end = start;
        return VEL_OK;
    }
    if (all[first].start < start)
        all[first++].end = start;
    size_t last = first;
    while (last < ranges->count && all[last].end <= end)
        last++;
    if (last < ranges->count && all[last].start < end)
        all[last].start = end;
    drop(ranges, first, last);
    return VEL_OK;
}

void vel_ranges_remove_below(struct vel_ranges *ranges, uint64_t start)
{
    size_t first = start == 0 ? 0 : vel_ranges_find(ranges, start);
    drop(ranges, 0, first);
    if (ranges->count > 0)
        items(ranges)[0].start = VEL_MAX(items(ranges)[0].start, start);
}

bool vel_ranges_contains(const struct vel_ranges *ranges, uint64_t value)
{
    size_t index = vel_ranges_find(ranges, value);
    return index < ranges->count && vel_ranges_at(ranges, index)->start <= value;
}

bool vel_ranges_covers(const struct vel_ranges *ranges, uint64_t start, uint64_t end)
{
    if (start >= end)
        return true;
    size_t index = vel_ranges_find(ranges, start);
    return index < ranges->count && vel_ranges_at(ranges, index)->start <= start &&
           vel_ranges_at(ranges, index)->end >= end;
}

struct vel_range vel_ranges_gap(const struct vel_ranges *ranges, uint64_t from)
{
    size_t index = vel_ranges_find(ranges, from);
    if (index < ranges->count && vel_ranges_at(ranges, index)->start <= from)
        from = vel_ranges_at(ranges, index++)->end;
    uint64_t end = index < ranges->count ? vel_ranges_at(ranges, index)->start : UINT64_MAX;
    return (struct vel_range){from, end};
}
