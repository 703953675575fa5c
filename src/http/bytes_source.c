/* SPDX-License-Identifier: MIT */
#include "http/bytes_source.h"

#include "base/try.h"
#include "base/units.h"

/* A body that is one slice, as a source of pieces; lives until the last of them is released. */
struct whole {
    const struct vel_env *env;
    struct vel_slice bytes;
    size_t shown;   /* bytes that were pulled */
    size_t waiting; /* pieces that are not released */
    bool done;      /* no more pulls */
    vel_release_fn release;
    void *context;
};

static void end_when_unused(struct whole *whole)
{
    if (!whole->done || whole->waiting > 0)
        return;
    whole->release(whole->context, whole->bytes);
    vel_release(whole->env, whole, sizeof *whole);
}

static void release_piece(void *context, struct vel_slice bytes)
{
    struct whole *whole = context;
    (void)bytes;
    whole->waiting--;
    end_when_unused(whole);
}

static vel_result pull(void *self, size_t want, struct vel_body_piece *piece)
{
    struct whole *whole = self;
    size_t size = VEL_MIN(want, whole->bytes.len - whole->shown);
    const uint8_t *at =
        size > 0 ? whole->bytes.ptr + whole->shown : NULL; /* may be nothing at all */
    *piece = (struct vel_body_piece){
        .bytes = vel_slice(at, size), .release = release_piece, .context = whole};
    whole->shown += size;
    whole->waiting++;
    piece->last = whole->shown == whole->bytes.len;
    return VEL_OK;
}

static void done(void *self)
{
    struct whole *whole = self;
    whole->done = true;
    end_when_unused(whole);
}

vel_result vel_bytes_source_new(const struct vel_env *env, struct vel_slice bytes,
                                vel_release_fn release, void *context,
                                struct vel_body_source *source)
{
    struct whole *whole = vel_alloc(env, sizeof *whole);
    REQUIRE(whole != NULL, VEL_ERR_NOMEM);
    *whole = (struct whole){.env = env, .bytes = bytes, .release = release, .context = context};
    *source = (struct vel_body_source){.pull = pull, .done = done, .self = whole};
    return VEL_OK;
}

void vel_bytes_source_abandon(struct vel_body_source *source)
{
    struct whole *whole = source->self;
    vel_release(whole->env, whole, sizeof *whole);
}
