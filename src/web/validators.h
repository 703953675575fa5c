/* SPDX-License-Identifier: MIT */
#ifndef WEB_VALIDATORS_H
#define WEB_VALIDATORS_H

#include "velocity/http.h"

/*
 * Validators of a representation, and what the conditions of a request make of them (RFC 9110
 * sections 8.8 and 13).
 */
enum { VEL_ETAG_SIZE = 64 };

struct vel_validators {
    char etag[VEL_ETAG_SIZE]; /* strong, with its quotes */
    int64_t modified;         /* unix seconds */
};

/* What a file looks like is told by its inode, size and time of change in nanoseconds. */
struct vel_validators vel_validators_of(uint64_t inode, uint64_t size, int64_t mtime);

/* 200: go on; 304 or 412: answer that. `safe`: the method is GET or HEAD. */
unsigned vel_conditions(struct vel_fields request, const struct vel_validators *have, bool safe);

/* Whether a Range field counts: there is no If-Range, or it matches strongly. */
bool vel_range_applies(struct vel_fields request, const struct vel_validators *have);

#endif
