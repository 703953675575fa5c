/* SPDX-License-Identifier: MIT */
#include "transport/paths.h"

#include <string.h>

#include "base/try.h"
#include "base/units.h"

void vel_paths_init(struct vel_paths *paths, const struct vel_path *first)
{
    *paths = (struct vel_paths){.last_id = 1};
    paths->slot[0] = *first;
    paths->slot[0].id = 1;
    paths->active = paths->last_proved = &paths->slot[0];
}

static bool is_unspecified(const struct vel_addr *addr)
{
    static const uint8_t none[sizeof addr->ip];
    return memcmp(addr->ip, none, sizeof none) == 0;
}

/* A socket that is bound to all addresses tells which of them a datagram came to. */
static bool is_local(const struct vel_addr *known, const struct vel_addr *seen)
{
    if (known->port != seen->port && known->port != 0)
        return false;
    return is_unspecified(known) ||
           (known->family == seen->family && memcmp(known->ip, seen->ip, sizeof known->ip) == 0);
}

struct vel_path *vel_paths_find_exactly(struct vel_paths *paths, const struct vel_addr *local,
                                        const struct vel_addr *remote)
{
    VEL_PATHS_EACH(path, paths)
    {
        if (vel_addr_equal(&path->local, local) && vel_addr_equal(&path->remote, remote))
            return path;
    }
    return NULL;
}

struct vel_path *vel_paths_find(struct vel_paths *paths, const struct vel_addr *local,
                                const struct vel_addr *remote)
{
    struct vel_path *active = paths->active; /* nearly always */
    bool on_active = vel_addr_equal(&active->remote, remote) && is_local(&active->local, local);
    if (on_active && vel_addr_equal(&active->local, local))
        return active;
    struct vel_path *exact = vel_paths_find_exactly(paths, local, remote);
    if (exact != NULL || on_active)
        return exact != NULL ? exact : active;
    VEL_PATHS_EACH(path, paths)
    {
        if (vel_addr_equal(&path->remote, remote) && is_local(&path->local, local))
            return path;
    }
    return NULL;
}

struct vel_path *vel_paths_by_id(struct vel_paths *paths, uint64_t id)
{
    VEL_PATHS_EACH(path, paths)
    {
        if (path->id == id)
            return path;
    }
    return NULL;
}

struct vel_path *vel_paths_add(struct vel_paths *paths, const struct vel_path *path)
{
    for (unsigned i = 0; i < VEL_PATHS_MAX; i++) {
        struct vel_path *slot = &paths->slot[i];
        if (slot->id != 0)
            continue;
        *slot = *path;
        slot->id = ++paths->last_id;
        return slot;
    }
    return NULL;
}

struct vel_path *vel_paths_dispensable(struct vel_paths *paths)
{
    struct vel_path *oldest = NULL;
    VEL_PATHS_EACH(path, paths)
    {
        bool needed = path == paths->active || path == paths->last_proved || path == paths->target;
        if (!needed && (oldest == NULL || path->id < oldest->id))
            oldest = path;
    }
    return oldest;
}

void vel_paths_remove(struct vel_paths *paths, struct vel_path *path)
{
    VEL_ASSERT(path != paths->active);
    if (paths->last_proved == path)
        paths->last_proved = NULL;
    if (paths->target == path)
        paths->target = NULL;
    *path = (struct vel_path){0};
}

bool vel_paths_share_cid(struct vel_paths *paths, const struct vel_path *path)
{
    VEL_PATHS_EACH(other, paths)
    {
        if (other != path && other->peer_cid == path->peer_cid)
            return true;
    }
    return false;
}

vel_time vel_paths_deadline(const struct vel_paths *paths)
{
    vel_time deadline = VEL_NEVER;
    for (unsigned i = 0; i < VEL_PATHS_MAX; i++) {
        const struct vel_path *path = &paths->slot[i];
        if (path->id == 0)
            continue;
        deadline = VEL_MIN(deadline, vel_validation_deadline(&path->validation));
        deadline = VEL_MIN(deadline, path->drop_at);
    }
    return deadline;
}
