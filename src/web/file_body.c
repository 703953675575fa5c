/* SPDX-License-Identifier: MIT */
#include "web/file_body.h"

#include "base/try.h"
#include "base/units.h"

/* As many chunks are kept as one stream may have under way (16 times 256 KiB): one more would be
 * cleared when it is taken and wiped when it is given back. */
enum { CHUNK_SIZE = 64 * 1024, CHUNKS_KEPT = 64 };

/* Whole ones are kept for reuse; a smaller piece gets a chunk of its own size, so that what a slow
 * peer can pin is what HTTP counts. */
struct chunk {
    struct vel_chunk_pool *pool;
    struct chunk *next;
    size_t size;
    uint8_t bytes[];
};

struct vel_chunk_pool {
    const struct vel_env *env;
    struct chunk *kept;
    size_t kept_count;
};

struct file_body {
    struct vel_chunk_pool *pool;
    struct vel_root_file file;
    uint64_t offset;
    uint64_t left;
};

static void free_chunk(struct chunk *chunk)
{
    vel_release(chunk->pool->env, chunk, sizeof *chunk + chunk->size);
}

vel_result vel_chunk_pool_new(const struct vel_env *env, struct vel_chunk_pool **pool)
{
    struct vel_chunk_pool *fresh = vel_alloc(env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->env = env;
    *pool = fresh;
    return VEL_OK;
}

void vel_chunk_pool_free(struct vel_chunk_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->kept != NULL) {
        struct chunk *chunk = pool->kept;
        pool->kept = chunk->next;
        free_chunk(chunk);
    }
    vel_release(pool->env, pool, sizeof *pool);
}

static struct chunk *take_chunk(struct vel_chunk_pool *pool, size_t size)
{
    struct chunk *chunk = pool->kept;
    if (size == CHUNK_SIZE && chunk != NULL) {
        pool->kept = chunk->next;
        pool->kept_count--;
        return chunk;
    }
    chunk = vel_alloc(pool->env, sizeof *chunk + size);
    if (chunk != NULL) {
        chunk->pool = pool;
        chunk->size = size;
    }
    return chunk;
}

static void return_chunk(void *context, struct vel_slice bytes)
{
    (void)bytes;
    struct chunk *chunk = context;
    struct vel_chunk_pool *pool = chunk->pool;
    if (chunk->size != CHUNK_SIZE || pool->kept_count >= CHUNKS_KEPT) {
        free_chunk(chunk);
        return;
    }
    chunk->next = pool->kept;
    pool->kept = chunk;
    pool->kept_count++;
}

static vel_result pull(void *self, size_t want, struct vel_body_piece *piece)
{
    struct file_body *body = self;
    size_t size = VEL_MIN(VEL_MIN(want, (size_t)CHUNK_SIZE), body->left);
    struct chunk *chunk = take_chunk(body->pool, size);
    REQUIRE(chunk != NULL, VEL_ERR_NOMEM);
    size_t got = 0;
    enum vel_err err = vel_root_file_read(&body->file, body->offset, chunk->bytes, size, &got);
    if (err == VEL_OK && got < size)
        err = VEL_ERR_UNEXPECTED; /* it shrank after its length was told */
    if (err != VEL_OK) {
        return_chunk(chunk, vel_slice(NULL, 0));
        return err;
    }
    body->offset += size;
    body->left -= size;
    *piece = (struct vel_body_piece){.bytes = vel_slice(chunk->bytes, size),
                                     .last = body->left == 0,
                                     .release = return_chunk,
                                     .context = chunk};
    return VEL_OK;
}

static void done(void *self)
{
    struct file_body *body = self;
    vel_root_file_close(&body->file);
    vel_release(body->pool->env, body, sizeof *body);
}

vel_result vel_file_body_new(struct vel_chunk_pool *pool, const struct vel_root_file *file,
                             uint64_t offset, uint64_t count, struct vel_body_source *body)
{
    struct file_body *fresh = vel_alloc(pool->env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    *fresh = (struct file_body){.pool = pool, .file = *file, .offset = offset, .left = count};
    *body = (struct vel_body_source){.pull = pull, .done = done, .self = fresh};
    return VEL_OK;
}
