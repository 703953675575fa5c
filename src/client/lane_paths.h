/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_LANE_PATHS_H
#define CLIENT_LANE_PATHS_H

#include "client/attempt.h"
#include "velocity/runtime.h"

/*
 * The addresses of ours that a connection uses when there are several (multipath, VEL-TR-50): a socket for
 * each but that where it began, and a path from there as soon as the server admits it. One that is
 * abandoned, since nobody answered on it for long, is opened again after a while; its socket stays. So is
 * the path that the connection began with, on a new socket.
 *
 * A socket is bound to its address; by which interface its packets leave is for the routing rules of the
 * system to say.
 */
struct vel_lane_path {
    struct vel_addr local; /* as asked: port 0, any */
    struct vel_link *link; /* NULL: not opened yet, or the connection's own */
    uint32_t path;         /* its number, when `open` */
    bool open;
    bool refused; /* for good */
};

struct vel_lane_paths {
    const struct vel_env *env;
    struct vel_lane_path paths[VEL_ATTEMPT_LOCALS_MAX];
    size_t count;
    vel_time look_at; /* when there is something to do next; VEL_NEVER: nothing */
};

/* Of `locals` those of the family of `remote`, but for the first, which *first is set to: family
 * VEL_ADDR_NONE if there is none. */
void vel_lane_paths_init(struct vel_lane_paths *paths, const struct vel_env *env,
                         const struct vel_addr *locals, size_t count, const struct vel_addr *remote,
                         struct vel_addr *first);

/* The connection has begun, with path 0, at `first`: it is looked after with the others, if there are any. */
void vel_lane_paths_begun(struct vel_lane_paths *paths, const struct vel_addr *first);

/* Once a turn, when the connection is there: open what can be opened. */
void vel_lane_paths_turn(struct vel_lane_paths *paths, struct vel_runtime *runtime,
                         struct vel_conn *conn, vel_time now);

/* The runtime lets go of the sockets, and they are closed. Fine on zeroed memory, and with NULL for a
 * runtime that was never made. */
void vel_lane_paths_clear(struct vel_lane_paths *paths, struct vel_runtime *runtime);

#endif
