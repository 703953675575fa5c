/* SPDX-License-Identifier: MIT */
#include "transport/loss_share.h"

static void halve(struct vel_loss_share *l, unsigned times)
{
    l->settled >>= times;
    l->lost >>= times;
}

static struct vel_loss_share aged(struct vel_loss_share l, vel_time now)
{
    vel_time times = (now - l.since) / VEL_LOSS_SHARE_HALVED;
    if (times > 0) {
        halve(&l, (unsigned)VEL_MIN(times, (vel_time)31));
        l.since += times * VEL_LOSS_SHARE_HALVED;
    }
    return l;
}

void vel_loss_share_count(struct vel_loss_share *l, uint32_t arrived, uint32_t lost, vel_time now)
{
    *l = aged(*l, now);
    l->settled += arrived + lost;
    l->lost += lost;
    while (l->settled > VEL_LOSS_SHARE_MEMORY)
        halve(l, 1);
}

void vel_loss_share_mistaken(struct vel_loss_share *l, uint64_t arrived)
{
    l->lost -= (uint32_t)VEL_MIN(arrived, (uint64_t)l->lost);
}

unsigned vel_loss_share(const struct vel_loss_share *l, vel_time now)
{
    struct vel_loss_share today = aged(*l, now);
    uint32_t of = VEL_MAX(today.settled, (uint32_t)VEL_LOSS_SHARE_LEAST);
    return (unsigned)(UINT64_C(1000000) * today.lost / of);
}
