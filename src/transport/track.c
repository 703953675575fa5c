/* SPDX-License-Identifier: MIT */
#include "transport/track.h"

#include "velocity/config.h"

/* RFC 9000 13.2.1: nothing of the handshake waits. */
static const struct vel_ack_policy at_once = {.every = 1, .reordering = 1};

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
        const struct vel_ack_policy *policy = i == VEL_SPACE_APP ? setup->ack_policy : &at_once;
        vel_acks_init(&track->space[i].acks, setup->recovery.env, policy);
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
