/* SPDX-License-Identifier: MIT */
#include "transport/send_buffer.h"

#include "base/try.h"
#include "base/units.h"

/* Bytes [offset, offset + len) of the stream. */
struct vel_send_chunk {
    uint64_t offset;
    union {
        uint8_t *copied;
        const uint8_t *lent;
    };
    size_t len;
    size_t capacity; /* of `copied`; 0: the bytes are lent */
    vel_release_fn release;
    void *context;
};

enum {
    CHUNK_SMALL = 512, /* what a short write costs */
    RING_START = 4,
    RANGES_MAX = 1 << 18 /* more than the records of all packets in flight */
};

static struct vel_send_chunk *chunk_at(const struct vel_send_buffer *b, uint32_t index)
{
    return &b->chunks[(b->first + index) & (b->capacity - 1)];
}

static const uint8_t *chunk_bytes(const struct vel_send_chunk *chunk)
{
    return chunk->capacity > 0 ? chunk->copied : chunk->lent;
}

void vel_send_buffer_init(struct vel_send_buffer *b, struct vel_pool *pool, uint64_t limit)
{
    *b = (struct vel_send_buffer){
        .pool = pool,
        .limit = limit,
        .acked = {.env = pool->env, .limit = RANGES_MAX},
        .lost = {.env = pool->env, .limit = RANGES_MAX},
    };
}

static void release_ring(struct vel_send_buffer *b)
{
    vel_release(b->pool->env, b->chunks, b->capacity * sizeof *b->chunks);
    b->chunks = NULL;
    b->first = b->capacity = 0;
}

/* The chunk leaves the ring before its owner is told. */
static void pop_chunk(struct vel_send_buffer *b)
{
    struct vel_send_chunk chunk = *chunk_at(b, 0);
    b->first = (b->first + 1) & (b->capacity - 1);
    b->count--;
    if (b->last_found > 0)
        b->last_found--;
    if (chunk.capacity > 0)
        vel_pool_put(b->pool, chunk.copied, chunk.capacity);
    else
        chunk.release(chunk.context, vel_slice(chunk.lent, chunk.len));
}

void vel_send_buffer_clear(struct vel_send_buffer *b)
{
    while (b->count > 0)
        pop_chunk(b);
    if (b->pool != NULL)
        release_ring(b);
    vel_ranges_free(&b->acked);
    vel_ranges_free(&b->lost);
    b->base = b->end = b->sent;
}

/* One more slot in the ring, which doubles when it is full. */
static vel_result reserve_chunk(struct vel_send_buffer *b)
{
    if (b->count < b->capacity)
        return VEL_OK;
    uint32_t capacity = b->capacity == 0 ? RING_START : 2 * b->capacity;
    struct vel_send_chunk *chunks = vel_alloc(b->pool->env, capacity * sizeof *chunks);
    REQUIRE(chunks != NULL, VEL_ERR_NOMEM);
    uint32_t count = b->count;
    for (uint32_t i = 0; i < count; i++)
        chunks[i] = *chunk_at(b, i);
    release_ring(b);
    b->chunks = chunks;
    b->capacity = capacity;
    return VEL_OK;
}

/* Free bytes behind the last chunk. */
static size_t tail_room(const struct vel_send_buffer *b)
{
    if (b->count == 0)
        return 0;
    const struct vel_send_chunk *tail = chunk_at(b, b->count - 1);
    return tail->capacity > tail->len ? tail->capacity - tail->len : 0;
}

/* Chunks grow with what is queued, so that neither a short write costs a block nor a long one many
 * chunks. */
static size_t chunk_size(const struct vel_send_buffer *b, size_t wanted)
{
    uint64_t queued = b->end - b->base;
    size_t size = CHUNK_SMALL;
    while (size < VEL_POOL_BLOCK && size < VEL_MAX(queued, wanted))
        size *= 2;
    return size;
}

static vel_result add_tail(struct vel_send_buffer *b, size_t wanted)
{
    TRY(reserve_chunk(b));
    size_t size = chunk_size(b, wanted);
    uint8_t *bytes = vel_pool_get(b->pool, size);
    REQUIRE(bytes != NULL, VEL_ERR_NOMEM);
    *chunk_at(b, b->count++) =
        (struct vel_send_chunk){.offset = b->end, .copied = bytes, .capacity = size};
    return VEL_OK;
}

size_t vel_send_buffer_room(const struct vel_send_buffer *b)
{
    uint64_t queued = b->end - b->base;
    uint64_t room = b->limit > queued ? b->limit - queued : 0;
    if (b->count == VEL_SEND_CHUNKS_MAX)
        room = VEL_MIN(room, tail_room(b));
    return (size_t)room;
}

vel_result vel_send_buffer_write(struct vel_send_buffer *b, struct vel_slice bytes, bool fin,
                                 size_t *accepted)
{
    REQUIRE(b->fin == VEL_FIN_NONE, VEL_ERR_CLOSED);
    size_t wanted = VEL_MIN(bytes.len, vel_send_buffer_room(b));
    size_t taken = 0;
    while (taken < wanted) {
        if (tail_room(b) == 0 &&
            (b->count == VEL_SEND_CHUNKS_MAX || add_tail(b, wanted - taken) != VEL_OK))
            break;
        struct vel_send_chunk *tail = chunk_at(b, b->count - 1);
        size_t size = VEL_MIN(wanted - taken, tail->capacity - tail->len);
        memcpy(tail->copied + tail->len, bytes.ptr + taken, size);
        tail->len += size;
        taken += size;
        b->end += size;
    }
    REQUIRE(taken > 0 || wanted == 0, VEL_ERR_NOMEM);
    if (fin && taken == bytes.len)
        b->fin = VEL_FIN_QUEUED;
    *accepted = taken;
    return VEL_OK;
}

vel_result vel_send_buffer_lend(struct vel_send_buffer *b, struct vel_slice bytes, bool fin,
                                vel_release_fn release, void *context)
{
    REQUIRE(b->fin == VEL_FIN_NONE, VEL_ERR_CLOSED);
    bool empty = b->end == b->base;
    REQUIRE(b->count < VEL_SEND_CHUNKS_MAX, VEL_ERR_AGAIN);
    REQUIRE(empty || bytes.len <= vel_send_buffer_room(b), VEL_ERR_AGAIN);
    if (bytes.len > 0) {
        TRY(reserve_chunk(b));
        *chunk_at(b, b->count++) = (struct vel_send_chunk){.offset = b->end,
                                                           .lent = bytes.ptr,
                                                           .len = bytes.len,
                                                           .release = release,
                                                           .context = context};
        b->end += bytes.len;
    }
    if (fin)
        b->fin = VEL_FIN_QUEUED;
    if (bytes.len == 0)
        release(context, bytes);
    return VEL_OK;
}

bool vel_send_buffer_has_lost(const struct vel_send_buffer *b)
{
    return b->lost.count > 0;
}

bool vel_send_buffer_next(const struct vel_send_buffer *b, size_t max, uint64_t credit,
                          struct vel_send_span *span)
{
    struct vel_range range = {b->sent, VEL_MAX(VEL_MIN(b->end, credit), b->sent)};
    if (b->lost.count > 0)
        range = *vel_ranges_at(&b->lost, 0);
    size_t len = (size_t)VEL_MIN(range.end - range.start, max);
    bool fin = b->fin == VEL_FIN_QUEUED && range.start + len == b->end;
    if (len == 0 && !fin)
        return false;
    *span = (struct vel_send_span){.offset = range.start, .len = len, .fin = fin};
    return true;
}

vel_result vel_send_buffer_sent(struct vel_send_buffer *b, const struct vel_send_span *span)
{
    uint64_t end = span->offset + span->len;
    if (span->offset < b->sent)
        TRY(vel_ranges_subtract(&b->lost, span->offset, end));
    b->sent = VEL_MAX(b->sent, end);
    if (span->fin)
        b->fin = VEL_FIN_IN_FLIGHT;
    return VEL_OK;
}

static bool holds(const struct vel_send_buffer *b, uint32_t index, uint64_t offset)
{
    if (index >= b->count)
        return false;
    const struct vel_send_chunk *chunk = chunk_at(b, index);
    return offset >= chunk->offset && offset - chunk->offset < chunk->len;
}

/* Index of the chunk that holds `offset`, which is below end. */
static uint32_t find_chunk(const struct vel_send_buffer *b, uint64_t offset)
{
    for (uint32_t near = b->last_found; near < b->last_found + 2; near++)
        if (holds(b, near, offset))
            return near;
    uint32_t low = 0;
    uint32_t high = b->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (chunk_at(b, middle)->offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* What chunk `index` holds of [offset, offset + len). */
static struct vel_slice piece(const struct vel_send_buffer *b, uint32_t index, uint64_t offset,
                              size_t len)
{
    const struct vel_send_chunk *chunk = chunk_at(b, index);
    size_t skip = (size_t)(offset - chunk->offset);
    return vel_slice(chunk_bytes(chunk) + skip, VEL_MIN(len, chunk->len - skip));
}

struct vel_slice vel_send_buffer_peek(struct vel_send_buffer *b, uint64_t offset, size_t len)
{
    VEL_ASSERT(offset >= b->base && len > 0 && len <= b->end - offset);
    b->last_found = find_chunk(b, offset);
    return piece(b, b->last_found, offset, len);
}

void vel_send_buffer_copy(const struct vel_send_buffer *b, uint64_t offset, size_t len,
                          uint8_t *out)
{
    if (len == 0)
        return;
    VEL_ASSERT(offset >= b->base && len <= b->end - offset);
    for (uint32_t i = find_chunk(b, offset); len > 0; i++) {
        struct vel_slice bytes = piece(b, i, offset, len);
        memcpy(out, bytes.ptr, bytes.len);
        out += bytes.len;
        offset += bytes.len;
        len -= bytes.len;
    }
}

/* Everything below `base` is acknowledged, and what `acked` holds from there on: forget it. */
static void advance(struct vel_send_buffer *b, uint64_t base)
{
    vel_ranges_remove_below(&b->acked, base);
    if (b->acked.count > 0 && vel_ranges_at(&b->acked, 0)->start == base)
        base = vel_ranges_at(&b->acked, 0)->end;
    b->base = base;
    vel_ranges_remove_below(&b->acked, b->base);
    vel_ranges_remove_below(&b->lost, b->base);
    while (b->count > 0 && chunk_at(b, 0)->offset + chunk_at(b, 0)->len <= b->base)
        pop_chunk(b);
    if (b->count == 0)
        release_ring(b);
}

vel_result vel_send_buffer_acked(struct vel_send_buffer *b, const struct vel_send_span *span)
{
    uint64_t start = VEL_MAX(span->offset, b->base);
    uint64_t end = VEL_MIN(span->offset + span->len, b->sent);
    if (start < end && start == b->base) {
        advance(b, end);
    } else if (start < end) {
        TRY(vel_ranges_add(&b->acked, start, end));
        TRY(vel_ranges_subtract(&b->lost, start, end));
    }
    if (span->fin)
        b->fin = VEL_FIN_ACKED;
    return VEL_OK;
}

vel_result vel_send_buffer_lost(struct vel_send_buffer *b, const struct vel_send_span *span)
{
    uint64_t start = VEL_MAX(span->offset, b->base);
    uint64_t end = VEL_MIN(span->offset + span->len, b->sent);
    while (start < end) {
        struct vel_range hole = vel_ranges_gap(&b->acked, start);
        TRY(vel_ranges_add(&b->lost, hole.start, VEL_MIN(hole.end, end)));
        start = hole.end;
    }
    if (span->fin && b->fin == VEL_FIN_IN_FLIGHT)
        b->fin = VEL_FIN_QUEUED;
    return VEL_OK;
}

bool vel_send_buffer_done(const struct vel_send_buffer *b)
{
    return b->fin == VEL_FIN_ACKED && b->base == b->end;
}
