/* SPDX-License-Identifier: MIT */
#include "transport/multipath.h"

#include "base/units.h"

void vel_multipath_init(struct vel_multipath *m, unsigned paths)
{
    *m = (struct vel_multipath){.slots = VEL_MAX(1U, VEL_MIN(paths, (unsigned)VEL_TRACKS_MAX))};
    for (unsigned i = 0; i < VEL_TRACKS_MAX; i++)
        m->ids[i] = i < m->slots ? i : VEL_NO_PATH_ID;
    m->highest = m->announced = m->slots - 1;
}

void vel_multipath_agree(struct vel_multipath *m, uint64_t peer_limit)
{
    m->agreed = true;
    m->peer_limit = peer_limit;
}

unsigned vel_multipath_slot(const struct vel_multipath *m, uint64_t id)
{
    unsigned slot = 0;
    while (slot < VEL_TRACKS_MAX && m->ids[slot] != id)
        slot++;
    return slot;
}

void vel_multipath_use_up(struct vel_multipath *m, unsigned slot)
{
    bool left = m->highest < UINT32_MAX;
    m->ids[slot] = left ? ++m->highest : VEL_NO_PATH_ID;
    m->limit_due |= left;
}

void vel_multipath_on_limit(struct vel_multipath *m, uint64_t limit)
{
    m->peer_limit = VEL_MAX(m->peer_limit, limit);
}
