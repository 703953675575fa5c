/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_MULTIPATH_H
#define TRANSPORT_MULTIPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "velocity/config.h"

/*
 * Path identifiers, draft-ietf-quic-multipath section 3: which of them there are. Each end announces
 * the highest that it takes; none is used twice. We keep as many alive as we may have paths open, in
 * slots: when the path of a slot is gone, the slot gets the next number, and the announced limit
 * rises by one. So a number up to the limit that is in no slot belonged to a path that is gone.
 */
enum { VEL_TRACKS_MAX = VEL_PATHS_OPEN_MAX };

/* The slot has used up the last number there is (2^32 - 1). */
#define VEL_NO_PATH_ID UINT64_MAX

struct vel_multipath {
    bool agreed;    /* both ends have offered it */
    unsigned slots; /* in use: paths that may be open; 1 when it was not agreed */
    uint64_t ids[VEL_TRACKS_MAX];
    uint64_t highest;    /* of ids: the limit that the peer has, or will soon hear of */
    uint64_t announced;  /* that it has heard of */
    uint64_t peer_limit; /* the highest that we may use */
    bool limit_due;      /* MAX_PATH_ID waits to be sent */
    bool blocked_due;    /* PATHS_BLOCKED likewise */
};

/* `paths`: that may be open at a time, 1 to VEL_TRACKS_MAX. */
void vel_multipath_init(struct vel_multipath *m, unsigned paths);

/* The peer has offered it, too. */
void vel_multipath_agree(struct vel_multipath *m, uint64_t peer_limit);

/* The slot of an identifier; VEL_TRACKS_MAX: its path is gone. It must not be above m->highest. */
unsigned vel_multipath_slot(const struct vel_multipath *m, uint64_t id);

/* The path of a slot is gone. */
void vel_multipath_use_up(struct vel_multipath *m, unsigned slot);

/* MAX_PATH_ID arrived; lower ones than before are old. */
void vel_multipath_on_limit(struct vel_multipath *m, uint64_t limit);

/* Whether both ends take this identifier. */
static inline bool vel_multipath_admits(const struct vel_multipath *m, uint64_t id)
{
    return m->agreed && id <= m->peer_limit && id <= m->highest;
}

#endif
