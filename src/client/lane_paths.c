/* SPDX-License-Identifier: MIT */
#include "client/lane_paths.h"

#include "base/try.h"
#include "base/units.h"
#include "velocity/udp.h"

/* Whether all are there is looked at so often, and what is not is tried again. */
#define LOOK_AGAIN (1 * SECOND)

void vel_lane_paths_init(struct vel_lane_paths *paths, const struct vel_env *env,
                         const struct vel_addr *locals, size_t count, const struct vel_addr *remote,
                         struct vel_addr *first)
{
    *paths = (struct vel_lane_paths){.env = env, .look_at = VEL_NEVER};
    *first = (struct vel_addr){.family = VEL_ADDR_NONE};
    for (size_t i = 0; i < count; i++) {
        if (locals[i].family != remote->family)
            continue;
        if (first->family == VEL_ADDR_NONE)
            *first = locals[i];
        else
            paths->paths[paths->count++].local = locals[i];
    }
    if (paths->count > 0)
        paths->look_at = 0;
}

void vel_lane_paths_begun(struct vel_lane_paths *paths, const struct vel_addr *first)
{
    if (paths->count > 0)
        paths->paths[paths->count++] = (struct vel_lane_path){.local = *first, .open = true};
}

static bool is_there(const struct vel_lane_path *path, const struct vel_conn *conn)
{
    struct vel_path_stats all[VEL_PATHS_OPEN_MAX];
    size_t count = vel_conn_paths(conn, all, VEL_PATHS_OPEN_MAX);
    for (size_t i = 0; i < VEL_MIN(count, (size_t)VEL_PATHS_OPEN_MAX); i++)
        if (all[i].path == path->path && all[i].state != VEL_PATH_ABANDONED)
            return true;
    return false;
}

/* The address may be missing now and come back, with its network. */
static vel_result open_socket(struct vel_lane_paths *paths, struct vel_lane_path *path,
                              struct vel_runtime *runtime, const struct vel_conn *conn)
{
    const struct vel_udp_setup udp = {.local = path->local, .remote = vel_conn_remote(conn)};
    struct vel_link *link = NULL;
    if (path->link != NULL)
        return VEL_OK;
    TRY(vel_udp_link_new(paths->env, &udp, &link));
    enum vel_err err = vel_runtime_add_link(runtime, link);
    if (err != VEL_OK) {
        vel_link_free(link);
        return err;
    }
    path->link = link;
    return VEL_OK;
}

/* When to look at it again. */
static vel_time open_path(struct vel_lane_paths *paths, struct vel_lane_path *path,
                          struct vel_runtime *runtime, struct vel_conn *conn, vel_time now)
{
    enum vel_err err = open_socket(paths, path, runtime, conn);
    if (err == VEL_OK)
        err = vel_conn_open_path(conn, &path->link->local, &path->path);
    path->open = err == VEL_OK;
    path->refused = err == VEL_ERR_UNSUPPORTED;
    bool early = err == VEL_ERR_UNEXPECTED || err == VEL_ERR_AGAIN; /* a later turn does it */
    return early ? now : now + LOOK_AGAIN;
}

void vel_lane_paths_turn(struct vel_lane_paths *paths, struct vel_runtime *runtime,
                         struct vel_conn *conn, vel_time now)
{
    if (now < paths->look_at)
        return;
    vel_time next = VEL_NEVER;
    for (size_t i = 0; i < paths->count; i++) {
        struct vel_lane_path *path = &paths->paths[i];
        path->open = path->open && is_there(path, conn);
        path->refused |= path->open && !vel_conn_is_multipath(conn); /* the first alone */
        vel_time again = now + LOOK_AGAIN;
        if (!path->open && !path->refused)
            again = open_path(paths, path, runtime, conn, now);
        next = path->refused ? next : VEL_MIN(next, again);
    }
    paths->look_at = next;
}

void vel_lane_paths_clear(struct vel_lane_paths *paths, struct vel_runtime *runtime)
{
    for (size_t i = 0; i < paths->count; i++) {
        struct vel_lane_path *path = &paths->paths[i];
        if (path->link != NULL && runtime != NULL)
            vel_runtime_remove_link(runtime, path->link);
        vel_link_free(path->link);
        path->link = NULL;
    }
    paths->count = 0;
}
