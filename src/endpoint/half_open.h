/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_HALF_OPEN_H
#define ENDPOINT_HALF_OPEN_H

#include <stdbool.h>

#include "endpoint/keyed_hash.h"
#include "endpoint/table.h"
#include "velocity/addr.h"

/*
 * Counts connections that are not finished with something: in all, and for each source (see
 * endpoint/limits.h). An endpoint has two. One is of peers that have not proved their address:
 * forged addresses fill it, and that is the point: over a bound we keep nothing and answer with a
 * Retry. The other is of handshakes that are under way, whoever asked for them: over a bound the
 * source is refused (VEL-TR-08).
 */
struct vel_half_open {
    struct vel_table sources; /* hash of a source: how many it has */
    struct vel_hash_key key;
    size_t total;
    size_t max_total;
    size_t max_source;
};

void vel_half_open_init(struct vel_half_open *half_open, const struct vel_env *env,
                        size_t max_total, size_t max_source);

bool vel_half_open_has_room(const struct vel_half_open *half_open, const struct vel_addr *addr);

/* VEL_ERR_NOMEM: not counted */
vel_result vel_half_open_add(struct vel_half_open *half_open, const struct vel_addr *addr);
void vel_half_open_remove(struct vel_half_open *half_open, const struct vel_addr *addr);

void vel_half_open_clear(struct vel_half_open *half_open);

#endif
