/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_PATHS_H
#define TRANSPORT_PATHS_H

#include "transport/path.h"

/*
 * The few paths that a connection knows at a time (RFC 9000 section 9): the active one, which
 * carries its packets; the last one that was proved, to return to; those that are being validated.
 * A fixed table: whatever addresses packets seem to come from, no more is kept. What moves a
 * connection from one to another is in transport/conn_paths.c.
 */
enum { VEL_PATHS_MAX = 4 };

struct vel_paths {
    struct vel_path slot[VEL_PATHS_MAX]; /* free ones have id 0 */
    struct vel_path *active;             /* never NULL */
    struct vel_path *last_proved;        /* to return to when the active one fails; may be it */
    struct vel_path *target; /* the active one once it is proved, by our choice; NULL: none */
    uint32_t last_id;
};

/* for (each path of a set) */
#define VEL_PATHS_EACH(path, paths)                                                                \
    for (struct vel_path *path = (paths)->slot; path < (paths)->slot + VEL_PATHS_MAX; path++)      \
        if (path->id != 0)

/* With one path, which is active. */
void vel_paths_init(struct vel_paths *paths, const struct vel_path *first);

/* The path between just these addresses; NULL: none. */
struct vel_path *vel_paths_find_exactly(struct vel_paths *paths, const struct vel_addr *local,
                                        const struct vel_addr *remote);

/* The path of a datagram that arrived; NULL: a new one. An address of ours that is not specified
 * (a wildcard) stands for all those that no other path names. */
struct vel_path *vel_paths_find(struct vel_paths *paths, const struct vel_addr *local,
                                const struct vel_addr *remote);

/* NULL: gone. */
struct vel_path *vel_paths_by_id(struct vel_paths *paths, uint64_t id);

/* Copy a path into a free slot, under a new id. NULL: no slot is free. */
struct vel_path *vel_paths_add(struct vel_paths *paths, const struct vel_path *path);

/* Neither the active nor the last proved one, nor the target: the oldest of them. NULL: none. */
struct vel_path *vel_paths_dispensable(struct vel_paths *paths);

/* Not the active one. */
void vel_paths_remove(struct vel_paths *paths, struct vel_path *path);

/* Another path than this one sends to the same connection id of the peer. */
bool vel_paths_share_cid(struct vel_paths *paths, const struct vel_path *path);

/* When a path is to be looked at: challenges, failures, ends. VEL_NEVER: not. */
vel_time vel_paths_deadline(const struct vel_paths *paths);

#endif
