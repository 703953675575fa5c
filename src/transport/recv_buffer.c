/* SPDX-License-Identifier: MIT */
#include "transport/recv_buffer.h"

#include "base/try.h"
#include "base/units.h"

enum { RING_START = 2 };

void vel_recv_buffer_init(struct vel_recv_buffer *b, struct vel_pool *pool)
{
    *b = (struct vel_recv_buffer){
        .pool = pool,
        .later = {.env = pool->env, .limit = VEL_RECV_GAPS_MAX},
    };
}

/* The slot of block `number`, which is in the ring. */
static uint8_t **block_slot(const struct vel_recv_buffer *b, uint64_t number)
{
    uint32_t index = (uint32_t)(number - b->first_block);
    return &b->blocks[(b->first + index) & (b->capacity - 1)];
}

static bool has_slot(const struct vel_recv_buffer *b, uint64_t number)
{
    return number >= b->first_block && number - b->first_block < b->capacity;
}

static size_t block_size(const struct vel_recv_buffer *b, uint64_t number)
{
    return number == 0 ? b->small_size : VEL_POOL_BLOCK;
}

static void drop_block(struct vel_recv_buffer *b, uint64_t number)
{
    uint8_t **slot = block_slot(b, number);
    vel_pool_put(b->pool, *slot, block_size(b, number));
    *slot = NULL;
}

static void drop_blocks(struct vel_recv_buffer *b)
{
    for (uint32_t i = 0; i < b->capacity; i++)
        drop_block(b, b->first_block + i);
    if (b->capacity > 0)
        vel_release(b->pool->env, b->blocks, b->capacity * sizeof *b->blocks);
    b->blocks = NULL;
    b->first = b->capacity = b->next_room = 0;
}

void vel_recv_buffer_clear(struct vel_recv_buffer *b)
{
    drop_blocks(b);
    vel_ranges_free(&b->later);
}

vel_result vel_recv_buffer_skip(struct vel_recv_buffer *b, uint64_t end, bool fin)
{
    TRY(vel_recv_buffer_check(b, end, fin));
    b->highest = VEL_MAX(b->highest, end);
    b->fin = b->fin || fin;
    b->next_room = 0;
    return VEL_OK;
}

/* Make the ring reach block `number`. An empty ring starts at the block of the next byte. */
static vel_result reserve_slot(struct vel_recv_buffer *b, uint64_t number)
{
    if (b->capacity == 0)
        b->first_block = b->consumed / VEL_POOL_BLOCK;
    if (has_slot(b, number))
        return VEL_OK;
    uint32_t capacity = VEL_MAX(b->capacity, (uint32_t)RING_START);
    while (number - b->first_block >= capacity)
        capacity *= 2;
    uint8_t **blocks = vel_alloc(b->pool->env, capacity * sizeof *blocks);
    REQUIRE(blocks != NULL, VEL_ERR_NOMEM);
    for (uint32_t i = 0; i < b->capacity; i++)
        blocks[i] = *block_slot(b, b->first_block + i);
    if (b->capacity > 0)
        vel_release(b->pool->env, b->blocks, b->capacity * sizeof *b->blocks);
    b->blocks = blocks;
    b->first = 0;
    b->capacity = capacity;
    return VEL_OK;
}

/* Block 0 in the size that holds `wanted` bytes: a quarter of the next size at each step. */
static vel_result grow_small(struct vel_recv_buffer *b, uint8_t **slot, size_t wanted)
{
    size_t size = VEL_RECV_SMALL;
    while (size < wanted)
        size *= 4;
    uint8_t *bytes = vel_pool_get(b->pool, size);
    REQUIRE(bytes != NULL, VEL_ERR_NOMEM);
    if (*slot != NULL)
        memcpy(bytes, *slot, b->small_size);
    vel_pool_put(b->pool, *slot, b->small_size);
    *slot = bytes;
    b->small_size = (uint32_t)size;
    return VEL_OK;
}

/* Memory for `size` bytes from the start of block `number`. */
static vel_result reserve_block(struct vel_recv_buffer *b, uint64_t number, size_t size)
{
    TRY(reserve_slot(b, number));
    uint8_t **slot = block_slot(b, number);
    if (number == 0 && (*slot == NULL || size > b->small_size))
        return grow_small(b, slot, size);
    if (*slot == NULL)
        *slot = vel_pool_get(b->pool, VEL_POOL_BLOCK);
    return *slot != NULL ? VEL_OK : VEL_ERR_NOMEM;
}

static vel_result store(struct vel_recv_buffer *b, uint64_t offset, struct vel_slice bytes)
{
    while (bytes.len > 0) {
        uint64_t number = offset / VEL_POOL_BLOCK;
        size_t skip = offset % VEL_POOL_BLOCK;
        size_t size = VEL_MIN(bytes.len, VEL_POOL_BLOCK - skip);
        TRY(reserve_block(b, number, skip + size));
        memcpy(*block_slot(b, number) + skip, bytes.ptr, size);
        bytes = vel_slice(bytes.ptr + size, bytes.len - size);
        offset += size;
    }
    return VEL_OK;
}

/* Are the pieces too small for their number? Counted now and then, since all are walked. */
static bool is_crumbled(const struct vel_ranges *pieces)
{
    if (pieces->count <= VEL_RECV_CRUMBS || pieces->count % VEL_RECV_CRUMBS != 1)
        return false;
    uint64_t bytes = 0;
    for (size_t i = 0; i < pieces->count; i++)
        bytes += vel_ranges_at(pieces, i)->end - vel_ranges_at(pieces, i)->start;
    return bytes / pieces->count < VEL_RECV_CRUMB;
}

/* [start, end) has arrived; `start` is not below what is ready. */
static vel_result arrived(struct vel_recv_buffer *b, uint64_t start, uint64_t end)
{
    if (start > b->ready) {
        TRY(vel_ranges_add(&b->later, start, end));
        return is_crumbled(&b->later) ? VEL_ERR_LIMIT : VEL_OK;
    }
    b->ready = end;
    if (b->later.count > 0) {
        size_t index = vel_ranges_find(&b->later, b->ready);
        if (index < b->later.count && vel_ranges_at(&b->later, index)->start <= b->ready)
            b->ready = vel_ranges_at(&b->later, index)->end;
        vel_ranges_remove_below(&b->later, b->ready);
    }
    return VEL_OK;
}

/* In order, with nothing behind, into a block that is there: nearly all of a bulk transfer. False:
 * nothing happened. */
static bool append(struct vel_recv_buffer *b, uint64_t offset, struct vel_slice bytes)
{
    if (offset != b->ready || b->next_room == 0 || bytes.len > b->next_room)
        return false;
    memcpy(b->next, bytes.ptr, bytes.len);
    b->next += bytes.len;
    b->next_room -= (uint32_t)bytes.len;
    b->ready = b->highest = offset + bytes.len;
    return true;
}

/* More may be appended unless something lies behind what is ready, or the end is known. */
static void find_next(struct vel_recv_buffer *b)
{
    uint64_t number = b->ready / VEL_POOL_BLOCK;
    size_t skip = b->ready % VEL_POOL_BLOCK;
    b->next_room = 0;
    if (b->highest > b->ready || b->fin || b->capacity == 0 || !has_slot(b, number) ||
        *block_slot(b, number) == NULL || skip == 0)
        return;
    b->next = *block_slot(b, number) + skip;
    b->next_room = (uint32_t)(block_size(b, number) - skip);
}

vel_result vel_recv_buffer_insert(struct vel_recv_buffer *b, uint64_t offset,
                                  struct vel_slice bytes, bool fin)
{
    if (!fin && append(b, offset, bytes))
        return VEL_OK;
    b->next_room = 0;
    uint64_t end = offset + bytes.len;
    TRY(vel_recv_buffer_check(b, end, fin));
    if (end > b->ready) {
        size_t known = offset < b->ready ? (size_t)(b->ready - offset) : 0;
        if (bytes.len > known) {
            TRY(store(b, offset + known, vel_slice(bytes.ptr + known, bytes.len - known)));
            TRY(arrived(b, offset + known, end));
        }
    }
    TRY(vel_recv_buffer_skip(b, end, fin));
    find_next(b);
    return VEL_OK;
}

vel_result vel_recv_buffer_end(struct vel_recv_buffer *b, uint64_t final_size)
{
    TRY(vel_recv_buffer_skip(b, final_size, true));
    vel_recv_buffer_clear(b);
    b->ready = b->consumed = final_size;
    return VEL_OK;
}

struct vel_slice vel_recv_buffer_read(const struct vel_recv_buffer *b, bool *fin)
{
    uint64_t number = b->consumed / VEL_POOL_BLOCK;
    uint64_t end = VEL_MIN(b->ready, (number + 1) * VEL_POOL_BLOCK);
    *fin = b->fin && end == b->highest;
    if (end == b->consumed)
        return (struct vel_slice){0};
    return vel_slice(*block_slot(b, number) + b->consumed % VEL_POOL_BLOCK,
                     (size_t)(end - b->consumed));
}

void vel_recv_buffer_consume(struct vel_recv_buffer *b, size_t count)
{
    VEL_ASSERT(count <= b->ready - b->consumed);
    b->consumed += count;
    while (b->capacity > 0 && b->first_block < b->consumed / VEL_POOL_BLOCK) {
        drop_block(b, b->first_block);
        b->first = (b->first + 1) & (b->capacity - 1);
        b->first_block++;
    }
    if (b->fin && b->consumed == b->highest)
        vel_recv_buffer_clear(b);
}

void vel_recv_buffer_trim(struct vel_recv_buffer *b)
{
    if (b->consumed == b->ready && b->later.count == 0)
        vel_recv_buffer_clear(b);
}
