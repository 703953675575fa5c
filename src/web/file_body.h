/* SPDX-License-Identifier: MIT */
#ifndef WEB_FILE_BODY_H
#define WEB_FILE_BODY_H

#include "sys/root.h"
#include "velocity/http.h"

/*
 * A part of a file as the body of a response, read in pieces of 64 KiB. The buffers come from a
 * pool that keeps a few for the next reader; one is out for as long as the transport needs it.
 */
struct vel_chunk_pool;

/* VEL_ERR_NOMEM */
vel_result vel_chunk_pool_new(const struct vel_env *env, struct vel_chunk_pool **pool);
/* Every chunk must have come back. NULL is allowed. */
void vel_chunk_pool_free(struct vel_chunk_pool *pool);

/* A source for `count` bytes from `offset`. Takes the file over on success: it is closed when the
 * source is done. A file that turns out shorter fails the body. VEL_ERR_NOMEM */
vel_result vel_file_body_new(struct vel_chunk_pool *pool, const struct vel_root_file *file,
                             uint64_t offset, uint64_t count, struct vel_body_source *body);

#endif
