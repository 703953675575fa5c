/* SPDX-License-Identifier: MIT */
#ifndef HTTP_BYTES_SOURCE_H
#define HTTP_BYTES_SOURCE_H

#include "velocity/http.h"

/* A body that is one slice, as a source of pieces. `release` is called when the source is done and
 * every piece was released. VEL_ERR_NOMEM */
vel_result vel_bytes_source_new(const struct vel_env *env, struct vel_slice bytes,
                                vel_release_fn release, void *context,
                                struct vel_body_source *source);

/* Undo: nobody took the source; `release` is not called. */
void vel_bytes_source_abandon(struct vel_body_source *source);

#endif
