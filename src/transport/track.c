/* SPDX-License-Identifier: MIT */
#include "transport/track.h"

#include "velocity/config.h"

void vel_track_init(struct vel_track *track, const struct vel_track_setup *setup, vel_time now)
{
    const struct vel_limits *limits = setup->limits;
    *track = (struct vel_track){
        .conn = setup->conn,
        .id = setup->id,
        .largest_moving = VEL_NUMBER_NONE,
        .pace_until = VEL_NEVER,
    };
    vel_paths_init(&track->paths, setup->path);
    for (int i = 0; i < VEL_SPACE_COUNT; i++) {
        vel_time max_delay = i == VEL_SPACE_APP ? limits->max_ack_delay : 0;
        vel_acks_init(&track->space[i].acks, setup->recovery.env, max_delay);
    }
    vel_recovery_init(&track->recovery, &setup->recovery, now);
    vel_pacer_init(&track->pacer, limits->pacing, setup->recovery.mtu, now);
}

void vel_track_clear(struct vel_track *track)
{
    for (int i = 0; i < VEL_SPACE_COUNT; i++)
        vel_acks_clear(&track->space[i].acks);
    vel_recovery_clear(&track->recovery);
}
